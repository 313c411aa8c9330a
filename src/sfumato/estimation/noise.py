"""How noisy a picture is: the level as a function of brightness, and an estimate of it from the picture itself."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..pictures.picture import Picture
from ..pictures.pixels import finite
from ..tiling.strips import STRIP_ROWS, Rows, recut
from .cells import BLOCK, OFFSET, measure_cells

NUM_BINS = 6  # of brightness
SHARED = 50  # cells of mean weight that the mean over bins counts for in each bin
QUANTILE = 0.3  # of the cells' levels; under the median, since texture only ever adds
LEAST_APART = 1e-4  # of the brightness of two knots
SUREST = 0.1  # of the cells
# How much of its expected error is put on top of a cell's level: where the network cannot tell the soft grain of
# cameras from texture it names what lies between; on white noise, of which it is sure, this adds 3 %.
UNSURE = 0.3
NETWORK = "noise-level"


@dataclass(frozen=True)
class NoiseCurve:
    """Standard deviation of the noise, in [0, 1] units, piecewise linear in local brightness, constant beyond the ends.

    brightness: increasing, in [0, 1] units, averaged over channels. sigma: one level for each. Photon noise grows with
    brightness; one knot states noise that does not. doubt: how far off the log of the level may be where it is surest;
    texture that looks like noise leaves some everywhere, noise does not where the picture is plain.
    """

    brightness: tuple[float, ...]
    sigma: tuple[float, ...]
    doubt: float = 0.0

    def __post_init__(self) -> None:
        assert len(self.brightness) == len(self.sigma) > 0
        assert all(low < high for low, high in pairwise(self.brightness))
        assert all(level >= 0 for level in self.sigma)

    @classmethod
    def constant(cls, sigma: float) -> Self:
        """The same level everywhere."""
        return cls((0.5,), (float(sigma),))

    @property
    def overall(self) -> "NoiseCurve":
        """The same everywhere in the picture."""
        return self

    @property
    def typical(self) -> float:
        """One number for the curve: the mean level over the brightness that its knots span."""
        if len(self.sigma) == 1:
            return self.sigma[0]
        knots = pairwise(zip(self.brightness, self.sigma, strict=True))
        area = sum((high - low) * (at_low + at_high) / 2 for (low, at_low), (high, at_high) in knots)
        return area / (self.brightness[-1] - self.brightness[0])

    def level_map(self, y: NDArray[np.float32], top: int = 0) -> NDArray[np.float32]:
        """The level (h, w) at each pixel of y (h, w, c), rows of a picture from `top`, a multiple of 8, on.

        Brightness is averaged over blocks of 8 x 8, so that the noise does not steer the level; blocks are counted
        from the picture's origin, so that a strip gets the same levels as the whole.
        """
        height, width = y.shape[:2]
        if len(self.sigma) == 1:
            return np.full((height, width), self.sigma[0], np.float32)
        rows, columns = np.arange(0, height, BLOCK), np.arange(0, width, BLOCK)
        mean = sum(y[..., channel] for channel in range(y.shape[2])) / y.shape[2]  # y.mean(axis=2), far quicker
        sums = np.add.reduceat(np.add.reduceat(mean, rows, axis=0), columns, axis=1)
        counts = np.outer(np.diff(rows, append=height), np.diff(columns, append=width))
        levels = np.interp(sums / counts, self.brightness, self.sigma).astype(np.float32)
        return levels.repeat(BLOCK, axis=0)[:height].repeat(BLOCK, axis=1)[:, :width]


@dataclass(frozen=True, eq=False)
class UnevenNoise(NoiseCurve):
    """Noise that is not the same everywhere: `shares` (h, w) of the picture times what the curve says."""

    shares: NDArray[np.float32] = field(default_factory=lambda: np.ones((1, 1), np.float32))

    @classmethod
    def of(cls, curve: NoiseCurve, shares: NDArray[np.float32]) -> Self:
        return cls(curve.brightness, curve.sigma, curve.doubt, shares)

    @property
    def overall(self) -> NoiseCurve:
        share = float(np.median(self.shares))
        return NoiseCurve(self.brightness, tuple(share * level for level in self.sigma), self.doubt)

    @property
    def typical(self) -> float:
        return self.overall.typical

    def level_map(self, y: NDArray[np.float32], top: int = 0) -> NDArray[np.float32]:
        return super().level_map(y, top) * self.shares[top : top + len(y)]


def estimate_noise(picture: Picture, *, device: str = "auto", threads: int | None = None) -> NoiseCurve:
    """The noise curve of a picture, in one pass over its strips, from windows spread evenly over it.

    A small network (`noise-level`) gives the level in every cell of 8x8 pixels and how far off it expects to be; the
    curve takes a weighted quantile of them over ranges of brightness, each drawn towards their mean,
    so that a range with few or textured cells follows the others. device, threads: as in Engine.
    """
    cells = measure_cells(picture, NETWORK, device, threads)
    brightness, levels, weights = cells.brightness, cells.log_level + UNSURE * cells.spread, 1 / cells.spread**2
    weights = weights / weights.mean()
    order = np.argsort(brightness, kind="stable")
    bins = np.array_split(order, NUM_BINS) if len(order) >= 20 * NUM_BINS else [order]
    quantiles = np.array([_weighted_quantile(levels[members], weights[members]) for members in bins])
    masses = np.array([weights[members].sum() for members in bins])
    pooled = (masses * quantiles + SHARED * np.average(quantiles, weights=masses)) / (masses + SHARED)
    middles = np.array([brightness[members].mean() for members in bins])
    doubt = float(np.quantile(cells.spread, SUREST))
    return _curve(middles, np.maximum(np.exp(pooled) - OFFSET, 0), masses, doubt)


def _curve(middles: NDArray, levels: NDArray, masses: NDArray, doubt: float) -> NoiseCurve:
    """A knot for each range of brightness; ranges that lie on one another, as in flat pictures, share one."""
    knots: list[tuple[float, float, float]] = []
    for middle, level, mass in sorted(zip(middles.tolist(), levels.tolist(), masses.tolist(), strict=True)):
        if knots and middle - knots[-1][0] < LEAST_APART:
            before, known, weight = knots.pop()
            level = (weight * known + mass * level) / (weight + mass)
            middle, mass = before, weight + mass
        knots.append((middle, level, mass))
    return NoiseCurve(tuple(knot[0] for knot in knots), tuple(knot[1] for knot in knots), doubt)


def with_level_map(strips: Iterable[Rows], curve: NoiseCurve, limits: tuple[float, float]) -> Iterator[Rows]:
    """Strips (r, w, c), each with its level map, held within `limits`, as one more channel."""
    assert STRIP_ROWS % BLOCK == 0
    top = 0
    for strip in recut(strips, STRIP_ROWS):
        levels = curve.level_map(finite(strip), top)
        top += len(strip)
        yield np.concatenate([strip, np.clip(levels, *limits)[..., None]], axis=2)


def _weighted_quantile(values: NDArray, weights: NDArray) -> float:
    order = np.argsort(values, kind="stable")
    mass = np.cumsum(weights[order])
    return float(values[order[np.searchsorted(mass, mass[-1] * QUANTILE)]])
