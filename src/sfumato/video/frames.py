"""Clips as sequences of frames: what every kind of reader gives and every kind of writer takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from ..pictures.picture import Picture
from ..tiling.strips import Rows
from .planes import Plane


@dataclass(frozen=True)
class Stored:
    """A frame as a video file has it: its planes, and its time and duration in units of `time_base` seconds."""

    planes: list[Plane]
    pts: int
    duration: int
    time_base: Fraction


@dataclass(frozen=True)
class Frame:
    """One frame of a clip.

    pixels: colour (h, w, 1 or 3), nominal [0, 1], as stored, neither turned upright nor stretched to square pixels.
    seconds: when it is shown, counted from the clip's beginning. length: for how many seconds. alpha: transparency
    (h, w), None where there is none. stored: as the file has it, of a video's and of numbered frames.
    """

    pixels: Rows
    seconds: float
    length: float
    alpha: NDArray[np.float32] | None = None
    stored: Stored | Picture | None = None

    def later_than(self, first: Frame) -> Frame:
        """The same frame with times counted from those of another."""
        stored = self.stored
        if isinstance(stored, Stored) and isinstance(first.stored, Stored):
            stored = replace(stored, pts=stored.pts - first.stored.pts)
        return replace(self, seconds=self.seconds - first.seconds, stored=stored)

    def shown(self, begin: float, end: float) -> Frame:
        """The same frame, shown from one time to the other, in seconds of the clip."""
        stored = self.stored
        if isinstance(stored, Stored):
            pts = stored.pts + round((begin - self.seconds) / stored.time_base)
            stored = replace(stored, pts=pts, duration=max(1, round((end - begin) / stored.time_base)))
        return replace(self, seconds=begin, length=end - begin, stored=stored)


@dataclass(frozen=True)
class Clip:
    """What a clip is, as far as its file says.

    kind: "video", "animation" (GIF, PNG, WebP) or "sequence" (numbered frames). depth: bits a value. num_frames: None
    where the file does not say; an estimate where `is_exact` is false. rate: frames a second, the mean where it varies.
    seconds: how long it lasts, None where unknown. facts: all else that the file says, by names for people.
    """

    path: Path
    kind: str
    format: str
    width: int
    height: int
    num_channels: int
    depth: int
    num_frames: int | None
    rate: float
    seconds: float | None
    has_alpha: bool = False
    is_exact: bool = True
    facts: tuple[tuple[str, Any], ...] = ()

    @property
    def codec(self) -> str:
        """Of a file of video, as PyAV calls it; "" for others."""
        return dict(self.facts).get("codec", "")

    def describe(self) -> dict[str, Any]:
        """Plain facts, for people; absent ones are left out."""
        frames = None if self.num_frames is None else f"{'' if self.is_exact else 'about '}{self.num_frames:,}"
        facts = {
            "file": str(self.path),
            "format": self.format,
            "width": self.width,
            "height": self.height,
            "frames": frames,
            "frames_a_second": round(self.rate, 3),
            "duration": None if self.seconds is None else duration(self.seconds),
            "colour": "grey" if self.num_channels == 1 else "RGB",
            "depth": f"{self.depth} bit",
            "alpha": self.has_alpha or None,
        }
        return {name: fact for name, fact in (facts | dict(self.facts)).items() if fact is not None}


class Reader(Protocol):
    """An open clip, used as a context manager; `notes` grows as it is read: sentences on what is odd or was lost."""

    notes: list[str]

    @property
    def clip(self) -> Clip: ...

    def frames(self, pass_on: Callable[[Any], None] | None = None) -> Iterator[Frame]:
        """All frames in the order in which they are shown, once.

        pass_on: is given what lies between them and is no frame (packets of sound and subtitles), in the file's order.
        """
        ...

    def seek(self, seconds: float) -> None:
        """Have `frames` begin at or before this time, counted from the clip's beginning."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class Writer(Protocol):
    """A clip that is being written, used as a context manager, which completes it unless an exception came up."""

    notes: list[str]

    def write(self, frame: Frame, pixels: Rows) -> None:
        """The frame with other colour, (h * scale, w * scale, c)."""
        ...

    def pass_on(self, packet: Any) -> None:
        """What a reader of the same kind has between its frames."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None: ...


def duration(seconds: float) -> str:
    """3723.4 -> "1:02:03", 83 -> "1:23", 4.25 -> "4.25 s"."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
