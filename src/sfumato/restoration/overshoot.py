"""What an upscaler draws beyond the values about a pixel is limited, most where these are of two tones alone.

Networks for photographs sharpen, so that a hard edge of a drawing or of text, which has nothing between its two tones,
gets a bright line beside it. There the picture itself says which values there are.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from ..tiling.strips import Rows, recut

ROWS = 64  # of the picture before, at a time
FREE = 1.0  # of the range about a pixel, how far beyond it the result may go
TIGHT = 0.05  # the same where there are two tones alone
BETWEEN = 0.1  # of the range: values that are farther from both of its ends make an edge a soft one
SLACK = 2 / 255

Values = NDArray[np.float32]


def limited(before: Iterable[Rows], after: Iterable[Rows], scale: int) -> Iterator[Rows]:
    """Strips of the enlarged picture, kept near the values of the 3x3 pixels of the picture before."""
    enlarged = recut(after, ROWS * scale)
    for around, first, count in _with_neighbours(recut(before, ROWS)):
        low, high = (bound[first : first + count].repeat(scale, 0).repeat(scale, 1) for bound in _bounds(around))
        x_hat = next(enlarged)
        yield np.where(np.isfinite(low), x_hat.clip(low, high), x_hat)


def _with_neighbours(strips: Iterator[Rows]) -> Iterator[tuple[Rows, int, int]]:
    """Each strip with a row above and below it, where there are any; where it begins in that, and its rows."""
    above: Rows | None = None
    strip = next(strips)
    while True:
        below = next(strips, None)
        parts = ([] if above is None else [above]) + [strip] + ([] if below is None else [below[:1]])
        yield np.concatenate(parts), 0 if above is None else 1, len(strip)
        if below is None:
            return
        above, strip = strip[-1:], below


def _bounds(y: Rows) -> tuple[Values, Values]:
    """The least and the greatest value that the result may have about each pixel of y (h, w, c)."""
    with np.errstate(invalid="ignore"):  # near infinite pixels, where there are no bounds
        wide = np.pad(y, ((1, 1), (1, 1), (0, 0)), mode="edge")
        height, width = y.shape[:2]
        about = [wide[i : i + height, j : j + width] for i in range(3) for j in range(3)]
        low, high = np.minimum.reduce(about), np.maximum.reduce(about)
        between = np.maximum.reduce([np.minimum(value - low, high - value) for value in about])
        reach = high - low
        soft = (between / np.maximum(BETWEEN * reach, 1e-6)).clip(0, 1)
        slack = (TIGHT + (FREE - TIGHT) * soft) * reach + SLACK
        return low - slack, high + slack
