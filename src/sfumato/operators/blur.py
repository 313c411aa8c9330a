"""Blur: every point of the picture spread out by a kernel, one for the whole picture or one for each region."""

from typing import Literal

import numpy as np

from ..errors import PictureError, UsageError
from .fourier import fast_size, from_frequencies, to_frequencies
from .kernels import checked_kernel
from .operator import TOLERANCE, Array, Operator, Shape, must_be

Border = Literal["unknown", "periodic"]


class Blur(Operator):
    """Convolution with a kernel: y(p) = sum over q of kernel(q) x(p - q).

    kernel: (k, l), the picture of a point, its middle in the middle: not negative, of sum 1; an even side gets a row or
    column of zeros at its end. border: "unknown", where x is larger than y by the kernel's reach on every side, or
    "periodic", where it goes on at the other end, which is true of no photograph, but quick and common in papers.

    Raises UsageError for what is no kernel.
    """

    def __init__(self, kernel: Array, border: Border = "unknown") -> None:
        if border not in ("unknown", "periodic"):
            raise UsageError(f"border is {border!r}; give 'unknown' or 'periodic'.")
        self.kernel, self.border = checked_kernel(kernel), border
        self.stride = 1 if border == "unknown" else None
        self._responses: dict[tuple[int, int], Array] = {}

    @property
    def reach(self) -> tuple[int, int]:
        """Rows and columns from the kernel's middle to its end."""
        return self.kernel.shape[0] // 2, self.kernel.shape[1] // 2

    @property
    def margin(self) -> tuple[float, float]:
        return (0.0, 0.0) if self.border == "periodic" else (float(self.reach[0]), float(self.reach[1]))

    def input_shape(self, shape: Shape) -> Shape:
        self._check_size(shape[:2])
        top, left = (int(start) for start in self.margin)
        return shape[0] + 2 * top, shape[1] + 2 * left, shape[2]

    def output_shape(self, shape: Shape) -> Shape:
        top, left = (int(start) for start in self.margin)
        self._check_size((shape[0] - 2 * top, shape[1] - 2 * left))
        return shape[0] - 2 * top, shape[1] - 2 * left, shape[2]

    def apply(self, x: Array) -> Array:
        size = self._size_for(x.shape[:2])
        spread = from_frequencies(to_frequencies(x, size) * self._response(size), size)
        if self.border == "periodic":
            return spread
        top, left = 2 * self.reach[0], 2 * self.reach[1]
        return spread[top : x.shape[0], left : x.shape[1]]

    def adjoint(self, y: Array) -> Array:
        height, width, channels = self.input_shape((y.shape[0], y.shape[1], y.shape[2]))
        size = self._size_for((height, width))
        if self.border == "unknown":
            placed = np.zeros((height, width, channels), np.float32)
            placed[height - y.shape[0] :, width - y.shape[1] :] = y
            y = placed
        gathered = from_frequencies(to_frequencies(y, size) * self._response(size).conj(), size)
        return gathered[:height, :width]

    def gain(self, size: tuple[int, int]) -> Array:
        return np.square(np.abs(self._response(size))).astype(np.float32)

    def proximal(
        self, y: Array, z: Array, rho: float, *, weights: Array | None = None, tolerance: float = TOLERANCE
    ) -> Array:
        if self.border == "unknown" or weights is not None:
            return super().proximal(y, z, rho, weights=weights, tolerance=tolerance)
        size, response = (y.shape[0], y.shape[1]), self._response((y.shape[0], y.shape[1]))
        top = response.conj() * to_frequencies(y, size) + rho * to_frequencies(z, size)
        return from_frequencies(top / (np.square(np.abs(response)) + np.float32(rho)), size)

    def _size_for(self, size: tuple[int, ...]) -> tuple[int, int]:
        return (size[0], size[1]) if self.border == "periodic" else (fast_size(size[0]), fast_size(size[1]))

    def _response(self, size: tuple[int, int]) -> Array:
        """The kernel's transform (rows, columns, 1); of a periodic blur the kernel's middle is the origin."""
        if size not in self._responses:
            placed = np.zeros((*size, 1), np.float32)
            placed[: self.kernel.shape[0], : self.kernel.shape[1], 0] = self.kernel
            if self.border == "periodic":
                placed = np.roll(placed, (-self.reach[0], -self.reach[1]), axis=(0, 1))
            self._responses = {size: to_frequencies(placed, size).astype(np.complex64)}
        return self._responses[size]

    def _check_size(self, size: tuple[int, ...]) -> None:
        height, width = self.kernel.shape
        if size[0] < height or size[1] < width:
            raise PictureError(
                f"The kernel, {width}x{height} pixels, is larger than the picture, {max(size[1], 0)}x{max(size[0], 0)}."
            )

    def __repr__(self) -> str:
        return f"Blur({self.kernel.shape[0]}x{self.kernel.shape[1]})"


class RegionBlur(Operator):
    """Blur that differs from region to region: y = sum over i of shares[i] * (kernels[i] convolved with x).

    kernels: one (k, l) each, as in `Blur`; the largest one's reach is the margin of all. shares: (n, h, w), how much of
    each kernel a pixel of y has; they are divided by their sum (efficient filter flow, Hirsch et al. 2010).

    Raises UsageError for what are no kernels, or no shares for them.
    """

    def __init__(self, kernels: list[Array], shares: Array) -> None:
        shares = np.asarray(shares, np.float32)
        total = shares.sum(axis=0) if shares.ndim == 3 else np.zeros(1)
        if shares.ndim != 3 or len(shares) != len(kernels) or not np.isfinite(shares).all() or shares.min() < 0:
            raise UsageError(f"shares must be ({len(kernels)}, h, w) and not negative: one for each kernel and pixel.")
        if (total <= 0).any():
            raise UsageError("shares must give every pixel some kernel.")
        kernels = [checked_kernel(kernel) for kernel in kernels]
        height, width = (max(kernel.shape[axis] for kernel in kernels) for axis in (0, 1))
        self.blurs = [Blur(_in_the_middle(kernel, height, width)) for kernel in kernels]
        self.shares = (shares / total)[..., None]

    @property
    def margin(self) -> tuple[float, float]:
        return self.blurs[0].margin

    def input_shape(self, shape: Shape) -> Shape:
        must_be(shape, self.shares.shape[1:3], "The blur by regions")
        return self.blurs[0].input_shape(shape)

    def output_shape(self, shape: Shape) -> Shape:
        found = self.blurs[0].output_shape(shape)
        must_be(found, self.shares.shape[1:3], "The blur by regions")
        return found

    def apply(self, x: Array) -> Array:
        self.output_shape((x.shape[0], x.shape[1], x.shape[2]))
        return np.sum([share * blur.apply(x) for share, blur in zip(self.shares, self.blurs, strict=True)], axis=0)

    def adjoint(self, y: Array) -> Array:
        return np.sum([blur.adjoint(share * y) for share, blur in zip(self.shares, self.blurs, strict=True)], axis=0)

    def gain(self, size: tuple[int, int]) -> Array:
        parts = [share.mean() * blur.gain(size) for share, blur in zip(self.shares, self.blurs, strict=True)]
        return np.sum(parts, axis=0)

    def __repr__(self) -> str:
        return f"RegionBlur({len(self.blurs)} kernels)"


def _in_the_middle(kernel: Array, height: int, width: int) -> Array:
    rows, columns = (height - kernel.shape[0]) // 2, (width - kernel.shape[1]) // 2
    return np.pad(kernel, ((rows, rows), (columns, columns)))
