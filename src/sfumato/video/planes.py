"""The planes that video frames are stored in, as RGB, and back: matrices, ranges, depths and subsampled colour.

What a restorer changed goes back as a change: the planes as they came, plus the change in RGB taken through the same
matrix. So what was left alone stays to the bit, whatever was rounded away on the way, also beyond black and white.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..tiling.strips import Rows

Plane = NDArray[np.uint8] | NDArray[np.uint16]

# Shares of red and blue in luma, by the numbers of ITU-T H.273; 2 and 3 say nothing.
MATRICES = {
    1: (0.2126, 0.0722),  # BT.709
    4: (0.30, 0.11),  # FCC
    5: (0.299, 0.114),  # BT.470 BG, which is that of BT.601
    6: (0.299, 0.114),  # SMPTE 170M, BT.601
    7: (0.212, 0.087),  # SMPTE 240M
    9: (0.2627, 0.0593),  # BT.2020
}
RGB, UNSPECIFIED = 0, 2
HD_ROWS = 720  # from here on what does not say is taken for BT.709, below for BT.601


@dataclass(frozen=True)
class Layout:
    """How the values of planar frames are to be understood.

    kind: "grey", "yuv" (luma, blue and red difference) or "rgb" (planes in the order green, blue, red). bits: of a
    value. across, down: pixels that one value of the colour planes stands for. full_range: whether black and white are
    the least and the greatest value, rather than 16 and 235 of 255. matrix: a key of MATRICES.
    """

    kind: str
    bits: int
    across: int = 1
    down: int = 1
    full_range: bool = False
    matrix: int = 1

    @property
    def num_channels(self) -> int:
        return 1 if self.kind == "grey" else 3

    @property
    def dtype(self) -> type[np.uint8] | type[np.uint16]:
        return np.uint8 if self.bits == 8 else np.uint16

    def shapes(self, height: int, width: int) -> list[tuple[int, int]]:
        """Of each plane, (rows, columns); a pixel at an odd end has a value of its own."""
        colour = (-(-height // self.down), -(-width // self.across))
        return [(height, width)] if self.kind == "grey" else [(height, width), *[colour] * 2]

    @property
    def _luma(self) -> tuple[float, float]:
        """The value of black and the step from black to white."""
        unit = 2.0 ** (self.bits - 8)
        return (0.0, 2.0**self.bits - 1) if self.full_range or self.kind == "rgb" else (16 * unit, 219 * unit)

    @property
    def _colour(self) -> tuple[float, float]:
        """The value of no colour and the step over which a difference goes from -0.5 to 0.5."""
        return 2.0 ** (self.bits - 1), 2.0**self.bits - 1 if self.full_range else 224 * 2.0 ** (self.bits - 8)

    def to_rgb(self, planes: Sequence[Plane]) -> Rows:
        """The frame as float32 (h, w, c), nominal [0, 1]; values beyond black and white are kept."""
        black, white = self._luma
        first = (planes[0].astype(np.float32) - np.float32(black)) / np.float32(white)
        if self.kind == "grey":
            return first[..., None]
        if self.kind == "rgb":
            green, blue, red = (plane.astype(np.float32) / np.float32(white) for plane in planes)
            return np.stack([red, green, blue], axis=2)
        middle, step = self._colour
        height, width = first.shape
        cb, cr = (
            _upsampled(
                (plane.astype(np.float32) - np.float32(middle)) / np.float32(step),
                (height, width),
                self.across,
                self.down,
            )
            for plane in planes[1:]
        )
        kr, kb = MATRICES[self.matrix]
        red, blue = first + np.float32(2 * (1 - kr)) * cr, first + np.float32(2 * (1 - kb)) * cb
        green = (first - np.float32(kr) * red - np.float32(kb) * blue) / np.float32(1 - kr - kb)
        return np.stack([red, green, blue], axis=2)

    def to_planes(self, rgb: Rows) -> list[Plane]:
        """The inverse, rounded."""
        black, (middle, _) = self._luma[0], self._colour
        bases = [black] * 3 if self.kind == "rgb" else [black, middle, middle]
        return [self._rounded(value + base) for value, base in zip(self._differences(rgb), bases, strict=False)]

    def changed(self, planes: Sequence[Plane], change: Rows) -> list[Plane]:
        """The planes plus a change in RGB (h, w, c); where that is nothing, the values as they were."""
        return [self._rounded(plane + value) for plane, value in zip(planes, self._differences(change), strict=True)]

    def _differences(self, rgb: Rows) -> list[NDArray[np.float32]]:
        """RGB through the matrix, in steps of the planes' values, black and no colour at 0."""
        white, step = self._luma[1], self._colour[1]
        if self.kind == "grey":
            return [np.float32(white) * rgb[..., 0]]
        red, green, blue = (rgb[..., channel] for channel in range(3))
        if self.kind == "rgb":
            return [np.float32(white) * plane for plane in (green, blue, red)]
        kr, kb = MATRICES[self.matrix]
        luma = np.float32(kr) * red + np.float32(1 - kr - kb) * green + np.float32(kb) * blue
        differences = (blue - luma) / np.float32(2 * (1 - kb)), (red - luma) / np.float32(2 * (1 - kr))
        colour = [np.float32(step) * _downsampled(plane, self.across, self.down) for plane in differences]
        return [np.float32(white) * luma, *colour]

    def _rounded(self, values: NDArray) -> Plane:
        return np.rint(values).clip(0, 2**self.bits - 1).astype(self.dtype)


def matrix_for(stated: int, height: int) -> int | None:
    """The key of MATRICES that holds for what a file states, None for one that is not supported."""
    if stated in (RGB, UNSPECIFIED, 3):
        return 1 if height >= HD_ROWS else 6
    return stated if stated in MATRICES else None


# Values of colour planes lie, as in MPEG-2 and after, on the left one of the pixels that they stand for, and between
# the upper and the lower one.


def _upsampled(plane: NDArray[np.float32], size: tuple[int, int], across: int, down: int) -> NDArray[np.float32]:
    """Linear interpolation to `size` (height, width)."""
    if down > 1:
        plane = _interpolated(plane, (np.arange(size[0]) - (down - 1) / 2) / down)
    if across > 1:
        plane = _interpolated(plane.T, np.arange(size[1]) / across).T
    return plane


def _interpolated(rows: NDArray[np.float32], places: NDArray[np.float64]) -> NDArray[np.float32]:
    places = places.clip(0, len(rows) - 1)
    low = places.astype(np.intp)
    share = (places - low).astype(np.float32)[:, None]
    return rows[low] * (1 - share) + rows[np.minimum(low + 1, len(rows) - 1)] * share


def _downsampled(plane: NDArray[np.float32], across: int, down: int) -> NDArray[np.float32]:
    """Means over the rows that a value stands for, and weights of 1, 2, 1 over the columns around it."""
    if down > 1:
        missing = (-len(plane)) % down
        plane = np.pad(plane, ((0, missing), (0, 0)), mode="edge")
        plane = plane.reshape(len(plane) // down, down, -1).mean(axis=1)
    if across > 1:
        width = plane.shape[1]
        padded = np.pad(plane, ((0, 0), (across - 1, across - 1)), mode="edge")
        weights = (across - np.abs(np.arange(1 - across, across))) / across**2
        parts = [np.float32(weight) * padded[:, step : step + width : across] for step, weight in enumerate(weights)]
        plane = np.sum(parts, axis=0)
    return plane
