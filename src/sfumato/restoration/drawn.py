"""Drawings that were never compressed, such as icons, charts and pages: about their edges they are even or smooth.

Compression rings by a few steps wherever it meets an edge: up and down again. So it is told from drawing, whose flat
grounds, shades and hard edges the estimator of compression takes for what compression leaves. JPEG rings in the
blocks of 8x8 pixels that an edge crosses, to their borders and no farther; what a program drew knows of no blocks.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..estimation.cells import BLOCK
from .masks import dilate

EDGE = 24 / 255  # from one pixel to the next
CLOSE, NEAR = 2, 5  # pixels from an edge: what is closer may be its own soft rim
FEWEST = 50  # pixels near edges
SAME = 1.5 / 255  # by how much two steps beside each other may differ in a shade of rounded values
# Of the pixels near edges: the share that is as its neighbours, less so many times the share that turns from rising to
# falling or back, and that which bends, is this at least in drawings (docs/experiments.md).
TURNS, BENDS, LEAST = 4.5, 1.25, -0.114
# By how much larger the share of steps that change is in blocks with an edge than in those beside them, as near to it:
# up to 0.16 in drawings, from 0.65 on in JPEG files that the rule above takes for drawings.
CONFINED = 0.4


def is_drawn(windows: Sequence[NDArray[np.float32]]) -> bool:
    """Whether windows (h, w, c) show a drawing as it left its program.

    Each begins at whole multiples of 8 pixels of the picture, as JPEG's blocks do.
    """
    return _is_even(windows) and not _is_confined(windows)


def is_drawing(windows: Sequence[NDArray[np.float32]]) -> bool:
    """Whether windows (h, w, c) show a drawing, and no photograph: more of what is near edges is even than bends."""
    num_near, num_even, _, num_bends = _counted_near_edges(windows)
    return num_near >= FEWEST and num_even > num_bends


def _is_even(windows: Sequence[NDArray[np.float32]]) -> bool:
    num_near, num_even, num_turns, num_bends = _counted_near_edges(windows)
    return num_near >= FEWEST and num_even - TURNS * num_turns - BENDS * num_bends >= LEAST * num_near


def _counted_near_edges(windows: Sequence[NDArray[np.float32]]) -> tuple[int, int, int, int]:
    """Pixels near edges, and those of them that are even, that turn and that bend."""
    num_near = num_even = num_turns = num_bends = 0
    for window in windows:
        edges, even, turns, bends = _looks(window)
        near = _near(edges)
        num_near += int(near.sum())
        num_even += int((near & even).sum())
        num_turns += int((near & turns).sum())
        num_bends += int((near & bends).sum())
    return num_near, num_even, num_turns, num_bends


def _near(edges: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return dilate(edges, NEAR) & ~dilate(edges, CLOSE)


def _is_confined(windows: Sequence[NDArray[np.float32]]) -> bool:
    """Whether what lies near edges changes in the blocks of these edges alone."""
    counts = sum((_steps_near(window) for window in windows), np.zeros((2, 2), np.int64))
    if counts[:, 0].min() < FEWEST:
        return False
    beside, within = counts[:, 1] / counts[:, 0]
    return bool(within - beside >= CONFINED)


def _steps_near(window: NDArray[np.float32]) -> NDArray[np.int64]:
    """Of whole blocks without and with an edge (rows): steps between their pixels near edges, and those that change."""
    rows, columns = (length // BLOCK * BLOCK for length in window.shape[:2])
    window, counts = window[:rows, :columns], np.zeros((2, 2), np.int64)
    if not rows * columns:
        return counts
    steps = [np.diff(window, axis=axis, append=window.take([-1], axis)) for axis in (0, 1)]
    hard = [np.abs(step).max(axis=2) > EDGE for step in steps]
    edges = np.roll(hard[0], 1, axis=0) | np.roll(hard[1], 1, axis=1)  # the last steps are 0, so nothing comes around
    near = _near(edges)
    inside = [np.arange(length) % BLOCK < BLOCK - 1 for length in (rows, columns)]
    within = (inside[0][:, None], inside[1][None])
    in_blocks = (hard[0] & within[0]) | (hard[1] & within[1])
    crossed = in_blocks.reshape(rows // BLOCK, BLOCK, columns // BLOCK, BLOCK).any(axis=(1, 3))
    crossed = crossed.repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)
    for step, places in zip(steps, within, strict=True):
        changes = (step != 0).any(axis=2)
        for row, blocks in enumerate((~crossed, crossed)):
            looked_at = near & places & blocks
            counts[row] += looked_at.sum(), (looked_at & changes).sum()
    return counts


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
