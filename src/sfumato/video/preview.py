"""Before and after side by side."""

from __future__ import annotations

import numpy as np

from ..tiling.resize import resized
from ..tiling.strips import Rows

GAP = 4  # pixels of white between the two; even, so that what is beside it keeps even sides


def side_by_side(before: Rows, after: Rows) -> Rows:
    """The frame before on the left, in the size of the one after, and that on the right."""
    height, width, channels = after.shape
    before = before if before.shape == after.shape else resized(before, height, width)
    return np.concatenate([before, np.ones((height, GAP, channels), np.float32), after], axis=1)
