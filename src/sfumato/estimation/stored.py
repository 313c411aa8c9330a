"""How far the file of a picture was compressed, read from its header, where it is no JPEG of luma and chroma."""

from collections.abc import Callable
from typing import BinaryIO

import numpy as np

from ..pictures.picture import Picture
from . import avif, jpeg_tables, webp

# The quality of JPEG as which a network that learned JPEG alone undoes them best, in PSNR: means of 24 crops of 256x256
# pixels of photographs to train on, at 14 qualities, between which lines are drawn (docs/experiments.md).
QUALITIES = (5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100)
LIKE_JPEG = {
    "webp": (28, 38, 52, 62, 67, 74, 79, 84, 89, 95, 99),
    "avif": (10, 13, 18, 27, 41, 64, 82, 91, 95, 98, 100),
}
READ: dict[str, Callable[[BinaryIO], float | None]] = {
    "webp": webp.quality_of,
    "avif": avif.quality_of,
    "jpeg": jpeg_tables.quality_of,
}


def like_jpeg(codec: str, quality: float) -> float:
    """The JPEG quality, 1-100, that a quality of "webp" or "avif" is like."""
    return float(np.interp(quality, QUALITIES, LIKE_JPEG[codec]))


def stored_quality(picture: Picture) -> float | None:
    """The JPEG quality, 1-100, that the file is like which a picture was read from.

    None where its header does not say, or the pixels say it better: of JPEG files of luma and chroma.
    """
    source = picture.origin
    if source is None or picture.format not in READ:
        return None
    try:
        with source.open() as file:
            quality = READ[picture.format](file)
    except OSError:  # the file is gone, and the pixels are here
        return None
    return quality if quality is None or picture.format == "jpeg" else like_jpeg(picture.format, quality)
