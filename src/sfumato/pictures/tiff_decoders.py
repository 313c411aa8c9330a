"""Which decoder reads a TIFF file: libvips, or what reads those that libvips does not read, or not rightly."""

from __future__ import annotations

from ..errors import PictureError
from . import tiff
from .completeness import PLANAR, SEPARATE, TILE_WIDTH
from .photometric import (
    BITS,
    BLACK_IS_ZERO,
    COMPRESSION,
    FLOAT,
    PHOTOMETRIC,
    RGB,
    SAMPLE_FORMAT,
    SAMPLES,
    is_bare_ycbcr,
)
from .source import Source

PREDICTOR = 317  # a tag of TIFF
# Compressions that libvips does not read here: their names, and whether Pillow does.
_UNREAD = {
    50000: ("Zstandard", True),
    34925: ("LZMA", True),
    50001: ("WebP", False),
    34933: ("PNG", False),
    34712: ("JPEG 2000", False),
    33003: ("JPEG 2000", False),
    33004: ("JPEG 2000", False),
    33005: ("JPEG 2000", False),
    34887: ("LERC", False),
    50002: ("JPEG XL", False),
    52546: ("JPEG XL", False),
}
_PACK_BITS, _LERC = 32773, 34887
_WHOLE_BITS, _FLOAT_BITS = (8, 16), (16, 32)  # that are read where libvips does not read


def tiff_decoder(source: Source, tags: tiff.Directory) -> str:
    """The name of what reads a TIFF file of these tags; raises PictureError for one that nothing does."""
    name, is_pillows = _UNREAD.get(tiff.number(tags, COMPRESSION) or 0, ("", False))
    how = f"is compressed by {name}" if name else _layout(tags)
    if not how:
        return "tiff"
    bits, samples = tiff.number(tags, BITS) or 1, tiff.number(tags, SAMPLES) or 1
    is_whole = tiff.number(tags, SAMPLE_FORMAT) in (None, 1)
    if is_pillows and is_whole and (bits == 8 or (bits == 16 and samples == 1)):
        return "pillow"
    is_float = tiff.number(tags, SAMPLE_FORMAT) == FLOAT
    is_predicted = (tiff.number(tags, PREDICTOR) or 1) > 1
    is_plain = tiff.number(tags, PHOTOMETRIC) in (None, BLACK_IS_ZERO, RGB) or is_bare_ycbcr(tags)
    if is_float and is_predicted and tiff.number(tags, COMPRESSION) == _LERC:
        raise PictureError(f"{source} predicts floats and rounds them by LERC, which loses them; save it with Deflate.")
    if is_plain and ((is_whole and bits in _WHOLE_BITS) or (is_float and bits in _FLOAT_BITS)):
        return "tifffile"
    what = f"{bits}-bit values" if is_plain else "values that are neither grey nor RGB"
    raise PictureError(
        f"{source} {how}, which is not supported here for {what}; save it with LZW or Deflate, in strips."
    )


def _layout(tags: tiff.Directory) -> str:
    """What of its layout libvips does not read, or reads wrongly, as the end of a sentence; "" for nothing."""
    separate = tiff.number(tags, PLANAR) == SEPARATE and (tiff.number(tags, SAMPLES) or 1) > 1
    if separate and TILE_WIDTH in tags:
        return "stores each channel in tiles of its own"
    if separate and (tiff.number(tags, SAMPLE_FORMAT), tiff.number(tags, BITS)) == (FLOAT, 16):
        return "stores each channel of its 16-bit floats apart"
    if tiff.number(tags, COMPRESSION) == _PACK_BITS and (tiff.number(tags, PREDICTOR) or 1) > 1:
        return "is compressed by PackBits with a predictor"
    return ""
