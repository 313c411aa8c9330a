"""Any file at all ends in a picture or in a sentence: no traceback, no hang, no runaway memory, nothing printed."""

from __future__ import annotations

import json
import re
import struct
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import odd_pictures as odd
import picture_files as files
import pytest
import tifffile

from sfumato.errors import PictureError
from sfumato.pictures import tiff
from sfumato.pictures.picture import Picture

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "fuzz_pictures.py"
CASES = Path(__file__).parent / "cases"


def test_five_hundred_odd_files_end_well() -> None:
    command = [sys.executable, str(PROGRAM), "-n", "500", "--odd", "150", "--workers", "1", "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    # The libtiff within Pillow, which reads rare compressions, prints what it thinks of odd tags, LibRaw of early ends.
    printed = re.compile(r"_?TIFF|.*\.tiff?:|unknown file: ")
    assert [line for line in ran.stderr.splitlines() if not printed.match(line)] == []
    counts = json.loads(ran.stdout.splitlines()[-1])
    assert counts["picture"] > 100
    assert counts["sentence"] > 100


@pytest.mark.parametrize("suffix", [".tif", ".webp"])
@pytest.mark.parametrize("offset", [1 << 40, (1 << 62) + 1, (1 << 64) - 1])
def test_offsets_that_no_file_has_are_told_in_a_sentence(tmp_path: Path, suffix: str, offset: int) -> None:
    tifffile.imwrite(tmp_path / "big.tif", files.scene(), photometric="rgb", bigtiff=True)
    data = bytearray((tmp_path / "big.tif").read_bytes())
    struct.pack_into("<Q", data, 8, offset)
    path = tmp_path / f"wild{suffix}"
    path.write_bytes(data)
    with pytest.raises(PictureError, match=path.name):
        Picture.open(path)


def test_a_png_that_cannot_hold_its_size_is_refused(tmp_path: Path) -> None:
    """One row of 16 million pixels in 70 bytes: to look for it took a gigabyte."""
    head, parts = odd.parts_of(files.write_png(tmp_path / "a.png", files.scene(3, 16)).read_bytes())
    header = struct.pack(">IIBBBBB", 16_744_192, 1, 16, 2, 0, 0, 0)
    parts = [(name, header if name == b"IHDR" else body[:15]) for name, body in parts]
    (tmp_path / "a.png").write_bytes(head + b"".join(odd.chunk(*part) for part in parts))
    with pytest.raises(PictureError, match=r"is cut off: \d+ bytes hold no 16744192 x 1 pixels"):
        Picture.open(tmp_path / "a.png")
    flat = Picture.from_array(np.zeros((3000, 3000), np.float32)).save(tmp_path / "flat.png")
    assert Picture.open(flat).array().max() == 0


def test_pages_in_a_circle_end(tmp_path: Path) -> None:
    data = bytearray(files.pages_tiff(tmp_path / "pages.tif").read_bytes())
    first = struct.unpack_from("<I", data, 4)[0]
    count = struct.unpack_from("<H", data, first)[0]
    struct.pack_into("<I", data, first + 2 + 12 * count, first)
    assert tiff.page_directory(BytesIO(data), 10**9) == {}


def test_metadata_that_is_no_text_costs_nothing_else(tmp_path: Path) -> None:
    picture = Picture.open(CASES / "avif-metadata-not-utf8.avif")
    assert picture.describe()["format"] == "avif"
    result = Picture.open(picture.save(tmp_path / "result.tif"))
    assert np.array_equal(result.array(), picture.array())
