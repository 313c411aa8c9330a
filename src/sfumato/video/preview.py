"""Before and after side by side."""

from __future__ import annotations

import numpy as np

from ..tiling.resize import upsampled_rows
from ..tiling.strips import Rows

GAP = 4  # pixels of white between the two; even, so that what is beside it keeps even sides


def side_by_side(before: Rows, after: Rows) -> Rows:
    """The frame before on the left, enlarged plainly where the one after is larger, and that on the right."""
    height, width, channels = after.shape
    factor = height // before.shape[0]
    before = before if factor == 1 else upsampled_rows(before, factor, 0, height, width)
    return np.concatenate([before, np.ones((height, GAP, channels), np.float32), after], axis=1)
