"""Drawings that were never compressed, such as icons, charts and pages: about their edges they are even or smooth.

Compression rings by a few steps wherever it meets an edge: up and down again. So it is told from drawing, whose flat
grounds, shades and hard edges the estimator of compression takes for what compression leaves.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from .masks import dilate

EDGE = 24 / 255  # from one pixel to the next
CLOSE, NEAR = 2, 5  # pixels from an edge: what is closer may be its own soft rim
FEWEST = 50  # pixels near edges
SAME = 1.5 / 255  # by how much two steps beside each other may differ in a shade of rounded values
# Of the pixels near edges: the share that is as its neighbours, less so many times the share that turns from rising to
# falling or back, and that which bends, is this at least in drawings (docs/experiments.md).
TURNS, BENDS, LEAST = 4.5, 1.25, -0.114


def is_drawn(windows: Iterable[NDArray[np.float32]]) -> bool:
    """Whether windows (h, w, c) show a drawing as it left its program."""
    num_near = num_even = num_turns = num_bends = 0
    for window in windows:
        edges, even, turns, bends = _looks(window)
        near = dilate(edges, NEAR) & ~dilate(edges, CLOSE)
        num_near += int(near.sum())
        num_even += int((near & even).sum())
        num_turns += int((near & turns).sum())
        num_bends += int((near & bends).sum())
    return num_near >= FEWEST and num_even - TURNS * num_turns - BENDS * num_bends >= LEAST * num_near


def _looks(window: NDArray[np.float32]) -> tuple[NDArray[np.bool_], ...]:
    """Of each pixel: whether an edge lies before it, it is as the two before it, and it turns and bends, either way."""
    edges, turns, bends = (np.zeros(window.shape[:2], bool) for _ in range(3))
    even = ~edges
    for axis in (0, 1):
        step = np.diff(window, axis=axis)
        here, behind = (step.take(range(*ends), axis) for ends in ((0, step.shape[axis] - 1), (1, step.shape[axis])))
        after = (slice(None),) * axis + (slice(1, None),)
        inside = (slice(None),) * axis + (slice(1, -1),)
        edges[after] |= np.abs(step).max(axis=2) > EDGE
        even[after] &= (step == 0).all(axis=2)
        turns[inside] |= (here * behind < 0).any(axis=2)
        bends[inside] |= (np.abs(behind - here) > SAME).any(axis=2)
    return edges, even, turns, bends
