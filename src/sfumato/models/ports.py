"""A model called by the kinds of its inputs, whatever their names, and grey pictures as the colour that it knows."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .card import Card, Input
from .engine import Engine

Array = NDArray[np.float32]


def port_of(card: Card, *kinds: str, entry: str = "") -> Input | None:
    """The first input of one of these kinds, of those that the entry takes; None where there is none."""
    names = card.entries[entry].inputs if entry else tuple(port.name for port in card.inputs)
    return next((port for port in card.inputs if port.kind in kinds and port.name in names), None)


def run_by_kind(engine: Engine, values: dict[str, NDArray[Any]], entry: str = "") -> Array:
    """The first output (of the entry) for inputs by their kinds, each `b c h w` or `b c`."""
    card = engine.card
    feed = {}
    for kind, value in values.items():
        port = port_of(card, kind, entry=entry)
        assert port is not None, f"{card.name} has no input of the kind {kind}"
        feed[port.name] = value
    outputs = card.entries[entry].outputs if entry else (card.outputs[0].name,)
    return engine.run(feed, entry)[outputs[0]]


def in_colour(planes: Array) -> Array:
    """`... 1|3 h w` -> `... 3 h w`: grey as three equal channels."""
    return np.broadcast_to(planes, (*planes.shape[:-3], 3, *planes.shape[-2:]))


def with_channels_of(x_hat: Array, num_channels: int) -> Array:
    """The inverse: of colour `... 3 h w` the mean of its channels where the picture was grey."""
    return channel_mean(x_hat, axis=-3) if num_channels == 1 else x_hat


def channel_mean(values: Array, axis: int) -> Array:
    """The mean over the channels, which are kept as one; in double, so that the mean of equal values is that value."""
    return values.mean(axis=axis, keepdims=True, dtype=np.float64).astype(np.float32)
