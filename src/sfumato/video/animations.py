"""Animated pictures (GIF, PNG, WebP) as clips, and back, by Pillow: all frames of a result lie in memory at 8 bit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ..errors import PictureError, SfumatoError
from ..pictures.read import open_file
from ..pictures.source import Source
from ..tiling.strips import Rows
from .frames import Clip, Frame

if TYPE_CHECKING:
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

READ = ("gif", "png", "webp")
WRITABLE = {".gif": "GIF", ".png": "PNG", ".apng": "PNG", ".webp": "WEBP"}
USUAL_LENGTH = 0.1  # seconds of a frame that says 0, as browsers take it
LOSSY_QUALITY = 95  # of WebP, where the source was lossy too
VP8X_FLAGS, VP8X_ALPHA = 20, 0x10  # where the flags of an extended WebP lie, and one of them
EFFORT = 60  # of 100, of lossless WebP
KEPT = ("icc_profile", "exif", "xmp")


def is_animation(path: Path) -> bool:
    """Whether a file is an animated picture; by its content, not by its name."""
    try:
        file = open_file(Source.of(path), 2**62, 1)
    except (SfumatoError, OSError):
        return False  # restoring it will say what is wrong
    return file.format in READ and file.num_pages > 1


class AnimationReader:
    """An animated picture, opened. Raises PictureError for what Pillow cannot read."""

    def __init__(self, path: Path) -> None:
        self.path, self.notes = path, list[str]()
        self._image = _opened(path)
        self._hidden = int(
            bool(getattr(self._image, "default_image", False))
        )  # a PNG's still for those that see no more
        self._begin = 0.0
        self._lengths = [self._length_of(place) for place in range(self._hidden, self._image.n_frames)]
        seconds = sum(self._lengths)
        count = len(self._lengths)
        self.clip = Clip(
            path=path,
            kind="animation",
            format=str(self._image.format).lower(),
            width=self._image.width,
            height=self._image.height,
            num_channels=3,
            depth=8,
            num_frames=count,
            rate=count / seconds,
            seconds=seconds,
            facts=(("bytes", path.stat().st_size), ("repeats", self._image.info.get("loop", 1) or "for ever")),
        )

    @property
    def info(self) -> dict[str, Any]:
        """What Pillow knows of the file."""
        return dict(self._image.info)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._image.close()

    def seek(self, seconds: float) -> None:
        self._begin = seconds

    def frames(self, pass_on: Callable[[Any], None] | None = None) -> Iterator[Frame]:
        at = 0.0
        for place, length in enumerate(self._lengths):
            with _explained(self.path):
                self._image.seek(place + self._hidden)
                values = np.asarray(self._image.convert("RGBA"), np.uint8)
            if at + length > self._begin:
                alpha = None if values[..., 3].min() == 255 else (values[..., 3] / np.float32(255)).astype(np.float32)
                yield Frame(values[..., :3].astype(np.float32) / np.float32(255), at, length, alpha)
            at += length

    def _length_of(self, place: int) -> float:
        with _explained(self.path):
            self._image.seek(place)
            self._image.load()
            return float(self._image.info.get("duration", 0)) / 1000 or USUAL_LENGTH


class AnimationWriter:
    """An animated picture that is written to `place` when it is complete; `target`: its later name.

    info: what it says of itself, by Pillow's names, such as "loop" and "xmp". lossy: whether a WebP may be.
    """

    def __init__(self, place: Path, target: Path, info: dict[str, Any], *, lossy: bool) -> None:
        self.notes = list[str]()
        self._place, self._target, self._info, self._lossy = place, target, info, lossy
        self._format = WRITABLE[target.suffix.lower()]
        self._frames: list[Image.Image] = []
        self._starts: list[float] = []
        self._end = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and self._frames:
            self._save()

    def pass_on(self, packet: Any) -> None:
        note = "An animation holds no sound, so that of the clip is not in the result."
        self.notes += [note] if note not in self.notes else []

    def write(self, frame: Frame, pixels: Rows) -> None:
        from PIL import Image

        colour = pixels if pixels.shape[2] == 3 else pixels.repeat(3, axis=2)
        values = np.rint(colour.clip(0, 1) * 255).astype(np.uint8)
        if frame.alpha is not None:
            scale = len(pixels) // len(frame.alpha)
            alpha = np.rint(frame.alpha * 255).astype(np.uint8).repeat(scale, axis=0).repeat(scale, axis=1)
            values = np.concatenate([values, alpha[..., None]], axis=2)
        self._frames.append(Image.fromarray(values))
        self._starts.append(frame.seconds)
        self._end = frame.seconds + frame.length

    def _save(self) -> None:
        unit = 10 if self._format == "GIF" else 1  # milliseconds
        ends = [round(1000 * time / unit) * unit for time in (*self._starts, self._end)]
        lengths = [max(behind - here, unit) for here, behind in pairwise(ends)]
        info = self._info
        options: dict[str, Any] = {name: info[name] for name in KEPT if info.get(name) and self._format != "GIF"}
        plays = info.get("loop", 1 if info else 0)  # a GIF that says nothing plays once; of 0, for ever
        options["loop"] = None if plays == 1 and self._format == "GIF" else plays
        frames = self._frames
        if self._format == "GIF":
            frames = [_with_palette(frame) for frame in frames]
            options |= {"comment": info.get("comment"), "optimize": False}
            options |= {"disposal": 2 if any("A" in frame.mode for frame in self._frames) else 1}
            self.notes.append("A GIF holds 256 colours a frame; a name that ends in .webp or .png keeps all.")
        elif self._format == "PNG":
            options["pnginfo"] = _text_of(options.pop("xmp", None))
        else:
            quality = LOSSY_QUALITY if self._lossy else EFFORT
            options |= {"lossless": not self._lossy, "exact": True, "method": 3, "quality": quality}
        options = {name: value for name, value in options.items() if value is not None}
        with _explained(self._target):
            first, *others = frames
            first.save(self._place, self._format, save_all=True, append_images=others, duration=lengths, **options)
            if self._format == "WEBP" and any(frame.mode == "RGBA" for frame in frames):
                _mark_transparent(self._place)


def _text_of(xmp: bytes | None) -> PngInfo | None:
    """XMP as PNG holds it."""
    from PIL.PngImagePlugin import PngInfo

    if not xmp:
        return None
    text = PngInfo()
    text.add_itxt("XML:com.adobe.xmp", xmp.decode(errors="replace"))
    return text


def _mark_transparent(path: Path) -> None:
    """Sets the flag of transparency, which libwebp leaves out where all that is opaque fits a rectangle."""
    with path.open("r+b") as file:
        head = bytearray(file.read(VP8X_FLAGS + 1))
        if head[12:16] == b"VP8X":
            file.seek(VP8X_FLAGS)
            file.write(bytes([head[VP8X_FLAGS] | VP8X_ALPHA]))


def is_lossy(path: Path) -> bool:
    """Whether the first frame of an animated WebP is coded with losses; files of other kinds are not."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(1 << 16)
    at = head.find(b"ANMF")
    return head[8:12] == b"WEBP" and head[at + 24 : at + 28] != b"VP8L"


def _with_palette(frame: Image.Image) -> Image.Image:
    """At most 256 colours, chosen for this frame; with transparency, which is all or nothing."""
    from PIL import Image

    if frame.mode != "RGBA":
        return frame.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    values = np.array(frame)
    values[..., 3] = np.where(values[..., 3] >= 128, 255, 0)
    return Image.fromarray(values)  # Pillow quantizes it, one entry of the palette being transparent


def _opened(path: Path) -> Any:
    from PIL import Image

    with _explained(path):
        return Image.open(path)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turns what Pillow raises into a sentence: on damaged files that can be any exception."""
    try:
        yield
    except SfumatoError:
        raise
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise PictureError(f"{path} cannot be read or written as an animation ({reason}).") from None
