"""How noisy a picture is: the level as a function of brightness, and an estimate of it from the picture itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from .tiles import STRIP_ROWS

if TYPE_CHECKING:
    from .picture import Picture

BLOCK = 8  # side of the level map's blocks, in pixels
NUM_SAMPLED = 4_000_000  # pixels that the estimate looks at, spread over the picture
WINDOW_COLUMNS = 256
NUM_BINS = 8  # of brightness
FLATTEST = 0.2  # share of the blocks of a bin that is taken to be free of texture
MIN_COEFFICIENTS = 2_000  # of which a knot's level is the median; fewer are merged with the next bin's
MAD_TO_SIGMA = 0.67449


@dataclass(frozen=True)
class NoiseCurve:
    """Standard deviation of the noise, in [0, 1] units, piecewise linear in local brightness, constant beyond the ends.

    brightness: increasing, in [0, 1] units, averaged over channels. sigma: one level for each. Photon noise grows with
    brightness; one knot states noise that does not.
    """

    brightness: tuple[float, ...]
    sigma: tuple[float, ...]

    def __post_init__(self) -> None:
        assert len(self.brightness) == len(self.sigma) > 0
        assert all(low < high for low, high in pairwise(self.brightness))
        assert all(level >= 0 for level in self.sigma)

    @classmethod
    def constant(cls, sigma: float) -> Self:
        """The same level everywhere."""
        return cls((0.5,), (float(sigma),))

    @property
    def typical(self) -> float:
        """One number for the curve: the mean level over the brightness that its knots span."""
        if len(self.sigma) == 1:
            return self.sigma[0]
        knots = pairwise(zip(self.brightness, self.sigma, strict=True))
        area = sum((high - low) * (at_low + at_high) / 2 for (low, at_low), (high, at_high) in knots)
        return area / (self.brightness[-1] - self.brightness[0])

    def level_map(self, y: NDArray[np.float32]) -> NDArray[np.float32]:
        """The level (h, w) at each pixel of y (h, w, c), whose first row and column lie on multiples of 8.

        Brightness is averaged over blocks of 8 x 8, so that the noise does not steer the level; blocks are counted
        from the picture's origin, so that a strip gets the same levels as the whole.
        """
        height, width = y.shape[:2]
        if len(self.sigma) == 1:
            return np.full((height, width), self.sigma[0], np.float32)
        rows, columns = np.arange(0, height, BLOCK), np.arange(0, width, BLOCK)
        sums = np.add.reduceat(np.add.reduceat(y.mean(axis=2), rows, axis=0), columns, axis=1)
        counts = np.outer(np.diff(rows, append=height), np.diff(columns, append=width))
        levels = np.interp(sums / counts, self.brightness, self.sigma).astype(np.float32)
        return levels.repeat(BLOCK, axis=0)[:height].repeat(BLOCK, axis=1)[:, :width]


def estimate_noise(picture: "Picture") -> NoiseCurve:
    """The noise curve of a picture, in one pass over its strips, from windows spread evenly over it.

    For each range of brightness, the median magnitude of diagonal Haar coefficients over the blocks whose local means
    vary least (Donoho and Johnstone 1994, on flat blocks): both are robust against what is picture, not noise. A
    picture too small to hold one block has level 0.
    """
    found = [_measure_blocks(window) for window in _windows(picture)]
    brightness, texture, diagonal = (np.concatenate(parts) for parts in zip(*found, strict=True))
    if not len(brightness):
        return NoiseCurve.constant(0.0)

    edges = np.quantile(brightness, np.linspace(0, 1, NUM_BINS + 1))
    bins = np.clip(np.searchsorted(edges, brightness, side="right") - 1, 0, NUM_BINS - 1)
    knots: list[tuple[float, float]] = []
    waiting: list[int] = []
    for index in range(NUM_BINS):
        members = np.flatnonzero(bins == index)
        if len(members):
            count = max(1, round(len(members) * FLATTEST))
            waiting += members[np.argsort(texture[members], kind="stable")[:count]].tolist()
        if waiting and (len(waiting) * diagonal.shape[1] >= MIN_COEFFICIENTS or (index == NUM_BINS - 1 and not knots)):
            level = float(np.median(np.abs(diagonal[waiting])) / MAD_TO_SIGMA)
            middle = float(brightness[waiting].mean())
            if not knots or middle > knots[-1][0]:
                knots.append((middle, level))
            waiting = []
    return NoiseCurve(tuple(middle for middle, _ in knots), tuple(level for _, level in knots))


def _windows(picture: "Picture") -> Iterator[NDArray[np.float32]]:
    """Windows (64, 256, c) in even columns of the strips; a picture below the limit is taken whole."""
    share = min(1.0, NUM_SAMPLED / (picture.width * picture.height))
    columns = range(0, picture.width, WINDOW_COLUMNS)
    num_taken = max(1, round(len(columns) * share))
    for index, strip in enumerate(picture.strips(STRIP_ROWS)):
        for step in range(num_taken):
            # The places drift from strip to strip: a picture's columns are often alike from top to bottom.
            left = columns[(step * len(columns) // num_taken + index) % len(columns)]
            yield strip[:, left : left + WINDOW_COLUMNS]


def _measure_blocks(window: NDArray[np.float32]) -> tuple[NDArray, NDArray, NDArray]:
    """Brightness (n,), texture (n,) and diagonal coefficients (n, 64 * c) of the n blocks of 16 x 16 in a window."""
    size = 2 * BLOCK
    rows, columns, channels = window.shape[0] // size, window.shape[1] // size, window.shape[2]
    blocks = window[: rows * size, : columns * size].reshape(rows, BLOCK, 2, columns, BLOCK, 2, channels)
    blocks = blocks.transpose(0, 3, 1, 4, 2, 5, 6).reshape(rows * columns, BLOCK, BLOCK, 2, 2, channels)
    # Sensors clip: a block at either end of the range shows less noise than there is.
    clipped = ((blocks <= 0) | (blocks >= 1)).mean(axis=(1, 2, 3, 4, 5)) > 0.1
    if not clipped.all():
        blocks = blocks[~clipped]
    means = blocks.mean(axis=(3, 4, 5))
    diagonal = (blocks[..., 0, 0, :] - blocks[..., 0, 1, :] - blocks[..., 1, 0, :] + blocks[..., 1, 1, :]) / 2
    # Differences of local means are orthogonal to the diagonal coefficients, so that choosing the blocks by the one
    # does not bias the other.
    texture = np.abs(np.diff(means, axis=1)).mean(axis=(1, 2)) + np.abs(np.diff(means, axis=2)).mean(axis=(1, 2))
    return means.mean(axis=(1, 2)), texture, diagonal.reshape(len(blocks), BLOCK * BLOCK * channels)
