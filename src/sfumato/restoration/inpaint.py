"""What is missing in a picture, filled in by a model from what is around it; all other pixels stay as they are."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from ..models.engine import Engine
from ..pictures.pixels import finite
from ..tiling import resize, windows
from ..tiling.strips import STRIP_ROWS, Planes, Rows
from . import masks

REACH = 64  # pixels: of what lies deeper in a hole the model is only shown a reduced copy
LARGEST_WINDOW = 512


def fill(
    y: Rows, holes: NDArray[np.bool_], engine: Engine, memory: int, progress: Callable[[int], None] | None = None
) -> Rows:
    """y (h, w, c) with the pixels filled in that `holes` (h, w) marks; the others come back to the bit.

    engine: a model that is told a mask. memory: bytes that its windows may take. What lies deep in a large hole is
    filled on a copy of half the size, and so on, and then stands as known.
    """
    deep = masks.depth_over(holes, REACH)
    if deep.any():
        coarse = _filled_at_half_size(y, holes, engine, memory)
        y, open_ = np.where(deep[..., None], coarse, y), holes & ~deep
    else:
        open_ = holes
    strips = _through_windows(y, open_, engine, memory, progress)
    top, parts = 0, []
    for strip in strips:
        rows = slice(top, top + len(strip))
        parts.append(np.where(open_[rows, :, None], strip, y[rows]))
        top += len(strip)
    return np.concatenate(parts)


def _filled_at_half_size(y: Rows, holes: NDArray[np.bool_], engine: Engine, memory: int) -> Rows:
    known = (~holes[..., None]).astype(np.float32)
    seen = finite(y)
    share = resize.reduce([known], 2)
    small = resize.reduce([seen * known], 2) / share.clip(1e-6)
    filled = fill(small, share[..., 0] == 0, engine, memory)
    return np.concatenate(list(resize.add_enlarged([np.zeros_like(y)], filled, 2)))


def _through_windows(
    y: Rows, holes: NDArray[np.bool_], engine: Engine, memory: int, progress: Callable[[int], None] | None
) -> Iterator[Rows]:
    """Strips of the picture, filled in; only windows with holes are shown to the model."""
    card = engine.card
    height, width = holes.shape
    window = windows.window_of(card, min(height, LARGEST_WINDOW), min(width, LARGEST_WINDOW), memory)
    names = {port.kind: port.name for port in card.inputs}

    def compute(given: Planes) -> Planes:
        colour, mask = given[:, :-1], given[:, -1:]
        if not mask.any():
            return colour
        shown = np.broadcast_to(colour, (1, 3, *colour.shape[2:]))
        x_hat = engine.run({names["picture"]: shown, names["mask"]: mask})[card.outputs[0].name]
        return x_hat.mean(axis=1, keepdims=True) if colour.shape[1] == 1 else x_hat

    seen = np.where(holes[..., None] | ~np.isfinite(y), np.float32(0.5), y)
    planes = np.concatenate([seen, holes[..., None].astype(np.float32)], axis=2)
    strips = (planes[top : top + STRIP_ROWS] for top in range(0, height, STRIP_ROWS))
    return windows.stream(strips, height, width, window, compute, progress=progress)
