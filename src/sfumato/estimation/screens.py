"""Pictures whose tones are made of dots or lines: printed screens, ordered dither, and dither in two tones.

Dots are neither noise nor compression, and what removes these erases the picture with them. A screen or an ordered
dither is a lattice: in the spectrum of every window the same two peaks stand out, of one frequency and in different
directions; of lines and of long dots one peak alone. So it is with chequers, stripes, brick and cloth: these carry no
tones, or are not as regular as a screen, or light and shadow change both their darkest and their brightest values,
where print has one ink and one paper. Of other dither only the two tones are told, and that pixels stand alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..pictures.channels import GREY_WEIGHTS

BLOCK = 64  # side of a window, in pixels
SLOWEST = 0.09  # cycles a pixel: dots are at most eleven pixels apart; below lies the picture itself
# The share of what is faster than that which lies about each of the two peaks, in two thirds of the windows at least: a
# fence may fill half of a photograph (docs/experiments.md).
OUTSTANDING, MOST = 0.13, 1 / 3
ALONE = 0.22  # the same of a peak without a second one
LONG = 0.02  # of the second peak, where dots are long; of lines it has less
APART = 0.05  # cycles a pixel from one peak to the next
ALIKE, ACROSS = 1.2, 55.0  # how the frequencies may differ, and the least angle between them in degrees
FAINT = 4 / 255  # standard deviation of a window that is too flat to tell
FEWEST = 3  # windows that are not
DOTTED = 0.04  # the least share of neighbours that differ, where there are two tones
STRAY = 0.15  # the least share of the rarer tone in pixels that differ from three neighbours or all, in dither
# Of a screen: by how much tones differ (standard deviation), how much of a peak lies in the bins of a whole window
# beside it, and at most how far the ink or the paper vary, as a share of the tones; what its fractions have of it.
TONES, REGULAR, INK, COARSE = 0.025, 0.8, 0.68, 0.8
CELL, WIDE = 32, 256  # sides of what tones are taken of, and of a whole window


@dataclass(frozen=True)
class Screen:
    """pitch: pixels from one row of dots, or one line, to the next. angle: of rows or lines, in degrees from 0 to 90,
    of lines to 180. lines: whether there are no dots. has_tones: whether it is printed; otherwise it is a pattern that
    the picture shows, such as chequers or cloth.
    """

    pitch: float
    angle: float
    lines: bool = False
    has_tones: bool = True

    def __str__(self) -> str:
        what = "a regular pattern" if not self.has_tones else "a screen of lines" if self.lines else "a screen of dots"
        return f"{what}, {self.pitch:.1f} pixels apart at {self.angle:.0f} degrees"


def find_screen(windows: Iterable[NDArray[np.floating]]) -> Screen | None:
    """The lattice of dots in windows (h, w, c) of a picture, values in [0, 1], or the lines; None where there are
    none.
    """
    greys = [_grey(window) for window in windows]
    energies = [energy for grey in greys for energy in _energies(grey)]
    if len(energies) < FEWEST:
        return None
    fast = [energy * _FAST for energy in energies]
    shares = [energy / max(float(energy.sum()), 1e-12) for energy in fast]
    (first, share), *others = _peaks(_about(np.quantile(shares, MOST, axis=0)))
    second = max((share for other, share in others if _is_across(first, other)), default=0.0)
    if share < OUTSTANDING or (second < OUTSTANDING and share < ALONE):
        return None
    is_regular = _is_regular(greys, first)
    if second < OUTSTANDING and not is_regular:
        return None
    down, right = first
    lines = second < LONG
    angle = float(np.degrees(np.arctan2(down, right)) + 90) % (180 if lines else 90)
    is_fundamental = _fractions(np.mean(energies, axis=0), first) <= COARSE
    has_tones = is_fundamental and is_regular and _has_tones(greys)
    return Screen(float(1 / np.hypot(*first)), angle, lines, has_tones)


def has_two_tones(windows: Iterable[NDArray[np.floating]]) -> bool:
    """Whether there are but two values, often side by side, as dither and scans in black and white have them."""
    greys = [_grey(window) for window in windows]
    values, counts = np.unique(np.concatenate([grey.ravel() for grey in greys]), return_counts=True)
    if len(values) != 2 or counts.min() < DOTTED * counts.sum() / 4:
        return False
    changes = [np.diff(grey, axis=1) != 0 for grey in greys if grey.shape[1] > 1]
    return bool(changes) and float(np.mean(np.concatenate([change.ravel() for change in changes]))) >= DOTTED


def is_dithered(windows: Iterable[NDArray[np.floating]]) -> bool:
    """Of a picture of two tones: whether pixels stand alone as dither has them, not codes, bars or letters."""
    stray = rarer = 0
    for grey in (_grey(window) for window in windows):
        bright = grey > grey.mean()
        wide = np.pad(bright, 1, mode="edge")
        beside = (wide[:-2, 1:-1], wide[2:, 1:-1], wide[1:-1, :-2], wide[1:-1, 2:])
        stray += int((sum((bright != other).astype(np.uint8) for other in beside) >= 3).sum())
        rarer += int(min(bright.sum(), bright.size - bright.sum()))
    return stray >= STRAY * 2 * rarer > 0


def _grey(window: NDArray[np.floating]) -> NDArray[np.floating]:
    return window @ np.array(GREY_WEIGHTS, window.dtype) if window.shape[2] == 3 else window[..., 0]


_TAPER = np.outer(np.hanning(BLOCK), np.hanning(BLOCK))
_DOWN, _RIGHT = np.meshgrid(np.fft.fftfreq(BLOCK), np.fft.rfftfreq(BLOCK), indexing="ij")
_FAST = np.hypot(_DOWN, _RIGHT) > SLOWEST


def _energies(grey: NDArray[np.floating]) -> list[NDArray[np.float64]]:
    """Of each block of a window that is not flat: the energy at each frequency."""
    found: list[NDArray[np.float64]] = []
    for top in range(0, grey.shape[0] - BLOCK + 1, BLOCK):
        for left in range(0, grey.shape[1] - BLOCK + 1, BLOCK):
            block = grey[top : top + BLOCK, left : left + BLOCK]
            block = (block - block.mean()) * _TAPER
            if np.isfinite(block).all() and block.std() >= FAINT / 2:
                found.append(np.square(np.abs(np.fft.rfft2(block))))
    return found


def _is_across(first: NDArray[np.floating], other: NDArray[np.floating]) -> bool:
    """Whether two frequencies (down, right) are nearly the same, in different directions."""
    slow, fast = sorted((np.hypot(*first), np.hypot(*other)))
    cosine = abs(first @ other) / max(fast * slow, 1e-9)
    return bool(fast <= ALIKE * slow and np.degrees(np.arccos(min(cosine, 1.0))) >= ACROSS)


def _fractions(energy: NDArray[np.floating], frequency: NDArray[np.floating]) -> float:
    """The most that a half or a third of a frequency has of its energy: squares and stripes of many pixels have it."""
    about = _about(energy)

    def at(part: int) -> float:
        down, right = np.round(frequency * BLOCK / part).astype(int)
        return float(about[down % BLOCK, right])

    return max(at(2), at(3)) / max(at(1), 1e-12) if np.hypot(*frequency) > 4 / BLOCK else 0.0


def _has_tones(greys: list[NDArray[np.floating]]) -> bool:
    """Whether tones differ over the picture while the ink or the paper stays as it is."""
    weights = np.outer(np.hanning(CELL + 2)[1:-1], np.hanning(CELL + 2)[1:-1]).ravel()
    cells = np.concatenate([_cells(grey) for grey in greys])
    if not len(cells):
        return False
    means = cells @ (weights / weights.sum())
    dark, bright = np.quantile(cells, (0.03, 0.97), axis=1)
    dotted = bright - dark >= 0.5 * np.quantile(bright - dark, 0.9)
    tones, ink = means[dotted].std(), min(dark[dotted].std(), bright[dotted].std())
    return bool(tones >= TONES and ink <= INK * tones)


def _cells(grey: NDArray[np.floating]) -> NDArray[np.floating]:
    """Squares of a window, each in a row: (n, CELL * CELL)."""
    rows, columns = (length // CELL for length in grey.shape)
    whole = grey[: rows * CELL, : columns * CELL]
    return whole.reshape(rows, CELL, columns, CELL).swapaxes(1, 2).reshape(-1, CELL * CELL)


def _is_regular(greys: list[NDArray[np.floating]], frequency: NDArray[np.floating]) -> bool:
    """Whether a frequency stays the same across whole windows; so taken where these are small."""
    side = min(max((grey.shape[1] for grey in greys), default=0), WIDE)
    whole = [grey[:BLOCK, :side] for grey in greys if grey.shape[0] >= BLOCK and grey.shape[1] >= side]
    if side < 2 * BLOCK or not whole:
        return True
    taper = np.outer(np.hanning(BLOCK), np.hanning(side))
    energy = sum(np.square(np.abs(np.fft.fft2((grey - grey.mean()) * taper))) for grey in whole)
    assert not isinstance(energy, int)
    reach = round(1.5 * side / BLOCK)
    rows = (np.arange(-1, 2) + round(float(frequency[0]) * BLOCK)) % BLOCK
    columns = (np.arange(-reach, reach + 1) + round(float(frequency[1]) * side)) % side
    line = energy[np.ix_(rows, columns)].sum(axis=0)
    return bool(np.convolve(line, np.ones(3), "valid").max() >= REGULAR * line.sum())


def _about(shares: NDArray[np.floating]) -> NDArray[np.floating]:
    """The sum of each frequency's share and its neighbours'."""
    wide = np.pad(shares, 1, mode="wrap")
    height, width = shares.shape
    summed = sum(wide[i : i + height, j : j + width] for i in range(3) for j in range(3))
    assert not isinstance(summed, int)
    return summed


def _peaks(shares: NDArray[np.floating], count: int = 4) -> list[tuple[NDArray[np.floating], float]]:
    """The highest frequencies (down, right), apart from one another, with their shares."""
    found: list[tuple[NDArray[np.floating], float]] = []
    for place in np.argsort(shares, axis=None)[::-1]:
        here = np.array([_DOWN.ravel()[place], _RIGHT.ravel()[place]])
        if all(min(np.hypot(*(here - there)), np.hypot(*(here + there))) > APART for there, _ in found):
            found.append((here, float(shares.ravel()[place])))
        if len(found) == count:
            break
    return found
