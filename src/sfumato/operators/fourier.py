"""Fourier transforms of pictures (h, w, c) over height and width."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def to_frequencies(x: Array, size: tuple[int, int]) -> Array:
    """The transform (rows, columns // 2 + 1, c) of x, padded with zeros to `size`."""
    return np.fft.rfft2(x, s=size, axes=(0, 1))


def from_frequencies(frequencies: Array, size: tuple[int, int]) -> Array:
    """The picture (*size, c) of a transform."""
    return np.fft.irfft2(frequencies, s=size, axes=(0, 1)).astype(np.float32, copy=False)


def fast_size(length: int) -> int:
    """The least size from `length` on that has no prime factor above 5, which is quickly transformed."""
    while True:
        rest = length
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return length
        length += 1
