"""Restoring never changes what a picture looks like from afar.

A network sees a pattern of single pixels, which training hardly showed it, as something else and may turn it black or
give it a tint. So the mean of what it changed over each window of 16x16 pixels, and of 64x64, is held against what the
damage itself does to such means: noise of sigma moves them by sigma / 16, coarse noise and compression by more. How
much more shows in how far the means of the change scatter from window to window. Noise that was cut off at black or
white moves them to one side. Where the mean is farther off than that, the change is scaled down.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..tiling.resize import upsampled_rows
from ..tiling.strips import Rows, recut

WINDOW = 16  # pixels of the input
WIDE = 4  # windows of the larger scale, along a side
ALLOWED = 2 / 255  # what nobody sees from afar
DEVIATIONS = 4.0  # of what the damage does to the means
COARSEST = 8.0  # how much more the means scatter by noise in blotches of some 2.5 pixels than by white noise
QUANTIZER = 0.0225  # deviation of the means, in [0, 1], that the quantizer of a JPEG causes at quality 10 (blue)
STRONG = 0.5  # the scale of that quantizer; of finer ones more steps fall into a window, and their errors cancel out
CLIPPED = 0.8  # deviations of the noise by which a pixel is off on average that the noise left at black or white
HALF_STEP = 0.5 / 255  # from black and white, within which a pixel lies there

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
        """Per window of one row of them: pixels, sums of the change and of its square, pixels at black and at white."""
        height, width, channels = y.shape
        # What is beyond black and white is cut off in a file of whole numbers.
        small = x_hat.clip(0, 1) if self.bounded else x_hat
        if self.scale > 1:
            small = small.reshape(height, self.scale, width, self.scale, channels).mean(axis=(1, 3))
        with np.errstate(invalid="ignore"):  # of infinite pixels, which are seen to next
            change = small - y
        if not np.isfinite(change).all():  # NaN and infinite pixels stay as they are
            change = np.where(np.isfinite(y), change, 0)
        ends = ((y <= HALF_STEP).sum(axis=0), (y >= 1 - HALF_STEP).sum(axis=0))
        starts = np.arange(0, width, WINDOW)
        counts = height * np.diff(starts, append=width)[:, None].astype(np.float64)
        sums = (change.sum(axis=0), np.einsum("hwc,hwc->wc", change, change), *ends)
        self._sums.append((counts, *(np.add.reduceat(values.astype(np.float64), starts, axis=0) for values in sums)))

    def shares(self, damage: Callable[[], tuple[float, float]]) -> NDArray[np.float32] | None:
        """How much of the change may stay in each window, (rows, columns), 0 to 1; None where all of it may.

        damage: gives the level of the noise and the scale of the JPEG's quantizer (`estimation.jpeg.scale`), as
        estimated or stated; asked only where means were changed by more than nothing to speak of.
        """
        counts, change, square, black, white = (np.stack(parts) for parts in zip(*self._sums, strict=True))
        change, square, black, white = change / counts, square / counts, black / counts, white / counts
        if np.abs(change).max() <= ALLOWED:
            return None
        noise, compression = damage()
        cut_off = CLIPPED * noise * np.where(change < 0, black, white)
        # A few pixels at an end of the picture do not show how far the noise scatters.
        removed = np.where(counts < WINDOW**2 // 4, noise**2, (square - change**2).clip(0, noise**2))
        compression *= QUANTIZER / STRONG * min(1.0, compression / STRONG)
        tops, lefts = (np.arange(0, length, WIDE) for length in change.shape[:2])

        def widened(values: Array) -> Array:
            return np.add.reduceat(np.add.reduceat(values, tops, axis=0), lefts, axis=1)

        wide = widened(counts)
        shares = _shares(change, removed, cut_off, np.sqrt(counts), compression)
        change, removed, cut_off = (widened(values * counts) / wide for values in (change, removed, cut_off))
        wide_shares = _shares(change, removed, cut_off, np.sqrt(wide), compression)
        repeated = wide_shares.repeat(WIDE, axis=0).repeat(WIDE, axis=1)[: shares.shape[0], : shares.shape[1]]
        shares = np.minimum(shares, repeated)
        return None if (shares >= 1).all() else shares.astype(np.float32)


def _shares(change: Array, removed: Array, cut_off: Array, sides: Array, quantizer: float) -> Array:
    """For the mean change of each window, (rows, columns, channels): how much of the change may stay.

    removed: variance of the noise that was taken away there. cut_off: what of it black and white cut off. sides: of
    squares of as many pixels. quantizer: deviation of the means that it causes over `WINDOW`.
    """
    middle = np.median(change, axis=(0, 1))
    scatter = 1.4826 * np.median(np.abs(change - middle), axis=(0, 1))
    noise = np.sqrt(removed)
    scatter = scatter * np.median(sides) / sides  # of fewer pixels, as at the ends of a picture, means scatter more
    damage = np.clip(scatter, noise / sides, (COARSEST * noise + quantizer * WINDOW) / sides)
    allowed = ALLOWED + DEVIATIONS * damage + cut_off
    return (allowed / np.maximum(np.abs(change), allowed)).min(axis=2)


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
