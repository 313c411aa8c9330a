"""What is missing in a picture, filled in by a model from what is around it; all other pixels stay as they are."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from ..models.engine import Engine
from ..models.ports import in_colour, run_by_kind, with_channels_of
from ..pictures.picture import Picture
from ..pictures.pixels import finite
from ..tiling import resize, windows
from ..tiling.strips import STRIP_ROWS, Planes, Rows, recut
from . import masks

REACH = 64  # pixels: of what lies deeper in a hole the model is only shown a reduced copy
LARGEST_WINDOW = 512


def fill(
    y: Rows, holes: NDArray[np.bool_], engine: Engine, memory: int, progress: Callable[[int], None] | None = None
) -> Rows:
    """y (h, w, c) with the pixels filled in that `holes` (h, w) marks; the others come back to the bit.

    engine: a model that takes a mask. memory: bytes that its windows may take. What lies deep in a large hole is
    filled on a copy of half the size, and so on, and then stands as known.
    """
    deep = masks.erode(holes, REACH)
    if deep.any():
        coarse = _filled_at_half_size(y, holes, engine, memory)
        y, open_ = np.where(deep[..., None], coarse, y), holes & ~deep
    else:
        open_ = holes
    strips = _through_windows(y, open_, engine, memory, progress)
    return np.concatenate(list(_merged(strips, [y], open_)))


def merged(strips: Iterable[Rows], before: Picture, holes: NDArray[np.bool_]) -> Iterator[Rows]:
    """The strips (r, w, c) where `holes` (h, w) marks them, the picture before everywhere else."""
    return _merged(strips, before.strips(STRIP_ROWS), holes)


def _merged(strips: Iterable[Rows], before: Iterable[Rows], holes: NDArray[np.bool_]) -> Iterator[Rows]:
    rows, top = recut(before, 1), 0
    for strip in strips:
        y = np.concatenate([next(rows) for _ in strip])
        yield np.where(holes[top : top + len(strip), :, None], strip, y)
        top += len(strip)


def _filled_at_half_size(y: Rows, holes: NDArray[np.bool_], engine: Engine, memory: int) -> Rows:
    known = (~holes[..., None]).astype(np.float32)
    seen = finite(y)
    share = resize.downsample([known], 2)
    small = resize.downsample([seen * known], 2) / share.clip(1e-6)
    filled = fill(small, share[..., 0] == 0, engine, memory)
    return np.concatenate(list(resize.add_upsampled([np.zeros_like(y)], filled, 2)))


def _through_windows(
    y: Rows, holes: NDArray[np.bool_], engine: Engine, memory: int, progress: Callable[[int], None] | None
) -> Iterator[Rows]:
    """Strips of the picture, filled in; only windows with holes are shown to the model."""
    height, width = holes.shape
    window = windows.window_of(engine.card, min(height, LARGEST_WINDOW), min(width, LARGEST_WINDOW), memory)

    def compute(given: Planes) -> Planes:
        colour, mask = given[:, :-1], given[:, -1:]
        if not mask.any():
            return colour
        x_hat = run_by_kind(engine, {"picture": in_colour(colour), "mask": mask})
        return with_channels_of(x_hat, colour.shape[1])

    seen = np.where(holes[..., None] | ~np.isfinite(y), np.float32(0.5), y)
    planes = np.concatenate([seen, holes[..., None].astype(np.float32)], axis=2)
    strips = (planes[top : top + STRIP_ROWS] for top in range(0, height, STRIP_ROWS))
    return windows.stream(strips, height, width, window, compute, progress=progress)
