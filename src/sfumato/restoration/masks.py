"""Masks over a picture: of a file or an array, its own transparency, or a colour that somebody painted over it."""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import PictureError, UsageError
from ..pictures.picture import Picture
from ..pictures.pixels import finite

ALPHA = "alpha"
COLOUR = re.compile(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})")
PAINTED = 24 / 255  # how far a painted pixel may be off its colour, which JPEG blurs
SAME = 2 / 255  # how far the values of one colour may be apart
RIM = 2  # pixels: how far the soft edge of a brush reaches

Mask = NDArray[np.float32]


def read_mask(mask: str | Path | Picture | NDArray, picture: Picture, max_pixels: int) -> Mask:
    """The mask as (h, w) in [0, 1], in the picture's size.

    mask: a picture file, a Picture or an array, 1 where it is white and opaque, or opaque at all if it has one colour
    on a transparent ground, or 1 where there is nothing but 0 and 1; "alpha": 1 where the picture is transparent;
    "#rrggbb": 1 where it has that colour, and two pixels around. Raises PictureError for a mask of another size, and
    where the picture has no transparency, or no pixel of the colour; UsageError for a colour that is none.
    """
    where = picture.path or "The picture"
    if isinstance(mask, str) and mask == ALPHA:
        alpha = picture.alpha()
        if alpha is None:
            raise PictureError(f"{where} has no transparency that could say what is missing; give a mask file.")
        return 1 - alpha
    if isinstance(mask, str) and (colour := COLOUR.fullmatch(mask)):
        return _painted(picture, [int(part, 16) / 255 for part in colour.groups()], mask)
    shown = mask if isinstance(mask, Picture) else _opened(mask, max_pixels)
    if (shown.height, shown.width) != (picture.height, picture.width):
        raise PictureError(
            f"{where}: the mask is {shown.width}x{shown.height} and the picture {picture.width}x{picture.height}; "
            "a mask has the picture's size."
        )
    white, alpha = finite(shown.array().mean(axis=2)), shown.alpha()
    if alpha is not None:  # strokes on a transparent layer: of whatever colour, if it is one
        seen = shown.array()[alpha > 0]
        is_one_colour = seen.size and alpha.min() < 1 and np.ptp(seen, axis=0).max() <= SAME
        white = alpha if is_one_colour else white * alpha
    largest = float(white.max())
    if shown.depth < 32 and largest > 0 and round(largest * (2**shown.depth - 1)) == 1:
        white = white / largest  # yes and no as 1 and 0
    return white.clip(0, 1)


def too_dark(mask: object, brightest: float) -> PictureError:
    """The error of a mask that is not black all over, but of which no pixel is bright enough to be meant."""
    where = mask if isinstance(mask, str | Path) else "The mask"
    return PictureError(
        f"{where}: the brightest value of the mask is {255 * brightest:.0f} of 255; what is meant must be white (255), "
        "what is not must be black or transparent."
    )


def _opened(mask: str | Path | NDArray, max_pixels: int) -> Picture:
    if isinstance(mask, np.ndarray):
        largest = np.iinfo(mask.dtype).max if np.issubdtype(mask.dtype, np.integer) and mask.max(initial=0) > 1 else 1
        pixels = mask.astype(np.float32) / largest
        if pixels.ndim not in (2, 3) or 0 in pixels.shape or pixels.shape[2:] not in ((), (1,), (3,)):
            raise PictureError(f"An array of shape {mask.shape} is no mask; give (h, w).")
        return Picture.from_array(pixels, depth=32, format="tiff")
    if isinstance(mask, str) and mask.startswith("#") and not Path(mask).exists():
        raise UsageError(f"{mask} is no colour; write it as #rrggbb, such as #ff00ff.")
    return Picture.open(mask, max_pixels=max_pixels)


def _painted(picture: Picture, colour: list[float], name: str) -> Mask:
    strips = [np.abs(strip - np.array(colour, np.float32)).max(axis=2) <= PAINTED for strip in picture.strips()]
    painted = np.concatenate(strips)
    if not painted.any():
        raise PictureError(f"{picture.path or 'The picture'} has no pixel of the colour {name}.")
    return dilate(painted, RIM).astype(np.float32)


def dilate(mask: NDArray[np.bool_], by: int) -> NDArray[np.bool_]:
    """The mask (h, w) and all pixels at most `by` rows and columns away from it."""
    return _counted(mask, by) > 0


def erode(mask: NDArray[np.bool_], depth: int) -> NDArray[np.bool_]:
    """Those pixels of the mask that have no other within `depth` rows and columns."""
    return ~dilate(~mask, depth)


def upsample_mask(mask: NDArray, height: int) -> NDArray:
    """The mask with each pixel repeated, by the whole factor that leads to this height."""
    factor = height // mask.shape[0]
    return mask if factor == 1 else mask.repeat(factor, axis=0).repeat(factor, axis=1)


def _counted(mask: NDArray[np.bool_], by: int) -> NDArray[np.int64]:
    """How many pixels of the mask lie in the square around each pixel, from a table of sums."""
    height, width = mask.shape
    sums = np.pad(mask, ((by + 1, by), (by + 1, by))).cumsum(0, dtype=np.int64).cumsum(1)
    side = 2 * by + 1
    return (sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side])[:height, :width]
