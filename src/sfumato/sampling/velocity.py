"""Velocity fields: that of a flow's model file, guided towards a class, and the denoiser that it is. Numpy only."""

import numpy as np
from numpy.typing import NDArray

from ..models.engine import Engine
from .solvers import Array, Velocity


def velocity_of(engine: Engine, label: Array | None = None) -> Velocity:
    """The velocity of x, `b c h w` in the range of the card or `b k`, at time t: a number, or one for each of the b.

    label: `b n`, one-hot; without one no class is asked for.
    """
    card = engine.card
    entry = card.entries["velocity"]
    moved, clock, classes = (
        next((port for port in card.inputs if port.kind in kinds and port.name in entry.inputs), None)
        for kinds in (("picture", "latent"), ("time",), ("class",))
    )
    assert moved is not None, "a velocity is of a picture or a latent"
    assert clock is not None, "a velocity is of a time"

    def velocity(x: NDArray, t: NDArray | float) -> NDArray:
        feed = {moved.name: x, clock.name: np.broadcast_to(np.reshape(t, (-1, 1)), (len(x), 1))}
        if classes is not None:
            feed[classes.name] = np.zeros((len(x), classes.channels), np.float32) if label is None else label
        return engine.run(feed, "velocity")[entry.outputs[0]]

    return velocity


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
