"""How well a kernel explains the spectrum of a blurred picture, and the size and angle that explain it best.

Pictures are taken as Gaussian noise whose power falls with frequency by a power law, blurred, with white noise on top:
of this the likelihood of a kernel is known (what is left when the picture is integrated out, arXiv:1106.5265). It is
sharp where a kernel has zeros, as paths and discs have, and says nothing of which way a path is bent.
"""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ..operators import kernels
from ..pictures.picture import Picture
from ..pictures.pixels import finite

WINDOW, STEP, MOST = 96, 48, 200  # side of a window, from one to the next, and how many are looked at
ROWS = 512  # of a strip that is looked at
LOWEST = 0.03  # cycles a pixel: what lies below shows what the picture shows, not how it was blurred
FALLS = (1.6, 2.0, 2.4, 2.8, 3.2)  # exponents of the power law
GAINS = (0.7, 1.0, 1.5, 2.2)  # of its level, over what the plain frequencies say
CLEARLY = 0.15  # of the log likelihood: right kernels of 5 kinds are 0.02 behind at most, wrong ones 0.37 and more
FLOORS = (0.5, 1.0)  # of the noise, over the least that is found
Array = NDArray[np.float64]


def mean_power(y: NDArray[np.float32], most: int = MOST) -> Array | None:
    """Of windows of y (h, w, c), spread evenly, `most` or a few more: (96, 49); None where y is smaller than one."""
    grey = y.mean(axis=2, dtype=np.float64)
    tops, lefts = (range(0, length - WINDOW + 1, STEP) for length in grey.shape)
    corners = [(top, left) for top in tops for left in lefts]
    if not corners:
        return None
    taken = corners[:: max(1, len(corners) // most)]
    taper = np.hanning(WINDOW + 2)[1:-1]
    tapers = np.outer(taper, taper)
    power = np.zeros((WINDOW, WINDOW // 2 + 1))
    for top, left in taken:
        window = grey[top : top + WINDOW, left : left + WINDOW]
        power += np.square(np.abs(np.fft.rfft2((window - window.mean()) * tapers)))
    return power / (len(taken) * np.square(tapers).sum())


def spectrum_of(picture: Picture) -> "Spectrum | None":
    """Of a whole picture; None where it is smaller than a window."""
    strips = -(-picture.height // ROWS)
    most = max(MOST // strips, 8)
    powers = [mean_power(finite(strip), most) for strip in picture.strips(ROWS)]
    seen = [power for power in powers if power is not None]
    return Spectrum(np.mean(seen, axis=0)) if seen else None


class Spectrum:
    """The mean power of the windows of a picture at each frequency; white noise of variance v has v everywhere."""

    def __init__(self, power: Array) -> None:
        self.side = len(power)
        frequency = np.hypot(np.fft.fftfreq(self.side)[:, None], np.fft.rfftfreq(self.side)[None])
        self.counted = (frequency > LOWEST) & (frequency < 0.5)
        self.falling = [frequency[self.counted] ** -fall for fall in FALLS]
        self.measured = np.maximum(power[self.counted], 1e-12)

    def likelihood(self, kernel: NDArray[np.float32]) -> float:
        """The log likelihood of the kernel (k, l), the mean over frequencies, with what fits the picture best."""
        if max(kernel.shape) > self.side:
            return -np.inf
        placed = np.zeros((self.side, self.side))
        placed[: kernel.shape[0], : kernel.shape[1]] = kernel
        gain = np.square(np.abs(np.fft.rfft2(placed)))[self.counted]
        noise = float(np.quantile(self.measured, 0.02))
        passing = gain > 0.3
        if passing.sum() < 20:
            return -np.inf
        best = -np.inf
        above = np.log(np.maximum(self.measured[passing] - noise, 1e-12))
        for falling in self.falling:
            shape = falling * gain
            level = np.exp(np.mean(above - np.log(shape[passing])))
            power = np.multiply.outer(level * np.array(GAINS), shape)[:, None] + noise * np.array(FLOORS)[:, None]
            best = max(best, -float((np.log(power) + self.measured / power).mean(axis=-1).min()))
        return best

    def better_than(self, kernel: NDArray[np.float32], least: float = 0.0) -> str:
        """A path, a disc or no blur at all that explains the spectrum clearly better than the kernel (k, l), in the
        words of `--kernel`, "sharp" for none; "" where there is none.

        least: which share of the kernel's variance it must have; compression, which takes away what is fine, makes
        small kernels seem likely.
        """
        weights = kernel / kernel.sum()
        rows, columns = (np.arange(side) - (side - 1) / 2 for side in kernel.shape)
        down, across = weights.sum(axis=1), weights.sum(axis=0)
        # Of a path the length squared over 12, of a disc the radius squared over 2.
        spread = float(down @ rows**2 - (down @ rows) ** 2 + across @ columns**2 - (across @ columns) ** 2)
        _, length, angle = max(
            (self.likelihood(kernels.motion(one, other)), one, other)
            for one in np.array((0.5, 0.75, 1.0, 1.35)) * max(math.sqrt(12 * spread), 2.0)
            for other in np.linspace(0, 165, 12)
        )
        length, angle, bend = self.likeliest_path(float(length), float(angle))
        radius = self.likeliest_radius(max(math.sqrt(2 * spread), 0.75))
        found = {
            f"motion:{length:.3g}@{angle:.0f}": (kernels.motion(length, angle, bend), length**2 / 12),
            f"disc:{radius:.3g}": (kernels.disc(radius), radius**2 / 2),
            "sharp": (np.ones((1, 1), np.float32), 0.0),
        }
        likelihoods = {name: self.likelihood(one) for name, (one, own) in found.items() if own >= least * spread}
        if not likelihoods:
            return ""
        best = max(likelihoods, key=lambda name: likelihoods[name])
        return best if likelihoods[best] - self.likelihood(kernel) > CLEARLY else ""

    def likeliest_path(self, length: float, angle: float) -> tuple[float, float, float]:
        """Length, angle and bend (degrees from end to end, not negative) near these, in rounds of a finer grid."""
        bend = 15.0
        reach, turn, bow = 0.4 * length, 10.0, 15.0
        for counts in ((7, 5), (5, 3), (5, 3), (5, 3)):
            found = [
                (self.likelihood(kernels.motion(one, other, bent)), one, other, bent)
                for one in _around(length, reach, counts[0], least=1.0)
                for other in _around(angle, turn, counts[1])
                for bent in _around(bend, bow, 3, least=0.0)
            ]
            _, length, angle, bend = max(found)
            reach, turn, bow = reach / 2.5, turn / 2, bow / 1.5
        return length, angle % 180, bend

    def likeliest_radius(self, radius: float) -> float:
        """The radius of a disc near this one, in three rounds of a finer grid."""
        reach = 0.4 * radius
        for _ in range(3):
            radius = max(_around(radius, reach, 9, least=0.5), key=lambda one: self.likelihood(kernels.disc(one)))
            reach /= 3
        return radius


def _around(middle: float, reach: float, count: int, least: float = -np.inf) -> Iterable[float]:
    return sorted({max(float(value), least) for value in np.linspace(middle - reach, middle + reach, count)})
