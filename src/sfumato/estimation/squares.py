"""Pictures that were made larger by repeating pixels: mosaics, old games' screens, thumbnails that were zoomed.

Every pixel of the small picture is a square of one colour there. Such squares are neither noise nor compression, though
those of four pixels look like what WebP leaves at its lowest quality.
"""

from collections.abc import Iterable
from math import gcd

import numpy as np
from numpy.typing import NDArray

FEWEST = 8  # rows of squares, and columns of them, that must be seen
CHANGING = 0.5  # of the lines between squares: a drawing of few lines may have them in a grid as well


def side_of_squares(windows: Iterable[NDArray[np.floating]]) -> int:
    """The side, in pixels, of the squares of one colour that windows (h, w, c) of a picture consist of; 1 if of none.

    The squares need not begin where a window does.
    """
    side = 0
    lines: tuple[list[NDArray[np.integer]], ...] = ([], [])
    for window in windows:
        for axis, found in enumerate(lines):
            changes = np.diff(window, axis=axis).any(axis=(1 - axis, 2))
            found.append(np.flatnonzero(changes))
            side = gcd(side, *np.diff(found[-1]).tolist())
        if side == 1:
            return 1
    for found in lines:
        seen = sum(len(places) for places in found)
        there = sum((places[-1] - places[0]) // max(side, 1) + 1 for places in found if len(places))
        if seen < FEWEST or seen < CHANGING * there:
            return 1
    return max(side, 1)
