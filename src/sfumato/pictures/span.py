"""The range that a picture's values really take, where it is far from that of black to white.

Counts of a detector lie at 130 to 570 instead of in [0, 1], 12 bits kept in 16 use a sixteenth of them at most, and a
dim signal above the offset of its detector uses a hundredth.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .pixels import Pixels

FAR = (-1.0, 4.0)  # floats from here on are no light beyond white, but on a scale of their own
NARROW = 0.07  # of the way from black to white: what takes no more uses a small part of its depth
FINEST = 16 / 65535  # apart: what differs by less is flat
TAIL = 0.001  # of the values at either end, which may be defects
LARGEST = 1e37  # a float32 ends not far above
NUM_SAMPLED = 2**20
FEWEST = 16  # pixels: those of fewer lie close together by chance


class HasStrips(Protocol):
    @property
    def depth(self) -> int: ...

    @property
    def width(self) -> int: ...

    @property
    def height(self) -> int: ...

    def strips(self, rows: int = 256) -> Iterator[Pixels]: ...


@dataclass(frozen=True)
class Span:
    """What stands for black and for white in a picture, in its nominal units.

    is_needed: whether without it nothing would be seen but black, or white.
    """

    low: float
    high: float
    is_needed: bool = True

    def scaled(self, pixels: Pixels) -> Pixels:
        """Values of the picture with `low` at 0 and `high` at 1; others go beyond."""
        with np.errstate(all="ignore"):  # there may be gaps (NaN) and numbers near the largest
            return (pixels - np.float32(self.low)) / np.float32(self.high - self.low)

    def unscaled(self, pixels: Pixels) -> Pixels:
        with np.errstate(all="ignore"):
            return pixels * np.float32(self.high - self.low) + np.float32(self.low)

    def describe(self, depth: int) -> str:
        """Such as "130 to 570", in the numbers that the file stores."""
        low, high = (end if depth == 32 else round(end * (2**depth - 1)) for end in (self.low, self.high))
        return f"{low:.6g} to {high:.6g}"


def span_of(picture: HasStrips) -> Span | None:
    """The span of a picture whose values lie far from black to white, in one pass; None for all others.

    A few values at either end (hot pixels) may lie beyond it, but not of a dim signal on a high offset: on a sheet of
    paper they are what is written. A picture of 8 bit has none.
    """
    if picture.depth == 8 or picture.width * picture.height < FEWEST:
        return None
    every = max(1, round((picture.width * picture.height / NUM_SAMPLED) ** 0.5))
    parts, least, most = [], np.inf, -np.inf
    for strip in picture.strips():
        values = strip[np.isfinite(strip)]
        if values.size:
            least, most = min(least, float(values.min())), max(most, float(values.max()))
            sample = strip[:: min(every, len(strip)), ::every]
            parts.append(sample[np.isfinite(sample)])
    if not parts or most - least < FINEST * max(1.0, abs(most)) or not any(part.size for part in parts):
        return None
    low, high = (float(end) for end in np.quantile(np.concatenate(parts), (TAIL, 1 - TAIL)))
    is_far = picture.depth == 32 and (low < FAR[0] or high > FAR[1])
    is_needed = is_far or (low >= 0 and high < NARROW)
    is_narrow = least >= 0 and most <= 1 and most - least < NARROW
    if high - low < FINEST * max(1.0, abs(high)) or not (is_needed or is_narrow):
        return None
    # The tails belong to it, unless they are far out.
    reach = (high - low) / 2
    low, high = max(least, low - reach), min(most, high + reach)
    return Span(low, high, is_needed) if high - low < LARGEST else None


def share_beyond(picture: HasStrips) -> float:
    """The share of a float picture's values that lie outside of black to white."""
    count = sum(int(((strip < -1e-6) | (strip > 1 + 1e-6)).sum()) for strip in picture.strips())
    return count / (picture.width * picture.height * next(iter(picture.strips(1))).shape[2])
