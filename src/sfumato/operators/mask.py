"""Pixels that are missing, and the mosaic of colour filters in front of a camera's sensor."""

import numpy as np

from ..errors import PictureError, UsageError
from .operator import TOLERANCE, Array, Operator, Shape, must_be

CHANNELS = "RGB"
PATTERNS = ("RGGB", "BGGR", "GRBG", "GBRG")


class Mask(Operator):
    """y = known * x: pixels that are known stay, the others are 0.

    known: (h, w), true or 1 where pixels are known, false or 0 where they are missing. Raises UsageError for what is no
    mask.
    """

    def __init__(self, known: Array) -> None:
        known = np.asarray(known)
        if known.ndim != 2 or 0 in known.shape or not np.isin(known, (0, 1)).all():
            raise UsageError("A mask is an array (h, w) of nothing but 0 and 1, 1 where pixels are known.")
        self.known = known.astype(np.float32)[..., None]

    def input_shape(self, shape: Shape) -> Shape:
        must_be(shape, self.known.shape[:2], "The mask")
        return shape

    output_shape = input_shape

    def apply(self, x: Array) -> Array:
        self.input_shape((x.shape[0], x.shape[1], x.shape[2]))
        return x * self.known

    def adjoint(self, y: Array) -> Array:
        return self.apply(y)

    def gain(self, size: tuple[int, int]) -> Array:
        return np.full((1, 1, 1), self.known.mean(), np.float32)

    def proximal(
        self, y: Array, z: Array, rho: float, *, weights: Array | None = None, tolerance: float = TOLERANCE
    ) -> Array:
        share = self.known if weights is None else self.known * weights
        return (share * y + np.float32(rho) * z) / (share + np.float32(rho))

    def __repr__(self) -> str:
        return f"Mask({100 * float(self.known.mean()):.0f} % known)"


class Mosaic(Operator):
    """A Bayer mosaic: of each pixel of x (h, w, 3) one colour is measured, y is (h, w, 1).

    pattern: the colours of the first two pixels of the first two rows: "RGGB", "BGGR", "GRBG" or "GBRG".
    """

    stride = 2

    def __init__(self, pattern: str = "RGGB") -> None:
        if pattern not in PATTERNS:
            raise UsageError(f"pattern is {pattern!r}; give one of {', '.join(PATTERNS)}.")
        self.pattern = pattern

    def input_shape(self, shape: Shape) -> Shape:
        if shape[2] != 1:
            raise PictureError("A mosaic is a grey picture: one value a pixel, of one colour each.")
        return shape[0], shape[1], 3

    def output_shape(self, shape: Shape) -> Shape:
        if shape[2] != 3:
            raise PictureError("A mosaic is made of a picture in colour.")
        return shape[0], shape[1], 1

    def apply(self, x: Array) -> Array:
        self.output_shape((x.shape[0], x.shape[1], x.shape[2]))
        return (x * self._filters(x.shape)).sum(axis=2, keepdims=True)

    def adjoint(self, y: Array) -> Array:
        return y * self._filters(self.input_shape((y.shape[0], y.shape[1], y.shape[2])))

    def gain(self, size: tuple[int, int]) -> Array:
        return np.array([[[self.pattern.count(colour) / 4 for colour in CHANNELS]]], np.float32)

    def proximal(
        self, y: Array, z: Array, rho: float, *, weights: Array | None = None, tolerance: float = TOLERANCE
    ) -> Array:
        share = self._filters(z.shape)
        share = share if weights is None else share * weights
        return (share * y + np.float32(rho) * z) / (share + np.float32(rho))

    def _filters(self, shape: tuple[int, ...]) -> Array:
        """(h, w, 3): 1 where a colour is measured."""
        filters = np.zeros((shape[0], shape[1], 3), np.float32)
        for place, colour in enumerate(self.pattern):
            filters[place // 2 :: 2, place % 2 :: 2, CHANNELS.index(colour)] = 1
        return filters

    def __repr__(self) -> str:
        return f"Mosaic({self.pattern!r})"
