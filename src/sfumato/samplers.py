"""From noise to a picture along a velocity field, given any callable that knows the velocity. Numpy only.

Time runs from 0 (noise) to 1 (picture): x_t = (1 - t) noise + t data, and the velocity there is data - noise
(flow matching, arXiv:2210.02747; rectified flow, arXiv:2209.03003).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Velocity = Callable[[Array, Any], Array]  # x and time: a number, or one for each picture of the batch
Step = Callable[[int, int], None]


def euler(velocity: Velocity, noise: Array, steps: int, told: Step | None = None, start: float = 0.0) -> Array:
    """`steps` equal steps along the velocity, one evaluation each; first order. `noise` is x at the time `start`."""
    x, length = noise, (1 - start) / steps
    for i in range(steps):
        x = x + velocity(x, start + i * length) * length
        if told:
            told(i + 1, steps)
    return x


def heun(velocity: Velocity, noise: Array, steps: int, told: Step | None = None, start: float = 0.0) -> Array:
    """`steps` equal steps along the mean of the velocities at both ends, two evaluations each; second order.

    `noise` is x at the time `start`. The last step is Euler's: its end is the picture itself, where the velocity is
    hard to know.
    """
    x, length = noise, (1 - start) / steps
    for i in range(steps):
        now = start + i * length
        before = velocity(x, now)
        ahead = x + before * length
        x = ahead if i + 1 == steps else x + (before + velocity(ahead, now + length)) * (length / 2)
        if told:
            told(i + 1, steps)
    return x


SOLVERS: dict[str, Callable[[Velocity, Array, int, Step | None, float], Array]] = {"euler": euler, "heun": heun}


def guided(with_label: Velocity, without_label: Velocity, guidance: float) -> Velocity:
    """Away from what no class would give, by `guidance` (classifier-free, arXiv:2207.12598); 1 is the class alone."""

    def velocity(x: Array, t: float) -> Array:
        free = without_label(x, t)
        return free + guidance * (with_label(x, t) - free)

    return with_label if guidance == 1 else velocity


def denoised(velocity: Velocity, y: Array, sigma: Array | float) -> Array:
    """The expected picture behind y = x + sigma * noise, in the units of the network: one evaluation.

    y is the point of time t = 1 / (1 + sigma) on the straight line, times 1 + sigma. sigma: one level, or one for each
    picture, (b, 1, 1, 1).
    """
    t = 1 / (1 + sigma)
    x_t = y * t
    return x_t + (1 - t) * velocity(x_t, t)
