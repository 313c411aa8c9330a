"""A picture in cells of 8x8 pixels: the level of damage that a small estimating network reads in each."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..models.engine import Engine, shipped
from ..models.ports import in_colour, run_by_kind
from ..pictures.picture import Picture
from ..pictures.pixels import finite
from ..tiling.strips import STRIP_ROWS

BLOCK = 8  # side of a cell, in pixels
# Pixels that are looked at, spread over the picture: a twelfth, so that looking costs little beside restoring.
LEAST_SAMPLED, MOST_SAMPLED, SHARE_SAMPLED = 2**17, 1_000_000, 1 / 12
WINDOW_COLUMNS = 256
OFFSET = 1 / 255  # the networks' errors are relative above this level and absolute below


@dataclass(frozen=True)
class Cells:
    """What was read, one number a cell in each array.

    brightness: in [0, 1]. contrast: from the darkest to the brightest value, in the same units. log_level:
    log(level + OFFSET). spread: how far off the network expects log_level to be.
    """

    brightness: NDArray[np.float32]
    contrast: NDArray[np.float32]
    log_level: NDArray[np.float32]
    spread: NDArray[np.float32]


def measure_cells(picture: Picture, network: str, device: str, threads: int | None) -> Cells:
    """Cells of windows spread evenly over the picture, read by the shipped estimator `network` in one pass."""
    engine = shipped(network, device, threads)
    measured = [_of_window(window, engine) for window in windows(picture)]
    return Cells(*(np.concatenate(parts) for parts in zip(*measured, strict=True)))


def _of_window(window: NDArray[np.float32], engine: Engine) -> tuple[NDArray, ...]:
    """Brightness, contrast, log level and spread of each cell in a window (h, w, c), finite; parts are mirrored."""
    missing = [(-length) % BLOCK for length in window.shape[:2]]
    if any(missing):
        window = np.pad(window, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="symmetric")
    read = run_by_kind(engine, {"picture": in_colour(window.transpose(2, 0, 1))[None]})[0, :, ::BLOCK, ::BLOCK]
    cells = window.reshape(window.shape[0] // BLOCK, BLOCK, window.shape[1] // BLOCK, BLOCK, -1)
    level, spread = read.reshape(2, -1)
    return cells.mean(axis=(1, 3, 4)).ravel(), _contrast(cells).ravel(), np.log(level + OFFSET), spread


def _contrast(cells: NDArray[np.float32]) -> NDArray[np.float32]:
    """From the darkest to the brightest value of each cell (rows, 8, columns, 8, c), in the channel with the most."""
    lines = cells.reshape(*cells.shape[:2], -1)  # whole lines first: along short axes numpy takes six times as long
    brightest, darkest = (found.reshape(-1, *cells.shape[2:]) for found in (lines.max(axis=1), lines.min(axis=1)))
    return (brightest.max(axis=2) - darkest.min(axis=2)).max(axis=-1)


def windows(picture: Picture, num_pixels: int | None = None) -> Iterator[NDArray[np.float32]]:
    """Windows (64, 256, c), finite, spread evenly, of about so many pixels together; a smaller picture is taken whole.

    num_pixels: by itself a twelfth of the picture, but from 131,072 to a million.
    """
    all_pixels = picture.width * picture.height
    share = min(1.0, (num_pixels or np.clip(SHARE_SAMPLED * all_pixels, LEAST_SAMPLED, MOST_SAMPLED)) / all_pixels)
    columns = range(0, picture.width, WINDOW_COLUMNS)
    num_taken = max(1, round(len(columns) * share))
    every = max(1, round(1 / (len(columns) * share)))  # strips, where one window in each would be too many
    for index, strip in enumerate(picture.strips(STRIP_ROWS)):
        if index % every:
            continue
        for step in range(num_taken):
            # The places drift from strip to strip: a picture's columns are often alike from top to bottom.
            left = columns[(step * len(columns) // num_taken + index) % len(columns)]
            yield finite(strip[:, left : left + WINDOW_COLUMNS])


def level_grid(
    picture: Picture, network: str, device: str, threads: int | None, *, most: int = 32
) -> NDArray[np.float32]:
    """The level over a coarse grid (rows, columns) of squares, at most `most` a side, by `network` as in measure_cells.

    Of each square a band through its middle is read, and the median of its cells is taken.
    """
    engine = shipped(network, device, threads)
    side = max(math.ceil(max(picture.height, picture.width) / most / BLOCK) * BLOCK, 4 * BLOCK)
    rows: list[list[np.floating]] = []
    before: NDArray[np.float32] | None = None
    for strip in picture.strips(side):
        if before is not None and len(strip) < 4 * BLOCK:  # of a few rows alone the network would see too little
            strip = np.concatenate([before[len(before) - 4 * BLOCK :], strip])
        before = strip
        top = max((len(strip) - STRIP_ROWS) // 2, 0) // BLOCK * BLOCK
        band = finite(strip[top : top + STRIP_ROWS])
        _, _, log_level, _ = _of_window(band, engine)
        levels = (np.exp(log_level) - OFFSET).reshape(-(-len(band) // BLOCK), -1)
        step = side // BLOCK
        rows.append([np.median(levels[:, left : left + step]) for left in range(0, levels.shape[1], step)])
    return np.maximum(np.array(rows, np.float32), 0)
