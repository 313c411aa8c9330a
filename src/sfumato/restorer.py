"""One model at work on one picture: its levels, its tiles or windows, grey as colour, pixels that are no numbers."""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from . import flow, reduced, tiles, toning
from .card import Card
from .cells import BLOCK
from .engine import Engine, load
from .errors import ModelError
from .noise import NoiseCurve
from .picture import Picture
from .pixels import finite

LEVELS = ("sigma", "compression", "mask")  # kinds of inputs that say what was done to the picture, and how much


@lru_cache(maxsize=8)
def shipped(name: str, device: str, threads: int | None) -> Engine:
    """A shipped model, loaded once for all pictures."""
    return load(name, device=device, threads=threads)


def level_of(card: Card) -> str:
    """The kind of level that the model is told beside the picture, "" for none; ModelError for one that is no restorer.

    A flow is told the noise level.
    """
    if is_flow(card):
        return "sigma"
    if toning.tones(card) or card.outputs[0].kind == "mask":
        return ""
    kinds = [port.kind for port in card.inputs]
    channels = [port.channels for port in card.inputs if port.kind == "picture"]
    result = card.outputs[0]
    if (
        sorted(kinds) not in (["picture"], *(sorted(("picture", level)) for level in LEVELS))
        or (result.kind, result.channels, channels) != ("picture", 3, [3])
        or (card.scale != 1 and card.task != "upscale")
    ):
        if card.task == "generate":
            raise ModelError(
                f"{card.name!r} (family {card.family!r}) draws new pictures and restores none: `sfumato generate` is "
                "for it; of the generators, flows of pictures restore too."
            )
        raise ModelError(
            f"{card.name!r} (task {card.task!r}) is no restorer: that takes a colour picture and perhaps a noise "
            "level, and gives a picture of the same size, or enlarges it; `sfumato models` lists those that do."
        )
    return next((kind for kind in kinds if kind in LEVELS), "")


def is_flow(card: Card) -> bool:
    """Whether it is a flow of pictures, which is a denoiser too; one of codes is not."""
    moved = card.entries["velocity"].inputs if "velocity" in card.entries else ()
    return any(port.kind == "picture" and port.name in moved for port in card.inputs)


def takes_ensemble(card: Card) -> bool:
    """Whether what it makes of a picture in all eight positions may be averaged: it neither invents nor retones."""
    return not (is_flow(card) or toning.tones(card) or level_of(card) == "mask" or card.outputs[0].kind == "mask")


def apply(
    picture: Picture,
    engine: Engine,
    level: NoiseCurve | None,
    memory: int,
    progress: Callable[[int, int], None] | None = None,
    *,
    ensemble: bool = False,
) -> tuple[Iterator[tiles.Rows], tuple[str, ...]]:
    """The restored (or enlarged) picture in strips (r, w, c), and sentences about how it was worked on.

    level: that of the kind `level_of` the model, None where there is none. memory: bytes that tiles may take.
    ensemble: `self_ensemble` the network, which must take it.
    """
    card = engine.card
    factor = _reduction(card, picture)
    if is_flow(card):
        window = flow.window_of(card, picture.height, picture.width, memory)
        whole = window[0] >= picture.height and window[1] >= picture.width
        note = (
            f"{card.name} sees a picture whole: this one was worked on in overlapping windows of "
            f"{window[0]}x{window[1]}."
        )
        return _through_flow(picture, engine, level, window, memory, progress), () if whole else (note,)
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
) -> Iterator[tiles.Rows]:
    card = engine.card
    plan = tiles.plan_for(card, picture.height, picture.width, memory=memory)
    network = _network(engine, picture.num_channels, ensemble)
    colourless: list[bool] = []
    strips = _watched(picture.strips(tiles.STRIP_ROWS), colourless)
    found = tiles.stream(_with_levels(strips, engine, level), plan, network, progress=progress)
    return _as_colourless(found, colourless, card.scale) if picture.num_channels > 1 else found


def _watched(strips: Iterable[tiles.Rows], colourless: list[bool]) -> Iterator[tiles.Rows]:
    """The strips (r, w, c) as they are; on the way it is noted of each row whether its channels are all equal."""
    for rows in strips:
        colourless += (rows == rows[..., :1]).all(axis=(1, 2)).tolist()
        yield rows


def _as_colourless(strips: Iterable[tiles.Rows], colourless: list[bool], scale: int) -> Iterator[tiles.Rows]:
    """The strips with the mean of the channels in rows that had no colour, which the network leaves a little apart."""
    top = 0
    for rows in strips:
        grey = np.array([colourless[row // scale] for row in range(top, top + len(rows))])
        yield np.where(grey[:, None, None], _mean(rows, axis=2), rows) if grey.any() else rows
        top += len(rows)


def _mean(channels: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """In double, so that the mean of equal values is that value."""
    return channels.mean(axis=axis, keepdims=True, dtype=np.float64).astype(np.float32)


def spread_under_transparency(picture: Picture, reach: int = 12) -> Picture:
    """The picture with colour under full transparency taken from visible neighbours, up to `reach` pixels away.

    What lies there is often black, and would show at the edge of what is enlarged. Without alpha, the picture itself.
    """
    alpha = picture.alpha() if picture.has_alpha else None
    if alpha is None or alpha.all():
        return picture
    colour, known = picture.array(), (alpha > 0)[..., None].astype(np.float32)
    colour = finite(colour) * known
    for _ in range(reach):
        total, count = (_sum_of_neighbours(part) for part in (colour, known))
        new = (known == 0) & (count > 0)
        colour = np.where(new, total / np.maximum(count, 1), colour)
        known = np.maximum(known, new)
    return picture.with_array(np.where((alpha[..., None] == 0) & (known > 0), colour, picture.array()))


def _sum_of_neighbours(values: NDArray[np.float32]) -> NDArray[np.float32]:
    padded = np.pad(values, ((1, 1), (1, 1), (0, 0)))
    height, width = values.shape[:2]
    return sum(padded[i : i + height, j : j + width] for i in range(3) for j in range(3))  # type: ignore[return-value]


def _through_reduced(
    picture: Picture,
    engine: Engine,
    level: NoiseCurve | None,
    factor: int,
    progress: Callable[[int, int], None] | None,
    ensemble: bool,
) -> Iterator[tiles.Rows]:
    small = reduced.reduce(picture.strips(tiles.STRIP_ROWS), factor)
    if level is not None and level_of(engine.card) == "sigma":
        # Averaging factor x factor pixels divides independent noise by factor.
        level = NoiseCurve(level.brightness, tuple(sigma / factor for sigma in level.sigma))
    plan = tiles.make_plan(*small.shape[:2], stride=engine.card.stride, halo=None, bytes_per_pixel=1)
    network = _network(engine, picture.num_channels, ensemble)
    change = np.concatenate(list(tiles.stream(_with_levels([small], engine, level), plan, network))) - small
    total = picture.width * picture.height
    told = (lambda done: progress(done, total)) if progress else None
    return reduced.add_enlarged(picture.strips(tiles.STRIP_ROWS), change, factor, progress=told)


def _through_flow(
    picture: Picture,
    engine: Engine,
    level: NoiseCurve | None,
    window: tuple[int, int],
    memory: int,
    progress: Callable[[int, int], None] | None,
) -> Iterator[tiles.Rows]:
    port = next(port for port in engine.card.inputs if port.kind == "picture")
    if port.channels not in (1, 3, 4):
        raise ModelError(f"{engine.card.name!r} is a flow of {port.channels} channels; those of 1, 3 and 4 restore.")
    alpha = picture.alpha() if port.channels == 4 else None
    total = picture.width * picture.height
    found = flow.restored(
        _with_alpha(_with_levels(map(finite, picture.strips(tiles.STRIP_ROWS)), engine, level), alpha),
        engine,
        height=picture.height,
        width=picture.width,
        num_channels=picture.num_channels,
        window=window,
        memory=memory,
        progress=(lambda done: progress(done, total)) if progress else None,
    )
    before = tiles.recut(picture.strips(tiles.STRIP_ROWS), 1)
    for x_hat in found:
        y = np.concatenate([next(before) for _ in x_hat])
        yield np.where(np.isfinite(y), x_hat, y)


def _with_alpha(strips: Iterable[tiles.Rows], alpha: NDArray[np.float32] | None) -> Iterator[tiles.Rows]:
    top = 0
    for strip in strips:
        yield strip if alpha is None else np.concatenate([strip, alpha[top : top + len(strip), :, None]], axis=2)
        top += len(strip)


def _reduction(card: Card, picture: Picture) -> int:
    if card.max_pixels is None:
        return 1
    return reduced.factor(picture.height, picture.width, stride=card.stride, max_pixels=card.max_pixels)


def _with_levels(strips: Iterable[tiles.Rows], engine: Engine, level: NoiseCurve | None) -> Iterator[tiles.Rows]:
    """Strips (r, w, c), each with its level map as one more channel where there is a level."""
    if level is None:
        yield from strips
        return
    assert tiles.STRIP_ROWS % BLOCK == 0
    low, high = next((port.range for port in engine.card.inputs if port.kind in LEVELS), (0.0, 1.0))
    for strip in tiles.recut(strips, tiles.STRIP_ROWS):
        levels = level.level_map(finite(strip))
        yield np.concatenate([strip, np.clip(levels, low, high)[..., None]], axis=2)


def _network(engine: Engine, num_channels: int, ensemble: bool) -> Callable[[tiles.Planes], tiles.Planes]:
    """The restorer on one tile (c, h, w): picture planes first, then the level map if the model takes one.

    Grey goes in as three equal channels and comes out as their mean. Pixels that are no numbers stay as they are.
    """
    names, scale = {port.kind: port.name for port in engine.card.inputs}, engine.card.scale

    def compute(tile: tiles.Planes) -> tiles.Planes:
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


def self_ensemble(network: Callable[[tiles.Planes], tiles.Planes]) -> Callable[[tiles.Planes], tiles.Planes]:
    """The mean of what the network makes of a tile (c, h, w) turned and mirrored in all eight ways, each turned back.

    A network learns pictures in every position and is a little wrong in each, not alike (arXiv:1511.02228).
    """

    def compute(tile: tiles.Planes) -> tiles.Planes:
        def both_ways(turns: int) -> tiles.Planes:
            turned = np.rot90(tile, turns, axes=(1, 2))
            return np.rot90(network(turned) + network(turned[..., ::-1])[..., ::-1], -turns, axes=(1, 2))

        return (both_ways(0) + both_ways(1) + both_ways(2) + both_ways(3)) / np.float32(8)

    return compute
