"""The quality at which an AVIF file was stored, from the headers of its boxes (ISO 14496-12) and of its first frame.

The frame's header is read up to its quantizer (AV1 bitstream specification, sections 5.5 and 5.9).
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

# libaom's steps of quantization at qualities of libavif and libheif, which count them alike
QUALITIES = (100, 95, 90, 80, 70, 60, 50, 40, 30, 20, 10, 1)
INDICES = (0, 16, 32, 60, 92, 120, 148, 172, 196, 216, 236, 255)
MOST_READ = 1 << 20  # bytes of the file's boxes before its pictures
HEAD = 256  # bytes of units, which their headers do not exceed
SEQUENCE, FRAMES = 1, (3, 6)  # kinds of units: header of the sequence; of a frame, alone or with the frame


class Unusual(Exception):
    """A header with what still pictures hardly have."""


class _Bits:
    """Reads numbers, the highest bit first."""

    def __init__(self, data: bytes) -> None:
        self.data, self.place = data, 0

    def __call__(self, count: int = 1) -> int:
        value = 0
        for _ in range(count):
            value = 2 * value + (self.data[self.place >> 3] >> (7 - self.place & 7) & 1)
            self.place += 1
        return value


def quality_of(file: BinaryIO) -> float | None:
    """The quality, 1-100, of an AVIF file's first picture, at which libavif and libheif would have stored it so.

    None for another file, and for headers with what still pictures hardly have.
    """
    try:
        start = file.read(MOST_READ)
        if start[4:8] != b"ftyp" or b"avi" not in start[8:32]:
            return None
        meta = next(box for name, box in _boxes(start) if name == b"meta")[4:]
        settings = next(box for name, box in _inside(meta, b"iprp", b"ipco") if name == b"av1C")
        file.seek(_place_of_picture(meta))
        units = [*_units(settings[4:HEAD]), *_units(file.read(HEAD))]
        sequence = next(unit for kind, unit in units if kind == SEQUENCE)
        frame = next(unit for kind, unit in units if kind in FRAMES)
        index = _quantizer(_Bits(frame), _Sequence(_Bits(sequence)))
    except (Unusual, IndexError, StopIteration, struct.error, OverflowError, ValueError, OSError):
        return None  # of the others: cut off, or damaged
    return float(np.interp(index, INDICES, QUALITIES))


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 0
    while place + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, place)
        if size < 8:
            return
        yield name, data[place + 8 : place + size]
        place += size


def _inside(data: bytes, *names: bytes) -> Iterator[tuple[bytes, bytes]]:
    for name in names:
        data = next(box for found, box in _boxes(data) if found == name)
    return _boxes(data)


def _place_of_picture(meta: bytes) -> int:
    """Where in the file the first coded picture lies."""
    infos = next(box for name, box in _boxes(meta) if name == b"iinf")
    entries = [box for name, box in _boxes(infos[6 if infos[0] == 0 else 8 :]) if name == b"infe"]
    item = next(struct.unpack_from(">H", entry, 4)[0] for entry in entries if entry[0] == 2 and entry[8:12] == b"av01")
    places = next(box for name, box in _boxes(meta) if name == b"iloc")
    version, read = places[0], _Bits(places[4:])
    offsets, lengths, bases = read(4), read(4), read(4)
    indices = read(4)
    if version > 1:
        raise Unusual("long numbers of items")
    for _ in range(read(16)):
        number = read(16)
        within = read(16) & 15 if version == 1 else 0
        read(16)  # the file
        base = read(8 * bases)
        extents = read(16)  # of which only the first is looked at
        if number == item and extents:
            if within:
                raise Unusual("pictures within the boxes")
            read(8 * indices if version == 1 else 0)
            return base + read(8 * offsets)
        read.place += 8 * extents * (offsets + lengths + (indices if version == 1 else 0))
    raise IndexError("no place is given")


def _units(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Kind and contents of each open bitstream unit."""
    place = 0
    while place < len(data):
        head = data[place]
        place += 2 if head & 4 else 1
        size = len(data) - place
        if head & 2:
            size = shift = 0
            while True:
                byte = data[place]
                size |= (byte & 127) << shift
                place, shift = place + 1, shift + 7
                if byte < 128:
                    break
        yield head >> 3 & 15, data[place : place + size]
        place += size


class _Sequence:
    """What the header of a frame depends on."""

    def __init__(self, read: _Bits) -> None:
        read(3)
        read(1)
        self.reduced = bool(read(1))
        if self.reduced:
            read(5)
        else:
            if read(1):  # times
                raise Unusual("times in a still picture")
            delayed = read(1)
            for _ in range(read(5) + 1):
                read(12)
                if read(5) > 7:
                    read(1)
                if delayed and read(1):
                    read(4)
        bits = read(4) + 1, read(4) + 1
        self.width, self.height = read(bits[0]) + 1, read(bits[1]) + 1
        self.frame_numbers = 0
        if not self.reduced and read(1):
            self.frame_numbers = read(4) + 2 + read(3) + 1
        self.large_blocks = bool(read(1))
        read(2)  # filters within
        self.screen, self.whole, self.order_bits = 2, 2, 0
        if not self.reduced:
            read(4)
            has_order = read(1)
            if has_order:
                read(2)
            self.screen = 2 if read(1) else read(1)
            if self.screen:
                self.whole = 2 if read(1) else read(1)
            if has_order:
                self.order_bits = read(3) + 1
        self.reduces_width = bool(read(1))


def _quantizer(read: _Bits, sequence: _Sequence) -> int:
    """The index, 0-255, of the step of quantization of a key frame."""
    if not sequence.reduced:
        if read(1) or read(2):
            raise Unusual("no key frame")
        if not read(1):
            read(1)
        # a key frame that is shown is resilient to errors, and says nothing of it
    fixed_codes = read(1)
    screen = read(1) if sequence.screen == 2 else sequence.screen
    if screen and sequence.whole == 2:
        read(1)
    if sequence.frame_numbers:
        read(sequence.frame_numbers)
    other_size = 0 if sequence.reduced else read(1)
    read(sequence.order_bits)
    if other_size:
        raise Unusual("a frame of another size than its sequence")
    if sequence.reduces_width and read(1):
        raise Unusual("a width that is reduced")
    if read(1):
        read(32)
    if screen:
        read(1)
    if not (sequence.reduced or fixed_codes):
        read(1)
    _skip_tiles(read, sequence)
    return read(8)


def _skip_tiles(read: _Bits, sequence: _Sequence) -> None:
    side = 128 if sequence.large_blocks else 64
    columns, rows = (-(-length // side) for length in (sequence.width, sequence.height))
    widest, most = 4096 // side, 4096 * 2304 // side**2
    if not read(1):
        raise Unusual("tiles of unlike sizes")
    least_columns = _log2(widest, columns)
    log2_columns = least_columns
    while log2_columns < _log2(1, min(columns, 64)) and read(1):
        log2_columns += 1
    least = max(_log2(most, rows * columns), least_columns)
    log2_rows = max(least - log2_columns, 0)
    while log2_rows < _log2(1, min(rows, 64)) and read(1):
        log2_rows += 1
    if log2_columns or log2_rows:
        read(log2_columns + log2_rows + 2)


def _log2(unit: int, length: int) -> int:
    exponent = 0
    while unit << exponent < length:
        exponent += 1
    return exponent
