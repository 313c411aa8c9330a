"""What is transparent in a picture, and colour under full transparency, which enlarging would bring to light."""

import numpy as np
from numpy.typing import NDArray

from .picture import Picture
from .pixels import finite


def has_transparent_parts(picture: Picture) -> bool:
    """Whether any pixel is not opaque."""
    alpha = picture.alpha() if picture.has_alpha else None
    return alpha is not None and bool((alpha < 1).any())


def spread_under_transparency(picture: Picture, reach: int = 12) -> Picture:
    """The picture with colour under full transparency taken from visible neighbours, up to `reach` pixels away.

    What lies there is often black, and would show at the edge of what is enlarged. Without alpha, the picture itself.
    """
    alpha = picture.alpha() if picture.has_alpha else None
    if alpha is None or alpha.all():
        return picture
    colour, known = picture.array(), (alpha > 0)[..., None].astype(np.float32)
    colour = finite(colour) * known
    for _ in range(reach):
        total, count = (_sum_of_neighbours(part) for part in (colour, known))
        new = (known == 0) & (count > 0)
        colour = np.where(new, total / np.maximum(count, 1), colour)
        known = np.maximum(known, new)
    return picture.with_array(np.where((alpha[..., None] == 0) & (known > 0), colour, picture.array()))


def _sum_of_neighbours(values: NDArray[np.float32]) -> NDArray[np.float32]:
    padded = np.pad(values, ((1, 1), (1, 1), (0, 0)))
    height, width = values.shape[:2]
    return sum(padded[i : i + height, j : j + width] for i in range(3) for j in range(3))  # type: ignore[return-value]
