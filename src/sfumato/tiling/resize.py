"""Pictures made smaller by block means and larger by linear interpolation, strip by strip."""

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..pictures.picture import Picture
from .strips import STRIP_ROWS, Rows, recut

MOST_ROWS = 128  # at a time, where a row of blocks takes no more


def reduction(height: int, width: int, *, stride: int, max_pixels: int) -> int:
    """The least whole number by which both sides must be divided for the padded copy to hold at most max_pixels."""
    least = max(1, math.isqrt(height * width // max_pixels))
    while least < max(height, width):
        padded = [math.ceil(math.ceil(side / least) / stride) * stride for side in (height, width)]
        if math.prod(padded) <= max_pixels:
            break
        least += 1
    return least


def downsample(strips: Iterable[Rows], factor: int) -> Rows:
    """Means over blocks of factor x factor, from the origin; blocks at the right and bottom end may be smaller."""
    means = []
    for strip in recut(strips, factor * max(1, MOST_ROWS // factor)):
        rows, columns = np.arange(0, strip.shape[0], factor), np.arange(0, strip.shape[1], factor)
        sums = np.add.reduceat(np.add.reduceat(strip, rows, axis=0), columns, axis=1)
        counts = np.outer(np.diff(rows, append=strip.shape[0]), np.diff(columns, append=strip.shape[1]))
        means.append((sums / counts[..., None]).astype(np.float32))
    return np.concatenate(means)


def add_upsampled(
    strips: Iterable[Rows], change: Rows, factor: int, *, progress: Callable[[int], None] | None = None
) -> Iterator[Rows]:
    """Each strip plus the change of a copy smaller by `factor`, interpolated bilinearly. progress: pixels done."""
    top = 0
    for strip in strips:
        yield strip + upsampled_rows(change, factor, top, *strip.shape[:2])
        top += len(strip)
        if progress:
            progress(top * strip.shape[1])


def upsampled_rows(small: Rows, factor: int, top: int, height: int, width: int) -> Rows:
    """`height` rows from `top` on of a small picture (h, w, c) enlarged by `factor`, bilinearly, to this width."""
    above, below, down = _between(np.arange(top, top + height), factor, small.shape[0])
    left, right, along = _between(np.arange(width), factor, small.shape[1])
    band = small[above[0] : below[-1] + 1]  # few rows, which are enlarged to the side first
    wide = band[:, left] + along[None, :, None] * (band[:, right] - band[:, left])
    rows = np.empty((height, *wide.shape[1:]), np.float32)
    ends = [0, *(np.flatnonzero(np.diff(above) | np.diff(below)) + 1).tolist(), height]
    for first, end in pairwise(ends):  # between the same two
        upper, lower = wide[above[first] - above[0]], wide[below[first] - above[0]]
        np.multiply(down[first:end, None, None], lower - upper, out=rows[first:end])
        rows[first:end] += upper
    return rows


def _between(places: NDArray, factor: float, size: int) -> tuple[NDArray, NDArray, NDArray]:
    """For each place the two nearest samples of the reduced copy, and how far it lies towards the second."""
    source = np.clip((places + 0.5) / factor - 0.5, 0, size - 1)
    low = source.astype(np.intp)
    return low, np.minimum(low + 1, size - 1), (source - low).astype(np.float32)


def upsample(picture: Picture, height: int, width: int, *, keep_means: bool = False) -> Iterator[Rows]:
    """The picture's strips, in a whole multiple of its size by linear interpolation.

    keep_means: with what interpolation takes away from each pixel put back (one step of back projection), so that the
    mean over the place of a pixel is nearly that pixel's value.
    """
    factor = height // picture.height
    assert (height, width) == (picture.height * factor, picture.width * factor)
    if factor == 1:
        return picture.strips(STRIP_ROWS)

    def enlarged(y: Rows) -> Iterator[Rows]:
        tops = range(0, height, STRIP_ROWS)
        empty = (np.zeros((min(STRIP_ROWS, height - top), width, picture.num_channels), np.float32) for top in tops)
        return add_upsampled(empty, y, factor)

    y = picture.array()
    if keep_means:
        with np.errstate(invalid="ignore"):  # infinite pixels, which stay as they are
            lost = y - downsample(enlarged(y), factor)
        y = y + np.where(np.isfinite(lost), lost, 0)
    return enlarged(y)


def resized(x: Rows, height: int, width: int) -> Rows:
    """x (h, w, c) in another size by linear interpolation."""
    return resized_rows(x, 0, height, height, width)


def resized_rows(x: Rows, top: int, count: int, height: int, width: int) -> Rows:
    """`count` rows from `top` on of that picture of height and width."""
    low, high, share = _between(np.arange(top, top + count), height / x.shape[0], x.shape[0])
    band = x[low] + share[:, None, None] * (x[high] - x[low])
    low, high, share = _between(np.arange(width), width / x.shape[1], x.shape[1])
    return band[:, low] + share[None, :, None] * (band[:, high] - band[:, low])
