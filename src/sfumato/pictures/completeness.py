"""Whether a file can hold the picture that its header states, told before memory is taken for it."""

from __future__ import annotations

from . import tiff
from .photometric import BITS, COMPRESSION, SAMPLES, SUBSAMPLING

WIDTH, HEIGHT, ROWS_PER_STRIP, PLANAR, TILE_WIDTH, TILE_HEIGHT = 256, 257, 278, 284, 322, 323  # tags of TIFF
_STRIP_OFFSETS, _TILE_OFFSETS = 273, 324
SEPARATE = 2  # planes of one channel each
# A file of so few bytes for its stated size cannot hold a picture: no JPEG coder goes below a bit or two a block.
_MOST_JPEG_PIXELS_PER_BYTE = 2000
_MOST_BYTES_DEFLATED = 1100  # Deflate makes a byte of 1032 at most


def cut_off(format: str, head: bytes, tags: tiff.Directory, size: int, width: int, height: int) -> str:
    """What is missing, as the end of a sentence; "" for nothing that shows without decoding.

    head: the file's first bytes. tags: a TIFF file's. size: of the file in bytes. width, height: as it states them.
    """
    missing = False
    if format == "jpeg":
        missing = width * height > _MOST_JPEG_PIXELS_PER_BYTE * size
    elif format == "png":
        missing = _png_bytes(head) > _MOST_BYTES_DEFLATED * size
    elif format == "tiff":
        listed, needed = len(_offsets(tags)), _num_parts(tags)
        if 0 < listed < needed:
            return f"is cut off: it lists {listed} of the {needed} strips or tiles of {width} x {height} pixels"
        missing = _tiff_bytes(tags) > size
    return f"is cut off: {size} bytes hold no {width} x {height} pixels" if missing else ""


def _png_bytes(head: bytes) -> int:
    """Bytes of a PNG file's rows before they are compressed, by its header."""
    width, height = (int.from_bytes(head[at : at + 4], "big") for at in (16, 20))
    bits, colour = (*head[24:26], 8, 0)[:2]
    return height * (-(-width * bits * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(colour, 1) // 8) + 1)


def _offsets(tags: tiff.Directory) -> tuple[float, ...]:
    """Where a TIFF file's strips or tiles begin; () where that is not read, as of very many."""
    return tiff.numbers(tags, _TILE_OFFSETS if TILE_WIDTH in tags else _STRIP_OFFSETS)


def _num_parts(tags: tiff.Directory) -> int:
    """Strips or tiles that a TIFF file of this size is made of; 0 where the tags do not say."""
    width, height = (tiff.number(tags, tag) or 0 for tag in (WIDTH, HEIGHT))
    planes = (tiff.number(tags, SAMPLES) or 1) if tiff.number(tags, PLANAR) == SEPARATE else 1
    if TILE_WIDTH in tags:
        across, down = tiff.number(tags, TILE_WIDTH), tiff.number(tags, TILE_HEIGHT)
        return -(-width // across) * -(-height // down) * planes if across and down else 0
    rows = tiff.number(tags, ROWS_PER_STRIP)
    return -(-height // rows) * planes if rows else 0


def _tiff_bytes(tags: tiff.Directory) -> int:
    """Bytes of a TIFF file's pixels where they are not compressed, else 0.

    Parts that are left out (their offset is 0) or shared take no room of their own, and count as nothing stated.
    """
    offsets = _offsets(tags)
    if tiff.number(tags, COMPRESSION) not in (None, 1) or 0 in offsets or len(set(offsets)) < max(1, len(offsets)):
        return 0
    if tiff.numbers(tags, SUBSAMPLING) not in ((), (1, 1)):
        return 0
    width, height, bits, samples = (tiff.number(tags, tag) or 0 for tag in (WIDTH, HEIGHT, BITS, SAMPLES))
    return width * height * (bits or 1) * (samples or 1) // 8
