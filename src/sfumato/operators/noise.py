"""Noise on what was measured."""

import numpy as np

from .operator import Array


def add_noise(y: Array, sigma: float, seed: int) -> Array:
    """y with white Gaussian noise of standard deviation `sigma`, in the units of y; the same for the same seed."""
    return y + np.float32(sigma) * np.random.default_rng(seed).standard_normal(y.shape, dtype=np.float32)
