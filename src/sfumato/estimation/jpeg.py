"""How far a picture was compressed: JPEG quality, what of it a network takes, and an estimate from the picture."""

import numpy as np

from ..pictures.picture import Picture
from .cells import OFFSET, measure_cells

NETWORK = "jpeg-quality"
UNMARKED = 97.0  # a cell that reads this or better shows no compression
MARKED_SHARE = 0.2  # of the cells must show some; in graphics it is only those with edges
DOUBT = 1.15  # mean expected error of log level from which on it is what is soft or rings, and no compression
PLAIN = 2.5 / 255  # contrast of a cell that may come from rounding


def scale(quality: float) -> float:
    """Quality 1-100 -> the steps of its quantization tables over ten times those of quality 50: 0.5 at 10, 0 at 100.

    The rounding errors of a JPEG grow with the steps as those of noise do with sigma; quality itself is no measure.
    """
    return (5000 / quality if quality < 50 else 200 - 2 * quality) / 1000


def quality(scale: float) -> float:
    """The inverse: the quality, 1-100, whose tables have this scale."""
    steps = max(1000 * scale, 0.0)
    return max(5000 / steps if steps > 100 else 100 - steps / 2, 1.0)


def estimate_quality(picture: Picture, *, device: str = "auto", threads: int | None = None) -> float:
    """The JPEG quality, 1-100, that a picture went through, whatever file holds it now; about 97 and up means none.

    A small network (`jpeg-quality`) reads it off the pixels in every cell of 8x8; this is their mean, certain cells
    counting more, and those not at all that are plain or show nothing; 100 where few show anything, or where the
    network is in doubt about these, as it is about what was enlarged or blurred. Of a picture that was compressed,
    cropped and compressed again it is mostly that of the last time. device, threads: as in Engine.
    """
    cells = measure_cells(picture, NETWORK, device, threads)
    weights = np.where(cells.contrast > PLAIN, 1 / cells.spread, 0)
    marked = (cells.log_level > np.log(scale(UNMARKED) + OFFSET)) & (weights > 0)
    if weights[marked].sum() <= MARKED_SHARE * weights.sum():
        return 100.0
    log_level, weights = cells.log_level[marked], weights[marked]
    if 1 / weights.mean() > DOUBT:
        return 100.0
    return quality(float(np.exp(np.average(log_level, weights=weights))) - OFFSET)
