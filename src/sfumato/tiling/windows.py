"""A big picture through a network that sees a picture whole: overlapping windows of one size, blended."""

import math
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from ..models.card import Card
from .strips import Planes, Rows

OVERLAP = 4  # of a window's length, the share of neighbours at least: one in OVERLAP


def starts(length: int, window: int) -> list[int]:
    """Where windows begin that cover `length`, evenly spread, each overlapping the next by a quarter or more."""
    if length <= window:
        return [0]
    steps = math.ceil((length - window) / (window - window // OVERLAP))
    return [round(i * (length - window) / steps) for i in range(steps + 1)]


def stream(
    strips: Iterable[Rows],
    height: int,
    width: int,
    window: tuple[int, int],
    compute: Callable[[Planes], Planes],
    *,
    at_once: int = 1,
    scale: int = 1,
    progress: Callable[[int], None] | None = None,
) -> Iterator[Rows]:
    """Strips (r, w, c) of the picture in, strips of the result out, from top to bottom, each read once.

    compute takes `b c h w`, h and w those of the window, b up to at_once, and gives the same, `scale` times the
    size. A picture smaller than the window
    is mirrored at its right and bottom. Each pixel is the mean of the windows that hold it, those weighing more whose
    border is farther away. progress is called with the pixels done.
    """
    tops, lefts = starts(height, window[0]), starts(width, window[1])
    tall, wide = window[0] * scale, window[1] * scale
    weight = np.outer(_ramp(tall), _ramp(wide)).astype(np.float32)
    source = iter(strips)
    held = next(source)
    total: Rows | None = None
    mass = np.zeros((tall, lefts[-1] * scale + wide), np.float32)
    for top, after in zip(tops, [*tops[1:], height], strict=True):
        while len(held) < min(window[0], height - top):
            held = np.concatenate([held, next(source)])
        for first in range(0, len(lefts), at_once):
            places = lefts[first : first + at_once]
            done = compute(np.stack([_cut(held, left, window) for left in places]))
            if total is None:
                total = np.zeros((*mass.shape, done.shape[1]), np.float32)
            for left, piece in zip(places, done, strict=True):
                columns = slice(left * scale, left * scale + wide)
                total[:, columns] += weight[..., None] * piece.transpose(1, 2, 0)
                mass[:, columns] += weight
        assert total is not None
        kept = (after - top) * scale
        yield (total[:kept] / mass[:kept, :, None])[:, : width * scale]
        total, mass, held = _moved_up(total, kept), _moved_up(mass, kept), held[after - top :]
        if progress:
            progress(after * width)


def _cut(held: Rows, left: int, window: tuple[int, int]) -> Planes:
    piece = held[: window[0], left : left + window[1]]
    missing = [(0, length - have) for length, have in zip(window, piece.shape[:2], strict=True)]
    return np.pad(piece, (*missing, (0, 0)), mode="symmetric").transpose(2, 0, 1)


def _ramp(length: int) -> np.ndarray:
    """Rising over the first quarter, falling over the last, never zero."""
    distance = np.minimum(np.arange(length), np.arange(length)[::-1]) + 0.5
    return np.minimum(distance / max(1, length // OVERLAP), 1.0)


def _moved_up(values: np.ndarray, rows: int) -> np.ndarray:
    """The same shape without the first rows, and zeros in the last."""
    return np.concatenate([values[rows:], np.zeros_like(values[:rows])])


def window_of(card: Card, height: int, width: int, memory: int) -> tuple[int, int]:
    """Height and width of what the network is shown of a picture at once: all of it, or else the size it was made for.

    The memory of attention grows with the square of the pixels, which sets a limit besides the card's own.
    """
    if card.fixed_size:
        return card.size[0], card.size[1]
    whole = _rounded_up(height, card.stride), _rounded_up(width, card.stride)
    most = float(card.max_pixels or math.inf)
    if not card.size:
        side = max(card.stride, int(math.sqrt(min(most, memory / card.bytes_per_pixel))) // card.stride * card.stride)
        return min(whole[0], side), min(whole[1], side)
    known = math.prod(card.size)
    most = min(most, max(known, math.sqrt(memory * known / card.bytes_per_pixel)))
    return whole if math.prod(whole) <= most else (min(whole[0], card.size[0]), min(whole[1], card.size[1]))


def _rounded_up(length: int, step: int) -> int:
    return math.ceil(length / step) * step
