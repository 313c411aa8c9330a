"""Parts of pictures, and pictures for the eye."""

import io
import struct
from pathlib import Path

import numpy as np
import picture_files as files
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from sfumato import Picture
from sfumato.errors import UsageError
from sfumato.pictures.preview import MEDIA_TYPES, preview


def shown(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


@settings(deadline=None, max_examples=30)
@given(st.data())
def test_a_part_is_that_of_the_array_and_of_the_transparency(data: st.DataObject) -> None:
    height, width = data.draw(st.integers(1, 300)), data.draw(st.integers(1, 60))
    depth, channels, alpha = (
        data.draw(st.sampled_from([8, 16, 32])),
        data.draw(st.sampled_from([1, 3])),
        data.draw(st.booleans()),
    )
    random = np.random.default_rng(0)
    transparency = random.uniform(0, 1, (height, width)).astype(np.float32) if alpha else None
    picture = Picture.from_array(random.uniform(0, 1, (height, width, channels)), alpha=transparency, depth=depth)
    left, top = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    size = data.draw(st.integers(1, width - left)), data.draw(st.integers(1, height - top))
    part = picture.crop(left, top, *size)
    place = slice(top, top + size[1]), slice(left, left + size[0])
    assert (part.width, part.height, part.depth) == (*size, depth)
    assert np.array_equal(part.array(), picture.array()[place])
    if alpha:
        assert np.array_equal(part.alpha(), picture.alpha()[place])


def test_a_part_keeps_what_its_file_holds(tmp_path: Path) -> None:
    picture = Picture.open(files.phone_jpeg(tmp_path / "a.jpg"))
    part = Picture.open(picture.crop(3, 2, 20, 10).to_bytes())
    for fact in ("icc_profile", "camera", "taken", "xmp", "format"):
        assert part.describe()[fact] == picture.describe()[fact]
    for box in ((-1, 0, 5, 5), (0, 0, 0, 5), (0, 0, picture.width + 1, 5), (0, picture.height, 1, 1)):
        with pytest.raises(UsageError, match="does not lie within"):
            picture.crop(*box)
        with pytest.raises(UsageError, match="does not lie within"):
            preview(picture, size=10, crop=box)


@pytest.mark.parametrize("format", MEDIA_TYPES)
def test_a_preview_is_small_and_holds_nothing_but_the_picture(tmp_path: Path, format: str) -> None:
    path = files.phone_jpeg(tmp_path / "a.jpg", height=90, width=60)
    data = preview(Picture.open(path), size=45, format=format)
    image = Image.open(io.BytesIO(data))
    assert (image.width, image.height, image.format) == (30, 45, format.upper())
    assert not set(image.info) & {"icc_profile", "exif", "xmp"}
    assert b"Exif" not in data


def wide_profile() -> bytes:
    """An ICC profile with the primaries of Adobe RGB (adapted to D50) and a gamma of 2.2."""

    def xyz(*values: float) -> bytes:
        return b"XYZ \0\0\0\0" + struct.pack(">iii", *(round(65536 * value) for value in values))

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, 563) + b"\0\0"
    name = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"Wide\0" + b"\0" * 79
    parts = {b"desc": name + b"\0" * (-len(name) % 4), b"wtpt": xyz(0.9642, 1, 0.8249)}
    parts |= {b"rXYZ": xyz(0.60974, 0.31111, 0.01947), b"gXYZ": xyz(0.20528, 0.62567, 0.06087)}
    parts |= {b"bXYZ": xyz(0.14919, 0.06322, 0.74457), b"rTRC": curve, b"gTRC": curve, b"bTRC": curve}
    at, table = 132 + 12 * len(parts), struct.pack(">I", len(parts))
    for tag, block in parts.items():
        table += tag + struct.pack(">II", at, len(block))
        at += len(block)
    head = struct.pack(">I4sI4s4s4s", at, b"\0\0\0\0", 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H", 2021, 5, 4, 3, 2, 1) + b"acsp" + b"\0" * 28 + struct.pack(">iii", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + table + b"".join(parts.values())


def test_colours_of_a_profile_are_shown_as_srgb(tmp_path: Path) -> None:
    wide = ImageCms.ImageCmsProfile(io.BytesIO(wide_profile()))
    stored = Image.fromarray(files.scene(height=60, width=80))
    stored.save(tmp_path / "a.png", icc_profile=wide.tobytes())
    expected = ImageCms.profileToProfile(stored, wide, ImageCms.createProfile("sRGB"))
    got = shown(preview(Picture.open(tmp_path / "a.png"), size=4000, format="png"))
    assert np.abs(np.asarray(expected, int) - np.asarray(stored, int)).mean() > 3
    assert np.abs(got.astype(int) - np.asarray(expected, int)).mean() < 1
    small = shown(preview(Picture.open(tmp_path / "a.png"), size=20, format="png"))
    assert np.abs(small.mean(axis=(0, 1)) - np.asarray(expected).mean(axis=(0, 1))).max() < 6


@pytest.mark.parametrize("depth", [8, 16, 32])
def test_deeper_pictures_are_shown_in_eight_bits(depth: int) -> None:
    ramp = np.linspace(0, 1, 64, dtype=np.float32)[None, :, None] * np.ones((8, 1, 3), np.float32)
    got = shown(preview(Picture.from_array(ramp, depth=depth), size=100, format="png"))
    assert got.dtype == np.uint8
    assert np.abs(got - 255 * ramp).max() <= 0.51


def test_counts_of_a_detector_are_shown_from_black_to_white() -> None:
    counts = np.random.default_rng(0).uniform(130, 570, (64, 64, 1)).astype(np.float32)
    got = shown(preview(Picture.from_array(counts, depth=32, format="tiff"), size=64, format="png"))
    assert got.min() < 5
    assert got.max() > 250


def test_transparency_stays_or_lies_on_white() -> None:
    picture = Picture.from_array(np.zeros((8, 8, 3), np.float32), alpha=np.zeros((8, 8), np.float32))
    assert shown(preview(picture, size=8, format="png")).shape == (8, 8, 4)
    assert shown(preview(picture, size=8, format="jpeg")).min() == 255
    with pytest.raises(UsageError, match="give one of"):
        preview(picture, size=8, format="gif")
