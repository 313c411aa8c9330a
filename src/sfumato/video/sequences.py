"""Numbered frames: picture files of one size in a folder, such as frame_0001.png, as a clip, and back."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

from ..errors import PictureError
from ..pictures.picture import Picture
from ..pictures.write import DEEPEST, QUALITY, WRITABLE, format_of
from ..tiling.strips import Rows
from .frames import Clip, Frame, Reader
from .options import USUAL_RATE

NUMBER = re.compile(r"%(0?)(\d*)d")  # as in frame_%04d.png
NUMBERED = re.compile(r"(.*?)(\d+)(\.\w+)")  # of a name: what stands before the number, the number, the suffix
SHOWN = 3  # names in a sentence


def is_pattern(path: str | Path) -> bool:
    """Whether the name stands for numbered files; the name of a file that is there stands for that."""
    return NUMBER.search(Path(path).name) is not None and not os.path.exists(path)


def numbered_files(path: Path) -> list[tuple[int, Path]]:
    """The frames that a pattern or a folder means, by their numbers.

    Raises PictureError where there are none, or where the pictures of a folder are not the frames of one sequence.
    """
    if is_pattern(path) and (number := NUMBER.search(path.name)) is not None:
        before, behind = re.escape(path.name[: number.start()]), re.escape(path.name[number.end() :])
        wanted = re.compile(f"{before}(\\d+){behind}")
        names = sorted(os.listdir(path.parent)) if path.parent.is_dir() else []
        found = sorted((int(match[1]), path.parent / name) for name in names if (match := wanted.fullmatch(name)))
        if not found:
            raise PictureError(f"No file is named like {path}, with a number for the {number[0]}.")
        return found
    names = [name for name in sorted(os.listdir(path)) if Path(name).suffix.lower() in WRITABLE and name[0] != "."]
    if not names:
        raise PictureError(f"{path} holds no frames: picture files with numbers, such as frame_0001.png.")
    matches = [NUMBERED.fullmatch(name) for name in names]
    families = {(match[1], match[3]) if match else name for match, name in zip(matches, names, strict=True)}
    if len(families) > 1:
        shown = ", ".join(names[:SHOWN])
        raise PictureError(
            f"{path} holds pictures whose names are not those of one sequence ({shown}, ...); name one by a pattern, "
            "such as frames/shot_%04d.png."
        )
    return sorted((int(match[2]) if match else 0, path / name) for match, name in zip(matches, names, strict=True))


class SequenceReader:
    """Numbered frames as a clip of `rate` frames a second.

    Raises PictureError for none, for pictures that are no sequence, and for frames of another size than the first.
    """

    def __init__(self, path: Path, rate: float | None, max_pixels: int) -> None:
        self.path, self.notes, self._max_pixels = path, list[str](), max_pixels
        self._files = numbered_files(path)
        self._rate = rate or USUAL_RATE
        first = self._open(self._files[0][1])
        self.clip = Clip(
            path=path,
            kind="sequence",
            format=first.format,
            width=first.width,
            height=first.height,
            num_channels=first.num_channels,
            depth=first.depth,
            num_frames=len(self._files),
            rate=self._rate,
            seconds=len(self._files) / self._rate,
            has_alpha=first.has_alpha,
            facts=(("first", self._files[0][1].name), ("last", self._files[-1][1].name)),
        )
        self._begin = 0
        numbers = [number for number, _ in self._files]
        if missing := numbers[-1] - numbers[0] + 1 - len(numbers):
            between = f"between {numbers[0]} and {numbers[-1]}"
            self.notes.append(f"{missing} numbers are missing {between}; time does not stand still for them.")

    @property
    def numbers(self) -> dict[Path | None, int]:
        """Of each file."""
        return {path: number for number, path in self._files}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def seek(self, seconds: float) -> None:
        self._begin = int(seconds * self._rate)

    def frames(self, pass_on: Callable[[Any], None] | None = None) -> Iterator[Frame]:
        for place, (_, path) in list(enumerate(self._files))[self._begin :]:
            picture = self._open(path)
            clip = self.clip
            if (picture.width, picture.height, picture.num_channels) != (clip.width, clip.height, clip.num_channels):
                raise PictureError(
                    f"{path} is {_kind(picture)}, and the first frame of its sequence {_kind(clip)}; frames are of one "
                    "kind and size."
                )
            yield Frame(picture.array(), place / self._rate, 1 / self._rate, picture.alpha(), picture)

    def _open(self, path: Path) -> Picture:
        return Picture.open(path, max_pixels=self._max_pixels)


class SequenceWriter:
    """Numbered frames in the folder `place`, named by a pattern, or as the source's files are.

    Their numbers are those of the source, where that is a sequence, or count from 1.
    """

    def __init__(self, place: Path, target: Path, reader: Reader) -> None:
        self.notes = list[str]()
        self._place, self._clip, self._count = place, reader.clip, 0
        self._numbers = reader.numbers if isinstance(reader, SequenceReader) else {}
        self._name = target.name if is_pattern(target) else None
        if self._name is not None:
            format_of(target)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def pass_on(self, packet: Any) -> None: ...

    def write(self, frame: Frame, pixels: Rows) -> None:
        self._count += 1
        source = frame.stored if isinstance(frame.stored, Picture) else None
        if self._name is not None:
            name = self._name % self._numbers.get(source.path if source else None, self._count)
        elif source is not None and source.path is not None:
            name = source.path.name
        else:
            name = f"{self._count:06d}.png"
        format = format_of(Path(name))
        if source is not None:
            picture = source.with_strips([pixels], *pixels.shape[:2])
            self.notes += [note for note in picture.not_kept_by(format) if note not in self.notes]
        else:
            depth = 16 if self._clip.depth > 8 and DEEPEST[format] >= 16 else 8
            picture = Picture.from_array(pixels, alpha=_alpha_like(frame, pixels), depth=depth)
        picture.save(self._place / name, quality=QUALITY)


@contextlib.contextmanager
def written_folder(target: Path) -> Iterator[Path]:
    """A folder beside the one that is meant, whose files are moved there at the end, or are gone after an exception.

    target: the folder, or a pattern of names in it.
    """
    folder = target.parent if is_pattern(target) else target
    folder.parent.mkdir(parents=True, exist_ok=True)
    place = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.part")
    place.mkdir()
    try:
        yield place
        if folder.is_dir():
            for path in sorted(place.iterdir()):
                os.replace(path, folder / path.name)
        else:
            os.replace(place, folder)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _alpha_like(frame: Frame, pixels: Rows) -> Any:
    """The frame's transparency in the size of other pixels, a whole multiple of its own."""
    if frame.alpha is None:
        return None
    scale = pixels.shape[0] // frame.alpha.shape[0]
    return frame.alpha.repeat(scale, axis=0).repeat(scale, axis=1)


def _kind(picture: Picture | Clip) -> str:
    return f"{picture.width}x{picture.height} in {'grey' if picture.num_channels == 1 else 'colour'}"
