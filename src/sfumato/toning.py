"""A picture's tones changed as a whole, by a model that looks at a thumbnail of it."""

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from . import reduced, tiles
from .card import Card
from .engine import Engine
from .picture import Picture
from .pixels import finite

LOOK, RETONE = "look", "retone"
THUMBNAIL = 96  # its longer side at most, in pixels


def tones(card: Card) -> bool:
    """Whether a model is of this kind."""
    return RETONE in card.entries


def thumbnail(picture: Picture) -> tiles.Rows:
    """The picture reduced to at most 96 pixels a side, (h, w, 3)."""
    factor = math.ceil(max(picture.height, picture.width) / THUMBNAIL)
    strips = (finite(strip) for strip in picture.strips(tiles.STRIP_ROWS))
    small = reduced.reduce(strips, factor).clip(0, 1)
    return np.broadcast_to(small, (*small.shape[:2], 3))


def look(small: tiles.Rows, engine: Engine) -> NDArray[np.float32]:
    """What the model finds that the tones of a thumbnail want, `1 n`."""
    return _only(engine, LOOK, _planes(small)[None])


def changed(small: tiles.Rows, engine: Engine) -> tiles.Rows:
    """A thumbnail with the tones that the model gives it."""
    return retone(_planes(small), look(small, engine), engine).transpose(1, 2, 0)


def retone(pixels: tiles.Planes, tone: NDArray[np.float32], engine: Engine) -> tiles.Planes:
    """Colour (3, h, w) with its tones changed."""
    return _only(engine, RETONE, pixels[None], tone)[0]


def apply(
    picture: Picture, engine: Engine, memory: int, progress: Callable[[int, int], None] | None = None
) -> Iterator[tiles.Rows]:
    """The picture in strips (r, w, c), its tones changed; grey stays grey."""
    tone = look(thumbnail(picture), engine)

    def compute(tile: tiles.Planes) -> tiles.Planes:
        seen = finite(tile)
        changed = retone(np.ascontiguousarray(np.broadcast_to(seen, (3, *tile.shape[1:]))), tone, engine)
        if tile.shape[0] == 1:
            changed = changed.mean(axis=0, keepdims=True)
        return np.where(np.isfinite(tile), changed, tile)

    plan = tiles.plan_for(engine.card, picture.height, picture.width, memory=memory)
    return tiles.stream(picture.strips(tiles.STRIP_ROWS), plan, compute, progress=progress)


def _only(engine: Engine, entry: str, *values: NDArray[np.float32]) -> NDArray[np.float32]:
    uses = engine.card.entries[entry]
    return engine.run(dict(zip(uses.inputs, values, strict=True)), entry)[uses.outputs[0]]


def _planes(pixels: tiles.Rows) -> tiles.Planes:
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))
