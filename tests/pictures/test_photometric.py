"""What the numbers of a TIFF file mean is read from its tags; what is not understood is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import picture_files as files
import pytest
import tifffile
from PIL import Image

from sfumato.errors import PictureError
from sfumato.pictures.picture import Picture


def ycbcr(path: Path, **options: Any) -> np.ndarray:
    """Writes the scene as uncompressed YCbCr of full resolution and gives its RGB, as Pillow sees it."""
    stored = np.asarray(Image.fromarray(files.scene()).convert("YCbCr"))
    tifffile.imwrite(path, stored, photometric="ycbcr", metadata=None, **options)
    return np.asarray(Image.fromarray(stored, "YCbCr").convert("RGB")).astype(int)


@pytest.mark.parametrize("compression", [None, "zlib", "lzw"])
def test_ycbcr_has_its_colours(tmp_path: Path, compression: str | None) -> None:
    rgb = ycbcr(tmp_path / "a.tif", compression=compression)
    picture = Picture.open(tmp_path / "a.tif")
    assert "YCbCr" in picture.notes[0]
    assert np.abs(picture.array() * 255 - rgb).max() <= 1
    result = Picture.open(picture.save(tmp_path / "b.tif"))
    assert result.notes == ()
    np.testing.assert_array_equal(result.array(), picture.array())


def test_ycbcr_of_video_levels_is_stretched(tmp_path: Path) -> None:
    levels = (16, 1, 235, 1, 128, 1, 240, 1, 128, 1, 240, 1)
    grey = np.full((8, 8, 3), (235, 128, 128), np.uint8)
    grey[:4] = (16, 128, 128)
    tifffile.imwrite(tmp_path / "a.tif", grey, photometric="ycbcr", extratags=[(532, "2I", 6, levels, True)])
    pixels = Picture.open(tmp_path / "a.tif").array()
    assert (pixels[:4].max(), pixels[4:].min()) == (0, 1)


@pytest.mark.parametrize("changed", [{530: (2, 2)}, {530: None}, {258: (16, 16, 16)}])
def test_ycbcr_of_other_layouts_is_refused(tmp_path: Path, changed: dict) -> None:
    ycbcr(tmp_path / "a.tif")
    data = bytearray((tmp_path / "a.tif").read_bytes())
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        for tag, values in changed.items():
            entry = file.pages[0].tags[tag]
            if values is None:
                data[entry.offset : entry.offset + 2] = (65000).to_bytes(2, "little")
            else:
                new = np.array(values, "<u2").tobytes()
                data[entry.valueoffset : entry.valueoffset + len(new)] = new
    (tmp_path / "a.tif").write_bytes(data)
    with pytest.raises(PictureError, match="YCbCr colours in a way that is not understood"):
        Picture.open(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("photometric", "channels", "words"),
    [
        ("minisblack", 4, "stores 4 channels of grey"),
        ("minisblack", 3, "stores 3 channels of grey"),
        ("cfa", 1, "raw values of a colour filter"),
        ("linear_raw", 3, "linear raw values"),
        ("icclab", 3, "ICC Lab"),
        ("cielab", 3, "Lab colours at 8 bit"),
        ("logl", 1, "logarithms of luminance"),
        ("depth_map", 1, "a depth map"),
    ],
)
def test_what_is_not_understood_is_refused(tmp_path: Path, photometric: str, channels: int, words: str) -> None:
    values = np.dstack([files.scene(), files.transparency()])[..., :channels]
    planes = None if channels == 1 else "contig"
    tifffile.imwrite(
        tmp_path / "a.tif", values if channels > 1 else values[..., 0], photometric=photometric, planarconfig=planes
    )
    with pytest.raises(PictureError, match=words):
        Picture.open(tmp_path / "a.tif")


def test_white_as_zero_is_turned_or_refused(tmp_path: Path) -> None:
    for depth in (8, 16):
        values = files.scene(1, depth)[..., 0]
        tifffile.imwrite(tmp_path / "a.tif", values, photometric="miniswhite")
        expected = 1 - values / np.float32(2**depth - 1)
        np.testing.assert_allclose(Picture.open(tmp_path / "a.tif").array()[..., 0], expected, atol=1e-4)
    tifffile.imwrite(tmp_path / "a.tif", files.scene(1, 32)[..., 0], photometric="miniswhite")
    with pytest.raises(PictureError, match="white is 0"):
        Picture.open(tmp_path / "a.tif")
