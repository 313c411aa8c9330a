"""One model at work on one picture: its levels, its tiles or windows, grey as colour, pixels that are no numbers."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from ..estimation.noise import NoiseCurve
from ..models.card import Card
from ..models.engine import Engine
from ..pictures.picture import Picture
from ..pictures.pixels import finite
from ..tiling import resize, tiles, windows
from ..tiling.strips import STRIP_ROWS, Planes, Rows
from .ensemble import self_ensemble
from .flow import through_flow
from .roles import is_flow, level_of, with_levels


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
    ensemble: `self_ensemble` the network, which must take it.
    """
    card = engine.card
    factor = _reduction(card, picture)
    if is_flow(card):
        window = windows.window_of(card, picture.height, picture.width, memory)
        whole = window[0] >= picture.height and window[1] >= picture.width
        note = (
            f"{card.name} sees a picture whole: this one was worked on in overlapping windows of "
            f"{window[0]}x{window[1]}."
        )
        return through_flow(picture, engine, level, window, memory, progress), () if whole else (note,)
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
    found = tiles.stream(with_levels(strips, engine, level), plan, network, progress=progress)
    return _as_colourless(found, colourless, card.scale) if picture.num_channels > 1 else found


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
        yield np.where(grey[:, None, None], _mean(rows, axis=2), rows) if grey.any() else rows
        top += len(rows)


def _mean(channels: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """In double, so that the mean of equal values is that value."""
    return channels.mean(axis=axis, keepdims=True, dtype=np.float64).astype(np.float32)


def _through_reduced(
    picture: Picture,
    engine: Engine,
    level: NoiseCurve | None,
    factor: int,
    progress: Callable[[int, int], None] | None,
    ensemble: bool,
) -> Iterator[Rows]:
    small = resize.reduce(picture.strips(STRIP_ROWS), factor)
    if level is not None and level_of(engine.card) == "sigma":
        # Averaging factor x factor pixels divides independent noise by factor.
        level = NoiseCurve(level.brightness, tuple(sigma / factor for sigma in level.sigma))
    plan = tiles.make_plan(*small.shape[:2], stride=engine.card.stride, halo=None, bytes_per_pixel=1)
    network = _network(engine, picture.num_channels, ensemble)
    change = np.concatenate(list(tiles.stream(with_levels([small], engine, level), plan, network))) - small
    total = picture.width * picture.height
    told = (lambda done: progress(done, total)) if progress else None
    return resize.add_enlarged(picture.strips(STRIP_ROWS), change, factor, progress=told)


def _reduction(card: Card, picture: Picture) -> int:
    if card.max_pixels is None:
        return 1
    return resize.factor(picture.height, picture.width, stride=card.stride, max_pixels=card.max_pixels)


def _network(engine: Engine, num_channels: int, ensemble: bool) -> Callable[[Planes], Planes]:
    """The restorer on one tile (c, h, w): picture planes first, then the level map if the model takes one.

    Grey goes in as three equal channels and comes out as their mean. Pixels that are no numbers stay as they are.
    """
    names, scale = {port.kind: port.name for port in engine.card.inputs}, engine.card.scale

    def compute(tile: Planes) -> Planes:
        y = tile[:num_channels]
        colour = np.broadcast_to(finite(y), (3, *y.shape[1:]))
        feed = {names["picture"]: colour[None]}
        if len(tile) > num_channels:
            feed[names[level_of(engine.card)]] = tile[None, num_channels:]
        x_hat = engine.run(feed)[engine.card.outputs[0].name][0]
        if num_channels == 1:
            x_hat = _mean(x_hat, axis=0)
        if scale > 1:
            y = y.repeat(scale, axis=1).repeat(scale, axis=2)
        return np.where(np.isfinite(y), x_hat, y)

    return self_ensemble(compute) if ensemble else compute
