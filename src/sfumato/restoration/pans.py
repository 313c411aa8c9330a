"""Fast pans: what a recurrent model remembers is moved along before the model looks for it, when it is out of reach.

A model finds motion of some 40 pixels from one frame to the next and no more; what it remembers of another place is
worse than nothing. How far the whole picture has moved shows in small frames, whose noise is gone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..tiling.strips import Rows

CELL = 8  # pixels a side of a cell of a small frame
NEAR = 3  # cells that the model finds by itself, with some to spare
SURE = 0.5  # of the squared difference at the best of near shifts: what may be left of it at the one that is found
LEAST_OVERLAP = 0.4  # of the frame, that both frames show

Cells = NDArray[np.float32]  # luma, roughly, as means over cells (h, w)


def small(frame: Rows, cell: int = CELL) -> Cells:
    """Means over cells of a frame (h, w, c); what is left over at the end is left out."""
    height, width = (length // cell for length in frame.shape[:2])
    grey = frame[: height * cell, : width * cell].mean(axis=2)
    return np.nan_to_num(grey).reshape(height, cell, width, cell).mean(axis=(1, 3)).astype(np.float32)


def shift_between(before: Cells, after: Cells) -> tuple[int, int]:
    """By how many cells down and across the frame before must be moved to lie on the one after; (0, 0) where a model
    finds the motion itself, or where no shift explains most of what has changed."""
    if before.shape != after.shape or min(after.shape) < 2:
        return 0, 0
    errors = _errors(before - after.mean(), after - after.mean())
    height, width = after.shape
    down, across = (np.fft.fftfreq(2 * size, 1 / (2 * size)).astype(int) for size in (height, width))
    is_near = (np.abs(down)[:, None] <= NEAR) & (np.abs(across) <= NEAR)
    row, column = np.unravel_index(np.argmin(errors), errors.shape)
    if is_near[row, column] or errors[row, column] > SURE * errors[is_near].min():
        return 0, 0
    return int(down[row]), int(across[column])


def _errors(before: Cells, after: Cells) -> NDArray[np.float64]:
    """The mean squared difference at each shift (2 h, 2 w), in the order of the discrete Fourier transform, infinite
    where too little is shown by both."""
    padded = (2 * after.shape[0], 2 * after.shape[1])

    def sums(a: Cells, b: Cells) -> NDArray[np.float64]:
        spectrum = np.fft.rfft2(a.astype(np.float64), padded) * np.conj(np.fft.rfft2(b.astype(np.float64), padded))
        return np.fft.irfft2(spectrum, padded)

    ones = np.ones_like(after)
    count = sums(ones, ones)
    squares = sums(after**2, ones) + sums(ones, before**2) - 2 * sums(after, before)
    is_shown = count >= LEAST_OVERLAP * after.size
    return np.where(is_shown, squares / np.maximum(count, 1), np.inf)


def moved_by(values: Rows, shift: tuple[int, int]) -> Rows:
    """Values (h, w, ...) moved down and across by so many places; 0 where there were none."""
    moved = np.zeros_like(values)
    (to_rows, from_rows), (to_columns, from_columns) = (
        (slice(max(by, 0), max(size + by, 0)), slice(max(-by, 0), max(size - by, 0)))
        for by, size in zip(shift, values.shape, strict=False)
    )
    moved[to_rows, to_columns] = values[from_rows, from_columns]
    return moved
