"""Points of a latent space: the noise that a seed stands for, and the arc between two points. Numpy only."""

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def noise(seed: int, index: int, shape: tuple[int, ...]) -> Array:
    """Standard normal numbers that depend on seed, index (both 0 or more) and shape alone.

    RandomState's normal numbers are the ones that numpy promises never to change (NEP 19).
    """
    rng = np.random.RandomState(np.random.PCG64(np.random.SeedSequence([seed, index])))
    return rng.standard_normal(shape).astype(np.float32)


def slerp(a: Array, b: Array, share: float) -> Array:
    """The point at `share` of the arc from a to b, of any shape (Shoemake 1985); lengths are blended evenly."""
    lengths = float(np.linalg.norm(a)), float(np.linalg.norm(b))
    cosine = float(np.clip((a * b).sum() / max(lengths[0] * lengths[1], 1e-12), -1, 1))
    angle = math.acos(cosine)
    if min(lengths) < 1e-6 or math.sin(angle) < 1e-4:  # no direction, or no single arc
        return ((1 - share) * a + share * b).astype(np.float32)
    parts = math.sin((1 - share) * angle) / math.sin(angle), math.sin(share * angle) / math.sin(angle)
    length = (1 - share) * lengths[0] + share * lengths[1]
    return (length * (parts[0] * a / lengths[0] + parts[1] * b / lengths[1])).astype(np.float32)
