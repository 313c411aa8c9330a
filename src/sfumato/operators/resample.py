"""Pictures made smaller by any factor, as scanners, cameras and programs do it: one axis after the other."""

import math
from collections.abc import Callable

import numpy as np

from ..errors import PictureError, UsageError
from .blur import Blur
from .operator import Array, Composition, Operator, Shape

MIN_FACTOR, MAX_FACTOR = 1.0, 8.0


def _cubic(t: Array) -> Array:
    """Keys' kernel of a = -0.5, as MATLAB's and Pillow's bicubic have it."""
    t = np.abs(t)
    near, far = 1.5 * t**3 - 2.5 * t**2 + 1, -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
    return np.where(t <= 1, near, np.where(t <= 2, far, 0))


def _linear(t: Array) -> Array:
    return (1 - np.abs(t)).clip(min=0)


def _box(t: Array) -> Array:
    return ((np.abs(t) < 0.5) + 0.5 * (np.abs(t) == 0.5)).astype(np.float64)


# Each with its reach, in pixels of the result, since it is widened by the factor so that nothing is aliased.
PROFILES: dict[str, tuple[Callable[[Array], Array], float]] = {
    "bicubic": (_cubic, 2.0),
    "bilinear": (_linear, 1.0),
    "box": (_box, 0.5),
}


class Resample(Operator):
    """A picture sampled `factor` times more coarsely, the middle of every pixel at the middle of what it stands for.

    factor: 1 to 8, whole or not. profile: the function of the distance, in pixels of x, by which pixels are averaged;
    `reach`: the distance from which on it is 0.
    """

    def __init__(self, factor: float, profile: Callable[[Array], Array], reach: float, name: str) -> None:
        if not MIN_FACTOR <= factor <= MAX_FACTOR:
            raise UsageError(f"factor is {factor:g}; a picture is reduced {MIN_FACTOR:g} to {MAX_FACTOR:g} times.")
        self.scale, self.profile, self.reach, self.name = float(factor), profile, reach, name
        self.stride = 1 if self.scale.is_integer() else None
        needed = max(0, math.ceil(reach - self.scale / 2 + 0.5))
        self._border = needed + needed % 2  # even, so that more sizes suit networks with a stride
        self._tables: dict[int, tuple[Array, Array]] = {}

    @property
    def margin(self) -> tuple[float, float]:
        return float(self._border), float(self._border)

    def input_shape(self, shape: Shape) -> Shape:
        if 0 in shape:
            raise PictureError("A picture without pixels cannot be enlarged.")
        return self._length(shape[0]), self._length(shape[1]), shape[2]

    def output_shape(self, shape: Shape) -> Shape:
        return self._count(shape[0]), self._count(shape[1]), shape[2]

    def apply(self, x: Array) -> Array:
        rows, columns, _ = self.output_shape((x.shape[0], x.shape[1], x.shape[2]))
        return self._along(self._along(x, rows, 0), columns, 1)

    def adjoint(self, y: Array) -> Array:
        return self._back(self._back(y, 0), 1)

    def gain(self, size: tuple[int, int]) -> Array:
        taps = np.arange(-math.ceil(self.reach), math.ceil(self.reach) + 1)
        weights = self.profile(taps.astype(np.float64))
        weights = weights / weights.sum()
        rows, columns = (
            np.abs(np.exp(-2j * np.pi * np.outer(frequencies, taps)) @ weights) ** 2 / self.scale
            for frequencies in (np.fft.fftfreq(size[0]), np.fft.rfftfreq(size[1]))
        )
        return np.outer(rows, columns)[..., None].astype(np.float32)

    def _length(self, count: int) -> int:
        return round(count * self.scale) + 2 * self._border

    def _count(self, length: int) -> int:
        count = round((length - 2 * self._border) / self.scale)
        for tried in (count, count - 1, count + 1):
            if tried >= 1 and self._length(tried) == length:
                return tried
        raise PictureError(f"{length} pixels are not what {self!r} reduces to a whole number of pixels.")

    def _table(self, count: int) -> tuple[Array, Array]:
        """For each of `count` samples the first place that it averages, and the weights (count, taps)."""
        if count not in self._tables:
            length = self._length(count)
            shift = (round(count * self.scale) - count * self.scale) / 2
            middles = (np.arange(count) + 0.5) * self.scale - 0.5 + shift + self._border
            taps = 2 * math.ceil(self.reach) + 1
            first = np.clip(np.round(middles).astype(np.intp) - taps // 2, 0, max(length - taps, 0))
            places = first[:, None] + np.arange(min(taps, length))
            weights = self.profile(places - middles[:, None])
            self._tables = {count: (first, (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32))}
        return self._tables[count]

    def _along(self, x: Array, count: int, axis: int) -> Array:
        first, weights = self._table(count)
        x = np.moveaxis(x, axis, 0)
        out = np.zeros((count, *x.shape[1:]), np.float32)
        for tap in range(weights.shape[1]):
            out += weights[:, tap, None, None] * x[first + tap]
        return np.moveaxis(out, 0, axis)

    def _back(self, y: Array, axis: int) -> Array:
        y = np.moveaxis(y, axis, 0)
        first, weights = self._table(len(y))
        out = np.zeros((self._length(len(y)), *y.shape[1:]), np.float32)
        step = max(1, math.ceil(weights.shape[1] / self.scale))
        for tap in range(weights.shape[1]):
            part = weights[:, tap, None, None] * y
            for phase in range(step):  # samples `step` apart never meet in one place
                out[first[phase::step] + tap] += part[phase::step]
        return np.moveaxis(out, 0, axis)

    def __repr__(self) -> str:
        return f"Downsample({self.scale:g}, {self.name!r})"


def Downsample(factor: float, kernel: str | Array = "bicubic") -> Operator:
    """A picture made smaller by `factor`, 1 to 8, whole or not.

    kernel: "bicubic", "bilinear" or "box", widened by the factor so that nothing is aliased (as MATLAB's imresize and
    Pillow do), or an array (k, l), a blur as in `Blur`, in pixels of the large picture, after which the picture is
    sampled at the middle of every pixel (linearly interpolated where that lies between pixels).

    Raises UsageError for other factors and kernels.
    """
    if isinstance(kernel, str):
        if kernel not in PROFILES:
            raise UsageError(f"kernel is {kernel!r}; give {', '.join(PROFILES)}, or an array.")
        profile, reach = PROFILES[kernel]
        return Resample(factor, lambda t: profile(t / factor), reach * factor, kernel)
    return Composition(Resample(factor, _linear, 1.0, "sampled"), Blur(kernel))
