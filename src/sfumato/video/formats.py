"""Which reader and which writer a clip needs, by its name and by what it holds."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from ..errors import OVERWRITE, Option, PictureError, SfumatoError, UsageError, exists_already
from ..files import written_whole
from ..pictures.picture import Picture
from ..pictures.xmp import made_up
from ..restoration.options import MAX_PIXELS
from . import animations, codecs
from .animations import AnimationReader, AnimationWriter, is_animation
from .containers import ContainerReader
from .encoding import ContainerWriter
from .frames import Clip, Frame, Reader, Writer
from .options import ClipOptions
from .sequences import SequenceReader, SequenceWriter, is_pattern, numbered_files, written_folder


def is_clip(path: str | Path) -> bool:
    """Whether a name stands for a clip rather than for a picture; all others are told by what the file holds."""
    return Path(path).suffix.lower() in codecs.SUFFIXES or is_pattern(path)


def holds_media(path: Path) -> bool:
    """Whether a file holds sound or video, whatever its name is."""
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return codecs.is_media(file.read(codecs.HEAD))
    except OSError:
        return False  # restoring it will say what is wrong


def is_moving(path: Path) -> bool:
    """Whether it is a clip, by its name or by what it holds."""
    return is_clip(path) or path.is_dir() or holds_media(path) or is_animation(path)


def is_there(target: Path) -> bool:
    """Whether a file is there, or of a pattern any."""
    if not is_pattern(target):
        return os.path.exists(target)
    try:
        return bool(numbered_files(target))
    except PictureError:
        return False


def open_clip(path: Path, options: ClipOptions, threads: int | None = None, max_pixels: int = MAX_PIXELS) -> Reader:
    """The clip, opened: a video file, an animated picture, a folder of numbered frames or a pattern of their names.

    Raises PictureError for what is none.
    """
    if is_pattern(path) or path.is_dir():
        return SequenceReader(path, options.fps, max_pixels)
    if not path.exists():
        raise PictureError(f"{path} does not exist; check the name.")
    return AnimationReader(path) if is_animation(path) else ContainerReader(path, threads)


def describe(path: Path) -> dict[str, Any]:
    """What a clip's file says of it, for people; where restoring refuses it, `not_restored` says why.

    Raises PictureError for what is no clip.
    """
    if is_pattern(path) or path.is_dir() or is_animation(path):
        with open_clip(path, ClipOptions()) as other:
            return other.clip.describe()
    with ContainerReader(path, only_look=True) as reader:
        refused = {} if reader.refusal is None else {"not_restored": str(reader.refusal)}
        return reader.clip.describe() | refused


def check_options(clip: Clip, options: ClipOptions, target: Path | None = None) -> None:
    """Raises UsageError for options that change nothing of such a clip, or of such a result where one is named."""
    if options.fps is not None and clip.kind != "sequence":
        says = f" is for numbered frames; {clip.path} says itself when each of its frames is shown: leave it out."
        raise UsageError(Option("fps"), says)
    if target is None or target.suffix.lower() in codecs.WRITABLE:
        return
    for name in ("codec", "crf"):
        if getattr(options, name) is not None:
            files = ", ".join(codecs.WRITABLE)
            raise UsageError(Option(name), f" is for video files ({files}), and {target} is none: leave it out.")


def check_writable(target: Path) -> None:
    """Raises PictureError for a name that no clip is written under."""
    suffix = target.suffix.lower()
    if is_pattern(target) or suffix in codecs.WRITABLE or suffix in animations.WRITABLE:
        return
    raise PictureError(
        f"{target} is no file that a clip is written to; end its name in {', '.join(codecs.WRITABLE)}, for an "
        "animation in .gif, .png or .webp, or name frames by a pattern, such as frames/%04d.png."
    )


def place_for(target: Path, *, overwrite: bool) -> AbstractContextManager[Path]:
    """Where a clip is written until it is complete. Raises PictureError where the target is there already."""
    is_folder = is_pattern(target) or not target.suffix
    if not is_folder:
        check_writable(target)
    if is_there(target) and not overwrite and not (target.is_dir() and not any(target.iterdir())):
        raise PictureError(exists_already(target), *OVERWRITE)
    return written_folder(target) if is_folder else written_whole(target)


def open_writer(
    place: Path, target: Path, reader: Reader, options: ClipOptions, threads: int | None, size: tuple[int, int]
) -> Writer:
    """A writer to `place` of what will be named `target`; size: height and width of the frames.

    From a video file to a video file all but the frames goes along too, unless a piece is written.
    """
    if is_pattern(target) or not target.suffix:
        return SequenceWriter(place, target, reader)
    if target.suffix.lower() in animations.WRITABLE:
        info = reader.info if isinstance(reader, AnimationReader) else {}
        lossy = reader.clip.kind == "video" or animations.is_lossy(reader.clip.path)
        return AnimationWriter(place, target, info, lossy=lossy)
    source = reader if isinstance(reader, ContainerReader) else None
    return ContainerWriter(
        *(place, target, reader.clip, source, size),
        codec=options.codec,
        crf=options.crf,
        threads=threads,
        with_sound=options.preview is None,
    )


def check_animation(target: Path, *, overwrite: bool) -> None:
    """Raises PictureError for a name that is none of an animation, and where the file is there already."""
    if target.suffix.lower() not in animations.WRITABLE:
        raise PictureError(f"{target} is no animation; end its name in {', '.join(animations.WRITABLE)}.")
    if target.exists() and not overwrite:
        raise PictureError(exists_already(target), *OVERWRITE)


def save_animation(
    pictures: Sequence[Picture], target: Path, *, rate: float = 10.0, text: str = "", overwrite: bool = False
) -> tuple[str, ...]:
    """Pictures as an animation (.gif, .png, .webp) that repeats, so many a second; `text`: what made them up.

    Gives sentences on what is lost. Raises PictureError as `check_animation` does.
    """
    check_animation(target, overwrite=overwrite)
    info = {"loop": 0, "xmp": made_up(text), "comment": text.encode("ascii", "replace")[:255]}
    with place_for(target, overwrite=overwrite) as place:
        with AnimationWriter(place, target, info, lossy=False) as writer:
            for number, picture in enumerate(pictures):
                pixels = picture.array()
                writer.write(Frame(pixels, number / rate, 1 / rate, picture.alpha()), pixels)
        return tuple(writer.notes)


def measured(path: Path) -> int:
    """Pixels of all frames together, as far as the file says; 0 for one that cannot be read."""
    try:
        with open_clip(path, ClipOptions()) as reader:
            clip = reader.clip
            return clip.width * clip.height * (clip.num_frames or 1)
    except (SfumatoError, OSError):
        return 0  # restoring it will say what is wrong
