"""A piece of a clip, with before and after side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from ..tiling.resize import resized
from ..tiling.strips import Rows
from .frames import Frame

GAP = 4  # pixels of white between the two; even, so that what is beside it keeps even sides
ROUNDED = 0.0015  # seconds by which files round the times of frames


def piece_of(frames: Iterable[Frame], start: float, length: float) -> Iterator[Frame]:
    """What is shown from `start` on, for so many seconds: the first and the last frame for as long as they are in it.

    So a frame that stands for long, as in clips of variable frame rate, is in every piece of its time.
    """
    end, before = start + length, None
    for frame in frames:
        if before is not None and frame.seconds > start + ROUNDED:
            yield before.shown(max(before.seconds, start), min(frame.seconds, end))
        before = frame
        if frame.seconds >= end - ROUNDED:
            return
    if before is not None and (over := before.seconds + before.length) > start + ROUNDED:
        yield before.shown(max(before.seconds, start), min(over, end))


def side_by_side(before: Rows, after: Rows) -> Rows:
    """The frame before on the left, in the size of the one after, and that on the right."""
    height, width, channels = after.shape
    before = before if before.shape == after.shape else resized(before, height, width)
    return np.concatenate([before, np.ones((height, GAP, channels), np.float32), after], axis=1)
