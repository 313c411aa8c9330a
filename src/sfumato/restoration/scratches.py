"""Where a photograph is scratched, spotted or cracked, as a network that was trained on synthetic damage sees it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..models import zoo
from ..models.engine import Engine, shipped
from ..models.ports import in_colour, run_by_kind
from ..pictures.picture import Picture
from ..pictures.pixels import finite
from ..tiling import resize, tiles
from ..tiling.strips import STRIP_ROWS, Planes, Rows
from . import masks

# The lowest at which four in five of the pixels found are right on validation pictures; F1 is flat about it.
THRESHOLD = 0.5
SURE = 0.98  # from here on it is hardly ever a wire, a whisker or a twig: by this somebody is told of scratches
# Of the picture, sure at two resolutions: in pictures with less, what is found is as likely spectacles or a branch.
LEAST = 0.0025
WIDE = 24  # pixels: twice this across, what fills a patch in is a guess, and it may be bare paper or a white wall
# What is so dark, or so light, and so wide either way of its pixels is a ground: the corners of a scan that was put
# straight, what surrounds a cut-out or a slice of a body. Nor is its rim damage, as far as smoothing leaves it.
BLACK, WHITE, GROUND, SMOOTHED = 4 / 255, 254 / 255, 4, 2  # and pixels
RIM = 1  # pixels: the faint border of damage, which would be taken for what surrounds it


@dataclass(frozen=True)
class Finds:
    """What looks damaged in a picture, (h, w), with a pixel around, and whether the picture surely is scratched.

    Where it is not, all of it is doubtful: thin things of the picture are found as well.
    """

    damaged: NDArray[np.bool_]
    is_sure: bool


def mask_of(
    picture: Picture, engine: Engine | None = None, *, device: str = "auto", threads: int | None = None
) -> Picture:
    """The damage that is found, white on black, or grey where it is doubtful, by the shipped model unless another is
    given."""
    finds = judge(picture, engine or shipped(zoo.FOR_TASK["scratches"], device, threads))
    return Picture.from_array(finds.damaged * np.float32(1 if finds.is_sure else masks.DOUBTFUL))


def judge(picture: Picture, engine: Engine, memory: int = tiles.DEFAULT_MEMORY) -> Finds:
    """What looks damaged, and whether one may believe it: whether LEAST of the picture surely is, at two resolutions.

    engine: a model whose output is a mask. memory: bytes that tiles may take.
    """
    damaged, sure = _above(picture, engine, memory, THRESHOLD, SURE)
    holes = masks.dilate(_narrow(damaged), RIM)
    return Finds(holes, agrees(picture, sure, engine, memory))


def agrees(picture: Picture, sure: NDArray[np.bool_], engine: Engine, memory: int = tiles.DEFAULT_MEMORY) -> bool:
    """Whether LEAST of the picture is among what surely is damaged, (h, w), at half the resolution as well."""
    if sure.mean() < LEAST:
        return False
    return bool((sure & _near_sure_at_half_size(picture, engine, memory)).mean() >= LEAST)


def find(
    picture: Picture, engine: Engine, memory: int = tiles.DEFAULT_MEMORY, threshold: float = THRESHOLD
) -> NDArray[np.bool_]:
    """The damaged pixels, (h, w), without patches that are wider than 48 pixels everywhere.

    engine: a model whose output is a mask. memory: bytes that tiles may take. threshold: how probable damage must be.
    """
    return _narrow(*_above(picture, engine, memory, threshold))


def _narrow(damaged: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return damaged & ~masks.dilate(masks.erode(damaged, WIDE), WIDE + RIM)


def _near_sure_at_half_size(picture: Picture, engine: Engine, memory: int) -> NDArray[np.bool_]:
    """The pixels, (h, w), that are surely damaged in the picture at half the size, or beside one that is there.

    Noise, grain and rims of a pixel or two, which are taken for damage as well, are not.
    """
    half = Picture.from_array(resize.downsample(picture.strips(STRIP_ROWS), 2), depth=32, format="tiff")
    (sure,) = _above(half, engine, memory, SURE)
    near = masks.dilate(sure, 1).repeat(2, axis=0).repeat(2, axis=1)
    return near[: picture.height, : picture.width]


def _above(picture: Picture, engine: Engine, memory: int, *thresholds: float) -> list[NDArray[np.bool_]]:
    """For each threshold the pixels, (h, w), at which damage is more probable, but for a black ground."""

    def compute(tile: Planes) -> Planes:
        return run_by_kind(engine, {"picture": in_colour(finite(tile))[None]})[0]

    plan = tiles.plan_for(engine.card, picture.height, picture.width, memory=memory)
    found: Iterator[Rows] = tiles.stream(picture.strips(STRIP_ROWS), plan, compute)
    strips = [[strip[..., 0] > threshold for threshold in thresholds] for strip in found]
    within = ~ground(picture, white=False)
    return [np.concatenate(parts) & within for parts in zip(*strips, strict=True)]


def ground(picture: Picture, *, white: bool) -> NDArray[np.bool_]:
    """The pixels, (h, w), of a wide ground without anything on it, black or, if asked for, white, and its rim.

    A black one is never damage; white may be the paper beneath a torn corner, but is no reason to speak of scratches.
    """
    bare = [(x <= BLACK).all(axis=2) | (white & (x >= WHITE).all(axis=2)) for x in picture.strips(STRIP_ROWS)]
    return masks.dilate(masks.erode(np.concatenate(bare), GROUND), GROUND + SMOOTHED)
