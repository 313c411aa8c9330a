"""How a picture was blurred, read off its pixels: a hand that moved, a missed focus, a soft lens, and how sure that is.

Blur multiplies the spectrum of everything in a picture by that of its kernel, which shows where many windows are put
together. A small network (`blur-kernel`) looks at the mean spectrum of the most textured windows of 64x64 pixels and
gives a probability to each of some 200 kernels, which are the classes in its card, in the words of `--kernel`.
"""

import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..models.engine import Engine, shipped
from ..models.ports import in_colour, run_by_kind
from ..operators import kernels
from ..pictures.picture import Picture
from ..pictures.pixels import finite
from .spectra import Spectrum, mean_power

NETWORK = "blur-kernel"
WINDOW, STEP = 64, 32  # side of a window, and from one to the next, in pixels
AT_ONCE = 16  # windows that the network is shown as one picture of 4x4
GROUPS = 3  # pictures of so many windows that are looked at in a region
REGION, MOST_REGIONS = 256, 4  # pixels of a region's side, at least, and how many there are in a row at most
LEAST = 1e-6  # probability
SHARP = "sharp"
LENGTHS = (2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 17, 20)
ANGLES = tuple(range(0, 180, 10))
RADII = (0.75, 1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6)
WIDTHS = (0.6, 0.8, 1, 1.3, 1.7, 2.2, 2.8)
# What the network tells apart, unless its card says otherwise.
CLASSES = (
    SHARP,
    *(f"motion:{length}@{angle}" for length in LENGTHS for angle in ANGLES),
    *(f"disc:{radius:g}" for radius in RADII),
    *(f"gaussian:{width:g}" for width in WIDTHS),
)
NEIGHBOURS = 1.1  # pixels between two kernels that may be the same
Array = NDArray[np.float32]


def textured_windows(y: Array, count: int = AT_ONCE) -> Array:
    """The `count` most textured windows (n, 64, 64, c) of y (h, w, c), those with much black or white last.

    Fewer where there are not so many; a picture that is smaller than a window is mirrored outwards.
    """
    missing = [max(WINDOW - length, 0) for length in y.shape[:2]]
    if any(missing):
        y = np.pad(y, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="symmetric")
    rows, columns = ((length - WINDOW) // STEP + 1 for length in y.shape[:2])
    # All that is asked of a window is a sum over squares of STEP.
    grey = y[: (rows + 1) * STEP, : (columns + 1) * STEP].mean(axis=2)
    reduced = grey.reshape(grey.shape[0] // 4, 4, grey.shape[1] // 4, 4).mean(axis=(1, 3))
    slopes = np.abs(np.diff(reduced, axis=0, append=reduced[-1:])) + np.abs(
        np.diff(reduced, axis=1, append=reduced[:, -1:])
    )
    texture = _summed(slopes, STEP // 4)
    clipped = _summed(((grey <= 0.004) | (grey >= 0.996)).astype(np.float32), STEP)
    order = np.argsort(np.where(clipped > 0.05 * WINDOW**2, -1 / (1 + texture), texture).ravel())[::-1][:count]
    return np.stack(
        [y[STEP * row :, STEP * column :][:WINDOW, :WINDOW] for row, column in (divmod(i, columns) for i in order)]
    )


def _summed(values: Array, step: int) -> Array:
    """The sum over each window, of values of which `step` a side are in a square."""
    squares = values.reshape(values.shape[0] // step, step, values.shape[1] // step, step).sum(axis=(1, 3))
    return squares[1:, 1:] + squares[1:, :-1] + squares[:-1, 1:] + squares[:-1, :-1]


def side_by_side(windows: Array) -> Array:
    """Windows (n, 64, 64, c) as one picture (256, 256, c) of 4x4 of them; fewer are repeated."""
    across = math.isqrt(AT_ONCE)
    taken = windows[np.arange(AT_ONCE) % len(windows)]
    grid = taken.reshape(across, across, WINDOW, WINDOW, -1).transpose(0, 2, 1, 3, 4)
    return grid.reshape(across * WINDOW, across * WINDOW, -1)


@dataclass(frozen=True)
class FoundBlur:
    """How a picture seems to be blurred. kind: "motion", "disc", "gaussian", or "sharp", then of no size.

    size: a path's length, a disc's radius, a Gaussian's width, in pixels. angle: of a path, in degrees, as in --kernel.
    certainty: the probability of this kernel and its neighbours, among all. bend: by how many degrees a path turns from
    end to end, one way or the other, which a spectrum does not say.
    """

    kind: str
    size: float = 0.0
    angle: float = 0.0
    certainty: float = 0.0
    bend: float = 0.0

    def __str__(self) -> str:
        """In the words of `--kernel`."""
        if self.kind == SHARP:
            return SHARP
        return f"{self.kind}:{self.size:.3g}" + (f"@{self.angle:.0f}" if self.kind == "motion" else "")

    def kernel(self, turn: int = 1) -> NDArray[np.floating]:
        """The kernel (k, l), of a path that turns this way (1 or -1); of what is sharp a single 1."""
        if self.kind == SHARP:
            return np.ones((1, 1), np.float32)
        if self.kind == "motion":
            return kernels.motion(self.size, self.angle, turn * self.bend)
        return kernels.disc(self.size) if self.kind == "disc" else kernels.gaussian(self.size)

    def refined(self, spectrum: Spectrum) -> Self:
        """With the size, the angle and the bend that explain the spectrum best; of a Gaussian, which a spectrum does
        not set apart from a soft picture, as it is."""
        if self.kind == "motion":
            size, angle, bend = spectrum.likeliest_path(self.size, self.angle)
            return replace(self, size=size, angle=angle, bend=bend)
        return replace(self, size=spectrum.likeliest_radius(self.size)) if self.kind == "disc" else self


class KernelClasses:
    """Kernels by name ("motion:6@30", "disc:2", "gaussian:1.3", "sharp"), and how far they are from each other."""

    def __init__(self, names: tuple[str, ...]) -> None:
        parts = [name.replace("@", ":").split(":") for name in names]
        self.kinds = np.array([part[0] for part in parts])
        self.sizes = np.array([float(part[1]) if len(part) > 1 else 0.0 for part in parts])
        self.angles = np.array([float(part[2]) if len(part) > 2 else 0.0 for part in parts])

    def paths_apart(self, length: float, angle: float) -> NDArray[np.float64]:
        """Pixels (n) from the ends of a path to those of each class, infinite for other kinds."""
        ends, own = (
            0.5 * np.multiply(lengths, np.exp(1j * np.radians(angles)))
            for lengths, angles in ((self.sizes, self.angles), (length, angle))
        )
        return np.where(self.kinds == "motion", np.minimum(np.abs(ends - own), np.abs(ends + own)), np.inf)

    def sizes_apart(self, kind: str, size: float) -> NDArray[np.float64]:
        """Pixels (n) from a disc's radius to that of each class, or between the radii of the discs that are as wide as
        Gaussians; relative where the blur is wide; infinite for other kinds."""
        wide = 2 * size if kind == "gaussian" else size
        apart = np.abs(self.sizes - size) * (wide / size) / max(1, wide / 4)
        return np.where(self.kinds == kind, apart, np.inf)

    def likeliest(self, probabilities: NDArray[np.floating]) -> FoundBlur:
        """The kernel that these probabilities (n) speak for: the mean of the likeliest and of its neighbours."""
        kinds = {kind: float(probabilities[self.kinds == kind].sum()) for kind in dict.fromkeys(self.kinds)}
        kind = max(kinds, key=lambda name: kinds[name])
        if kind == SHARP:
            return FoundBlur(SHARP, certainty=kinds[kind])
        best = int(np.argmax(np.where(self.kinds == kind, probabilities, -1)))
        size, angle = float(self.sizes[best]), float(self.angles[best])
        apart = self.paths_apart(size, angle) / max(1, size / 8) if kind == "motion" else self.sizes_apart(kind, size)
        shares = np.where(apart <= NEIGHBOURS, probabilities, 0).astype(np.float64)
        certainty = float(shares.sum())
        shares /= certainty
        turned = (self.angles - angle + 90) % 180 - 90
        return FoundBlur(kind, float(shares @ self.sizes), (angle + float(shares @ turned)) % 180, certainty)


@dataclass(frozen=True)
class BlurMap:
    """How a picture seems to be blurred: as a whole, and, about, in regions of a grid (rows of columns)."""

    whole: FoundBlur
    regions: tuple[tuple[FoundBlur, ...], ...]


def find_blur(picture: Picture, *, device: str = "auto", threads: int | None = None) -> BlurMap:
    """The blur of a picture: a small network (`blur-kernel`) looks at its most textured windows and says what kind it
    is and about how large, and the mean spectrum says exactly.

    device, threads: as in Engine.
    """
    engine = shipped(NETWORK, device, threads)
    classes = KernelClasses(engine.card.classes)
    height, width = (max(REGION, math.ceil(length / MOST_REGIONS)) for length in (picture.height, picture.width))
    logs: list[list[NDArray[np.float64]]] = []
    powers: list[NDArray[np.float64]] = []
    for strip in picture.strips(height):
        if logs and len(strip) < height // 2:
            break  # a rest, of which little is seen
        parts = np.array_split(finite(strip), max(round(picture.width / width), 1), axis=1)
        logs.append([log_probabilities(part, engine) for part in parts])
        powers += [power for part in parts if (power := mean_power(part)) is not None]
    regions = tuple(tuple(classes.likeliest(_chances(log)) for log in row) for row in logs)
    whole = classes.likeliest(_chances(np.mean([log for row in logs for log in row], axis=0)))
    return BlurMap(whole if not powers else whole.refined(Spectrum(np.mean(powers, axis=0))), regions)


def _chances(log: NDArray[np.float64]) -> NDArray[np.float64]:
    chances = np.exp(log - log.max())
    return chances / chances.sum()


def log_probabilities(y: Array, engine: Engine) -> NDArray[np.float64]:
    """The logarithms of the probabilities (n) of the network's classes, on the mean over pictures of windows of y."""
    windows = textured_windows(y, AT_ONCE * GROUPS)
    groups = max(len(windows) // AT_ONCE, 1)
    shown = np.stack([side_by_side(windows[group::groups]) for group in range(groups)]).transpose(0, 3, 1, 2)
    found = run_by_kind(engine, {"picture": in_colour(shown)})
    return np.log(np.maximum(found, LEAST)).mean(axis=0, dtype=np.float64)
