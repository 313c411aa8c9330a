"""What the numbers of a TIFF file mean: what libvips passes over of it is converted here, or refused.

libvips takes uncompressed YCbCr for RGB and four channels of grey for RGB with transparency.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import tiff

if TYPE_CHECKING:
    import pyvips

BITS, COMPRESSION, PHOTOMETRIC, SAMPLES, INK_SET, SAMPLE_FORMAT = 258, 259, 262, 277, 332, 339  # tags of TIFF
COEFFICIENTS, SUBSAMPLING, BLACK_AND_WHITE = 529, 530, 532
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR, LAB = 0, 1, 2, 3, 5, 6, 8
_OTHERS = {
    4: "a transparency mask",
    9: "ICC Lab colours",
    10: "ITU Lab colours",
    32803: "the raw values of a colour filter",
    32844: "logarithms of luminance",
    32845: "logarithms of luminance with colours",
    34892: "a camera's linear raw values",
    51177: "a depth map",
}
FLOAT = 3
_WITH_OWN_COLOURS = (6, 7)  # JPEG, which decoders turn into RGB themselves


def refusal(tags: tiff.Directory) -> str:
    """What the file stores that cannot be restored, and what to do, as the end of a sentence; "" for nothing."""
    kind, samples, bits = (tiff.number(tags, tag) for tag in (PHOTOMETRIC, SAMPLES, BITS))
    if bits == 64:
        return "stores 64-bit numbers; convert it to 32-bit float or to 16 bit"
    if kind in (WHITE_IS_ZERO, BLACK_IS_ZERO) and samples is not None and samples > 2:
        return f"stores {samples} channels of grey; save them as pictures of their own, or as RGB if that is meant"
    if kind == WHITE_IS_ZERO and tiff.number(tags, SAMPLE_FORMAT) == FLOAT:
        return "stores floats whose white is 0; invert it to floats whose black is 0"
    if kind == CMYK and tiff.number(tags, INK_SET) not in (None, 1):
        return "stores other inks than cyan, magenta, yellow and black; convert it to RGB"
    if kind == LAB and bits == 8:
        return "stores Lab colours at 8 bit; convert it to RGB, or to Lab at 16 bit"
    if is_bare_ycbcr(tags) and (tiff.numbers(tags, SUBSAMPLING) != (1, 1) or bits != 8 or samples != 3):
        return "stores YCbCr colours in a way that is not understood; convert it to RGB"
    if kind is not None and kind not in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR, LAB):
        return f"stores {_OTHERS.get(kind, f'numbers of an unknown meaning ({kind})')}; convert it to RGB or grey"
    return ""


def is_bare_ycbcr(tags: tiff.Directory) -> bool:
    """Whether the file stores YCbCr and no decoder makes RGB of it."""
    return tiff.number(tags, PHOTOMETRIC) == YCBCR and tiff.number(tags, COMPRESSION) not in _WITH_OWN_COLOURS


def rgb_of_ycbcr(image: pyvips.Image, tags: tiff.Directory) -> pyvips.Image:
    """The 8-bit RGB of 8-bit YCbCr, by the file's own coefficients and levels (TIFF 6.0, section 21)."""
    red, green, blue = _three(tiff.numbers(tags, COEFFICIENTS)) or (0.299, 0.587, 0.114)
    levels = tiff.numbers(tags, BLACK_AND_WHITE)
    levels = levels if len(levels) == 6 and all(levels[i] < levels[i + 1] for i in (0, 2, 4)) else ()
    low, high, *rest = levels or (0, 255, 128, 255, 128, 255)
    luma, (cb, cr) = 255 / (high - low), (127 / (rest[1] - rest[0]), 127 / (rest[3] - rest[2]))
    shares = [
        [luma, 0, (2 - 2 * red) * cr],
        [luma, -(2 - 2 * blue) * blue / green * cb, -(2 - 2 * red) * red / green * cr],
        [luma, (2 - 2 * blue) * cb, 0],
    ]
    zero = (low, rest[0], rest[2])
    offsets = [0.5 - sum(share * at for share, at in zip(row, zero, strict=True)) for row in shares]
    return image.recomb(shares).linear([1, 1, 1], offsets).cast("uchar").copy(interpretation="srgb")


def _three(found: tuple[float, ...]) -> tuple[float, ...]:
    return found if len(found) == 3 and found[1] > 0 else ()
