"""Restoring never changes what a picture looks like from afar.

A network sees a pattern of single pixels, which training hardly showed it, as something else and may turn it black or
give it a tint. So the mean of what it changed over each window of 16x16 pixels, and of 64x64, is held against what the
damage itself does to such means: noise of sigma moves them by sigma / 16, coarse noise and compression by more. How
much more shows in how far the means of the change scatter from window to window. Where the mean is farther off than
that, the change is scaled down.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import erfc, exp, pi, sqrt

import numpy as np
from numpy.typing import NDArray

from ..tiling.resize import upsampled_rows
from ..tiling.strips import Rows, recut

WINDOW = 16  # pixels of the input
WIDE = 4  # windows of the larger scale, along a side
ALLOWED = 2 / 255  # what nobody sees from afar
DEVIATIONS = 4.5  # of what the damage does to the means
COARSEST = 8.0  # how much more the means scatter by noise in blotches of some 2.5 pixels than by white noise
QUANTIZER = 0.0045  # deviation of the means, in [0, 1], that the quantizer of a JPEG causes at quality 50 (blue)

Array = NDArray[np.float64]


@dataclass
class ChangeMeter:
    """Gathers what was changed, in means over windows, from strips of the picture before and after.

    scale: of the picture after, which is compared in the size of the one before. bounded: whether values beyond [0, 1]
    will be cut off.
    """

    scale: int = 1
    bounded: bool = True

    def __post_init__(self) -> None:
        self._sums: list[tuple[Array, ...]] = []

    def watch(self, before: Iterable[Rows], after: Iterable[Rows]) -> Iterator[Rows]:
        """The strips after, unchanged; both are measured as they pass."""
        y_strips = recut(before, WINDOW)
        for x_hat in recut(after, WINDOW * self.scale):
            self._measure(next(y_strips), x_hat)
            yield x_hat

    def _measure(self, y: Rows, x_hat: Rows) -> None:
        """Per window of one row of them: pixels, and sums of the change, of its square, and of the picture before."""
        height, width, channels = y.shape
        # What is beyond black and white is cut off in a file of whole numbers.
        small = x_hat.clip(0, 1) if self.bounded else x_hat
        if self.scale > 1:
            small = small.reshape(height, self.scale, width, self.scale, channels).mean(axis=(1, 3))
        with np.errstate(invalid="ignore"):  # of infinite pixels, which are seen to next
            change, before = small - y, y.sum(axis=0)
        if not np.isfinite(before).all():  # NaN and infinite pixels stay as they are
            change, before = np.where(np.isfinite(y), change, 0), np.where(np.isfinite(y), y, 0).sum(axis=0)
        starts = np.arange(0, width, WINDOW)
        counts = height * np.diff(starts, append=width)[:, None].astype(np.float64)
        sums = (change.sum(axis=0), np.einsum("hwc,hwc->wc", change, change), before)
        self._sums.append((counts, *(np.add.reduceat(values.astype(np.float64), starts, axis=0) for values in sums)))

    def shares(self, damage: Callable[[], tuple[float, float]]) -> NDArray[np.float32] | None:
        """How much of the change may stay in each window, (rows, columns), 0 to 1; None where all of it may.

        damage: gives the level of the noise and the scale of the JPEG's quantizer (`estimation.jpeg.scale`), as
        estimated or stated; asked only where means were changed by more than nothing to speak of.
        """
        counts, change, square, before = (np.stack(parts) for parts in zip(*self._sums, strict=True))
        change, square, before = change / counts, square / counts, before / counts
        if np.abs(change).max() <= ALLOWED:
            return None
        noise, compression = damage()
        noise = min(noise, max(float(np.median(square - change**2)), 0.0) ** 0.5)
        tops, lefts = (np.arange(0, length, WIDE) for length in change.shape[:2])

        def widened(values: Array) -> Array:
            return np.add.reduceat(np.add.reduceat(values, tops, axis=0), lefts, axis=1)

        wide = widened(counts)
        wide_change, wide_before = (widened(values * counts) / wide for values in (change, before))
        shares, wide_shares = (
            _shares(change, before, np.sqrt(counts), noise, 10 * QUANTIZER * compression)
            for change, before, counts in ((change, before, counts), (wide_change, wide_before, wide))
        )
        repeated = wide_shares.repeat(WIDE, axis=0).repeat(WIDE, axis=1)[: shares.shape[0], : shares.shape[1]]
        shares = np.minimum(shares, repeated)
        return None if (shares >= 1).all() else shares.astype(np.float32)


def _shares(change: Array, before: Array, sides: Array, noise: float, quantizer: float) -> Array:
    """For the mean change and brightness of each window, (rows, columns, channels): how much of the change may stay.

    sides: of squares of as many pixels.
    """
    middle = np.median(change, axis=(0, 1))
    scatter = 1.4826 * np.median(np.abs(change - middle), axis=(0, 1))
    damage = np.clip(scatter, noise / sides, (COARSEST * noise + quantizer * WINDOW) / sides)
    clipped = _clipping(before, noise) + _clipping(1 - before, noise)
    allowed = ALLOWED + DEVIATIONS * damage + clipped
    return (allowed / np.maximum(np.abs(change), allowed)).min(axis=2)


def _clipping(mean: Array, deviation: float) -> Array:
    """By how much cutting off what is below 0 raises the mean of noise of this deviation, at most."""
    if deviation == 0:
        return np.zeros_like(mean)
    grid = np.linspace(0, 6, 61)
    shifts = [exp(-a * a / 2) / sqrt(2 * pi) - a * erfc(a / sqrt(2)) / 2 for a in grid]
    return deviation * np.interp(np.clip(mean / deviation, 0, 6), grid, shifts)


def pull_back(
    before: Iterable[Rows], after: Iterable[Rows], shares: NDArray[np.float32], scale: int = 1
) -> Iterator[Rows]:
    """Strips (r, w, c) of the picture after, with the share of the change that may stay, which varies smoothly.

    before: the picture before, in the size of that after. Each window gets the least share of its neighbours, so that
    between their middles, where shares are interpolated, none gets more than it may have.
    """
    padded = np.pad(shares, 1, mode="edge")
    rows, columns = shares.shape
    least = np.min([padded[i : i + rows, j : j + columns] for i in range(3) for j in range(3)], axis=0)[..., None]
    top = 0
    for y, x_hat in zip(before, after, strict=True):
        share = upsampled_rows(least, WINDOW * scale, top, *y.shape[:2])
        yield np.where(np.isfinite(y), y + share * (x_hat - y), y).astype(np.float32)
        top += len(y)
