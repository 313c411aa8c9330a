"""A damaged file ends in one clear sentence or in a valid picture: no other exception, no hang, no runaway memory.

The 200 files are opened, read in full and saved again by one process that may not use more than 2 GB, and that writes
to nobody's terminal.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import picture_files as files
import pytest
from PIL import Image

NUM_FILES = 200
SECONDS = 120
MEGABYTES = 2000

READER = """
import json, resource, sys, time
from pathlib import Path
import numpy
from sfumato.errors import SfumatoError
from sfumato.pictures.picture import Picture

reports = {}
for path in sorted(Path(sys.argv[1]).iterdir()):
    begun = time.perf_counter()
    try:
        picture = Picture.open(path)
        shape = picture.array().shape
        assert shape == (picture.height, picture.width, picture.num_channels), shape
        alpha = picture.alpha()
        assert (alpha is not None) == picture.has_alpha
        picture.describe()
        picture.save(Path(sys.argv[2]) / "result.tif", overwrite=True)
        reports[path.name] = ["picture", ""]
    except SfumatoError as error:
        reports[path.name] = [type(error).__name__, str(error)]
    except BaseException as error:
        reports[path.name] = ["other", repr(error)]
    reports[path.name].append(time.perf_counter() - begun)
status = Path("/proc/self/status")
peak = 0
if status.exists():
    peak = next(int(line.split()[1]) // 1024 for line in status.read_text().splitlines() if line.startswith("VmHWM"))
print(json.dumps({"reports": reports, "peak": peak, "left": [p.name for p in Path(sys.argv[2]).iterdir()]}))
"""


def valid_files(folder: Path) -> list[Path]:
    folder.mkdir()
    rgb = Image.fromarray(files.scene(height=96, width=128))
    made = [
        files.phone_jpeg(folder / "phone.jpg", height=96, width=128),
        files.scan_tiff(folder / "scan.tif", height=96, width=128),
        files.transparent_png(folder / "window.png", height=96, width=128),
        files.write_png(folder / "deep.png", files.scene(3, 16), icc=files.profile(), exif=files.exif(3)[6:]),
    ]
    for name, options in {
        "progressive.jpg": {"progressive": True, "quality": 90},
        "lossy.webp": {"quality": 80, "exif": files.exif(6)},
        "lossless.webp": {"lossless": True},
        "still.avif": {"quality": 80},
        "plain.gif": {},
        "lzw.tif": {"compression": "tiff_lzw"},
        "told.tif": {"exif": files.exif()},
    }.items():
        rgb.save(folder / name, **options)
        made.append(folder / name)
    rgb.convert("CMYK").save(folder / "print.jpg")
    rgb.convert("P").save(folder / "palette.png")
    return [*made, folder / "print.jpg", folder / "palette.png"]


def _truncated(data: bytes, rng: np.random.Generator) -> bytes:
    return data[: int(rng.integers(1, len(data)))]


def _flipped(data: bytes, rng: np.random.Generator) -> bytes:
    damaged = bytearray(data)
    for _ in range(int(rng.integers(1, 20))):
        damaged[rng.integers(len(damaged))] ^= 1 << int(rng.integers(8))
    return bytes(damaged)


def _head_flipped(data: bytes, rng: np.random.Generator) -> bytes:
    damaged = bytearray(data)
    for _ in range(3):
        damaged[rng.integers(min(200, len(damaged)))] = rng.integers(256)
    return bytes(damaged)


def _zeroed(data: bytes, rng: np.random.Generator) -> bytes:
    start = int(rng.integers(len(data)))
    return data[:start] + b"\0" * (len(data) - start)


def _cut_out(data: bytes, rng: np.random.Generator) -> bytes:
    start, stop = sorted(int(i) for i in rng.integers(len(data), size=2))
    return data[:start] + data[stop:]


DAMAGES: list[Callable[[bytes, np.random.Generator], bytes]] = [_truncated, _flipped, _head_flipped, _zeroed, _cut_out]


def huge(data: bytes, side: int) -> bytes:
    """The file with a declared size of `side` x `side`, as a bomb or one wrong bit would have it."""
    wide = side.to_bytes(4, "big")
    if data[:4] == b"\x89PNG":
        return data[:16] + wide + wide + data[24:]
    if data[:3] == b"\xff\xd8\xff":
        frame = list(re.finditer(rb"\xff[\xc0\xc2]\0\x11\x08", data))[-1]  # the first may be the thumbnail's
        return data[: frame.end()] + wide[2:] + wide[2:] + data[frame.end() + 4 :]
    assert data[:4] == b"II*\0"
    start = int.from_bytes(data[4:8], "little")
    damaged = bytearray(data)
    for i in range(int.from_bytes(data[start : start + 2], "little")):
        at = start + 2 + 12 * i
        if int.from_bytes(data[at : at + 2], "little") in (256, 257):
            damaged[at + 2 : at + 4] = b"\4\0"
            damaged[at + 8 : at + 12] = side.to_bytes(4, "little")
    return bytes(damaged)


def corrupted(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each file."""
    valid = {path.name: path.read_bytes() for path in valid_files(folder)}
    for name in ("phone.jpg", "progressive.jpg", "window.png", "deep.png", "palette.png", "scan.tif", "lzw.tif"):
        for side in (20_000, 60_000):
            yield f"huge-{side}-{name}", huge(valid[name], side)
    yield from {
        "empty.jpg": b"",
        "one-byte.png": b"\x89",
        "text.jpg": b"no picture at all\n" * 50,
        "zeros.tif": b"\0" * 4096,
        "program.webp": b"\x7fELF" + bytes(range(256)) * 8,
        "drawing.png": b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
        "table.jpg": b"1,2,3\n4,5,6\n",
        "archive.tif": b"PK\3\4" + b"\0" * 200,
        "only-the-head.gif": b"GIF89a",
        "only-the-head.webp": b"RIFF\xff\xff\xff\x7fWEBPVP8 ",
        "only-the-head.avif": b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf",
    }.items()
    for name, data in valid.items():
        yield f"misnamed-{Path(name).stem}.{'png' if name.endswith('jpg') else 'jpg'}", data
    rng = np.random.default_rng(1519)
    for number in range(NUM_FILES - 14 - 11 - len(valid)):
        name, data = list(valid.items())[number % len(valid)]
        damage = DAMAGES[number // len(valid) % len(DAMAGES)]
        yield f"{number:03}{damage.__name__}-{name}", damage(data, rng)


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, str]:
    root = tmp_path_factory.mktemp("corrupt")
    (root / "in").mkdir()
    (root / "out").mkdir()
    for name, data in corrupted(root / "valid"):
        (root / "in" / name).write_bytes(data)
    assert len(list((root / "in").iterdir())) == NUM_FILES
    command = [sys.executable, "-c", READER, str(root / "in"), str(root / "out")]
    process = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout), process.stderr


def test_damage_ends_in_a_sentence_or_a_picture(outcome: tuple[dict, str]) -> None:
    reports = outcome[0]["reports"]
    assert len(reports) == NUM_FILES
    for name, (kind, sentence, seconds) in reports.items():
        assert kind in ("picture", "PictureError", "DecoderLimit"), f"{name}: {sentence}"
        assert seconds < 20, name
        if kind == "PictureError":
            assert sentence.count(name) == 1, sentence
            assert sentence.endswith("."), sentence
            assert "\n" not in sentence
            assert len(sentence.replace(str(name), "")) < 400
            assert "Traceback" not in sentence


def test_damage_costs_no_memory_and_prints_nothing(outcome: tuple[dict, str]) -> None:
    found, printed = outcome
    assert found["peak"] < MEGABYTES
    assert printed == ""
    assert [name for name in found["left"] if name != "result.tif"] == []


def test_damage_that_must_show_does(outcome: tuple[dict, str]) -> None:
    """What is cut short or states what it does not hold is refused, and a wrong suffix is no damage."""
    reports = outcome[0]["reports"]
    for name, (kind, sentence, _) in reports.items():
        if "_truncated" in name or name.startswith(("huge", "only", "empty", "text", "drawing", "table")):
            assert kind == "PictureError", name
        if name.startswith("misnamed"):
            assert kind == "picture", f"{name}: {sentence}"
