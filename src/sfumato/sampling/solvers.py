"""From noise to a picture along a velocity field, given any callable that knows the velocity. Numpy only.

Time runs from 0 (noise) to 1 (picture): x_t = (1 - t) noise + t data, and the velocity there is data - noise
(flow matching, arXiv:2210.02747; rectified flow, arXiv:2209.03003).
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Velocity = Callable[[Array, Any], Array]  # x and time: a number, or one for each picture of the batch
Step = Callable[[int, int], None]
Churn = Callable[[Array, float], tuple[Array, float]]  # x and time -> x at an earlier time


def times(steps: int, *, shift: float = 1.0, start: float = 0.0) -> list[float]:
    """The `steps` + 1 times from `start` to 1 between which a solver steps: t / (shift - (shift - 1) t) of even t.

    shift: 1 for equal steps, more for shorter ones near the noise, where a picture is decided (arXiv:2403.03206).
    """
    first = shift * start / (1 + (shift - 1) * start)
    even = [first + (1 - first) * i / steps for i in range(steps + 1)]
    return [t / (shift - (shift - 1) * t) for t in even]


def euler(
    velocity: Velocity, noise: Array, times: Sequence[float], progress: Step | None = None, churn: Churn | None = None
) -> Array:
    """Along the velocity from each time to the next, one evaluation each; first order. `noise` is x at the first."""
    x = noise
    for done, (now, then) in enumerate(pairwise(times), 1):
        if churn:
            x, now = churn(x, now)
        x = x + velocity(x, now) * (then - now)
        if progress:
            progress(done, len(times) - 1)
    return x


def heun(
    velocity: Velocity, noise: Array, times: Sequence[float], progress: Step | None = None, churn: Churn | None = None
) -> Array:
    """Along the mean of the velocities at both ends of a step, two evaluations each; second order.

    `noise` is x at the first of `times`. The last step is Euler's: its end is the picture itself, where the velocity is
    hard to know.
    """
    x, steps = noise, len(times) - 1
    for done, (now, then) in enumerate(pairwise(times), 1):
        if churn:
            x, now = churn(x, now)
        before = velocity(x, now)
        ahead = x + before * (then - now)
        x = ahead if done == steps else x + (before + velocity(ahead, then)) * ((then - now) / 2)
        if progress:
            progress(done, steps)
    return x


Solver = Callable[[Velocity, Array, Sequence[float], Step | None, Churn | None], Array]
SOLVERS: dict[str, Solver] = {"euler": euler, "heun": heun}


def churning(amount: float, fresh: Array) -> Churn:
    """What puts noise back before each step, which then takes more of it away (EDM's S_churn, arXiv:2206.00364).

    That forgets errors of the steps before. Before each but the first of n steps the noise grows by amount / n, by 41 %
    at most. fresh: standard normal numbers, n - 1 times the shape of x.
    """
    steps, rows = len(fresh) + 1, iter(fresh)
    grown = 1 + min(amount / steps, math.sqrt(2) - 1)

    def churn(x: Array, now: float) -> tuple[Array, float]:
        if now == 0:
            return x, now  # all noise
        sigma = (1 - now) / now
        back = 1 / (1 + grown * sigma)
        return x * (back / now) + next(rows) * (back * sigma * math.sqrt(grown**2 - 1)), back

    return churn
