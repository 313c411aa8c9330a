"""Restoring never changes what a picture looks like from afar.

A network sees a pattern of single pixels, which training hardly showed it, as something else and may turn it black or
give it a tint. So the mean of what it changed over each window of 16x16 pixels, and of 64x64, is held against what the
damage itself does to such means: noise of sigma moves them by sigma / 16, coarse noise and compression by more. How
much more shows in how far the means of the change scatter from window to window. Noise that was cut off at black or
white moves them to one side.

Where the mean is far off that, as where a pattern came out black, the change is scaled down. Of what is left, what lies
beyond narrower limits is taken back from the means alone, over windows of 16x16, 32x32 and 64x64: smoothly, so that
noise that was removed stays removed.
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
TO_DEVIATION = 1.4826  # from the median of how far values are off it
HALF_STEP = 0.5 / 255  # from black and white, within which a pixel lies there

NARROW = 1 / 255  # what means may be off without being taken back, besides
NARROW_DEVIATIONS = {4: 2.0, 2: 2.0, 1: 3.0}  # of what the damage does to means, by windows along a side
SIDES = 1 / 8  # of the mean over a window of what is interpolated between their middles, from each of its neighbours
ROUNDS = 8  # at most, until the means lie within the limits
NEARLY = 0.25 / 255

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Held:
    """What must be held back of a change.

    shares: how much of it may stay in each window, (rows, columns), 0 to 1; None where all of it may. excess: by how
    much the means are too bright after that, (rows, columns, channels); None where they are not.
    """

    shares: NDArray[np.float32] | None
    excess: NDArray[np.float32] | None

    @property
    def seen(self) -> float:
        """The share of the windows where it can be seen."""
        nowhere = np.zeros((1, 1), bool)
        scaled = nowhere if self.shares is None else self.shares < 1
        moved = nowhere if self.excess is None else (np.abs(self.excess) > ALLOWED).any(axis=2)
        return float((scaled | moved).mean())


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

    def held(self, damage: Callable[[], tuple[float, float]]) -> Held | None:
        """What must be held back; None where nothing must.

        damage: gives the level of the noise and the scale of the JPEG's quantizer (`estimation.jpeg.scale`), as
        estimated or stated; asked only where means were changed by more than nothing to speak of.
        """
        counts, change, square, black, white = (np.stack(parts) for parts in zip(*self._sums, strict=True))
        change, square, black, white = change / counts, square / counts, black / counts, white / counts
        if np.abs(change).max() <= NARROW:
            return None
        noise, compression = damage()
        cut_off = CLIPPED * noise * np.where(change < 0, black, white)
        # A few pixels at an end of the picture do not show how far the noise scatters.
        removed = np.where(counts < WINDOW**2 // 4, noise**2, (square - change**2).clip(0, noise**2))
        compression *= QUANTIZER / STRONG * min(1.0, compression / STRONG)
        found = _Damage(counts, removed, cut_off, compression)
        shares = np.minimum(found.shares(change, 1), found.shares(change, WIDE))
        scatter = _scatter_of_neighbours(change, counts)
        excess = found.excess(change * _interpolated(_least(shares)[..., None]), scatter)
        held = Held(
            None if (shares >= 1).all() else shares.astype(np.float32),
            None if np.abs(excess).max() < HALF_STEP else excess.astype(np.float32),
        )
        return None if held.shares is None and held.excess is None else held


@dataclass(frozen=True)
class _Damage:
    """What the damage does to the means over windows, (rows, columns, channels).

    counts: pixels. removed: variance of the noise that was taken away. cut_off: what of it black and white cut off.
    quantizer: deviation of the means that it causes over `WINDOW`.
    """

    counts: Array
    removed: Array
    cut_off: Array
    quantizer: float

    def over(self, means: Array, side: int) -> Array:
        """Over `side` x `side` windows."""
        return _sums(means * self.counts, side) / _sums(self.counts, side)

    def allowed(self, side: int, free: float, deviations: float, scatter: Array) -> Array:
        """By how much means over `side` x `side` windows may be changed. scatter: of a mean over one pixel."""
        sides = np.sqrt(_sums(self.counts, side))
        noise = np.sqrt(self.over(self.removed, side))
        damage = np.clip(scatter, noise, COARSEST * noise + self.quantizer * WINDOW) / sides
        return free + deviations * damage + self.over(self.cut_off, side)

    def shares(self, change: Array, side: int) -> Array:
        """For the mean change of each window, (rows, columns, channels): how much of the change may stay."""
        means = self.over(change, side)
        middle = np.median(means, axis=(0, 1))
        # Of fewer pixels, as at the ends of a picture, means scatter more.
        sides = np.sqrt(np.median(_sums(self.counts, side)))
        scatter = TO_DEVIATION * np.median(np.abs(means - middle), axis=(0, 1)) * sides
        allowed = self.allowed(side, ALLOWED, DEVIATIONS, scatter)
        shares = (allowed / np.maximum(np.abs(means), allowed)).min(axis=2)
        return _repeated(shares, side, change.shape)

    def excess(self, change: Array, scatter: Array) -> Array:
        """What must be taken back of each window's mean change where that is interpolated from window to window."""
        limits = [(side, self.allowed(side, NARROW, most, scatter)) for side, most in NARROW_DEVIATIONS.items()]
        taken = np.zeros_like(change)
        for _ in range(ROUNDS):
            most = 0.0
            for side, allowed in limits:
                left = self.over(change - _interpolated(taken), side)
                beyond = left - left.clip(-allowed, allowed)
                taken += upsampled_rows(beyond.astype(np.float32), side, 0, *change.shape[:2])
                most = max(most, np.abs(beyond).max())
            if most < NEARLY:
                break
        return taken


def _sums(values: Array, side: int) -> Array:
    """Over `side` x `side` windows."""
    rows, columns = (np.arange(0, length, side) for length in values.shape[:2])
    return np.add.reduceat(np.add.reduceat(values, rows, axis=0), columns, axis=1)


def _repeated(values: Array, side: int, shape: tuple[int, ...]) -> Array:
    """For each window what there is for the `side` x `side` windows that it is one of."""
    return values.repeat(side, axis=0).repeat(side, axis=1)[: shape[0], : shape[1]]


def _interpolated(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """The mean over each window of what is interpolated between their middles (rows, columns, channels)."""
    for axis in (0, 1):
        lines = np.moveaxis(values, axis, 0)
        beside = np.concatenate([lines[:1], lines[:-1]]) + np.concatenate([lines[1:], lines[-1:]])
        values = np.moveaxis(SIDES * beside + (1 - 2 * SIDES) * lines, 0, axis)
    return values


def _least(shares: NDArray[np.floating]) -> NDArray[np.floating]:
    """Of each window and its neighbours, (rows, columns), so that none gets more than its share between the middles."""
    padded = np.pad(shares, 1, mode="edge")
    rows, columns = shares.shape
    return np.min([padded[i : i + rows, j : j + columns] for i in range(3) for j in range(3)], axis=0)


def _scatter_of_neighbours(means: Array, counts: Array) -> Array:
    """Deviation, for one pixel, of means that do not scatter where all are off by the same: (channels,)."""
    full = np.broadcast_to(counts == WINDOW**2, means.shape)
    steps = [np.abs(np.diff(np.where(full, means, np.nan), axis=axis)).reshape(-1, means.shape[2]) for axis in (0, 1)]
    found = np.concatenate(steps)
    found = found[np.isfinite(found).all(axis=1)]
    return TO_DEVIATION * np.median(found, axis=0) / np.sqrt(2) * WINDOW if len(found) else np.zeros(means.shape[2])


def pull_back(
    before: Iterable[Rows], after: Iterable[Rows], shares: NDArray[np.float32], scale: int = 1
) -> Iterator[Rows]:
    """Strips (r, w, c) of the picture after, with the share of the change that may stay, which varies smoothly.

    before: the picture before, in the size of that after.
    """
    least = _least(shares)[..., None]
    top = 0
    for y, x_hat in zip(before, after, strict=True):
        share = upsampled_rows(least, WINDOW * scale, top, *y.shape[:2])
        yield np.where(np.isfinite(y), y + share * (x_hat - y), y).astype(np.float32)
        top += len(y)


def without_excess(after: Iterable[Rows], excess: NDArray[np.float32], scale: int = 1) -> Iterator[Rows]:
    """Strips (r, w, c) of the picture after, whose means are no longer off by the excess, which varies smoothly."""
    spread = np.pad(excess, ((1, 1), (0, 0), (0, 0)))
    top = 0
    for x_hat in after:
        first, last = top // (WINDOW * scale), -(-(top + len(x_hat)) // (WINDOW * scale))
        if spread[first : last + 2].any():
            x_hat = x_hat - upsampled_rows(excess, WINDOW * scale, top, *x_hat.shape[:2])
        yield x_hat
        top += len(x_hat)
