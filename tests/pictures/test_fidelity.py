"""Whatever a picture file holds is there again when it has gone through: pixels, transparency, metadata."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import picture_files as files
import pytest
import pyvips
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageOps

from sfumato import restore
from sfumato.pictures.picture import Picture

LARGEST = {8: 255, 16: 65535, 32: 1}


@dataclass(frozen=True)
class Kind:
    """One kind of picture that a format can hold."""

    format: str
    depth: int
    num_channels: int
    alpha: bool
    icc: bool

    def __str__(self) -> str:
        colour = ("grey" if self.num_channels == 1 else "rgb") + ("-alpha" if self.alpha else "")
        return f"{self.format}-{self.depth}-{colour}" + ("-icc" if self.icc else "")

    def values(self) -> NDArray:
        colour = files.scene(self.num_channels, self.depth)
        return np.dstack([colour, files.transparency(self.depth)]) if self.alpha else colour

    def profile(self) -> bytes | None:
        return files.profile(grey=self.num_channels == 1) if self.icc else None

    def make(self, path: Path, orientation: int) -> Path:
        stored = np.ascontiguousarray(files.turned(self.values(), orientation))
        if self.format == "png":
            return files.write_png(path, stored, icc=self.profile(), exif=files.exif(orientation)[6:])
        if self.format == "tiff":
            return files.write_tiff(path, stored, alpha=self.alpha, icc=self.profile(), orientation=orientation)
        options: dict[str, Any] = {"quality": 95, "subsampling": "4:4:4", "dpi": (300, 300)}
        if self.format == "webp":
            options = {"lossless": True, "exact": True}
        shape = stored if stored.shape[2] > 1 else stored[..., 0]
        Image.fromarray(shape).save(path, icc_profile=self.profile(), exif=files.exif(orientation), **options)
        return path


def kinds() -> Iterator[Kind]:
    held = {"png": ((8, 16), (1, 3)), "tiff": ((8, 16, 32), (1, 3)), "webp": ((8,), (3,)), "jpeg": ((8,), (1, 3))}
    for format, (depths, channels) in held.items():
        for depth, num_channels, alpha, icc in product(depths, channels, (False, True), (False, True)):
            if not (format == "jpeg" and alpha):
                yield Kind(format, depth, num_channels, alpha, icc)


def gone_through(path: Path, orientation: int, folder: Path) -> Iterator[Path]:
    """The file as it comes out of the ways in and out: by a whole array, for some also untouched and by strips."""
    picture = Picture.open(path)
    ways = {"array": picture.with_array(picture.array())}
    if orientation in (1, 6):
        ways |= {"direct": picture, "strips": picture.with_strips(picture.strips(5))}
    for way, result in ways.items():
        yield result.save(folder / f"{way}{path.suffix}", overwrite=True)


def stored_values(path: Path) -> NDArray:
    """The values (h, w, c) in a file, not turned, by another reader than the package's where there is one."""
    if path.suffix == ".tiff":
        values = tifffile.imread(path)
    elif path.suffix == ".png":
        values = pyvips.Image.pngload(str(path)).numpy()  # Pillow reads no 16-bit colour
    else:
        values = np.asarray(Image.open(path))
    return values if values.ndim == 3 else values[..., None]


def pillow_reads(kind: Kind) -> bool:
    return kind.format != "tiff" or (kind.depth == 8 and not (kind.alpha and kind.num_channels == 1))


@pytest.mark.parametrize("kind", list(kinds()), ids=str)
def test_goes_through_upright_and_unharmed(kind: Kind, tmp_path: Path) -> None:
    values = kind.values()
    expected = values[..., : kind.num_channels].astype(np.float32) / np.float32(LARGEST[kind.depth])
    # JPEG: two generations at quality 95 of a noisy picture; everything else is exact.
    tolerance = {"jpeg": 5 / 255}.get(kind.format, 0)
    for orientation in range(1, 9):
        path = kind.make(tmp_path / f"{orientation}.{kind.format}", orientation)
        picture = Picture.open(path)
        assert (picture.height, picture.width) == values.shape[:2]
        assert (picture.num_channels, picture.has_alpha, picture.depth) == (kind.num_channels, kind.alpha, kind.depth)
        assert picture.format == kind.format
        assert picture.streamable == (orientation == 1 and kind.format != "webp")
        assert picture.notes == ()
        assert np.abs(picture.array() - expected).mean() <= tolerance
        alpha = picture.alpha()
        if kind.alpha:
            assert alpha is not None
            np.testing.assert_array_equal(alpha * LARGEST[kind.depth], values[..., -1].astype(np.float32))
        else:
            assert alpha is None
        for result in gone_through(path, orientation, tmp_path):
            found = stored_values(result)
            assert found.shape == values.shape
            assert found.dtype == values.dtype
            difference = np.abs(found.astype(np.float64) - values).mean() / LARGEST[kind.depth]
            assert difference <= tolerance, (orientation, result.name)
            if pillow_reads(kind):
                with Image.open(result) as reread:
                    assert reread.getexif().get(0x0112, 1) == 1
                    assert reread.info.get("icc_profile") == kind.profile()
                    assert reread.info.get("dpi", (300, 300)) == pytest.approx((300, 300), abs=0.1)
            header = pyvips.Image.new_from_file(str(result))
            assert (header.get("orientation") if header.get_typeof("orientation") else 1) == 1
            assert bool(header.get_typeof("icc-profile-data")) == kind.icc
            if kind.icc:
                assert header.get("icc-profile-data") == kind.profile()
            if kind.format != "tiff":
                assert files.CAMERA[1] in header.get("exif-ifd0-Model")
                assert files.TAKEN in header.get("exif-ifd2-DateTimeOriginal")
                assert files.MAKER_NOTE in header.get("exif-data")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_phones_jpeg_stands_as_others_show_it(tmp_path: Path, orientation: int) -> None:
    path = files.phone_jpeg(tmp_path / "phone.jpg", orientation=orientation, height=48, width=64)
    with Image.open(path) as opened:
        shown = np.asarray(ImageOps.exif_transpose(opened))
    picture = Picture.open(path)
    assert np.abs(picture.array() * 255 - shown).max() <= 2  # decoders round differently
    result = picture.with_array(picture.array()).save(tmp_path / "result.jpg")
    with Image.open(result) as reread:
        assert reread.size == (64, 48)
        assert reread.getexif().get(0x0112) == 1
        assert np.abs(np.asarray(reread).astype(int) - shown).mean() < 3
        assert not reread.getexif().get_ifd(1), "a thumbnail of the old picture is left"
        xmp = reread.info["xmp"]
    assert xmp == files.XMP.replace(b'Orientation="6"', b'Orientation="1"')
    assert result.read_bytes().count(b"\xff\xd8\xff") == 1


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tiff", ".avif", ".jpg"])
def test_a_photographs_story_goes_into_every_format_and_back(tmp_path: Path, suffix: str) -> None:
    """JPEG -> the format -> JPEG: camera, date, place, maker's note, XMP, profile, resolution."""
    path = files.phone_jpeg(tmp_path / "phone.jpg", orientation=8)
    picture = Picture.open(path)
    other = Picture.open(picture.save(tmp_path / f"other{suffix}"))
    assert other.describe()["camera"] == " ".join(files.CAMERA)
    assert other.describe()["taken"] == files.TAKEN
    assert other.describe()["resolution_dpi"] == pytest.approx((72, 72), abs=0.1)
    with Image.open(other.save(tmp_path / "back.jpg")) as back:
        tags = back.getexif()
        assert (tags[0x010F], tags[0x0110]) == files.CAMERA
        assert tags.get_ifd(0x8769)[0x927C] == files.MAKER_NOTE
        assert tags.get_ifd(0x8769)[0xA434] == "Lens of crown glass"
        assert tags.get_ifd(0x8825)[2] == (43.0, 46.0, 23.5)
        assert back.info["icc_profile"] == files.profile()
        assert b"Kitchen" in back.info["xmp"]
        assert back.info["dpi"] == pytest.approx((72, 72), abs=0.1)


def test_tiff_holds_exif_where_others_look_for_it(tmp_path: Path) -> None:
    result = Picture.open(files.phone_jpeg(tmp_path / "phone.jpg")).save(tmp_path / "result.tif")
    with Image.open(result) as reread:
        tags = reread.getexif()
        assert (tags[0x010F], tags[0x0110], tags[0x0112]) == (*files.CAMERA, 1)
        assert tags.get_ifd(0x8769)[0x9003] == files.TAKEN
        assert tags.get_ifd(0x8825)[2] == (43.0, 46.0, 23.5)
    with tifffile.TiffFile(result) as reread:
        assert reread.pages[0].tags["ExifTag"].value["LensModel"] == "Lens of crown glass"
        assert len(reread.pages) == 1


def test_iptc_is_kept_or_its_loss_is_said(tmp_path: Path) -> None:
    caption = b"\x1c\x02\x78" + (14).to_bytes(2, "big") + b"A kitchen wall"
    block = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + len(caption).to_bytes(4, "big") + caption + b"\0"
    path = files.phone_jpeg(tmp_path / "press.jpg")
    data = path.read_bytes()
    path.write_bytes(data[:2] + b"\xff\xed" + (len(block) + 2).to_bytes(2, "big") + block + data[2:])
    picture = Picture.open(path)
    assert block in picture.with_array(picture.array()).save(tmp_path / "result.jpg").read_bytes()
    assert picture.not_kept_by("jpeg") == ()
    assert "IPTC" in picture.not_kept_by("png")[0]


def test_further_pictures_in_a_jpeg_are_not_dropped_in_silence(tmp_path: Path) -> None:
    path = files.phone_jpeg(tmp_path / "phone.jpg")
    data = path.read_bytes()
    path.write_bytes(data[:2] + b"\xff\xe2\0\x0eMPF\0MM\0*\0\0\0\x08" + data[2:] + data)
    picture = Picture.open(path)
    assert "gain map" in picture.not_kept_by("jpeg")[0]
    assert restore(picture, strength=0).not_kept_by("jpeg") == ()  # the file is copied as it is
    assert picture.array().shape == (files.HEIGHT, files.WIDTH, 3)


@pytest.mark.parametrize("compression", [None, "zlib", "lzw"])
def test_a_tiff_keeps_its_compression_if_it_can(tmp_path: Path, compression: str | None) -> None:
    values = files.scene(height=64, width=64)
    tifffile.imwrite(
        tmp_path / "one.tif", values, photometric="rgb", compression=None if compression == "lzw" else compression
    )
    if compression == "lzw":
        Image.fromarray(values).save(tmp_path / "one.tif", compression="tiff_lzw")
    with (
        tifffile.TiffFile(tmp_path / "one.tif") as before,
        tifffile.TiffFile(Picture.open(tmp_path / "one.tif").save(tmp_path / "two.tif")) as after,
    ):
        assert after.pages[0].compression == before.pages[0].compression


def test_big_endian_and_bigtiff_are_read_with_their_story(tmp_path: Path) -> None:
    """EXIF of a little-endian file is carried into others whatever their byte order; here from other layouts."""
    for name, options in {"motorola.tif": {"byteorder": ">"}, "big.tif": {"bigtiff": True}}.items():
        tags = [(271, "s", 0, files.CAMERA[0], True), (272, "s", 0, files.CAMERA[1], True)]
        with tifffile.TiffWriter(tmp_path / name, **options) as file:
            file.write(files.scene(3, 16), photometric="rgb", metadata=None, extratags=tags)
        picture = Picture.open(tmp_path / name)
        assert picture.describe()["camera"] == " ".join(files.CAMERA)
        result = picture.save(tmp_path / "result.tif", overwrite=True)
        with tifffile.TiffFile(result) as reread:
            assert reread.pages[0].tags["Model"].value == files.CAMERA[1]
            np.testing.assert_array_equal(reread.asarray(), files.scene(3, 16))
