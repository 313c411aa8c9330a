"""Drawings that were never compressed, such as icons, charts and pages: about their edges they are even to the bit.

Compression rings by a few steps wherever it meets an edge, and so it is told from drawing, whose flat grounds and hard
edges the estimator of compression takes for what compression leaves.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from .masks import dilate

EDGE = 24 / 255  # from one pixel to the next
CLOSE, NEAR = 2, 5  # pixels from an edge: what is closer may be its own soft rim
EVEN = 0.72  # share of the pixels near edges that are as both neighbours; after JPEG hardly ever so many
FEWEST = 50  # pixels near edges


def is_drawn(windows: Iterable[NDArray[np.float32]]) -> bool:
    """Whether windows (h, w, c) show a drawing as it left its program."""
    num_near = num_even = 0
    for window in windows:
        step = np.zeros((2, *window.shape[:2]), np.float32)
        step[0, :, 1:], step[1, 1:] = (np.abs(np.diff(window, axis=axis)).max(axis=2) for axis in (1, 0))
        edges = np.asarray((step > EDGE).any(axis=0))
        near = dilate(edges, NEAR) & ~dilate(edges, CLOSE)
        num_near += int(near.sum())
        num_even += int((near & (step == 0).all(axis=0)).sum())
    return num_near >= FEWEST and num_even >= EVEN * num_near
