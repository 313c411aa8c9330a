"""Denoisers as what knows how pictures look: a function of a picture and the level of its noise."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..models.engine import Engine
from ..models.ports import in_colour, run_by_kind, with_channels_of
from ..tiling import tiles, windows
from ..tiling.strips import Planes, Rows
from .flow import flow_denoiser
from .roles import level_of

Denoiser = Callable[[Rows, float], Rows]  # picture (h, w, c), sigma of its noise in [0, 1] units


def is_denoiser(engine: Engine) -> bool:
    """Whether a model removes noise of a level that it is told: a denoiser, or a flow of pictures."""
    return engine.card.role in ("restorer", "flow") and level_of(engine.card) == "sigma"


def denoiser_of(engine: Engine, num_channels: int, memory: int) -> Denoiser:
    """The model as a denoiser of pictures of `num_channels`, 1 or 3, in tiles or windows of `memory` bytes.

    Raises ModelError for a model that removes no noise of a given level.
    """
    if not is_denoiser(engine):
        raise ModelError(
            f"{engine.card.name!r} is no denoiser that is told the noise's level, which undoing a known damage takes: "
            "denoise-best and denoise-fast are, and flows of pictures."
        )
    return _flow(engine, num_channels, memory) if engine.card.role == "flow" else _network(engine, memory)


def _network(engine: Engine, memory: int) -> Denoiser:
    low, high = next(port.range for port in engine.card.inputs if port.kind == "sigma")

    def denoise(z: Rows, sigma: float) -> Rows:
        def compute(tile: Planes) -> Planes:
            level = np.full((1, 1, *tile.shape[1:]), min(max(sigma, low), high), np.float32)
            return with_channels_of(
                run_by_kind(engine, {"picture": in_colour(tile)[None], "sigma": level})[0], len(tile)
            )

        return tiles.whole(z, tiles.plan_for(engine.card, z.shape[0], z.shape[1], memory=memory), compute)

    return denoise


def _flow(engine: Engine, num_channels: int, memory: int) -> Denoiser:
    estimate = flow_denoiser(engine, num_channels)

    def denoise(z: Rows, sigma: float) -> Rows:
        def compute(given: Planes) -> Planes:
            level: NDArray[np.float32] = np.full((len(given), 1, 1, 1), sigma, np.float32)
            return estimate(given, level, np.empty((len(given), 0, *given.shape[2:]), np.float32))

        height, width = z.shape[:2]
        window = windows.window_of(engine.card, height, width, memory)
        at_once = max(1, memory // (engine.card.bytes_per_pixel * math.prod(window) * num_channels))
        return np.concatenate(list(windows.stream([z], height, width, window, compute, at_once=at_once)))

    return denoise
