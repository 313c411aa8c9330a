"""New colour for a picture: float pixels as the whole or float numbers that a file stores, in memory or on disk."""

from __future__ import annotations

import os
import struct
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import PictureError
from . import tiff
from .vips import vips

if TYPE_CHECKING:
    import pyvips

Pixels = NDArray[np.float32]

# libvips' names for the meaning of values of each depth: grey, then RGB.
SPACES = {8: ("b-w", "srgb"), 16: ("grey16", "rgb16"), 32: ("b-w", "scrgb")}
_DTYPES: dict[int, type[np.generic]] = {8: np.uint8, 16: np.uint16, 32: np.float32}
_LARGEST = {8: 255, 16: 65535}
_BLOCK = 32  # rows that are converted at a time, so that in-between values stay small
_MOST_FETCHED = 1 << 20  # pixels that are decoded at a time
_SPOOL_START = 16  # bytes before the pixels: BigTIFF's header


def nominal(values: NDArray[Any], depth: int) -> Pixels:
    """File values as float32 in nominal [0, 1]; a copy."""
    if depth == 32:
        return np.array(values, np.float32)
    return np.divide(values, np.float32(_LARGEST[depth]), dtype=np.float32)


def quantised(pixels: NDArray[Any], depth: int) -> NDArray[Any]:
    """Nominal [0, 1] as file values of `depth` bits: rounded to the nearest and clipped, float as it is; a copy."""
    if depth == 32:
        return np.array(pixels, np.float32, order="C")
    values = np.empty(pixels.shape, _DTYPES[depth])
    for top in range(0, len(pixels), _BLOCK):
        scaled = np.multiply(pixels[top : top + _BLOCK], np.float32(_LARGEST[depth]), dtype=np.float32)
        scaled += np.float32(0.5)
        np.clip(scaled, 0, _LARGEST[depth], out=scaled)
        values[top : top + _BLOCK] = scaled
    return values


def finite(pixels: NDArray[np.float32]) -> Pixels:
    """The same with 0 for NaN and minus infinity, and 1 for infinity; no copy where there are none."""
    return pixels if np.isfinite(pixels).all() else np.nan_to_num(pixels, nan=0.0, posinf=1.0, neginf=0.0)


class InMemory:
    """Values (h, w, c) as an array."""

    def __init__(self, values: NDArray[Any]) -> None:
        self.values = values
        self.shape = values.shape

    def rows(self, top: int, count: int) -> NDArray[Any]:
        """`count` rows from `top` on."""
        return self.values[top : top + count]

    def image(self, space: str) -> pyvips.Image:
        """The values for libvips, `space` being their interpretation."""
        return vips().Image.new_from_array(self.values, interpretation=space)


class Spool:
    """Values (h, w, c) in a temporary file, removed with the last picture that uses it.

    The file is an uncompressed TIFF: libvips reads one row by row, where it would map a headless file whole.
    """

    def __init__(self, strips: Iterable[NDArray[Any]], shape: tuple[int, int, int], depth: int) -> None:
        """`strips`: float (r, w, c) from top to bottom, which are rounded to `depth` bits."""
        self.shape = shape
        self.dtype = np.dtype(_DTYPES[depth])
        descriptor, self.path = tempfile.mkstemp(prefix="sfumato-", suffix=".tif")
        self._remove = weakref.finalize(self, _remove, self.path)
        written = 0
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.seek(_SPOOL_START)
                for strip in strips:
                    assert strip.shape[1:] == shape[1:], f"a strip of {strip.shape} for a picture of {shape}"
                    file.write(quantised(strip, depth).data)
                    written += len(strip)
                self._close(file)
        except OSError as error:
            raise PictureError(
                f"The temporary file {self.path} could not be written: {error.strerror}; "
                "set TMPDIR to a folder with more space."
            ) from None
        assert written == shape[0], f"{written} rows came for a picture of {shape[0]}"

    def rows(self, top: int, count: int) -> NDArray[Any]:
        """`count` rows from `top` on."""
        row = self.shape[1] * self.shape[2]
        offset = _SPOOL_START + top * row * self.dtype.itemsize
        return np.fromfile(self.path, self.dtype, count * row, offset=offset).reshape(count, *self.shape[1:])

    def image(self, space: str) -> pyvips.Image:
        """The values for libvips, to be read once from top to bottom, `space` being their interpretation."""
        return vips().Image.tiffload(self.path, access="sequential").copy(interpretation=space)

    def _close(self, file: Any) -> None:
        """Writes the TIFF directory behind the pixels and the header that points to it."""
        height, width, bands = self.shape
        row = width * bands * self.dtype.itemsize
        rows = max(1, min(height, (1 << 18) // row))
        starts = np.arange(0, height, rows)
        counts = np.minimum(rows, height - starts) * row
        tags = {
            256: width,
            257: height,
            258: np.full(bands, 8 * self.dtype.itemsize),
            262: 1 if bands == 1 else 2,
            273: _SPOOL_START + starts * row,
            277: bands,
            278: rows,
            279: counts,
            339: np.full(bands, 3 if self.dtype.kind == "f" else 1),
        }
        directory: tiff.Directory = {}
        for tag, value in tags.items():
            numbers = np.atleast_1d(
                np.asarray(value, "<u8" if tag in (273, 279) else "<u2" if tag in (258, 339) else "<u4")
            )
            directory[tag] = tiff.Value({8: 16, 4: 4, 2: 3}[numbers.itemsize], numbers.size, numbers.tobytes())
        end = file.seek(0, 2)
        end += -end % 8
        file.seek(end)
        file.write(tiff.packed(directory, end, big=True))
        file.seek(0)
        file.write(struct.pack("<2sHHHQ", b"II", 43, 8, 0, end))


Colour = InMemory | Spool


def _remove(path: str) -> None:
    Path(path).unlink(missing_ok=True)


def rows_of(image: pyvips.Image, rows: int) -> Iterator[NDArray[Any]]:
    """Strips of `rows`, each fetched in parts: every conversion on the way holds as much as is asked for at once."""
    region = vips().Region.new(image)
    dtype = {"uchar": np.uint8, "ushort": np.uint16, "float": np.float32}[image.format]
    at_once = min(rows, max(1, _MOST_FETCHED // image.width))
    for top in range(0, image.height, rows):
        end = min(top + rows, image.height)
        parts = [region.fetch(0, at, image.width, min(at_once, end - at)) for at in range(top, end, at_once)]
        yield np.frombuffer(b"".join(parts) if len(parts) > 1 else parts[0], dtype).reshape(
            end - top, image.width, image.bands
        )
