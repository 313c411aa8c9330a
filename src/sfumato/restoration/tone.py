"""A picture's tones changed as a whole, by a model that looks at a thumbnail of it."""

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from ..models.engine import Engine
from ..pictures.picture import Picture
from ..pictures.pixels import finite
from ..tiling import resize, tiles
from ..tiling.strips import STRIP_ROWS, Planes, Rows

LOOK, RETONE = "look", "retone"
THUMBNAIL = 96  # its longer side at most, in pixels


def thumbnail(picture: Picture) -> Rows:
    """The picture reduced to at most 96 pixels a side, (h, w, 3)."""
    factor = math.ceil(max(picture.height, picture.width) / THUMBNAIL)
    strips = (finite(strip) for strip in picture.strips(STRIP_ROWS))
    small = resize.reduce(strips, factor).clip(0, 1)
    return np.broadcast_to(small, (*small.shape[:2], 3))


def look(small: Rows, engine: Engine) -> NDArray[np.float32]:
    """What the model finds that the tones of a thumbnail want, `1 n`."""
    return _only(engine, LOOK, _planes(small)[None])


def changed(small: Rows, engine: Engine) -> Rows:
    """A thumbnail with the tones that the model gives it."""
    return retone(_planes(small), look(small, engine), engine).transpose(1, 2, 0)


def retone(pixels: Planes, tone: NDArray[np.float32], engine: Engine) -> Planes:
    """Colour (3, h, w) with its tones changed."""
    return _only(engine, RETONE, pixels[None], tone)[0]


def apply(
    picture: Picture, engine: Engine, memory: int, progress: Callable[[int, int], None] | None = None
) -> Iterator[Rows]:
    """The picture in strips (r, w, c), its tones changed; grey stays grey."""
    tone = look(thumbnail(picture), engine)

    def compute(tile: Planes) -> Planes:
        seen = finite(tile)
        changed = retone(np.ascontiguousarray(np.broadcast_to(seen, (3, *tile.shape[1:]))), tone, engine)
        if tile.shape[0] == 1:
            changed = changed.mean(axis=0, keepdims=True)
        return np.where(np.isfinite(tile), changed, tile)

    plan = tiles.plan_for(engine.card, picture.height, picture.width, memory=memory)
    return tiles.stream(picture.strips(STRIP_ROWS), plan, compute, progress=progress)


def _only(engine: Engine, entry: str, *values: NDArray[np.float32]) -> NDArray[np.float32]:
    uses = engine.card.entries[entry]
    return engine.run(dict(zip(uses.inputs, values, strict=True)), entry)[uses.outputs[0]]


def _planes(pixels: Rows) -> Planes:
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))
