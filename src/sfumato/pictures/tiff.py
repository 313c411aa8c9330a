"""Directories of TIFF files: lists of tags, each with a value, which EXIF blocks are made of too.

libvips reads and writes the pixels of TIFF files; this is for the tags that it passes over. A directory is a dict from
tag number to `Value`, or to a nested directory where the tag points to one. Values are little-endian whatever the file.

Layout: TIFF 6.0 section 2; BigTIFF; Exif 2.32 section 4.6.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

EXIF, GPS, INTEROPERABILITY = 0x8769, 0x8825, 0xA005
POINTERS = (EXIF, GPS, INTEROPERABILITY)

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_UNITS = {3: 2, 4: 4, 5: 4, 8: 2, 9: 4, 10: 4, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_MOST_BYTES = 1 << 20  # of one value; a longer one is no description
_MOST_BYTES_IN_ALL = 1 << 24  # of the values of one page: the offsets of a gigapixel's strips are passed over
_MOST_ENTRIES = 4096
_MOST_PAGES = 1 << 16


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
        size = SIZES[self.kind]
        return int.from_bytes(self.data[:size], "little") if self.kind in (1, 3, 4, 13, 16, 18) else 0

    def numbers(self) -> tuple[float, ...]:
        """All elements, of integers and fractions that are not negative; () for other types and a division by 0."""
        size = SIZES[self.kind]
        parts = [self.data[i : i + size] for i in range(0, len(self.data), size)]
        if self.kind in (1, 3, 4, 13, 16, 18):
            return tuple(int.from_bytes(part, "little") for part in parts)
        pairs = [struct.unpack("<II", part) for part in parts] if self.kind == 5 else []
        return tuple(over / under for over, under in pairs) if all(under for _, under in pairs) else ()


Directory = dict[int, "Value | Directory"]


def number(directory: Directory, tag: int) -> int | None:
    """The first element of a tag's value as an integer, 0 when it is not one; None where there is no such tag."""
    value = directory.get(tag)
    return value.number() if isinstance(value, Value) else None


def numbers(directory: Directory, tag: int) -> tuple[float, ...]:
    """All elements of a tag's value; () where there is no such tag."""
    value = directory.get(tag)
    return value.numbers() if isinstance(value, Value) else ()


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


def page_directory(file: BinaryIO, page: int = 0) -> Directory:
    """The tags of page `page` (from 0), with EXIF and GPS directories nested; {} when the file cannot be followed."""
    try:
        layout, start = _read_header(file)
        passed = set()
        for _ in range(page):
            passed.add(start)
            _, start = _read_entries(file, layout, start)
            if start in passed:
                return {}  # the pages go in a circle
        return _read_directory(file, layout, start, depth=0)
    except (_Malformed, struct.error):
        return {}


def count_pages(file: BinaryIO) -> int:
    """Pages of the file, as far as they can be followed; 0 where it is no TIFF file."""
    passed: set[int] = set()
    try:
        layout, start = _read_header(file)
        while start and start not in passed and len(passed) < _MOST_PAGES:
            _, following = _read_entries(file, layout, start)
            passed.add(start)
            start = following
    except (_Malformed, struct.error):
        pass
    return len(passed)


def add_tags(path: Path, added: Directory) -> None:
    """Adds tags to the first page of the TIFF file `path`, in place; one that is there already stays as it is."""
    with path.open("r+b") as file:
        layout, start = _read_header(file)
        present, following = _read_entries(file, layout, start)
        new = {tag: value for tag, value in added.items() if tag not in dict(present)}
        if layout.order == ">":
            new = _swapped(new)
        # Values of the tags already there stay where they are: only the list of tags moves, to the file's end.
        end = file.seek(0, 2)
        file.write(b"\0" * (end % 2))
        file.write(_packed(new, end + end % 2, layout, present, following))
        file.seek(8 if layout.big else 4)
        file.write(struct.pack(layout.offset, end + end % 2))


def set_number(path: Path, tag: int, number: int) -> None:
    """Sets a tag of the first page of the TIFF file `path` that holds one short number, in place, if it is there."""
    with path.open("r+b") as file:
        layout, start = _read_header(file)
        for place, (found, entry) in enumerate(_read_entries(file, layout, start)[0]):
            if found == tag:
                head = struct.calcsize(layout.head)
                file.seek(start + struct.calcsize(layout.count) + place * len(entry) + head)
                file.write(struct.pack(layout.order + "H", number))


def packed(directory: Directory, at: int, *, big: bool) -> bytes:
    """The directory as little-endian bytes to stand at offset `at`, nested ones and long values behind it."""
    return _packed(directory, at, _Layout("<", big))


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


def _seek(file: BinaryIO, offset: int) -> None:
    """To an offset that the file itself states, and that may be any number."""
    if offset > file.seek(0, 2):
        raise _Malformed
    file.seek(offset)


def _exactly(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise _Malformed
    return data


def _read_entries(file: BinaryIO, layout: _Layout, start: int) -> tuple[list[tuple[int, bytes]], int]:
    """The entries of the directory at `start`, each its tag and its raw bytes, and the next directory's offset."""
    if start < 8:
        raise _Malformed
    _seek(file, start)
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
    num_bytes = 0
    for tag, entry in _read_entries(file, layout, start)[0]:
        head = struct.calcsize(layout.head)
        _, kind, count = struct.unpack(layout.head, entry[:head])
        size = SIZES.get(kind, 0) * count
        if not 0 < size <= min(_MOST_BYTES, _MOST_BYTES_IN_ALL - num_bytes):
            continue
        try:
            if size <= layout.inline:
                data = entry[head : head + size]
            else:
                _seek(file, struct.unpack(layout.offset, entry[head:])[0])
                data = _exactly(file, size)
                num_bytes += size
            value = Value(kind, count, _reordered(data, kind) if layout.order == ">" else data)
            if tag in POINTERS and depth < 2:
                found[tag] = _read_directory(file, layout, value.number(), depth + 1)
            else:
                found[tag] = value
        except (_Malformed, struct.error):
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
