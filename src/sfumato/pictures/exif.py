"""EXIF inside TIFF files.

A TIFF file keeps EXIF in its own directory of tags, and libvips neither reads nor writes it there. These two functions
carry it: `exif_of_tiff` collects the tags into a block such as JPEG, PNG and WebP hold, `add_exif_to_tiff` adds such a
block to a finished TIFF file. Only tags that describe the photograph travel; those that describe how the pixels are
stored stay with the file that they describe, and a thumbnail stays behind.
"""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path

from .tiff import EXIF, GPS, Directory, Value, add_tags, packed, page_directory

# What IFD0 says of the photograph: maker, model, software, date, artist, host, copyright, rating, Windows' titles.
DESCRIPTIVE = {270, 271, 272, 305, 306, 315, 316, 0x8298, 0x4746, 0x4749, 0x9C9B, 0x9C9C, 0x9C9D, 0x9C9E, 0x9C9F}
PIXEL_WIDTH, PIXEL_HEIGHT = 0xA002, 0xA003


def exif_of_tiff(directory: Directory) -> bytes | None:
    """An EXIF block (starting with its byte-order mark) of what a TIFF page says of the photograph; None if nothing."""
    kept = _descriptive(directory)
    return b"II*\0" + struct.pack("<I", 8) + packed(kept, 8, big=False) if kept else None


def add_exif_to_tiff(path: Path, block: bytes, width: int, height: int) -> None:
    """Adds the descriptive tags of an EXIF block to the first page of the TIFF file `path`, in place.

    `width` and `height` replace the size that the block states, where it states one. A block that cannot be followed
    adds nothing.
    """
    added = _descriptive(page_directory(BytesIO(block.removeprefix(b"Exif\0\0"))))
    shot = added.get(EXIF)
    if isinstance(shot, dict):
        for tag, size in ((PIXEL_WIDTH, width), (PIXEL_HEIGHT, height)):
            if tag in shot:
                shot[tag] = Value(4, 1, struct.pack("<I", size))
    if added:
        add_tags(path, added)


def _descriptive(directory: Directory) -> Directory:
    return {tag: value for tag, value in directory.items() if tag in DESCRIPTIVE or tag in (EXIF, GPS)}
