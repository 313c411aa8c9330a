"""Several pages in one TIFF file: files of one page each, put one behind the other."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import PictureError
from ..files import written_whole
from . import tiff

OFFSETS = (273, 324)  # tags whose values are places in the file: of strips and of tiles
LARGEST = 2**32 - 1  # what an offset of classic TIFF can state


def num_pages(path: Path) -> int:
    """Pages of a TIFF file; 1 for any other, and for one that cannot be followed."""
    try:
        with path.open("rb") as file:
            return max(1, tiff.count_pages(file))
    except OSError:
        return 1


def join_pages(parts: Sequence[Path], target: Path) -> None:
    """Writes the first pages of TIFF files, as this package writes them, as pages of the file `target`.

    Raises PictureError where together they are larger than TIFF can be (4 GB).
    """
    if sum(part.stat().st_size + 1 for part in parts) > LARGEST or any(_is_big(part) for part in parts):
        raise PictureError(f"{target} cannot hold all pages: together they exceed 4 GB; restore them one by one.")
    with written_whole(target) as whole:
        shutil.copyfile(parts[0], whole)
        with whole.open("r+b") as file:
            link = _end_of_list(file, _first_list(file, 0), 0)
            for part in parts[1:]:
                start = file.seek(0, 2)
                start += -start % 2
                file.seek(start)
                with part.open("rb") as page:
                    shutil.copyfileobj(page, file, 1 << 20)
                first = start + _first_list(file, start)
                _move(file, first, start)
                file.seek(link)
                file.write(struct.pack(_order(file, start) + "I", first))
                link = _end_of_list(file, first, start)


def _is_big(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4)[2:4] not in (b"*\0", b"\0*")


def _order(file: BinaryIO, start: int) -> str:
    at = file.tell()
    file.seek(start)
    order = "<" if file.read(2) == b"II" else ">"
    file.seek(at)
    return order


def _first_list(file: BinaryIO, start: int) -> int:
    """Where the list of tags begins, counted from the beginning of the file that stands at `start`."""
    return int(_unpacked(file, start + 4, _order(file, start) + "I"))


def _end_of_list(file: BinaryIO, at: int, start: int) -> int:
    """Where the list of tags at `at` says where the next page's is."""
    return at + 2 + 12 * int(_unpacked(file, at, _order(file, start) + "H"))


def _move(file: BinaryIO, at: int, start: int) -> None:
    """Adds `start` to all places that the list of tags at `at` states."""
    order = _order(file, start)
    for number in range(int(_unpacked(file, at, order + "H"))):
        entry = at + 2 + 12 * number
        tag, kind, count = (int(_unpacked(file, entry + 4 * i // 2, order + "HHI"[i])) for i in range(3))
        size = tiff.SIZES.get(kind, 1) * count
        place = entry + 8
        if size > 4:
            place = int(_unpacked(file, place, order + "I")) + start
            _write(file, entry + 8, order + "I", place)
        if tag not in OFFSETS and tag not in tiff.POINTERS:
            continue
        form, unit = {3: "H", 4: "I", 13: "I"}[kind], tiff.SIZES[kind]
        moved = [int(_unpacked(file, place + unit * i, order + form)) + start for i in range(count)]
        if form == "H":  # what was near enough for short numbers is so no more
            place = file.seek(0, 2) if count > 1 else entry + 8
            _write(file, entry + 2, order + "HI", 4, count)
            if count > 1:
                _write(file, entry + 8, order + "I", place)
        _write(file, place, f"{order}{count}I", *moved)
        if tag in tiff.POINTERS:
            for found in moved:
                _move(file, found, start)


def _unpacked(file: BinaryIO, at: int, form: str) -> Any:
    file.seek(at)
    return struct.unpack(form, file.read(struct.calcsize(form)))[0]


def _write(file: BinaryIO, at: int, form: str, *values: int) -> None:
    file.seek(at)
    file.write(struct.pack(form, *values))
