"""A flow's model file: its velocity as a callable, and what it is besides a generator, a denoiser for every level."""

import math
from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from . import windows
from .card import Card
from .engine import Engine
from .latents import noise
from .samplers import Velocity, denoised
from .tiles import Planes, Rows

Array = NDArray[np.float32]


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


def window_of(card: Card, height: int, width: int, memory: int) -> tuple[int, int]:
    """Height and width of what the network is shown of a picture at once: all of it, or else the size it was made for.

    The memory of attention grows with the square of the pixels, which sets a limit besides the card's own.
    """
    whole = _rounded_up(height, card.stride), _rounded_up(width, card.stride)
    most = float(card.max_pixels or math.inf)
    if not card.size:
        side = max(card.stride, int(math.sqrt(min(most, memory / card.bytes_per_pixel))) // card.stride * card.stride)
        return min(whole[0], side), min(whole[1], side)
    known = math.prod(card.size)
    most = min(most, max(known, math.sqrt(memory * known / card.bytes_per_pixel)))
    return whole if math.prod(whole) <= most else (min(whole[0], card.size[0]), min(whole[1], card.size[1]))


def restored(
    strips: Iterable[Rows],
    engine: Engine,
    *,
    height: int,
    width: int,
    num_channels: int,
    window: tuple[int, int],
    memory: int,
    progress: Callable[[int], None] | None = None,
) -> Iterator[Rows]:
    """Strips `r w c` of the expected picture behind a noisy one, in [0, 1].

    strips: colour, `num_channels` of it, then the level of the noise, in the same units, then alpha where there is
    one. Each window is taken at the time of its mean level.
    """
    card = engine.card
    port = next(port for port in card.inputs if port.kind == "picture")
    low, high = port.range
    velocity = velocity_of(engine)

    def compute(given: Planes) -> Planes:
        y, sigma = given[:, :num_channels], given[:, num_channels].mean(axis=(1, 2))[:, None, None, None]
        alpha = given[:, num_channels + 1 :]
        if port.channels == 1:  # one channel after the other
            x, sigma = y.reshape(-1, 1, *y.shape[2:]), sigma.repeat(num_channels, axis=0)
        else:
            x, sigma = _lifted(y, sigma, alpha, port.channels)
        found = denoised(velocity, (low + (high - low) * x).astype(np.float32), (high - low) * sigma)
        x_hat = (found - low) / (high - low)
        if port.channels == 1:
            return x_hat.reshape(y.shape)
        colour = x_hat[:, :3]
        if port.channels == 4 and alpha.size:
            colour = np.where(alpha > 1 / 255, colour / np.maximum(alpha, 1 / 255), y)
        return colour.mean(axis=1, keepdims=True) if num_channels == 1 else colour

    bytes_each = card.bytes_per_pixel * math.prod(window) * (num_channels if port.channels == 1 else 1)
    at_once = max(1, memory // bytes_each)
    return windows.stream(strips, height, width, window, compute, at_once=at_once, progress=progress)


def _lifted(y: Planes, sigma: Array, alpha: Planes, channels: int) -> tuple[Planes, Array]:
    """A noisy picture as one of `channels` (3, or 4: RGBA, premultiplied) whose noise is alike and independent in all.

    Grey of level s says as much as three channels of level s * sqrt(3) whose mean it is; the transparency, which has
    no noise, and colour behind it, whose noise is dimmed with it, get what is missing. The noise added is fixed.
    """
    drawn = noise(0, 0, (7, *y.shape[2:]))
    if y.shape[1] == 1:
        sigma = sigma * math.sqrt(3)
        y = y + sigma * (drawn[:3] - drawn[:3].mean(axis=0))
    if channels == 3:
        return y, sigma
    cover = alpha if alpha.size else np.ones_like(y[:, :1])
    colour = y * cover + sigma * np.sqrt(np.maximum(1 - cover**2, 0)) * drawn[3:6]
    return np.concatenate([colour, cover + sigma * drawn[6:]], axis=1), sigma


def _rounded_up(length: int, step: int) -> int:
    return math.ceil(length / step) * step
