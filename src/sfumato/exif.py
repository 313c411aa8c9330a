"""EXIF inside TIFF files.

A TIFF file keeps EXIF in its own directory of tags, and libvips neither reads nor writes it there. These two functions
carry it: `exif_of_tiff` collects the tags into a block such as JPEG, PNG and WebP hold, `add_exif_to_tiff` adds such a
block to a finished TIFF file. Only tags that describe the photograph travel; those that describe how the pixels are
stored stay with the file that they describe, and a thumbnail stays behind.

Layout: TIFF 6.0 section 2, BigTIFF, Exif 2.32 section 4.6.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

EXIF, GPS, INTEROPERABILITY = 0x8769, 0x8825, 0xA005
POINTERS = (EXIF, GPS, INTEROPERABILITY)
COMPRESSION, SUBFILE_TYPE, DNG_VERSION = 259, 254, 50706
# What IFD0 says of the photograph: maker, model, software, date, artist, host, copyright, rating, Windows' titles.
DESCRIPTIVE = {270, 271, 272, 305, 306, 315, 316, 0x8298, 0x4746, 0x4749, 0x9C9B, 0x9C9C, 0x9C9D, 0x9C9E, 0x9C9F}
PIXEL_WIDTH, PIXEL_HEIGHT = 0xA002, 0xA003

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_UNITS = {3: 2, 4: 4, 5: 4, 8: 2, 9: 4, 10: 4, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_MOST_BYTES = 1 << 20  # of one value; a longer one is no description
_MOST_ENTRIES = 4096


class _Malformed(Exception):
    """The directory cannot be followed; what it says is treated as not there."""


@dataclass(frozen=True)
class Value:
    """One tag's value: TIFF type number, count, and its bytes in little-endian order."""

    kind: int
    count: int
    data: bytes

    def number(self) -> int:
        """The first element as an integer; 0 when it is not one."""
        size = _SIZES[self.kind]
        return int.from_bytes(self.data[:size], "little") if self.kind in (1, 3, 4, 13, 16) else 0


Directory = dict[int, "Value | Directory"]


@dataclass(frozen=True)
class _Layout:
    """Byte order and field widths of one file: classic TIFF or BigTIFF."""

    order: str
    big: bool

    @property
    def count(self) -> str:
        return self.order + ("Q" if self.big else "H")

    @property
    def offset(self) -> str:
        return self.order + ("Q" if self.big else "I")

    @property
    def head(self) -> str:
        """Tag, type and count of an entry; the value or its offset follows."""
        return self.order + ("HHQ" if self.big else "HHI")

    @property
    def inline(self) -> int:
        """Bytes of a value that fit into the entry itself."""
        return 8 if self.big else 4


def tiff_directory(path: Path, page: int = 0) -> Directory:
    """The tags of page `page` (from 0), with EXIF and GPS directories nested; {} when the file cannot be followed."""
    with path.open("rb") as file:
        try:
            layout, start = _read_header(file)
            for _ in range(page):
                _, start = _read_entries(file, layout, start)
            return _read_directory(file, layout, start, depth=0)
        except (_Malformed, struct.error, OverflowError):
            return {}


def exif_of_tiff(directory: Directory) -> bytes | None:
    """An EXIF block (starting with its byte-order mark) of what a TIFF page says of the photograph; None if nothing."""
    kept = {tag: value for tag, value in directory.items() if tag in DESCRIPTIVE or tag in (EXIF, GPS)}
    if not kept:
        return None
    return b"II*\0" + struct.pack("<I", 8) + _packed(kept, 8, _Layout("<", big=False))


def add_exif_to_tiff(path: Path, exif: bytes, width: int, height: int) -> None:
    """Add the descriptive tags of an EXIF block to the first page of the TIFF file `path`, in place.

    `width` and `height` replace the size that the block states, where it states one. A block that cannot be followed
    adds nothing.
    """
    described = _parse_block(exif.removeprefix(b"Exif\0\0"))
    added = {tag: value for tag, value in described.items() if tag in DESCRIPTIVE or tag in (EXIF, GPS)}
    shot = added.get(EXIF)
    if isinstance(shot, dict):
        for tag, size in ((PIXEL_WIDTH, width), (PIXEL_HEIGHT, height)):
            if tag in shot:
                shot[tag] = Value(4, 1, struct.pack("<I", size))
    if not added:
        return
    with path.open("r+b") as file:
        layout, start = _read_header(file)
        present, following = _read_entries(file, layout, start)
        new = {tag: value for tag, value in added.items() if tag not in {entry[0] for entry in present}}
        if layout.order == ">":
            new = _swapped(new)
        # Values of the tags already there stay where they are: only the list of tags moves, to the file's end.
        end = file.seek(0, 2)
        file.write(b"\0" * (end % 2))
        file.write(_packed(new, end + end % 2, layout, present, following))
        file.seek(8 if layout.big else 4)
        file.write(struct.pack(layout.offset, end + end % 2))


def _parse_block(block: bytes) -> Directory:
    file = BytesIO(block)
    try:
        layout, start = _read_header(file)
        return _read_directory(file, layout, start, depth=0)
    except (_Malformed, struct.error, OverflowError):
        return {}


def _read_header(file: BinaryIO) -> tuple[_Layout, int]:
    file.seek(0)
    mark = file.read(8)
    order = {b"II": "<", b"MM": ">"}.get(mark[:2])
    if order is None or len(mark) < 8:
        raise _Malformed
    version = struct.unpack(order + "H", mark[2:4])[0]
    if version == 43:
        return _Layout(order, True), struct.unpack(order + "Q", _exactly(file, 8))[0]
    return _Layout(order, False), struct.unpack(order + "I", mark[4:])[0]


def _exactly(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise _Malformed
    return data


def _read_entries(file: BinaryIO, layout: _Layout, start: int) -> tuple[list[tuple[int, bytes]], int]:
    """The entries of the directory at `start`, each its tag and its raw bytes, and the next directory's offset."""
    if start < 8:
        raise _Malformed
    file.seek(start)
    count = struct.unpack(layout.count, _exactly(file, struct.calcsize(layout.count)))[0]
    if not 0 < count <= _MOST_ENTRIES:
        raise _Malformed
    size = struct.calcsize(layout.head) + layout.inline
    raw = [_exactly(file, size) for _ in range(count)]
    # Some writers leave the closing offset out at the end of an EXIF block.
    closing = file.read(layout.inline)
    following = struct.unpack(layout.offset, closing)[0] if len(closing) == layout.inline else 0
    return [(struct.unpack(layout.order + "H", entry[:2])[0], entry) for entry in raw], following


def _read_directory(file: BinaryIO, layout: _Layout, start: int, depth: int) -> Directory:
    found: Directory = {}
    for tag, entry in _read_entries(file, layout, start)[0]:
        head = struct.calcsize(layout.head)
        _, kind, count = struct.unpack(layout.head, entry[:head])
        size = _SIZES.get(kind, 0) * count
        if not 0 < size <= _MOST_BYTES:
            continue
        try:
            if size <= layout.inline:
                data = entry[head : head + size]
            else:
                file.seek(struct.unpack(layout.offset, entry[head:])[0])
                data = _exactly(file, size)
            value = Value(kind, count, _reordered(data, kind) if layout.order == ">" else data)
            if tag in POINTERS and depth < 2:
                found[tag] = _read_directory(file, layout, value.number(), depth + 1)
            else:
                found[tag] = value
        except (_Malformed, struct.error, OverflowError):
            continue  # one broken value does not cost the others
    return found


def _reordered(data: bytes, kind: int) -> bytes:
    unit = _UNITS.get(kind, 1)
    return b"".join(data[i : i + unit][::-1] for i in range(0, len(data), unit))


def _swapped(entry: Directory | Value) -> Any:
    if isinstance(entry, Value):
        return Value(entry.kind, entry.count, _reordered(entry.data, entry.kind))
    return {tag: _swapped(value) for tag, value in entry.items()}


def _packed(
    directory: Directory, at: int, layout: _Layout, present: list[tuple[int, bytes]] | None = None, following: int = 0
) -> bytes:
    """The directory as bytes to stand at offset `at`, nested ones and long values behind it.

    `present`: entries that already stand in the file and are taken over as they are; `following`: the next page.
    """
    entries = dict(present or [])
    tail_at = at + struct.calcsize(layout.count) + layout.inline
    tail_at += (struct.calcsize(layout.head) + layout.inline) * (len(entries) + len(directory))
    tail = b""
    for tag, value in directory.items():
        if isinstance(value, dict):
            block = _packed(value, tail_at + len(tail), layout)
            kind, count, data = 4, 1, struct.pack(layout.order + "I", tail_at + len(tail))
            if layout.big:
                kind, data = 18, struct.pack(layout.offset, tail_at + len(tail))
            tail += block + b"\0" * (len(block) % 2)
        else:
            kind, count, data = value.kind, value.count, value.data
        if len(data) > layout.inline:
            place = struct.pack(layout.offset, tail_at + len(tail))
            tail += data + b"\0" * (len(data) % 2)
        else:
            place = data.ljust(layout.inline, b"\0")
        entries[tag] = struct.pack(layout.head, tag, kind, count) + place
    listed = b"".join(entry for _, entry in sorted(entries.items()))
    return struct.pack(layout.count, len(entries)) + listed + struct.pack(layout.offset, following) + tail
