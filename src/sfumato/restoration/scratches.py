"""Where a photograph is scratched, spotted or cracked, as a network that was trained on drawn damage sees it."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..models import zoo
from ..models.engine import Engine, shipped
from ..pictures.picture import Picture
from ..pictures.pixels import finite
from ..tiling import tiles
from ..tiling.strips import STRIP_ROWS, Planes, Rows
from . import masks

# The lowest at which four in five of the pixels found are right on validation pictures; F1 is flat about it.
THRESHOLD = 0.5
WIDE = 24  # pixels: twice this across, what fills a patch in is a guess, and it may be bare paper or a white wall
RIM = 1  # pixels: the faint border of damage, which would be taken for what surrounds it


def mask_of(picture: Picture, engine: Engine | None = None) -> Picture:
    """The damage that is found, white on black, by the shipped model unless another is given."""
    damaged = holes(picture, engine or shipped(zoo.FOR_TASK["scratches"], "auto", None))
    return Picture.from_array(damaged.astype(np.float32))


def holes(picture: Picture, engine: Engine, memory: int = tiles.DEFAULT_MEMORY) -> NDArray[np.bool_]:
    """What is to be filled in, (h, w): the damaged pixels that `find` gives, and a pixel around."""
    return masks.grown(find(picture, engine, memory), RIM)


def find(picture: Picture, engine: Engine, memory: int = tiles.DEFAULT_MEMORY) -> NDArray[np.bool_]:
    """The damaged pixels, (h, w), without patches that are wider than 48 pixels everywhere.

    engine: a model whose output is a mask. memory: bytes that tiles may take.
    """
    card = engine.card

    def compute(tile: Planes) -> Planes:
        colour = np.broadcast_to(finite(tile), (3, *tile.shape[1:]))
        return engine.run({card.inputs[0].name: colour[None]})[card.outputs[0].name][0]

    plan = tiles.plan_for(card, picture.height, picture.width, memory=memory)
    found: Iterator[Rows] = tiles.stream(picture.strips(STRIP_ROWS), plan, compute)
    damaged = np.concatenate([strip[..., 0] > THRESHOLD for strip in found])
    return damaged & ~masks.grown(masks.depth_over(damaged, WIDE), WIDE + RIM)
