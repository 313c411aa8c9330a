"""The outline that a picture is to have: how much each place is covered, as a network takes it."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from ..pictures.channels import resize_and_center_crop
from .layout import LayoutSource, picture_of

Array = NDArray[np.float32]

CHANNELS = 2  # covered, and not


def read_silhouette(source: LayoutSource, size: tuple[int, int]) -> Array:
    """`2 h w` in [0, 1], which sum to 1: how far each place is covered, and how far it is not.

    Of a picture with transparency its alpha counts; of another one black is covered and white is not. It is scaled to
    cover `size`, height and width, and its middle is taken. Raises UsageError for one that covers all or nothing.
    """
    picture = picture_of(source)
    alpha = picture.alpha()
    covered = alpha if alpha is not None else 1 - picture.array().mean(axis=2)
    covered = np.nan_to_num(covered).clip(0, 1)
    if covered.max() - covered.min() < 0.1:
        name = "The layout" if not isinstance(source, str | Path) else str(source)
        raise UsageError(
            f"{name} shows no shape: give one of its transparency, or black on white, beside what is outside of it."
        )
    fitted = resize_and_center_crop(covered[..., None].astype(np.float32), size)[..., 0].clip(0, 1)
    return both_sides(fitted)


def both_sides(covered: Array) -> Array:
    """How far places `h w` are covered, and not: `2 h w`. All zero would say that nothing is given."""
    return np.stack([covered, 1 - covered]).astype(np.float32)
