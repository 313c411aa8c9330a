"""A linear map from a picture to what was measured of it, its adjoint, and the proximal step that inverts it gently."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import PictureError
from . import conjugate_gradients

Array = NDArray[Any]
Shape = tuple[int, int, int]  # height, width, channels
# Of conjugate gradients: a border that is not periodic still costs 1-2 dB at 1e-5, and nothing more below this.
TOLERANCE = 3e-6


class Operator(ABC):
    """y = A x: what a camera, a scanner or a loss makes of a picture x (h, w, c), y (h', w', c') being measured.

    Borders are unknown: where y depends on what lies beyond its frame, as it does behind a blur, x is larger than y by
    a margin, and `inside` says which part of x lies behind y.

    Attributes:
        scale: how many times finer x is sampled than y.
        stride: rows and columns of y by which a window may be moved without changing the operator, None where it is
            another at every place, or only as a whole.
    """

    scale: float = 1.0
    stride: int | None = None

    @abstractmethod
    def input_shape(self, shape: Shape) -> Shape:
        """The shape of x behind a y of `shape`; raises PictureError where y cannot have it."""

    @abstractmethod
    def output_shape(self, shape: Shape) -> Shape:
        """The shape of y that an x of `shape` gives; raises PictureError where x cannot have it."""

    @abstractmethod
    def apply(self, x: Array) -> Array:
        """y = A x."""

    @abstractmethod
    def adjoint(self, y: Array) -> Array:
        """The adjoint of A at y: <A x, y> = <x, adjoint(y)> for all x and y."""

    @property
    def margin(self) -> tuple[float, float]:
        """Rows and columns of x before the place of y's first pixel."""
        return 0.0, 0.0

    def inside(self, shape: Shape) -> tuple[slice, slice]:
        """Rows and columns of x that lie behind a y of `shape`: round(h * scale), round(w * scale) of them."""
        top, left = (round(start) for start in self.margin)
        return slice(top, top + round(shape[0] * self.scale)), slice(left, left + round(shape[1] * self.scale))

    @abstractmethod
    def gain(self, size: tuple[int, int]) -> Array:
        """About the factor by which A^T A changes each frequency: (h, w // 2 + 1, c) or what broadcasts to it, for an
        rfft2 of `size`.

        Exact where the operator is a periodic convolution; else what the conjugate gradients are preconditioned by.
        """

    def proximal(
        self, y: Array, z: Array, rho: float, *, weights: Array | None = None, tolerance: float = TOLERANCE
    ) -> Array:
        """The x that minimizes |A x - y|^2 + rho |x - z|^2, in closed form where there is one.

        weights: (h', w', 1) or (h', w', c'), of each measured value in the first term; 0 for what was not measured.
        tolerance: relative residual at which conjugate gradients stop, where there is no closed form.
        """

        def normal(x: Array) -> Array:
            return self.adjoint(weighted(self.apply(x), weights)) + rho * x

        target = self.adjoint(weighted(y, weights)) + rho * z
        share = 1.0 if weights is None else float(np.mean(weights))
        precondition = conjugate_gradients.circulant(lambda size: share * self.gain(size) + rho, z.shape)
        return conjugate_gradients.solve(normal, target, start=z, precondition=precondition, tolerance=tolerance)

    def smooth_estimate(self, y: Array, *, weights: Array | None = None, smoothness: float = 0.3) -> Array:
        """The x that minimizes |A x - y|^2 + smoothness |gradient of x|^2 (Tikhonov), by conjugate gradients.

        What is missing is interpolated harmonically, blur is undone carefully: where to start from, and the plainest
        method to compare with. weights: as in `proximal`.
        """
        small = 1e-3 * smoothness  # so that there is one solution

        def normal(x: Array) -> Array:
            return self.adjoint(weighted(self.apply(x), weights)) + smoothness * _laplacian(x) + small * x

        shape = self.input_shape((y.shape[0], y.shape[1], y.shape[2]))
        target = self.adjoint(weighted(y, weights)) + small * np.float32(0.5)
        share = 1.0 if weights is None else float(np.mean(weights))

        def spectrum(size: tuple[int, int]) -> Array:
            return share * self.gain(size) + smoothness * _laplacian_gain(size) + small

        precondition = conjugate_gradients.circulant(spectrum, shape)
        start = np.full(shape, np.mean(y), np.float32)
        return conjugate_gradients.solve(
            normal, target, start=start, precondition=precondition, tolerance=1e-3, iterations=100
        )

    def __matmul__(self, inner: Operator) -> Operator:
        """`A @ B` is first B, then A."""
        return Composition(self, inner)


class Composition(Operator):
    """First `inner`, then `outer`."""

    def __init__(self, outer: Operator, inner: Operator) -> None:
        self.outer, self.inner = outer, inner
        self.scale = outer.scale * inner.scale
        self.stride = _common_stride(outer, inner)

    def input_shape(self, shape: Shape) -> Shape:
        return self.inner.input_shape(self.outer.input_shape(shape))

    def output_shape(self, shape: Shape) -> Shape:
        return self.outer.output_shape(self.inner.output_shape(shape))

    def apply(self, x: Array) -> Array:
        return self.outer.apply(self.inner.apply(x))

    def adjoint(self, y: Array) -> Array:
        return self.inner.adjoint(self.outer.adjoint(y))

    @property
    def margin(self) -> tuple[float, float]:
        outer, inner = self.outer.margin, self.inner.margin
        return inner[0] + self.inner.scale * outer[0], inner[1] + self.inner.scale * outer[1]

    def gain(self, size: tuple[int, int]) -> Array:
        if self.inner.scale == 1:
            outer = self.outer.gain(size)
        else:
            outer = self.outer.gain((max(1, int(size[0] / self.inner.scale)), max(1, int(size[1] / self.inner.scale))))
            outer = outer.mean(axis=(0, 1), keepdims=True)
        inner = self.inner.gain(size)
        # What mixes channels in between has one gain for all of them.
        return inner * (outer if outer.shape[2] in (1, inner.shape[2]) or inner.shape[2] == 1 else outer.mean())

    def __repr__(self) -> str:
        return f"{self.outer!r} @ {self.inner!r}"


def weighted(y: Array, weights: Array | None) -> Array:
    """y, each value times its weight."""
    return y if weights is None else y * weights


def must_be(shape: Shape, wanted: tuple[int, ...], what: str) -> None:
    """Raises PictureError for a picture whose size is not that of the operator."""
    if shape[: len(wanted)] != wanted:
        have, want = ("x".join(map(str, numbers)) for numbers in (shape[: len(wanted)], wanted))
        raise PictureError(f"{what} is for pictures of {want} (height, width), and this one has {have}.")


def _common_stride(outer: Operator, inner: Operator) -> int | None:
    if outer.stride is None or inner.stride is None:
        return None
    # The inner one may be moved by its own stride of what it gives, which is the outer one's input.
    step = outer.stride
    while step * outer.scale % inner.stride:
        step += outer.stride
        if step > 64:
            return None
    return step


def _laplacian(x: Array) -> Array:
    """Minus the Laplacian, no slope beyond the borders: the gradient's adjoint times the gradient."""
    out = np.zeros_like(x)
    for axis in (0, 1):
        step = np.diff(x, axis=axis)
        before, after = [slice(None)] * 3, [slice(None)] * 3
        before[axis], after[axis] = slice(None, -1), slice(1, None)
        out[tuple(before)] -= step
        out[tuple(after)] += step
    return out


def _laplacian_gain(size: tuple[int, int]) -> Array:
    rows, columns = np.fft.fftfreq(size[0]), np.fft.rfftfreq(size[1])
    gain = 4 - 2 * np.cos(2 * np.pi * rows)[:, None] - 2 * np.cos(2 * np.pi * columns)[None]
    return gain[..., None].astype(np.float32)
