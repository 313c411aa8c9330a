"""What is found in a picture: tasks, figures, and where the damage lies."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...estimation import jpeg, noise
from ...estimation.cells import level_grid
from ...models import zoo
from ...models.engine import shipped
from ...pictures.picture import Picture
from ...pictures.span import span_of
from ...restoration import scratches
from ...restoration.diagnosis import Diagnosis
from ...restoration.options import RestoreOptions
from ...restoration.tasks import resolve_tasks
from .settings import MEGA

MOST = 32  # squares a side of the grid of regions
MOST_SEARCHED = 4 * MEGA  # pixels up to which scratches are looked for everywhere


def findings(picture: Picture, options: RestoreOptions, *, with_regions: bool) -> dict[str, Any]:
    """`found` in words, `tasks` that would be done, `advice`, `figures`, and, if asked for, `regions`."""
    span = span_of(picture)
    seen = picture.decoded() if span is None else picture.in_span(span)
    diagnosis = Diagnosis(seen, options.device, options.threads)
    resolved = resolve_tasks(options, diagnosis)
    found: dict[str, Any] = {
        "found": diagnosis.describe(),
        "tasks": list(resolved.tasks),
        "advice": diagnosis.advice,
        "proposed": list(diagnosis.proposed),
        "figures": {
            "noise": round(255 * diagnosis.noise.typical, 2),
            "noise_doubt": round(diagnosis.noise.doubt, 3),
            "jpeg_quality": round(diagnosis.jpeg_quality, 1),
            "scratched": round(diagnosis.scratched, 4),
            "faded": round(diagnosis.faded, 4),
        },
    }
    return found | ({"regions": _regions(seen, options)} if with_regions else {})


def _regions(picture: Picture, options: RestoreOptions) -> dict[str, Any]:
    """Grids (rows, columns) over the picture: noise in 0-255 units, JPEG quality, and the share that looks scratched.

    scratches: None for pictures that are too large to be searched at once.
    """
    device, threads = options.device, options.threads
    levels = level_grid(picture, noise.NETWORK, device, threads, most=MOST)
    scales = level_grid(picture, jpeg.NETWORK, device, threads, most=MOST)
    damaged = None
    if picture.width * picture.height <= MOST_SEARCHED:
        engine = shipped(zoo.FOR_TASK["scratches"], device, threads)
        damaged = _shares(scratches.find(picture, engine), levels.shape)
    quality = np.vectorize(jpeg.quality)(scales)
    return {
        "rows": levels.shape[0],
        "columns": levels.shape[1],
        "noise": (255 * levels.astype(float)).round(1).tolist(),
        "jpeg_quality": quality.round(0).tolist(),
        "scratches": None if damaged is None else damaged.round(3).tolist(),
    }


def _shares(mask: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """The share of the mask in each square of a grid."""
    parts = [np.array_split(band, shape[1], axis=1) for band in np.array_split(mask, shape[0], axis=0)]
    return np.array([[part.mean() if part.size else 0.0 for part in row] for row in parts])
