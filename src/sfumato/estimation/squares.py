"""Pictures that were made larger by repeating pixels: mosaics, old games' screens, thumbnails that were zoomed.

Every pixel of the small picture is a square of one colour there. Such squares are neither noise nor compression, though
those of four pixels look like what WebP leaves at its lowest quality.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

FEWEST = 8  # rows of squares, and columns of them, that must be seen
CHANGING = 0.5  # of the lines that there would be between squares of the least side: a drawing has few


def side_of_squares(windows: Iterable[NDArray[np.floating]]) -> int:
    """The side, in pixels, of the squares of one colour that windows (h, w, c) of a picture consist of; 1 if of none.

    The squares need not begin where a window does, and some may be a pixel higher or wider than others, as those of a
    factor of 3.9 are; the side is the most common one.
    """
    heights: list[NDArray[np.integer]] = []
    widths: list[NDArray[np.integer]] = []
    for window in windows:
        for axis, found in enumerate((heights, widths)):
            found.append(np.diff(np.flatnonzero(np.diff(window, axis=axis).any(axis=(1 - axis, 2)))))
            if (found[-1] == 1).any():
                return 1
    for lengths in (np.hstack(heights), np.hstack(widths)):
        if len(lengths) < FEWEST or lengths.min() * len(lengths) < CHANGING * lengths.sum():
            return 1
    return int(np.median(np.hstack(heights + widths)))
