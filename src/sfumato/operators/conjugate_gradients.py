"""Conjugate gradients for the normal equations of an operator, preconditioned by a periodic convolution."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .fourier import fast_size, from_frequencies, to_frequencies

Array = NDArray[Any]


def solve(
    normal: Callable[[Array], Array],
    target: Array,
    *,
    start: Array,
    precondition: Callable[[Array], Array],
    tolerance: float,
    iterations: int = 60,
) -> Array:
    """The x with normal(x) = target, for a symmetric positive definite `normal` (Hestenes and Stiefel 1952).

    Stops at a residual of `tolerance` times that of x = 0, or after so many iterations.
    """
    x: Array = start.astype(np.float32)
    residual = target - normal(x)
    limit = tolerance * math.sqrt(_dot(target, target))
    direction = steep = precondition(residual)
    fall = _dot(residual, steep)
    for _ in range(iterations):
        if math.sqrt(_dot(residual, residual)) <= limit:
            break
        image = normal(direction)
        length = np.float32(fall / _dot(direction, image))
        x = x + length * direction
        residual = residual - length * image
        steep = precondition(residual)
        fall, before = _dot(residual, steep), fall
        direction = steep + np.float32(fall / before) * direction
    return x


def circulant(spectrum: Callable[[tuple[int, int]], Array], shape: tuple[int, ...]) -> Callable[[Array], Array]:
    """Division by a spectrum, (rows, columns of an rfft2, c), of a size that pictures (h, w, c) of `shape` fit into."""
    size = fast_size(shape[0]), fast_size(shape[1])
    inverse = (1 / spectrum(size)).astype(np.float32)
    return lambda x: from_frequencies(to_frequencies(x, size) * inverse, size)[: shape[0], : shape[1]]


def _dot(a: Array, b: Array) -> float:
    return float(np.sum(a * b, dtype=np.float64))
