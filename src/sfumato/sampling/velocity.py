"""Velocity fields: that of a flow's model file, guided towards a class, and the denoiser that it is. Numpy only."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..models.card import CONDITIONS, MAPS
from ..models.engine import Engine
from .solvers import Array, Velocity


def velocity_of(engine: Engine, given: Mapping[str, Array] | None = None) -> Velocity:
    """The velocity of x, `b c h w` in the range of the card or `b k`, at time t: a number, or one for each of the b.

    given: conditions by their kinds, such as a one-hot "class" `b n`, and the "state" of a flow of sequences; those
    that are left out are asked for nothing.
    """
    card, given = engine.card, given or {}
    entry = card.entries["velocity"]
    ports = [port for port in card.inputs if port.name in entry.inputs]
    moved = next((port for port in ports if port.kind in ("picture", "latent")), None)
    clock = next((port for port in ports if port.kind == "time"), None)
    conditions = [port for port in ports if port.kind in (*CONDITIONS, "state")]
    assert moved is not None, "a velocity is of a picture or a latent"
    assert clock is not None, "a velocity is of a time"

    def velocity(x: NDArray, t: NDArray | float) -> NDArray:
        feed = {moved.name: x, clock.name: np.broadcast_to(np.reshape(t, (-1, 1)), (len(x), 1))}
        for port in conditions:
            sides = x.shape[2:] or tuple(card.size) if port.kind in MAPS else ()
            value = given.get(port.kind)
            feed[port.name] = np.zeros((len(x), port.channels, *sides), np.float32) if value is None else value
        return engine.run(feed, "velocity")[entry.outputs[0]]

    return velocity


def guided(conditional: Velocity, unconditional: Velocity, guidance: float) -> Velocity:
    """Away from what no condition would give, by `guidance` (classifier-free, arXiv:2207.12598); 1 is without it."""

    def velocity(x: Array, t: float) -> Array:
        free = unconditional(x, t)
        return free + guidance * (conditional(x, t) - free)

    return conditional if guidance == 1 else velocity


def denoised(velocity: Velocity, y: Array, sigma: Array | float) -> Array:
    """The expected picture behind y = x + sigma * noise, in the units of the network: one evaluation.

    y is the point of time t = 1 / (1 + sigma) on the straight line, times 1 + sigma. sigma: one level, or one for each
    picture, (b, 1, 1, 1).
    """
    t = 1 / (1 + sigma)
    x_t = y * t
    return x_t + (1 - t) * velocity(x_t, t)
