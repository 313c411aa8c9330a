"""Formats that libvips does not read: to the bit what went in, or a sentence that does not call them damaged."""

import importlib.util
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import picture_files as files
import pytest
import tifffile
from command_line import Run
from PIL import Image

from sfumato.errors import MissingExtra, PictureError
from sfumato.pictures.picture import Picture

SCENE, DEEP = files.scene(), files.scene(3, 16)


def frames(count: int = 4) -> list[Image.Image]:
    return [Image.fromarray(files.scene(seed=seed)) for seed in range(count)]


def animated(path: Path) -> Path:
    first, *others = frames()
    first.save(path, save_all=True, append_images=others, duration=100, lossless=True)
    return path


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_animations_are_refused_with_the_way_out(tmp_path: Path, suffix: str, run: Run) -> None:
    path = animated(tmp_path / f"moving{suffix}")
    with pytest.raises(PictureError, match=r"an animation of 4 frames, .* choose a frame with page"):
        Picture.open(path)
    for number in (1, 3):
        picture = Picture.open(path, page=number)
        np.testing.assert_allclose(picture.array() * 255, files.scene(seed=number - 1), atol=1e-3)
        assert f"Page {number} of 4" in picture.notes[0]
    with pytest.raises(PictureError, match="no page 5"):
        Picture.open(path, page=5)
    assert "4" in next(line for line in run("info", path).out.splitlines() if "pages" in line)


@pytest.mark.parametrize("name", ["a.bmp", "a.ppm", "a.jp2", "a.j2k"])
def test_colour_of_8_bit_comes_as_it_is(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    Image.fromarray(SCENE).save(path)
    picture = Picture.open(path)
    assert (picture.depth, picture.num_channels, picture.output_format) == (8, 3, "png")
    np.testing.assert_array_equal(np.round(picture.array() * 255), SCENE)
    result = picture.with_array(picture.array()).save(tmp_path / "result.png")
    np.testing.assert_array_equal(np.asarray(Image.open(result)), SCENE)


@pytest.mark.parametrize("largest", [1, 15, 255, 1023, 65535])
@pytest.mark.parametrize("channels", [1, 3])
def test_portable_maps_of_any_depth(tmp_path: Path, largest: int, channels: int) -> None:
    values = np.round(files.scene(channels, 16) / 65535 * largest)
    kind = "u1" if largest < 256 else ">u2"
    head = b"P%d\n# by hand\n%d %d\n%d\n" % (5 if channels == 1 else 6, files.WIDTH, files.HEIGHT, largest)
    (tmp_path / "a.pnm").write_bytes(head + values.astype(kind).tobytes())
    picture = Picture.open(tmp_path / "a.pnm")
    assert picture.depth == (8 if largest < 256 else 16)
    np.testing.assert_allclose(picture.array(), values / largest, atol=0.51 / 255 if largest < 255 else 1e-5)
    (tmp_path / "a.pnm").write_bytes(head + values.astype(kind).tobytes()[:-9])
    with pytest.raises(PictureError, match="damaged or incomplete"):
        Picture.open(tmp_path / "a.pnm")


def test_bits_grey_and_palettes(tmp_path: Path) -> None:
    image = Image.fromarray(SCENE)
    for name, mode in {"a.pbm": "1", "a.bmp": "1", "b.bmp": "L", "c.bmp": "P"}.items():
        image.convert(mode).save(tmp_path / name)
        expected = np.asarray(image.convert(mode).convert("RGB" if mode == "P" else "L"))
        found = np.round(Picture.open(tmp_path / name).array() * 255)
        np.testing.assert_array_equal(found if mode == "P" else found[..., 0], expected)


@pytest.mark.parametrize("values", [SCENE, DEEP, files.scene(1, 8), np.dstack([SCENE, files.transparency()])])
@pytest.mark.parametrize("kind", ["jxl", "jp2"])
def test_jpeg_xl_and_deep_jpeg_2000(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, values: np.ndarray
) -> None:
    encode: Any = {"jxl": imagecodecs.jpegxl_encode, "jp2": imagecodecs.jpeg2k_encode}[kind]
    path = tmp_path / f"a.{kind}"
    path.write_bytes(encode(values, lossless=True) if kind == "jxl" else encode(values, reversible=True))
    picture = Picture.open(path)
    assert picture.depth == 8 * values.itemsize
    largest = np.iinfo(values.dtype).max
    channels = picture.num_channels
    np.testing.assert_allclose(picture.array() * largest, values[..., :channels], atol=1e-2)
    assert picture.has_alpha == (values.shape[2] == 4)
    if kind == "jxl" or values is DEEP:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
        with pytest.raises(MissingExtra, match=r'pip install "sfumato\[media\]"'):
            Picture.open(path)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("bits", [1, 4, 10, 12, 15])
@pytest.mark.parametrize("kind", ["jxl", "jp2", "j2k"])
def test_odd_depths_keep_white(tmp_path: Path, kind: str, bits: int, channels: int) -> None:
    values = np.round(files.scene(channels, 16) / 65535 * (2**bits - 1)).astype("u1" if bits < 9 else "u2")
    encode: Any = imagecodecs.jpegxl_encode if kind == "jxl" else imagecodecs.jpeg2k_encode
    options = {"lossless": True} if kind == "jxl" else {"reversible": True, "codecformat": kind}
    (tmp_path / "a").write_bytes(encode(values, bitspersample=bits, **options))
    picture = Picture.open(tmp_path / "a")
    assert picture.depth == 8 * values.itemsize
    np.testing.assert_allclose(picture.array(), values / (2**bits - 1), atol=0.51 / (2**picture.depth - 1))


def test_signed_jpeg_2000_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jp2").write_bytes(imagecodecs.jpeg2k_encode(SCENE.astype("i2"), reversible=True))
    with pytest.raises(PictureError, match=r"16 \(signed\) bits, .* not supported"):
        Picture.open(tmp_path / "a.jp2")


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_animated_jpeg_xl_is_refused(tmp_path: Path, channels: int) -> None:
    values = np.stack([files.scene(seed=seed) for seed in range(4)])[..., [0, 1, 2, 0][:channels]]
    (tmp_path / "a.jxl").write_bytes(imagecodecs.jpegxl_encode(values, lossless=True))
    with pytest.raises(PictureError, match=r"an animation of 4 frames, .* animated PNG or WebP"):
        Picture.open(tmp_path / "a.jxl")


def test_animated_avif_is_refused(tmp_path: Path, run: Run) -> None:
    first, *others = frames()
    first.save(tmp_path / "a.avif", save_all=True, append_images=others, quality=100, subsampling="4:4:4")
    with pytest.raises(PictureError, match=r"an animation of 4 frames, .* choose a frame with page"):
        Picture.open(tmp_path / "a.avif")
    for number in (1, 3):
        picture = Picture.open(tmp_path / "a.avif", page=number)
        assert np.abs(picture.array() * 255 - files.scene(seed=number - 1)).mean() < 4
    assert "4" in next(line for line in run("info", tmp_path / "a.avif").out.splitlines() if "pages" in line)


def test_a_jpeg_xl_of_wild_size_is_not_decoded(tmp_path: Path) -> None:
    wild = (0b110 | (1 << 30) - 1 << 3).to_bytes(16, "little")
    (tmp_path / "a.jxl").write_bytes(b"\xff\n" + wild + b"\0" * 99)
    with pytest.raises(PictureError, match="pixels"):
        Picture.open(tmp_path / "a.jxl")


@pytest.mark.parametrize("compression", ["zstd", "lzma"])
def test_tiff_in_zstandard_and_lzma(tmp_path: Path, compression: str) -> None:
    options: dict[str, Any] = {"compression": compression, "photometric": "rgb"}
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for seed in range(2):
            file.write(files.scene(seed=seed), resolution=(300, 300), resolutionunit="INCH", **options)
    picture = Picture.open(tmp_path / "a.tif", page=2)
    np.testing.assert_array_equal(np.round(picture.array() * 255), files.scene(seed=1))
    assert picture.describe()["resolution_dpi"] == (300, 300)
    result = picture.with_array(picture.array()).save(tmp_path / "result.tif")
    np.testing.assert_array_equal(tifffile.imread(result), files.scene(seed=1))
    grey = files.scene(1, 16)[..., 0]
    tifffile.imwrite(tmp_path / "grey.tif", grey, compression=compression)
    np.testing.assert_array_equal(np.round(Picture.open(tmp_path / "grey.tif").array()[..., 0] * 65535), grey)


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize(
    ("compression", "depth"),
    [("zstd", 16), ("lzma", 16), ("zstd", 32), ("lerc", 16), ("jpeg2000", 8), ("jpegxl", 8), ("png", 16)],
)
def test_tiff_in_other_compressions(tmp_path: Path, compression: str, depth: int, planar: str) -> None:
    scene = files.scene(3, depth)
    options: dict[str, Any] = {"compression": compression, "photometric": "rgb", "planarconfig": planar}
    stored = np.moveaxis(scene, -1, 0) if planar == "separate" else scene
    tifffile.imwrite(tmp_path / "a.tif", stored, resolution=(300, 300), resolutionunit="INCH", **options)
    picture = Picture.open(tmp_path / "a.tif")
    values = picture.array() * (1 if depth == 32 else 2**depth - 1)
    np.testing.assert_allclose(values, scene, atol=1e-6 if depth == 32 else 1)  # JPEG 2000 and XL round
    assert (picture.depth, picture.describe()["resolution_dpi"]) == (depth, (300, 300))


def test_what_is_not_supported_is_not_called_damaged(tmp_path: Path) -> None:
    values = np.round(files.scene(3, 16) / 65535 * 4095).astype(np.uint32)
    tifffile.imwrite(tmp_path / "a.tif", values, compression="zstd", photometric="rgb")
    with pytest.raises(PictureError, match=r"which is not supported here .* save it with LZW or Deflate"):
        Picture.open(tmp_path / "a.tif")


def test_webp_in_tiff(tmp_path: Path) -> None:
    options: dict[str, Any] = {"compression": "webp", "compressionargs": {"lossless": True}}
    tifffile.imwrite(tmp_path / "a.tif", SCENE, photometric="rgb", **options)
    np.testing.assert_array_equal(np.round(Picture.open(tmp_path / "a.tif").array() * 255), SCENE)


def test_unknown_compression_of_tiff(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", SCENE, photometric="rgb", compression="deflate")
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+") as file:
        file.pages[0].tags[259].overwrite(34661)  # JBIG
    with pytest.raises(PictureError, match="compressed in a way that is not supported here"):
        Picture.open(tmp_path / "a.tif").array()


def test_more_tiles_than_the_decoder_takes_are_no_damage(tmp_path: Path) -> None:
    """As photographs of 100 megapixels and more have in HEIC."""
    contents = bytearray(Picture.from_array(SCENE).save(tmp_path / "a.avif").read_bytes())
    count = contents.index(b"iinf") + 8  # after the name, a version and flags
    contents[count : count + 2] = (822).to_bytes(2, "big")
    with pytest.raises(PictureError, match="in more parts, than its decoder takes; save it as JPEG or TIFF"):
        Picture.open(bytes(contents)).array()


def test_raw_files_are_developed(tmp_path: Path) -> None:
    pytest.importorskip("rawpy")
    picture = Picture.open(files.raw_file(tmp_path / "camera.dng"))
    assert (picture.depth, picture.num_channels, picture.output_format) == (16, 3, "png")
    assert (picture.width, picture.height) == (60, 80)  # upright
    assert "developed" in picture.notes[0]
    assert picture.describe()["camera"] == " ".join(files.CAMERA)
    pixels = picture.array()
    assert pixels[:20, 40:].mean() > pixels[60:, :20].mean() + 0.05  # the light corner, a quarter turn on
    result = Picture.open(picture.with_array(pixels).save(tmp_path / "result.png"))
    assert result.describe()["camera"] == " ".join(files.CAMERA)


@pytest.mark.parametrize("begin", [b"FUJIFILMCCD-RAW 0201", b"IIRO\x08\0", b"IIU\0\x18\0", b"\0\0\0\x18ftypcrx \0"])
def test_raw_files_of_other_makers_are_known_by_how_they_begin(
    tmp_path: Path, begin: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.raf").write_bytes(begin + bytes(2000))
    with pytest.raises(PictureError, match="is damaged or incomplete"):
        Picture.open(tmp_path / "a.raf")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="is a camera's raw file"):
        Picture.open(tmp_path / "a.raf")


def test_raw_files_without_their_decoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files.raw_file(tmp_path / "camera.dng")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"camera\.dng is a camera's raw file; to read it: pip install"):
        Picture.open(tmp_path / "camera.dng")


def test_damage_in_them_is_told_in_a_sentence(tmp_path: Path) -> None:
    for suffix in (".bmp", ".ppm", ".jp2"):
        path = tmp_path / f"a{suffix}"
        Image.fromarray(SCENE).save(path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(PictureError, match=rf"a\{suffix} is "):
            Picture.open(path).array()
