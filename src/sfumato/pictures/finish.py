"""What libvips writes into files that it should not, and leaves out that it should: put right in the finished file.

It states 72 dpi where nothing is known, states none in a JPEG without EXIF, and writes texts in Latin-1 or not at all.
"""

from __future__ import annotations

import mmap
import re
import shutil
import struct
import zlib
from pathlib import Path

from ..files import written_whole
from . import tiff
from .texts import Text, jpeg_segments, png_chunks, png_parts

RESOLUTION_UNIT, NO_UNIT = 296, 1  # a tag of TIFF, and its value where lengths are in no unit
_DENSITY = (282, 283, RESOLUTION_UNIT)
# Where a file's EXIF block begins, as it lies in JPEG and AVIF, in WebP, and in PNG.
_EXIF = re.compile(rb"(?:Exif\0\0|EXIF.{4}|eXIf)(II\*\0|MM\0\*)", re.S)


def finish(path: Path, format: str, density: tuple[float, float] | None, texts: tuple[Text, ...]) -> None:
    """Puts the file right in place. density: pixels a millimetre across and down; texts: those that it is to hold."""
    if density is None and format != "tiff":
        _state_none(path)
    if format == "jpeg":
        _finish_jpeg(path, density, texts)
    elif format == "png" and (density is None or texts):
        _finish_png(path, density, texts)
    elif format == "tiff" and density is None:
        tiff.set_number(path, RESOLUTION_UNIT, NO_UNIT)


def _state_none(path: Path) -> None:
    """Takes the density that libvips invented out of the file's EXIF block, in place; nothing else in it moves."""
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as whole:
        found = _EXIF.search(whole)
        if found is None:
            return
        start = found.start(1)
        order = "<" if found[1][:2] == b"II" else ">"
        at = start + struct.unpack_from(order + "I", whole, start + 4)[0]
        if at + 2 > len(whole):
            return
        (count,) = struct.unpack_from(order + "H", whole, at)
        end = at + 2 + 12 * count + 4
        if end > len(whole):
            return
        entries = [whole[i : i + 12] for i in range(at + 2, end - 4, 12)]
        kept = [entry for entry in entries if struct.unpack(order + "H", entry[:2])[0] not in _DENSITY]
        table = struct.pack(order + "H", len(kept)) + b"".join(kept) + whole[end - 4 : end]
        whole[at:end] = table.ljust(end - at, b"\0")
        if found[0].startswith(b"eXIf"):  # PNG's chunks have checksums
            (size,) = struct.unpack_from(">I", whole, found.start() - 4)
            behind = found.start() + 4 + size
            struct.pack_into(">I", whole, behind, zlib.crc32(whole[found.start() : behind]))


def _finish_jpeg(path: Path, density: tuple[float, float] | None, texts: tuple[Text, ...]) -> None:
    with path.open("rb") as file:
        head = file.read(12)
    if head[2:4] in (b"\xff\xe0", b"\xff\xe1") and head[6:10] in (b"JFIF", b"Exif"):
        unit = b""  # the density is in it
    else:
        across, down = (1, 1) if density is None else (min(max(round(25.4 * axis), 1), 65535) for axis in density)
        unit = b"\xff\xe0\0\x10JFIF\0\1\1" + struct.pack(">BHHBB", density is not None, across, down, 0, 0)
    # JFIF comes first; comments may stand anywhere, so behind it, or behind the EXIF block that is there instead.
    place = 2 if unit else 4 + int.from_bytes(head[4:6], "big")
    if added := unit + jpeg_segments(texts):
        _splice(path, place, place, added)


def _finish_png(path: Path, density: tuple[float, float] | None, texts: tuple[Text, ...]) -> None:
    with path.open("rb") as file:
        for name, size in png_parts(file):
            start = file.tell() - 8
            if name == b"pHYs" and density is None:
                _splice(path, start, start + 12 + size, png_chunks(texts))
                return
            if name == b"IDAT":
                _splice(path, start, start, png_chunks(texts))
                return


def _splice(path: Path, start: int, end: int, new: bytes) -> None:
    """Puts `new` in the place of the file's bytes from `start` to `end`."""
    with path.open("rb") as old, written_whole(path) as whole, whole.open("wb") as file:
        file.write(old.read(start) + new)
        old.seek(end)
        shutil.copyfileobj(old, file, 1 << 20)
