"""One model at work on one picture: its levels, its tiles or windows, grey as colour, NaN and infinite pixels."""

import math
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from ..estimation.noise import NoiseCurve
from ..models.card import Card
from ..models.engine import Engine
from ..models.ports import channel_mean, in_colour, run_by_kind, with_channels_of
from ..pictures.picture import Picture
from ..pictures.pixels import finite
from ..tiling import resize, tiles, windows
from ..tiling.strips import STRIP_ROWS, Planes, Rows
from .ensemble import self_ensemble
from .flow import denoise_with_flow
from .roles import level_of, with_levels


def apply(
    picture: Picture,
    engine: Engine,
    level: NoiseCurve | None,
    memory: int,
    progress: Callable[[int, int], None] | None = None,
    *,
    ensemble: bool = False,
) -> tuple[Iterator[Rows], tuple[str, ...]]:
    """The restored (or enlarged) picture in strips (r, w, c), and sentences about how it was worked on.

    level: that of the kind `level_of` the model, None where there is none. memory: bytes that tiles may take.
    ensemble: `self_ensemble` the network, which must allow it.
    """
    card = engine.card
    if card.role == "flow":
        window = windows.window_of(card, picture.height, picture.width, memory)
        whole = window[0] >= picture.height and window[1] >= picture.width
        note = (
            f"{card.name} sees a picture whole: this one was worked on in overlapping windows of "
            f"{window[0]}x{window[1]}."
        )
        return denoise_with_flow(picture, engine, level, window, memory, progress), () if whole else (note,)
    if card.is_blended:
        return _through_windows(picture, engine, level, memory, progress, ensemble)
    factor = _reduction(card, picture)
    if factor > 1:
        note = (
            f"{card.name} sees a picture whole, up to {card.max_pixels or 0:,} pixels: this one was "
            f"worked on as a copy reduced {factor} times, and the change enlarged."
        )
        return _through_reduced(picture, engine, level, factor, progress, ensemble), (note,)
    return _through_tiles(picture, engine, level, memory, progress, ensemble), ()


def _through_tiles(
    picture: Picture,
    engine: Engine,
    level: NoiseCurve | None,
    memory: int,
    progress: Callable[[int, int], None] | None,
    ensemble: bool,
) -> Iterator[Rows]:
    card = engine.card
    plan = tiles.plan_for(card, picture.height, picture.width, memory=memory)
    network = _network(engine, picture.num_channels, ensemble)
    colourless: list[bool] = []
    strips = _watched(picture.strips(STRIP_ROWS), colourless)
    x_hat = tiles.stream(with_levels(strips, engine, level), plan, network, progress=progress)
    return _as_colourless(x_hat, colourless, card.scale) if picture.num_channels > 1 else x_hat


def _through_windows(
    picture: Picture,
    engine: Engine,
    level: NoiseCurve | None,
    memory: int,
    progress: Callable[[int, int], None] | None,
    ensemble: bool,
) -> tuple[Iterator[Rows], tuple[str, ...]]:
    """The third way besides tiles and a reduced copy: windows that overlap and are blended, near to the whole."""
    card, size = engine.card, (picture.height, picture.width)
    window = windows.window_of(card, *size, memory)
    network = _network(engine, picture.num_channels, ensemble)
    colourless: list[bool] = []
    strips = with_levels(_watched(picture.strips(STRIP_ROWS), colourless), engine, level)
    advance = (lambda done: progress(done, math.prod(size))) if progress else None
    x_hat = windows.stream(
        strips, *size, window, lambda tile: network(tile[0])[None], scale=card.scale, progress=advance
    )
    blended = window[0] < size[0] or window[1] < size[1]
    note = f"{card.name} sees a picture whole: this one was worked on in overlapping windows of {window[0]}x{window[1]}"
    notes = (f"{note}, which are blended.",) if blended else ()
    return _as_colourless(x_hat, colourless, card.scale) if picture.num_channels > 1 else x_hat, notes


def _watched(strips: Iterable[Rows], colourless: list[bool]) -> Iterator[Rows]:
    """The strips (r, w, c) as they are; on the way it is noted of each row whether its channels are all equal."""
    for rows in strips:
        colourless += (rows == rows[..., :1]).all(axis=(1, 2)).tolist()
        yield rows


def _as_colourless(strips: Iterable[Rows], colourless: list[bool], scale: int) -> Iterator[Rows]:
    """The strips with the mean of the channels in rows that had no colour, which the network leaves a little apart."""
    top = 0
    for rows in strips:
        grey = np.array([colourless[row // scale] for row in range(top, top + len(rows))])
        yield np.where(grey[:, None, None], channel_mean(rows, axis=2), rows) if grey.any() else rows
        top += len(rows)


def _through_reduced(
    picture: Picture,
    engine: Engine,
    level: NoiseCurve | None,
    factor: int,
    progress: Callable[[int, int], None] | None,
    ensemble: bool,
) -> Iterator[Rows]:
    small = resize.downsample(picture.strips(STRIP_ROWS), factor)
    if level is not None and level_of(engine.card) == "sigma":
        # Averaging factor x factor pixels divides independent noise by factor.
        level = NoiseCurve(level.brightness, tuple(sigma / factor for sigma in level.sigma))
    plan = tiles.make_plan(*small.shape[:2], stride=engine.card.stride, halo=None, bytes_per_pixel=1)
    network = _network(engine, picture.num_channels, ensemble)
    change = np.concatenate(list(tiles.stream(with_levels([small], engine, level), plan, network))) - small
    total = picture.width * picture.height
    advance = (lambda done: progress(done, total)) if progress else None
    return resize.add_upsampled(picture.strips(STRIP_ROWS), change, factor, progress=advance)


def _reduction(card: Card, picture: Picture) -> int:
    if card.max_pixels is None:
        return 1
    return resize.reduction(picture.height, picture.width, stride=card.stride, max_pixels=card.max_pixels)


def _network(engine: Engine, num_channels: int, ensemble: bool) -> Callable[[Planes], Planes]:
    """The restorer on one tile (c, h, w): picture planes first, then the level map if the model takes one.

    Grey goes in as three equal channels and comes out as their mean. NaN and infinite pixels stay as they are.
    """
    scale, kind = engine.card.scale, level_of(engine.card)
    is_grey = engine.card.picture_channels == 1  # then of colour one channel after the other

    def compute(tile: Planes) -> Planes:
        y = tile[:num_channels]
        pictures = finite(y)[:, None] if is_grey else in_colour(finite(y))[None]
        levels = {kind: tile[None, num_channels:]} if len(tile) > num_channels else {}
        results = [run_by_kind(engine, {"picture": one[None], **levels})[0] for one in pictures]
        x_hat = np.concatenate(results) if is_grey else with_channels_of(results[0], num_channels)
        if scale > 1:
            y = y.repeat(scale, axis=1).repeat(scale, axis=2)
        return np.where(np.isfinite(y), x_hat, y)

    return self_ensemble(compute) if ensemble else compute
