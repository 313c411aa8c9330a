"""Pictures of few colours, as files with a palette hold them: GIF, and PNG of 8 bit and less.

Where a palette lacks a colour, its neighbours in it are mixed pixel by pixel. Such dither, and the steps between the
colours, are neither noise nor compression: what was compressed, or has noise, has thousands of colours. Grey has few
values in any case, and so has what was toned from grey; there a palette is told by how far its values lie apart,
or by hues that change: tones that come from grey become brighter in all channels together.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

MOST = 256  # colours of a palette
PIXELS = 8  # at least, for each colour: of fewer each may have its own
WHOLE = 0.01  # of 255: how far values may be from whole numbers
FEW, STEP = 32, 3  # so many colours are no row of tones; of more it is one where the next brighter one is so near
BACK = 0.03  # and no more of them are darker in a channel than the one before: 0 of what was toned, 0.1 of palettes


def has_palette(windows: Iterable[NDArray[np.floating]], most: int | None = MOST) -> bool:
    """Whether windows (h, w, c) of a picture, values in [0, 1], are of a palette.

    most: colours that all of them together may have; None where their file has palettes alone, one or many, so that
    only a row of tones is none.
    """
    found, num_pixels = np.zeros((0, 1), np.int64), 0
    for window in windows:
        levels = np.rint(255 * window)
        if np.abs(255 * window - levels).max(initial=0) > WHOLE:
            return False
        codes = levels.reshape(-1, window.shape[2]).astype(np.int64) @ 256 ** np.arange(window.shape[2])
        found, num_pixels = np.union1d(found, codes), num_pixels + len(codes)
        if most is not None and len(found) > most:
            return False
    return (most is None or PIXELS * len(found) <= num_pixels) and not _is_row_of_tones(found)


def _is_row_of_tones(codes: NDArray[np.integer]) -> bool:
    """Whether colours go from dark to bright in the smallest steps, as those of a grey picture do."""
    if len(codes) <= FEW:
        return False
    colours = np.stack([codes // 256**channel % 256 for channel in range(3)], axis=1)
    ordered = colours[np.argsort(colours.sum(axis=1), kind="stable")]
    steps = np.diff(ordered, axis=0)
    return bool(np.median(np.abs(steps).max(axis=1)) <= STEP and (steps.min(axis=1) < 0).mean() <= BACK)
