"""Pictures whose tones are made of dots: printed screens, ordered dither, and dither in two tones.

Dots are neither noise nor compression, and what removes these erases the picture with them. A screen or an ordered
dither is a lattice: in the spectrum of every window the same two peaks stand out, of one frequency and in different
directions. Of other dither only the two tones are told.
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
APART = 0.05  # cycles a pixel from one peak to the next
ALIKE, ACROSS = 1.2, 55.0  # how the frequencies may differ, and the least angle between them in degrees
FAINT = 4 / 255  # standard deviation of a window that is too flat to tell
FEWEST = 3  # windows that are not
DOTTED = 0.04  # the least share of neighbours that differ, where there are two tones


@dataclass(frozen=True)
class Screen:
    """pitch: pixels from one row of dots to the next. angle: of the rows, in degrees from 0 to 90."""

    pitch: float
    angle: float

    def __str__(self) -> str:
        return f"a screen of dots, {self.pitch:.1f} pixels apart at {self.angle:.0f} degrees"


def find_screen(windows: Iterable[NDArray[np.floating]]) -> Screen | None:
    """The lattice of dots in windows (h, w, c) of a picture, values in [0, 1]; None where there is none."""
    spectra = [spectrum for window in windows for spectrum in _spectra(_grey(window))]
    if len(spectra) < FEWEST:
        return None
    shares = _about(np.quantile(spectra, MOST, axis=0))
    first, *others = _peaks(shares)
    for other in (peak for peak in others if peak[1] >= OUTSTANDING):
        fast, slow = np.hypot(*first[0]), np.hypot(*other[0])
        cosine = abs(first[0] @ other[0]) / max(fast * slow, 1e-9)
        alike = max(fast, slow) <= ALIKE * min(fast, slow)
        if alike and np.degrees(np.arccos(min(cosine, 1.0))) >= ACROSS:
            down, right = first[0]
            return Screen(float(1 / fast), float(np.degrees(np.arctan2(down, right)) % 90))
    return None


def has_two_tones(windows: Iterable[NDArray[np.floating]]) -> bool:
    """Whether there are but two values, often side by side, as dither and scans in black and white have them."""
    greys = [_grey(window) for window in windows]
    values, counts = np.unique(np.concatenate([grey.ravel() for grey in greys]), return_counts=True)
    if len(values) != 2 or counts.min() < DOTTED * counts.sum() / 4:
        return False
    changes = [np.diff(grey, axis=1) != 0 for grey in greys if grey.shape[1] > 1]
    return bool(changes) and float(np.mean(np.concatenate([change.ravel() for change in changes]))) >= DOTTED


def _grey(window: NDArray[np.floating]) -> NDArray[np.floating]:
    return window @ np.array(GREY_WEIGHTS, window.dtype) if window.shape[2] == 3 else window[..., 0]


_TAPER = np.outer(np.hanning(BLOCK), np.hanning(BLOCK))
_DOWN, _RIGHT = np.meshgrid(np.fft.fftfreq(BLOCK), np.fft.rfftfreq(BLOCK), indexing="ij")
_FAST = np.hypot(_DOWN, _RIGHT) > SLOWEST


def _spectra(grey: NDArray[np.floating]) -> list[NDArray[np.float64]]:
    """Of each block of a window that is not flat: the share of its fast energy at each frequency."""
    found: list[NDArray[np.float64]] = []
    for top in range(0, grey.shape[0] - BLOCK + 1, BLOCK):
        for left in range(0, grey.shape[1] - BLOCK + 1, BLOCK):
            block = grey[top : top + BLOCK, left : left + BLOCK]
            block = (block - block.mean()) * _TAPER
            if np.isfinite(block).all() and block.std() >= FAINT / 2:
                energy = np.square(np.abs(np.fft.rfft2(block))) * _FAST
                found.append(energy / max(float(energy.sum()), 1e-12))
    return found


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
