"""Pages of a TIFF file: restored one by one, joined into a file that other readers agree on."""

from pathlib import Path

import numpy as np
import picture_files as files
import pytest
import tifffile
from command_line import Run, make_picture
from PIL import Image

from sfumato.errors import PictureError
from sfumato.pictures import pages
from sfumato.pictures.picture import Picture

MODEL = ("--model", "level.onnx", "--noise", "50")


def test_pages_of_any_kind_are_joined(tmp_path: Path) -> None:
    """Of any size and depth, with profile, EXIF and transparency."""
    scenes = [files.scene(), files.scene(3, 16, height=70, width=300), files.scene(1, 32), files.scene(3, 8, height=9)]
    parts = [files.write_tiff(tmp_path / "1.tif", scenes[0], alpha=False, icc=files.profile(), orientation=1)]
    parts = [Picture.open(parts[0]).save(tmp_path / "first.tif")]
    for number, values in enumerate(scenes[1:]):
        source = files.write_tiff(tmp_path / "source.tif", values, alpha=False, icc=None, orientation=1)
        parts.append(Picture.open(source).save(tmp_path / f"part{number}.tif"))
    parts.append(Picture.open(files.phone_jpeg(tmp_path / "phone.jpg")).save(tmp_path / "phone.tif"))
    pages.join_pages(parts, tmp_path / "all.tif")
    assert pages.num_pages(tmp_path / "all.tif") == 5
    with tifffile.TiffFile(tmp_path / "all.tif") as file:
        assert len(file.pages) == 5
        for page, values in zip(file.pages, scenes, strict=False):
            np.testing.assert_array_equal(page.asarray(), values if values.shape[2] > 1 else values[..., 0])
        assert file.pages[0].tags["InterColorProfile"].value == files.profile()
        assert file.pages[4].tags["ExifTag"].value["LensModel"] == "Lens of crown glass"
    with Image.open(tmp_path / "all.tif") as image:
        image.seek(4)
        assert image.getexif().get_ifd(0x8825)[2] == (43.0, 46.0, 23.5)
    for number, part in enumerate(parts):
        page = Picture.open(tmp_path / "all.tif", page=number + 1)
        np.testing.assert_array_equal(page.array(), Picture.open(part).array())


def test_files_without_pages_have_one(tmp_path: Path) -> None:
    assert pages.num_pages(files.pages_tiff(tmp_path / "a.tif")) == 3
    assert pages.num_pages(files.phone_jpeg(tmp_path / "a.jpg")) == 1
    assert pages.num_pages(tmp_path / "none.tif") == 1
    (tmp_path / "b.tif").write_bytes(b"II*\0\x08\0\0\0")
    assert pages.num_pages(tmp_path / "b.tif") == 1


def test_bigtiff_is_not_joined(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "big.tif", files.scene(), photometric="rgb", bigtiff=True)
    with pytest.raises(PictureError, match="exceed 4 GB"):
        pages.join_pages([tmp_path / "big.tif"] * 2, tmp_path / "all.tif")


def test_every_page_is_restored_into_one_file(here: Path, run: Run) -> None:
    files.pages_tiff(here / "scan.tif")
    make_picture(here / "one.tif")
    ran = run("restore", "scan.tif", "one.tif", "-o", "out", "--all-pages", *MODEL)
    assert (ran.status, ran.err) == (0, "")
    with tifffile.TiffFile(here / "out/scan.tif") as file:
        found = [page.asarray().astype(float) for page in file.pages]
    assert len(found) == 3
    for seed, values in enumerate(found):
        np.testing.assert_allclose(values, (files.scene(seed=seed) - 5.0).clip(0), atol=1.01)
    assert pages.num_pages(here / "out/one.tif") == 1
    assert "2 already there" in run("restore", "scan.tif", "one.tif", "-o", "out", "--all-pages", *MODEL).out
    refused = run("restore", "scan.tif", "-o", "all.png", "--all-pages", *MODEL)
    assert (refused.status, "cannot hold 3 pages" in refused.err) == (1, True)
    refused = run("restore", "scan.tif", "--all-pages", "--page", "2", *MODEL)
    assert (refused.status, "--all-pages goes without" in refused.err) == (2, True)
