"""The picture itself: damaged by noise alone, or with values missing, which weights say."""

import numpy as np

from .operator import TOLERANCE, Array, Operator, Shape


class Identity(Operator):
    """y = x."""

    stride = 1

    def input_shape(self, shape: Shape) -> Shape:
        return shape

    output_shape = input_shape

    def apply(self, x: Array) -> Array:
        return x

    def adjoint(self, y: Array) -> Array:
        return self.apply(y)

    def gain(self, size: tuple[int, int]) -> Array:
        return np.ones((1, 1, 1), np.float32)

    def proximal(
        self, y: Array, z: Array, rho: float, *, weights: Array | None = None, tolerance: float = TOLERANCE
    ) -> Array:
        share = np.float32(1) if weights is None else weights
        return (share * y + np.float32(rho) * z) / (share + np.float32(rho))

    def __repr__(self) -> str:
        return "Identity()"
