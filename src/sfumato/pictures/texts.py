"""Texts that lie beside a picture's pixels: PNG's text chunks, JPEG's and GIF's comments.

libvips writes PNG's in Latin-1 and drops those of JPEG. A text is a keyword, one of PNG's (Title, Author, Comment, ...)
or any other, and what it says.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

Text = tuple[str, str]
COMMENT = "Comment"
_MOST_BYTES, _MOST_TEXTS = 1 << 20, 256
PACKET = "XML:com.adobe.xmp"  # the keyword of what is no text but an XMP packet


def png_parts(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Name and length of each chunk, the file standing at its body; ends where the file cannot be followed."""
    end = file.seek(0, 2)
    at = 8
    while at + 12 <= end:
        file.seek(at)
        size, name = struct.unpack(">I4s", file.read(8))
        if at + 12 + size > end:
            return
        yield name, size
        at += 12 + size


def png_texts(file: BinaryIO) -> tuple[Text, ...]:
    """The texts of a PNG file, whichever of the three kinds of chunks they are in."""
    found: list[Text] = []
    for name, size in png_parts(file):
        if name in (b"tEXt", b"zTXt", b"iTXt") and size <= _MOST_BYTES and len(found) < _MOST_TEXTS:
            keyword, _, rest = file.read(size).partition(b"\0")
            text = _said(name, rest)
            if text and keyword and keyword != PACKET.encode():
                found.append((keyword.decode("latin-1"), text))
    return tuple(found)


def _said(name: bytes, rest: bytes) -> str:
    if name == b"tEXt":
        return _decoded(rest)
    if name == b"zTXt":
        return _decoded(_unpacked(rest[1:]))
    packed, rest = rest[:1] == b"\1", rest[2:]
    _language, _, rest = rest.partition(b"\0")
    _translated, _, rest = rest.partition(b"\0")
    return _decoded(_unpacked(rest) if packed else rest)


def _unpacked(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, _MOST_BYTES)
    except zlib.error:
        return b""


def _decoded(data: bytes) -> str:
    """Latin-1 is what the standard has, UTF-8 what most programs write: the one that it can be."""
    data = data.rstrip(b"\0")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def jpeg_texts(head: bytes) -> tuple[Text, ...]:
    """The comments in the first bytes of a JPEG file."""
    found: list[Text] = []
    at = 2
    while at + 4 <= len(head) and head[at] == 0xFF and head[at + 1] != 0xDA:
        size = int.from_bytes(head[at + 2 : at + 4], "big")
        if head[at + 1] == 0xFE and (text := _decoded(head[at + 4 : at + 2 + size])):
            found.append((COMMENT, text))
        at += 2 + max(size, 2)
    return tuple(found[:_MOST_TEXTS])


def gif_texts(head: bytes) -> tuple[Text, ...]:
    """The comments before the first picture in the first bytes of a GIF file, and behind it as far as those reach."""
    found: list[Text] = []
    at = 13 + _colours(head[10:11])
    while at + 2 < len(head) and head[at] in (0x21, 0x2C):
        said, is_comment = b"", head[at : at + 2] == b"\x21\xfe"
        at += 2 if head[at] == 0x21 else 11 + _colours(head[at + 9 : at + 10])
        while at < len(head) and head[at]:
            said += head[at + 1 : at + 1 + head[at]] if is_comment else b""
            at += 1 + head[at]
        at += 1
        if text := _decoded(said):
            found.append((COMMENT, text))
    return tuple(found[:_MOST_TEXTS])


def _colours(flags: bytes) -> int:
    """Bytes of the table of colours that the flags announce."""
    return 3 << (flags[0] & 7) + 1 if flags and flags[0] & 0x80 else 0


def png_chunks(texts: tuple[Text, ...]) -> bytes:
    """The texts as chunks: in UTF-8, but for those in ASCII, which programs of any age read as well."""
    chunks = []
    for keyword, text in texts:
        word = keyword.encode("latin-1", "replace").replace(b"\0", b" ").strip()[:79] or COMMENT.encode()
        said = text.replace("\0", " ")
        if said.isascii() and keyword != PACKET:
            chunks.append(_chunk(b"tEXt", word + b"\0" + said.encode()))
        else:
            chunks.append(_chunk(b"iTXt", word + b"\0\0\0\0\0" + said.encode()))
    return b"".join(chunks)


def jpeg_segments(texts: tuple[Text, ...]) -> bytes:
    """The comments as segments, each as long as one can be."""
    said = [text.encode()[:65533].decode(errors="ignore").encode() for _, text in texts]
    return b"".join(b"\xff\xfe" + struct.pack(">H", len(text) + 2) + text for text in said)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
