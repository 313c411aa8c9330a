"""What JPEG 2000 and JPEG XL files state of their values, and their EXIF and XMP: the decoders pass on neither."""

from __future__ import annotations

import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO

_JP2_START = b"\xff\x4f\xff\x51"  # start of a code stream and of its size segment (ISO 15444-1, A.5.1)
_JXL_BOXES = b"\0\0\0\x0cJXL \r\n\x87\n"
_JP2_BOXES = b"\0\0\0\x0cjP  \r\n\x87\n"
_UUIDS = {
    bytes.fromhex("be7acfcb97a942e89c71999491e3afac"): b"xml ",  # XMP specification, part 3
    b"JpgTiffExif->JP2": b"Exif",
}
_FIELDS = {b"Exif": "exif-data", b"xml ": "xmp-data"}
_MOST_BOXES, _MOST_BYTES = 4096, 1 << 24
_ASPECTS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))  # width to height


def jp2_depths(data: bytes) -> tuple[int, ...]:
    """Bits a value of each component of a JPEG 2000 file, negative where values are signed; () where none are found."""
    at = data.find(_JP2_START)
    count = int.from_bytes(data[at + 40 : at + 42], "big") if at >= 0 else 0
    stated = data[at + 42 : at + 42 + 3 * count : 3]
    return tuple((-1 if bits & 128 else 1) * ((bits & 127) + 1) for bits in stated)


def jp2_has_palette(head: bytes) -> bool:
    """Whether the values of a JPEG 2000 file are places in a palette."""
    return b"pclr" in head[: max(0, head.find(_JP2_START))]


@dataclass(frozen=True)
class JxlHead:
    """Of a JPEG XL file: size in pixels as stored, bits a value, whether it is an animation, and its colours sRGB."""

    height: int
    width: int
    bits: int
    is_animation: bool
    is_srgb: bool = True


def jxl_head(data: bytes) -> JxlHead:
    """The head of a JPEG XL file's code stream (ISO 18181-1: SizeHeader and ImageMetadata)."""
    take = _Bits(_jxl_stream(data)[2:512])
    height, width = _jxl_size(take)
    is_animation = False
    if take(1):  # all as by default
        return JxlHead(height, width, 8, False)
    if take(1):  # extra fields
        take(3)  # orientation
        if take(1):
            _jxl_size(take)  # at which it is meant to be shown
        if take(1):
            _pass_preview(take)
        if is_animation := bool(take(1)):
            take.choose((0, 100), (0, 1000), (10, 1), (30, 1))  # ticks a second: over
            take.choose((0, 1), (0, 1001), (8, 1), (10, 1))  # and under
            take.choose((0, 0), (3, 0), (16, 0), (32, 0))  # repetitions
            take(1)  # time codes
    bits = _jxl_bits(take)
    take(1)  # whether 16 bits are enough within
    for _ in range(take.choose((0, 0), (0, 1), (4, 2), (12, 1))):
        _pass_extra_channel(take)
    take(1)  # whether it is coded as XYB
    return JxlHead(height, width, bits, is_animation, _is_srgb(take))


def _jxl_bits(take: _Bits) -> int:
    is_float = take(1)
    bits = take.choose(*((0, bits) for bits in ((32, 16, 24) if is_float else (8, 10, 12))), (6, 1))
    take(4 if is_float else 0)  # of the exponent
    return bits


def _pass_extra_channel(take: _Bits) -> None:
    if take(1):  # alpha of 8 bits
        return
    kind = _jxl_enum(take)
    _jxl_bits(take)
    take.choose((0, 0), (0, 3), (0, 4), (3, 1))  # how much smaller it is
    take(8 * take.choose((0, 0), (4, 0), (5, 16), (10, 48)))  # its name
    take({0: 1, 2: 64}.get(kind, 0))  # alpha that is premultiplied; a spot colour
    if kind == 5:
        take.choose((0, 1), (2, 0), (4, 3), (8, 19))


def _jxl_enum(take: _Bits) -> int:
    return take.choose((0, 0), (0, 1), (4, 2), (6, 18))


def _is_srgb(take: _Bits) -> bool:
    """Whether a ColourEncoding says sRGB, or grey of its curve."""
    if take(1):
        return True
    has_profile, space = take(1), _jxl_enum(take)
    if has_profile or space > 1 or _jxl_enum(take) != 1:  # neither colour nor grey; not of D65's white
        return False
    if space == 0 and _jxl_enum(take) != 1:  # other primaries
        return False
    return not take(1) and _jxl_enum(take) == 13  # a power instead of a curve; sRGB's curve


def metadata_of(file: BinaryIO) -> dict[str, bytes]:
    """EXIF (from its byte-order mark on) and XMP of a JPEG 2000 or JPEG XL file in boxes, by libvips' names."""
    found: dict[str, bytes] = {}
    end, at = file.seek(0, 2), 0
    file.seek(0)
    is_jxl = (mark := file.read(12)) == _JXL_BOXES
    if not is_jxl and mark != _JP2_BOXES:
        return {}
    for _ in range(_MOST_BOXES):
        file.seek(at)
        head = file.read(16)
        if len(head) < 8:
            break
        size, name = struct.unpack(">I4s", head[:8])
        start = at + 8
        if size == 1 and len(head) == 16:  # the size follows in 8 bytes
            size, start = int.from_bytes(head[8:], "big"), start + 8
        following = at + size if size else end
        if not start <= following <= end:
            break
        if following - start <= _MOST_BYTES and name in ((b"Exif", b"xml ", b"brob") if is_jxl else (b"uuid",)):
            file.seek(start)
            name, body = _unwrapped(name, file.read(following - start))
            if name == b"Exif" and is_jxl:
                body = body[4 + int.from_bytes(body[:4], "big") :]
            if name in _FIELDS and body:
                found.setdefault(_FIELDS[name], body)
        at = following
    return found


def _unwrapped(name: bytes, body: bytes) -> tuple[bytes, bytes]:
    """The name and the contents of a box within another: packed by Brotli, or with an identifier for a name."""
    if name == b"uuid":
        return _UUIDS.get(body[:16], b""), body[16:]
    if name != b"brob":
        return name, body
    with suppress(Exception):  # one that cannot be unpacked is passed over
        import imagecodecs

        return body[:4], bytes(imagecodecs.brotli_decode(body[4:]))
    return b"", b""


class _Bits:
    """Takes numbers, the lowest bit first; behind the end all bits are 0."""

    def __init__(self, data: bytes) -> None:
        self.bits = int.from_bytes(data, "little")

    def __call__(self, count: int) -> int:
        taken, self.bits = self.bits & ((1 << count) - 1), self.bits >> count
        return taken

    def choose(self, *ways: tuple[int, int]) -> int:
        """A number in one of four ways, each so many bits and what is added to them."""
        count, added = ways[self(2)]
        return self(count) + added


def _jxl_size(take: _Bits) -> tuple[int, int]:
    """Height and width."""
    small = take(1)

    def side() -> int:
        return 8 * (take(5) + 1) if small else take.choose((9, 1), (13, 1), (18, 1), (30, 1))

    height, ratio = side(), take(3)
    if ratio == 0:
        return height, side()
    over, under = _ASPECTS[ratio - 1]
    return height, height * over // under


def _pass_preview(take: _Bits) -> None:
    ways = ((0, 16), (0, 32), (5, 1), (9, 33)) if take(1) else ((6, 1), (8, 65), (10, 321), (12, 1345))
    take.choose(*ways)
    if take(3) == 0:
        take.choose(*ways)


def _jxl_stream(data: bytes) -> bytes:
    """The code stream: the file itself, or its first parts in boxes (ISO 18181-2)."""
    if not data.startswith(_JXL_BOXES):
        return data
    stream, at = b"", 0
    while at + 8 <= len(data) and len(stream) < 512:
        size, name = struct.unpack_from(">I4s", data, at)
        start = at + 8
        if size == 1:  # the size follows in 8 bytes
            size, start = int.from_bytes(data[start : start + 8], "big"), start + 8
        end = at + size if size else len(data)
        if name in (b"jxlc", b"jxlp"):
            stream += data[start + 4 * (name == b"jxlp") : min(end, start + 516)]
        if end < start:
            break
        at = end
    return stream
