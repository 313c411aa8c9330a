"""Where a clip cuts from one scene to another, and each scene with a look at what comes first in it.

A cut changes most of the picture at once and once, motion changes it steadily, and noise nothing of its means over
blocks. So the means over blocks of a frame are held against those of the one before, at the best of small shifts, and
what is left against how much the frames before and behind it change.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..tiling.strips import Rows
from .frames import Frame

LOOK_AHEAD = 5  # frames from which a scene's damage is estimated
GRID = (18, 32)  # blocks down and across
LEAST = 0.06  # of black to white: how far the blocks change at a cut, at least
TIMES = 1.5  # how much more than from one frame to the next before and behind it


@dataclass
class _Waiting:
    """A frame, and how far it is from the one before, None for the first of the clip."""

    frame: Frame
    change: float | None


def scenes(frames: Iterable[Frame], look_ahead: int = LOOK_AHEAD) -> Iterator[tuple[Frame, tuple[Frame, ...] | None]]:
    """Each frame, and where it begins a scene, the first frames of that scene, up to `look_ahead` with itself."""
    waiting: deque[_Waiting] = deque()
    blocks: NDArray[np.float32] | None = None
    change_before = 0.0
    for frame in frames:
        before, blocks = blocks, _block_means(frame.pixels)
        waiting.append(_Waiting(frame, None if before is None else _change(before, blocks)))
        if len(waiting) == look_ahead + 1:
            yield _taken(waiting, change_before)
            change_before = waiting.popleft().change or 0.0
    while waiting:
        yield _taken(waiting, change_before)
        change_before = waiting.popleft().change or 0.0


def together(
    found: Iterable[tuple[Frame, tuple[Frame, ...] | None]], count: int, ahead: int
) -> Iterator[tuple[list[Frame], list[Frame], tuple[Frame, ...] | None]]:
    """What `scenes` gives, `count` frames of one scene at once, with up to `ahead` that follow them in that scene."""
    waiting: list[Frame] = []
    opening: tuple[Frame, ...] | None = None
    for frame, begins in found:
        while waiting and (begins is not None or len(waiting) == count + ahead):
            yield waiting[:count], waiting[count : count + ahead], opening
            waiting, opening = waiting[count:], None
        opening = opening if begins is None else begins
        waiting.append(frame)
    while waiting:
        yield waiting[:count], waiting[count : count + ahead], opening
        waiting, opening = waiting[count:], None


def _taken(waiting: deque[_Waiting], change_before: float) -> tuple[Frame, tuple[Frame, ...] | None]:
    changes = [change_before, *(item.change for item in waiting), 0.0]
    cuts = [_is_cut(*changes[place : place + 3]) for place in range(len(waiting))]
    if not cuts[0]:
        return waiting[0].frame, None
    # Whether the last one that waits is a cut shows with the frame behind it.
    known = cuts[1:-1] if len(waiting) > 2 else []
    end = next((place for place, cut in enumerate(known, start=1) if cut), max(len(waiting) - 1, 1))
    return waiting[0].frame, tuple(item.frame for item in list(waiting)[:end])


def _is_cut(before: float | None, here: float | None, behind: float | None) -> bool:
    if here is None:
        return True
    return here > max(LEAST, TIMES * (before or 0.0), TIMES * (behind or 0.0))


def _block_means(pixels: Rows) -> NDArray[np.float32]:
    """Luma, roughly, as means over a grid of blocks (18, 32), or of pixels where there are fewer."""
    grey = pixels.mean(axis=2)
    rows, columns = (np.unique(np.arange(count) * size // count) for count, size in zip(GRID, grey.shape, strict=True))
    sums = np.add.reduceat(np.add.reduceat(grey, rows, axis=0), columns, axis=1)
    counts = np.outer(np.diff(rows, append=grey.shape[0]), np.diff(columns, append=grey.shape[1]))
    return (sums / counts).astype(np.float32)


def _change(before: NDArray[np.float32], after: NDArray[np.float32]) -> float:
    """The mean absolute difference of two grids, at the best shift of up to two blocks; brightness set aside."""
    best = np.inf
    for down in range(-2, 3):
        for across in range(-2, 3):
            a, b = _overlap(before, down, across), _overlap(after, -down, -across)
            if a.size:
                difference = a - b
                best = min(best, float(np.abs(difference - np.median(difference)).mean()))
    return best


def _overlap(grid: NDArray[np.float32], down: int, across: int) -> NDArray[np.float32]:
    height, width = grid.shape
    return grid[max(down, 0) : height + min(down, 0), max(across, 0) : width + min(across, 0)]
