"""Masks over a picture: of a file or an array, its own transparency, or a colour that somebody painted over it."""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import PictureError, UsageError
from ..pictures.picture import OPAQUE, Picture
from ..pictures.pixels import finite

ALPHA = "alpha"
COLOUR = re.compile(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})")
PAINTED = 24 / 255  # how far a painted pixel may be off its colour, which JPEG blurs
SAME = 2 / 255  # how far the values of one colour may be apart
BLACK_OR_WHITE = 0.1  # how far the values of what is meant as black or white may be off
ALIKE = 0.05  # how far, in the mean, a copy of a picture may be off it
DARKEST = 4 / 255  # the brightest value of a mask that is black all over
DOUBTFUL = 64 / 255  # in a mask that is written, what may be damage and was left; too dark to be meant by one given
RIM = 2  # pixels: how far the soft edge of a brush reaches

Mask = NDArray[np.float32]


def read_mask(mask: str | Path | Picture | NDArray, picture: Picture, max_pixels: int) -> Mask:
    """The mask as (h, w) in [0, 1], in the picture's size.

    mask: a picture file, a Picture or an array, 1 where it is white and opaque. White is the largest value of its type,
    or 1 or 255 where no value is larger than that. With transparency that says itself what is meant: of strokes of one
    colour on a transparent ground the strokes; of a picture of many colours what is transparent, if that is the smaller
    part, or if it is this very picture, otherwise what is opaque. "alpha": 1 where the picture is transparent;
    "#rrggbb": 1 where it has that colour, and two pixels around. Raises PictureError for a mask of another size, for a
    mask file whose brightest value is hardly above 0, or that is transparent all over, and where the picture has no
    transparency, or no pixel of the colour; UsageError for a colour that is none.
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
    values, alpha = finite(shown.array()), shown.alpha()
    largest = float(values.max())
    white = (
        (values * (OPAQUE[shown.depth] / _white(largest * OPAQUE[shown.depth], shown.depth))).clip(0, 1).mean(axis=2)
    )
    if alpha is not None and alpha.min() < 1:
        white = _by_transparency(white, values, alpha, picture)
    is_empty = largest == 0 and alpha is None  # such as --mask-out writes where nothing was found
    if not (isinstance(mask, np.ndarray) or is_empty) and white.max() <= DARKEST:
        raise too_dark(mask, float(white.max()))
    return white


def _white(largest: float, depth: int) -> float:
    """What stands for white in a mask of `depth` bits whose largest value is this."""
    if depth == 32:  # a little above 1 is what resizing leaves
        return 1.0 if largest <= 1.5 else 255.0 if largest <= 255 else largest
    return next((white for white in (1.0, 255.0) if round(largest) <= white), OPAQUE[depth])


def _by_transparency(white: Mask, values: Mask, alpha: Mask, picture: Picture) -> Mask:
    """What a mask (h, w) that is transparent in part says; values: (h, w, c) of its colours."""
    seen = values[alpha > 0]
    if len(seen) and np.ptp(seen, axis=0).max() <= SAME:
        return alpha  # strokes of whatever colour
    solid = values[alpha > 0.5]
    if not len(solid) or (np.minimum(solid, 1 - solid).max(axis=1) < BLACK_OR_WHITE).mean() > 0.9:
        return white * alpha
    apart = np.abs(solid.mean(axis=1) - picture.array().mean(axis=2)[alpha > 0.5]).mean()
    return 1 - alpha if len(solid) > alpha.size / 2 or apart < ALIKE else alpha


def too_dark(mask: object, brightest: float) -> PictureError:
    """The error of a mask of which no pixel is bright enough to be meant."""
    where = mask if isinstance(mask, str | Path) else "The mask"
    return PictureError(
        f"{where}: the brightest value of the mask is {255 * brightest:.0f} of 255; what is meant must be white (255; "
        "1 where there is nothing but 0 and 1), what is not must be black or transparent."
    )


def is_doubtful(mask: Mask) -> bool:
    """Whether a mask (h, w) marks nothing but what was written as doubtful."""
    return abs(float(mask.max()) - DOUBTFUL) <= SAME


def _opened(mask: str | Path | NDArray, max_pixels: int) -> Picture:
    if isinstance(mask, np.ndarray):
        pixels = mask.astype(np.float32)
        if np.issubdtype(mask.dtype, np.integer):
            whites = (1, 255, 65535, np.iinfo(mask.dtype).max)
            pixels /= next(white for white in whites if mask.max(initial=0) <= white)
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
