"""A picture's tones changed as a whole, by a model that looks at a thumbnail of it."""

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from ..models.engine import Engine
from ..models.ports import in_colour, with_channels_of
from ..pictures.picture import Picture
from ..pictures.pixels import finite
from ..tiling import resize, tiles
from ..tiling.strips import STRIP_ROWS, Planes, Rows

PREDICT, APPLY = "look", "retone"  # entries of the model file
THUMBNAIL = 96  # its longer side at most, in pixels


def thumbnail(picture: Picture) -> Rows:
    """The picture reduced to at most 96 pixels a side, (h, w, 3)."""
    factor = math.ceil(max(picture.height, picture.width) / THUMBNAIL)
    strips = (finite(strip) for strip in picture.strips(STRIP_ROWS))
    small = resize.downsample(strips, factor).clip(0, 1)
    return np.broadcast_to(small, (*small.shape[:2], 3))


def predict_curves(small: Rows, engine: Engine) -> NDArray[np.float32]:
    """The tone curves that the model predicts from a thumbnail, `1 n`."""
    return _only(engine, PREDICT, _planes(small)[None])


def retoned(small: Rows, engine: Engine) -> Rows:
    """A thumbnail with the tones that the model gives it."""
    return apply_curves(_planes(small), predict_curves(small, engine), engine).transpose(1, 2, 0)


def apply_curves(pixels: Planes, curves: NDArray[np.float32], engine: Engine) -> Planes:
    """Colour (3, h, w) with its tones changed by the curves."""
    return _only(engine, APPLY, pixels[None], curves)[0]


def apply(
    picture: Picture, engine: Engine, memory: int, progress: Callable[[int, int], None] | None = None
) -> Iterator[Rows]:
    """The picture in strips (r, w, c), its tones changed; grey stays grey."""
    curves = predict_curves(thumbnail(picture), engine)

    def compute(tile: Planes) -> Planes:
        changed = apply_curves(in_colour(finite(tile)), curves, engine)
        return np.where(np.isfinite(tile), with_channels_of(changed, len(tile)), tile)

    plan = tiles.plan_for(engine.card, picture.height, picture.width, memory=memory)
    return tiles.stream(picture.strips(STRIP_ROWS), plan, compute, progress=progress)


def _only(engine: Engine, entry: str, *values: NDArray[np.float32]) -> NDArray[np.float32]:
    uses = engine.card.entries[entry]
    return engine.run(dict(zip(uses.inputs, values, strict=True)), entry)[uses.outputs[0]]


def _planes(pixels: Rows) -> Planes:
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))
