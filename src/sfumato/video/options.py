"""The options of restoring clips, beside those of restoring pictures."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import Option, UsageError

USUAL_RATE = 25.0  # frames a second of numbered frames, unless another is given
MAX_RATE = 1000.0


@dataclass(frozen=True, kw_only=True)
class ClipOptions:
    """How a clip is written; `sfumato.restore_video` says what each option means.

    Raises UsageError for values out of range.
    """

    codec: str | None = None
    crf: float | None = None
    fps: float | None = None
    preview: str | None = None

    def __post_init__(self) -> None:
        if self.fps is not None and not 0 < self.fps <= MAX_RATE:
            raise UsageError(Option("fps"), f" is {self.fps:g}; give frames a second, up to {MAX_RATE:g}.")
        if self.preview is not None:
            piece(self.preview)


def piece(text: str) -> tuple[float, float]:
    """The start and the length, in seconds, of a piece such as "5s@1:20", "5@80" or "5s".

    Raises UsageError for other texts.
    """
    length, _, start = text.partition("@")
    found = re.fullmatch(r"(\d+(?:\.\d+)?)s?", length.strip())
    begins = re.fullmatch(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d+)?)s?", start.strip() or "0")
    if found is None or begins is None or not float(found[1]):
        raise UsageError(Option("preview"), f" is {text!r}; say how long and from where on, such as 5s@1:20.")
    hours, minutes, seconds = (float(part or 0) for part in begins.groups())
    return 3600 * hours + 60 * minutes + seconds, float(found[1])
