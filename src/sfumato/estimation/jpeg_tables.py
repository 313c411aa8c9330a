"""How far a JPEG file was compressed that does not hold luma and chroma, but CMYK, YCCK, or RGB as it is.

What such a file has lost looks otherwise than what the estimator knows, but its quantization tables say how much it is.
"""

from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from .jpeg import quality, scale

if TYPE_CHECKING:
    from PIL.JpegImagePlugin import JpegImageFile

# The table of luma at quality 50 (ITU-T T.81, annex K.1), from which encoders make those of other qualities.
LUMA = np.array(
    (
        *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55),
        *(14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62),
        *(18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
        *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
    )
)
QUALITIES = np.arange(100, 0, -1)
PERCENT = np.where(QUALITIES < 50, 5000 // QUALITIES, 200 - 2 * QUALITIES)
STEPS = ((LUMA * PERCENT[:, None] + 50) // 100).clip(1, 255).sum(axis=1)
RGB_NAMES = list(b"RGB")  # of components
# Of the steps of CMYK as those of which JPEG it is restored best: on its way to RGB errors of the inks become smaller.
OF_INKS = 0.5


def quality_of(file: BinaryIO) -> float | None:
    """The quality, 1-100, of a JPEG file of luma and chroma that it is like, by the steps of its first component.

    None for luma and chroma, for grey, and for other files.
    """
    from PIL.JpegImagePlugin import JpegImageFile

    try:
        header = JpegImageFile(file)  # Image.open would warn of large ones
        has_inks = header.layers == 4
        if not (has_inks or _is_rgb(header)):
            return None
        stored = float(np.interp(sum(header.quantization[header.layer[0][3]]), STEPS, QUALITIES))
    except (SyntaxError, ValueError, LookupError, OSError):  # cut off, or damaged
        return None
    return quality(OF_INKS * scale(stored)) if has_inks else stored


def _is_rgb(header: "JpegImageFile") -> bool:
    if header.layers != 3 or "jfif" in header.info:
        return False
    if "adobe_transform" in header.info:
        return header.info["adobe_transform"] == 0
    return [component[0] for component in header.layer] == RGB_NAMES
