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
# By how much larger the share of steps that change is in blocks with an edge than in those beside them, as near to it,
# and by how much more so than for grids that begin in other rows, or in other columns: for the best of the 64 grids up
# to 0.53, but then 0.17, in drawings; from 0.59 and 0.40 on in JPEG files that the rule above takes for drawings
# (docs/experiments.md). Where hardly a step changes in the blocks beside, as about text on a plain ground, a large
# difference is enough: drawings come to 0.48 there.
CONFINED, ALONE = 0.4, 0.25
PLAIN, CLEARLY = 0.05, 0.52


def is_drawn(windows: Sequence[NDArray[np.float32]]) -> bool:
    """Whether windows (h, w, c) show a drawing as it left its program.

    They begin multiples of 8 pixels from each other, as JPEG's blocks do, in a picture that may have been cropped.
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
    """Whether what lies near edges changes in the blocks of these edges alone, wherever their grid begins."""
    counts = sum((_steps_near(window) for window in windows), np.zeros((2, 2, BLOCK, BLOCK), np.int64))
    steps, changes = counts
    beside, within = changes / steps.clip(1)
    more = np.where(steps.min(axis=0) >= FEWEST, within - beside, 0)
    row, column = np.unravel_index(more.argmax(), more.shape)
    if beside[row, column] <= PLAIN and more.max() >= CLEARLY:
        return True
    others = min(np.delete(more, row, axis=0).max(), np.delete(more, column, axis=1).max())
    return bool(more.max() >= CONFINED and more.max() - others >= ALONE)


def _steps_near(window: NDArray[np.float32]) -> NDArray[np.int64]:
    """Steps between pixels of one block near edges, and those that change (2), in blocks without and with an edge (2).

    For each place, (8, 8), at which the grid of blocks may begin in the window.
    """
    counts = np.zeros((2, 2, BLOCK, BLOCK), np.int64)
    if min(window.shape[:2]) < BLOCK:
        return counts
    steps = [np.diff(window, axis=axis, append=window.take([-1], axis)) for axis in (0, 1)]
    hard = [np.abs(step).max(axis=2) > EDGE for step in steps]
    edges = np.roll(hard[0], 1, axis=0) | np.roll(hard[1], 1, axis=1)  # the last steps are 0, so nothing comes around
    near = _near(edges)
    looked_at, changed, crossing = (
        _sums_in_blocks(down, 0) + _sums_in_blocks(across, 1)
        for down, across in ((near, near), [near & (step != 0).any(axis=2) for step in steps], hard)
    )
    for row, blocks in enumerate((crossing == 0, crossing > 0)):
        for column, values in enumerate((looked_at, changed)):
            counts[column, row] = _by_grid(np.where(blocks, values, 0))
    return counts


def _sums_in_blocks(steps: NDArray[np.bool_], axis: int) -> NDArray[np.int64]:
    """How many steps along an axis lie between pixels of the block that begins at each pixel, all 8x8 inside."""
    totals = np.pad(steps, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    high, wide = (BLOCK - 1, BLOCK) if axis == 0 else (BLOCK, BLOCK - 1)
    rows, columns = (length - BLOCK for length in totals.shape)
    top, bottom = totals[:rows], totals[high : high + rows]
    return bottom[:, wide : wide + columns] - bottom[:, :columns] - top[:, wide : wide + columns] + top[:, :columns]


def _by_grid(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sums (8, 8) over the blocks of each grid, of values at the pixels at which blocks begin."""
    rows, columns = (-(-length // BLOCK) for length in values.shape)
    whole = np.pad(values, [(0, BLOCK * n - length) for n, length in zip((rows, columns), values.shape, strict=True)])
    return whole.reshape(rows, BLOCK, columns, BLOCK).sum(axis=(0, 2))


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
