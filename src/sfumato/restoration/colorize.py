"""Colours for grey pictures: invented by a model, and the user's own where they were painted as hints.

The model looks at a reduced copy, as a whole, and at its mirror image. The mean of what it says of the chroma is
carried to full size by the luma: in each neighbourhood chroma is a linear function of luma (the guided filter, in its
fast form, arXiv:1505.00996), so that colours end where edges are. The luma stays as it is.
"""

from collections.abc import Callable, Iterator

import numpy as np

from ..models.engine import Engine
from ..models.ports import run_by_kind
from ..pictures.channels import luma_of, with_chroma
from ..pictures.picture import Picture
from ..pictures.pixels import finite
from ..tiling import resize
from ..tiling.strips import STRIP_ROWS, Rows
from .hints import Hints, chroma_of, spread

SHORTER = 192  # pixels of the shorter side of the reduced copy; the colours are those of photographs seen like that
TINTED, MOST_TINTED = 8 / 255, 0.01  # how far a pixel's channels differ in a colour, and the share of such pixels
RADIUS, SMOOTH = 4, 1e-3  # of the guided filter: in pixels of the copy, and the variance of luma that is an edge


def apply(
    picture: Picture, engine: Engine, hints: Hints | None = None, progress: Callable[[int, int], None] | None = None
) -> Iterator[Rows]:
    """The picture in colour, in strips (r, w, 3), with its own luma; of a colour picture the colours are replaced."""
    lines = _lines(picture, engine, hints)
    height, width = picture.height, picture.width
    top = 0
    for rows in picture.strips(STRIP_ROWS):
        luma = rounded_luma(rows, picture.depth)
        slope, offset = np.split(resize.resized_rows(lines, top, len(rows), height, width), 2, axis=2)
        colour = with_chroma(luma, slope * finite(luma) + offset)
        yield np.where(np.isfinite(rows), colour, rows)
        top += len(rows)
        if progress:
            progress(top * width, height * width)


def has_colours(picture: Picture) -> bool:
    """Whether more than a few of the pixels have a colour of their own, a tint of the whole picture included."""
    if picture.num_channels == 1:
        return False
    coloured = sum(int((np.ptp(finite(rows), axis=2) > TINTED).sum()) for rows in picture.strips(STRIP_ROWS))
    return coloured > MOST_TINTED * picture.height * picture.width


def rounded_luma(rows: Rows, depth: int) -> Rows:
    """The luma (r, w, 1) that a grey copy of the same depth would have."""
    luma = luma_of(rows)
    if depth == 32 or rows.shape[2] == 1:
        return luma
    largest = np.float32(2**depth - 1)
    return (np.round(luma * largest) / largest).astype(np.float32)


def _lines(picture: Picture, engine: Engine, hints: Hints | None) -> Rows:
    """Slope and offset of Cb and Cr over luma in each neighbourhood of the reduced copy, (h, w, 4)."""
    height, width = _reduced_size(picture, engine)
    luma = _fitted((luma_of(finite(strip)) for strip in picture.strips(STRIP_ROWS)), picture, height, width)
    given = np.zeros((height, width, 3), np.float32)
    if hints is not None:
        given = chroma_of(_fitted(iter((hints,)), picture, height, width))
    chroma = (_asked(engine, luma, given) + _asked(engine, luma[:, ::-1], given[:, ::-1])[:, ::-1]) / np.float32(2)
    if hints is not None:
        chroma = spread(chroma, luma, given)
    mean, mean_of = _box(luma), _box(chroma)
    slope = (_box(luma * chroma) - mean * mean_of) / (_box(luma * luma) - mean * mean + np.float32(SMOOTH))
    return _box(np.concatenate([slope, mean_of - slope * mean], axis=2))


def _asked(engine: Engine, luma: Rows, given: Rows) -> Rows:
    """The chroma (h, w, 2) that the model finds for a copy; it is not the same when the copy is mirrored."""
    found = run_by_kind(engine, {"picture": _planes(luma.clip(0, 1)), "hints": _planes(given)})[0]
    return found.transpose(1, 2, 0)


def _reduced_size(picture: Picture, engine: Engine) -> tuple[int, int]:
    """Height and width of the copy that the model looks at, multiples of its stride and no larger than it takes."""
    stride, most = engine.card.stride, engine.card.max_pixels or SHORTER**2
    factor = SHORTER / min(picture.height, picture.width)
    factor = min(factor, (most / (picture.height * picture.width)) ** 0.5)
    sides = [max(int(factor * side / stride + 0.5), 1) * stride for side in (picture.height, picture.width)]
    longer = int(np.argmax(sides))
    sides[longer] = min(sides[longer], max(most // sides[1 - longer] // stride, 1) * stride)
    return sides[0], sides[1]


def _fitted(strips: Iterator[Rows], picture: Picture, height: int, width: int) -> Rows:
    """Strips (r, w, c) as one copy of this size: means of blocks, and then lines between them."""
    factor = max(min(picture.height // height, picture.width // width), 1)
    return resize.resized(resize.downsample(strips, factor), height, width)


def _box(x: Rows) -> Rows:
    """The mean over a square of 2 * RADIUS + 1 pixels a side around each, over those that there are."""
    for axis in (0, 1):
        count = x.shape[axis]
        sums = np.concatenate([np.zeros_like(x.take([0], axis), np.float64), x.cumsum(axis, dtype=np.float64)], axis)
        high = np.minimum(np.arange(count) + RADIUS + 1, count)
        low = np.maximum(np.arange(count) - RADIUS, 0)
        sizes = (high - low).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
        x = ((sums.take(high, axis) - sums.take(low, axis)) / sizes).astype(np.float32)
    return x


def _planes(rows: Rows) -> Rows:
    return np.ascontiguousarray(rows.transpose(2, 0, 1)[None], np.float32)
