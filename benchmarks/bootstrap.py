"""How sure a mean of paired differences is."""

import numpy as np


def interval(differences: np.ndarray) -> tuple[float, float]:
    """The 95 % bootstrap interval of the mean of differences `n`: 10,000 samples of them, seed 0."""
    means = np.random.default_rng(0).choice(differences, (10_000, len(differences))).mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def described(differences: np.ndarray) -> str:
    """The mean and its interval."""
    low, high = interval(differences)
    return f"{differences.mean():+.4f} ({low:+.4f} to {high:+.4f})"
