"""Any file at all ends in a picture or in a sentence: no traceback, no hang, no runaway memory, nothing printed."""

from __future__ import annotations

import json
import logging
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
from sfumato.pictures.vips import vips

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


def _tall(dtype: str, photometric: str, **layout: object) -> bytes:
    """A TIFF file of 4096 rows of 24 pixels that lies on its side, compressed unless told otherwise."""
    file, options = BytesIO(), {"compression": "lzw", "metadata": None, **layout}
    values = np.random.default_rng(0).integers(0, 255, (4096, 24, 3)).astype(dtype)
    tifffile.imwrite(file, values, photometric=photometric, extratags=[(274, "H", 1, 7, True)], **options)  # type: ignore[arg-type]
    return file.getvalue()


def _with_number(data: bytes, tag: int, number: int) -> bytes:
    """A little-endian TIFF file whose tag holds another number."""
    start = struct.unpack_from("<I", data, 4)[0]
    entries = range(start + 2, start + 2 + 12 * struct.unpack_from("<H", data, start)[0], 12)
    entry = next(at for at in entries if struct.unpack_from("<H", data, at)[0] == tag)
    return data[: entry + 2] + struct.pack("<HII", 4, 1, number) + data[entry + 12 :]


def test_a_tiff_that_cannot_hold_its_size_is_refused() -> None:
    """Pictures of 65,535 rows in 6 tiles took a minute to read, and half a million columns in 96 bytes a gigabyte."""
    tiled = _with_number(_tall("u1", "rgb", tile=(16, 16)), 257, 65_535)
    with pytest.raises(PictureError, match=r"it lists 512 of the 8192 strips or tiles of 24 x 65535 pixels"):
        Picture.open(tiled)
    plain = _with_number(_tall("u1", "rgb", compression=None), 256, 4_000)
    with pytest.raises(PictureError, match=r"is cut off: \d+ bytes hold no 4000 x 4096 pixels"):
        Picture.open(plain)


@pytest.mark.parametrize(
    ("layout", "planar"),
    [
        ({"compression": None}, 1),
        ({"compression": None}, 2),
        ({"tile": (16, 16)}, 1),
        ({"rowsperstrip": 7}, 1),
        ({"rowsperstrip": 7}, 2),
    ],
)
def test_a_whole_tiff_counts_as_whole(layout: dict[str, object], planar: int) -> None:
    values, file = files.scene(), BytesIO()
    stored = values.transpose(2, 0, 1) if planar == 2 else values
    tifffile.imwrite(file, stored, photometric="rgb", planarconfig=planar, **{"compression": "lzw", **layout})  # type: ignore[arg-type]
    np.testing.assert_array_equal(np.rint(255 * Picture.open(file.getvalue()).array()), values)


def test_a_tiled_picture_is_turned_as_one_in_strips_is() -> None:
    tiled, strips = (Picture.open(_tall("u1", "rgb", **layout)) for layout in ({"tile": (16, 16)}, {"rowsperstrip": 8}))
    assert (tiled.width, tiled.height) == (4096, 24)
    np.testing.assert_array_equal(tiled.array(), strips.array())


def test_wide_rows_are_fetched_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    data = _tall("u1", "rgb", rowsperstrip=8)
    whole = Picture.open(data).array()
    monkeypatch.setattr("sfumato.pictures.pixels._MOST_FETCHED", 4096 * 5)
    strips = list(Picture.open(data).strips(13))
    assert [len(strip) for strip in strips] == [13, 11]
    np.testing.assert_array_equal(np.concatenate(strips), whole)


def test_a_warning_that_is_no_utf8_is_logged_and_not_complained_of(capfd: pytest.CaptureFixture[str]) -> None:
    pyvips, logger = vips(), logging.getLogger("pyvips")
    domain, message = (pyvips.ffi.new("char[]", text) for text in (b"VIPS", b"tag \xff\xfe of no kind"))
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    logger.addHandler(handler)
    try:
        pyvips._log_handler_callback(domain, pyvips.GLogLevelFlags.LEVEL_WARNING, message, pyvips.ffi.NULL)
    finally:
        logger.removeHandler(handler)
    assert said == ["VIPS: tag \ufffd\ufffd of no kind"]
    assert capfd.readouterr().err == ""
