"""Where a photograph is scratched, spotted or cracked, as a network that was trained on synthetic damage sees it."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..models import zoo
from ..models.engine import Engine, shipped
from ..models.ports import in_colour, run_by_kind
from ..pictures.picture import Picture
from ..pictures.pixels import finite
from ..tiling import tiles
from ..tiling.strips import STRIP_ROWS, Planes, Rows
from . import masks

# The lowest at which four in five of the pixels found are right on validation pictures; F1 is flat about it.
THRESHOLD = 0.5
SURE = 0.98  # from here on it is hardly ever a wire, a whisker or a twig: by this somebody is told of scratches
WIDE = 24  # pixels: twice this across, what fills a patch in is a guess, and it may be bare paper or a white wall
RIM = 1  # pixels: the faint border of damage, which would be taken for what surrounds it


def mask_of(
    picture: Picture, engine: Engine | None = None, *, device: str = "auto", threads: int | None = None
) -> Picture:
    """The damage that is found, white on black, by the shipped model unless another is given."""
    damaged = holes(picture, engine or shipped(zoo.FOR_TASK["scratches"], device, threads))
    return Picture.from_array(damaged.astype(np.float32))


def holes(picture: Picture, engine: Engine, memory: int = tiles.DEFAULT_MEMORY) -> NDArray[np.bool_]:
    """What is to be filled in, (h, w): the damaged pixels that `find` gives, and a pixel around."""
    return masks.dilate(find(picture, engine, memory), RIM)


def find(
    picture: Picture, engine: Engine, memory: int = tiles.DEFAULT_MEMORY, threshold: float = THRESHOLD
) -> NDArray[np.bool_]:
    """The damaged pixels, (h, w), without patches that are wider than 48 pixels everywhere.

    engine: a model whose output is a mask. memory: bytes that tiles may take. threshold: how probable damage must be.
    """

    def compute(tile: Planes) -> Planes:
        return run_by_kind(engine, {"picture": in_colour(finite(tile))[None]})[0]

    plan = tiles.plan_for(engine.card, picture.height, picture.width, memory=memory)
    probabilities: Iterator[Rows] = tiles.stream(picture.strips(STRIP_ROWS), plan, compute)
    damaged = np.concatenate([strip[..., 0] > threshold for strip in probabilities])
    return damaged & ~masks.dilate(masks.erode(damaged, WIDE), WIDE + RIM)
