"""Channels mixed: a colour picture seen in grey, or through other filters."""

import numpy as np

from ..errors import PictureError, UsageError
from .operator import TOLERANCE, Array, Operator, Shape

# ITU-R BT.601: what grey pictures are commonly made by.
LUMA = ((0.299, 0.587, 0.114),)


class ColourMix(Operator):
    """y = matrix x at every pixel.

    matrix: (c', c), c' channels that are measured of c; by default the grey of a colour picture (BT.601). Raises
    UsageError for what is no matrix.
    """

    stride = 1

    def __init__(self, matrix: Array | tuple[tuple[float, ...], ...] = LUMA) -> None:
        self.matrix = np.asarray(matrix, np.float32)
        if self.matrix.ndim != 2 or not np.isfinite(self.matrix).all() or not self.matrix.any():
            raise UsageError("A mix of colours is a matrix of numbers, (channels after, channels before).")
        values, self._axes = np.linalg.eigh(self.matrix.T @ self.matrix)
        self._gains = values.clip(min=0)

    def input_shape(self, shape: Shape) -> Shape:
        self._check(shape, 0)
        return shape[0], shape[1], self.matrix.shape[1]

    def output_shape(self, shape: Shape) -> Shape:
        self._check(shape, 1)
        return shape[0], shape[1], self.matrix.shape[0]

    def apply(self, x: Array) -> Array:
        self._check(x.shape, 1)
        return x @ self.matrix.T

    def adjoint(self, y: Array) -> Array:
        self._check(y.shape, 0)
        return y @ self.matrix

    def gain(self, size: tuple[int, int]) -> Array:
        return np.square(self.matrix).sum(axis=0)[None, None]

    def proximal(
        self, y: Array, z: Array, rho: float, *, weights: Array | None = None, tolerance: float = TOLERANCE
    ) -> Array:
        if weights is not None and weights.shape[2] != 1:
            return super().proximal(y, z, rho, weights=weights, tolerance=tolerance)
        share = np.float32(1) if weights is None else weights
        target = self.adjoint(share * y) + np.float32(rho) * z
        return (target @ self._axes) / (share * self._gains + np.float32(rho)) @ self._axes.T

    def _check(self, shape: tuple[int, ...], side: int) -> None:
        if shape[2] != self.matrix.shape[side]:
            raise PictureError(f"The mix of colours is for {self.matrix.shape[side]} channels, not {shape[2]}.")

    def __repr__(self) -> str:
        return f"ColourMix({self.matrix.tolist()})"
