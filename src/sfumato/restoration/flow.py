"""A flow as a denoiser for every level, which it is besides a generator."""

import math
from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..estimation.noise import NoiseCurve
from ..models.engine import Engine
from ..models.ports import port_of, with_channels_of
from ..pictures.picture import Picture
from ..pictures.pixels import finite
from ..sampling.noise import noise
from ..sampling.velocity import denoised, velocity_of
from ..tiling import windows
from ..tiling.strips import STRIP_ROWS, Planes, Rows, recut
from .roles import with_levels

Array = NDArray[np.float32]


def denoise_with_flow(
    picture: Picture,
    engine: Engine,
    level: NoiseCurve | None,
    window: tuple[int, int],
    memory: int,
    progress: Callable[[int, int], None] | None,
) -> Iterator[Rows]:
    """The picture's strips (r, w, c) without noise of this level; NaN and infinite pixels stay as they are."""
    alpha = picture.alpha() if engine.card.picture_channels == 4 else None
    total = picture.width * picture.height
    denoised_strips = _denoised_strips(
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
    for x_hat in denoised_strips:
        y = np.concatenate([next(before) for _ in x_hat])
        yield np.where(np.isfinite(y), x_hat, y)


def _denoised_strips(
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
    denoise = flow_denoiser(engine, num_channels)

    def compute(given: Planes) -> Planes:
        y, sigma = given[:, :num_channels], given[:, num_channels].mean(axis=(1, 2))[:, None, None, None]
        return denoise(y, sigma, given[:, num_channels + 1 :])

    bytes_each = card.bytes_per_pixel * math.prod(window) * (num_channels if card.picture_channels == 1 else 1)
    at_once = max(1, memory // bytes_each)
    return windows.stream(strips, height, width, window, compute, at_once=at_once, progress=progress)


def flow_denoiser(engine: Engine, num_channels: int) -> Callable[[Planes, Array, Planes], Planes]:
    """What expects the picture `b c h w`, in [0, 1], behind a noisy one of `num_channels`, as a function of three.

    The noisy picture, the level of its noise for each (b, 1, 1, 1), and its transparency `b 1 h w`, or `b 0 h w`.
    Raises ModelError for a flow whose channels are none that a picture has.
    """
    port = port_of(engine.card, "picture")
    assert port is not None, "a flow of pictures takes one"
    channels, (low, high) = port.channels, port.range
    if channels not in (1, 3, 4):
        raise ModelError(f"{engine.card.name!r} is a flow of {channels} channels; those of 1, 3 and 4 restore.")
    velocity = velocity_of(engine)

    def denoise(y: Planes, sigma: Array, alpha: Planes) -> Planes:
        if channels == 1:  # one channel after the other
            x, sigma = y.reshape(-1, 1, *y.shape[2:]), sigma.repeat(num_channels, axis=0)
        else:
            x, sigma = _lifted(y, sigma, alpha, channels)
        z = denoised(velocity, (low + (high - low) * x).astype(np.float32), (high - low) * sigma)
        x_hat = (z - low) / (high - low)
        if channels == 1:
            return x_hat.reshape(y.shape)
        colour = x_hat[:, :3]
        if channels == 4 and alpha.size:
            colour = np.where(alpha > 1 / 255, colour / np.maximum(alpha, 1 / 255), y)
        return with_channels_of(colour, num_channels)

    return denoise


def _lifted(y: Planes, sigma: Array, alpha: Planes, channels: int) -> tuple[Planes, Array]:
    """A noisy picture as one of `channels` (3, or 4: RGBA, premultiplied) whose noise is alike and independent in all.

    Grey of level s says as much as three channels of level s * sqrt(3) whose mean it is; the transparency, which has
    no noise, and colour behind it, whose noise is dimmed with it, get what is missing. The noise added is fixed.
    """
    z = noise(0, 0, (7, *y.shape[2:]))
    if y.shape[1] == 1:
        sigma = sigma * math.sqrt(3)
        y = y + sigma * (z[:3] - z[:3].mean(axis=0))
    if channels == 3:
        return y, sigma
    cover = alpha if alpha.size else np.ones_like(y[:, :1])
    colour = y * cover + sigma * np.sqrt(np.maximum(1 - cover**2, 0)) * z[3:6]
    return np.concatenate([colour, cover + sigma * z[6:]], axis=1), sigma


def _with_alpha(strips: Iterable[Rows], alpha: NDArray[np.float32] | None) -> Iterator[Rows]:
    top = 0
    for strip in strips:
        yield strip if alpha is None else np.concatenate([strip, alpha[top : top + len(strip), :, None]], axis=2)
        top += len(strip)
