"""A flow as a denoiser for every level, which it is besides a generator."""

import math
from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..estimation.noise import NoiseCurve
from ..models.engine import Engine
from ..pictures.picture import Picture
from ..pictures.pixels import finite
from ..sampling.noise import noise
from ..sampling.velocity import denoised, velocity_of
from ..tiling import windows
from ..tiling.strips import STRIP_ROWS, Planes, Rows, recut
from .roles import with_levels

Array = NDArray[np.float32]


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


def through_flow(
    picture: Picture,
    engine: Engine,
    level: NoiseCurve | None,
    window: tuple[int, int],
    memory: int,
    progress: Callable[[int, int], None] | None,
) -> Iterator[Rows]:
    port = next(port for port in engine.card.inputs if port.kind == "picture")
    if port.channels not in (1, 3, 4):
        raise ModelError(f"{engine.card.name!r} is a flow of {port.channels} channels; those of 1, 3 and 4 restore.")
    alpha = picture.alpha() if port.channels == 4 else None
    total = picture.width * picture.height
    found = restored(
        _with_alpha(with_levels(map(finite, picture.strips(STRIP_ROWS)), engine, level), alpha),
        engine,
        height=picture.height,
        width=picture.width,
        num_channels=picture.num_channels,
        window=window,
        memory=memory,
        progress=(lambda done: progress(done, total)) if progress else None,
    )
    before = recut(picture.strips(STRIP_ROWS), 1)
    for x_hat in found:
        y = np.concatenate([next(before) for _ in x_hat])
        yield np.where(np.isfinite(y), x_hat, y)


def _with_alpha(strips: Iterable[Rows], alpha: NDArray[np.float32] | None) -> Iterator[Rows]:
    top = 0
    for strip in strips:
        yield strip if alpha is None else np.concatenate([strip, alpha[top : top + len(strip), :, None]], axis=2)
        top += len(strip)
