"""How pictures behave: what is refused and how, what is converted and said, what is never lost or overwritten."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import picture_files as files
import pytest
import pyvips
import tifffile
from PIL import Image

from sfumato.errors import MissingExtra, PictureError, UsageError
from sfumato.pictures import write
from sfumato.pictures.picture import Picture


def only(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# Arrays


@pytest.mark.parametrize("depth", [8, 16, 32])
@pytest.mark.parametrize("num_channels", [1, 3])
def test_every_stored_value_survives(tmp_path: Path, depth: int, num_channels: int) -> None:
    if depth == 32:
        values = np.array([-3.5, -0.0, 1e-20, 0.1, 1.0, 7.25, 1e6] * 6, np.float32).reshape(7, 6, 1)
    else:
        values = np.arange(2**depth).astype(np.uint8 if depth == 8 else np.uint16).reshape(2 ** (depth // 2), -1, 1)
    values = np.repeat(values, num_channels, 2)
    nominal = values if depth == 32 else values.astype(np.float32) / np.float32(2**depth - 1)
    made = Picture.from_array(nominal, depth=depth, format="tiff")
    np.testing.assert_array_equal(made.array(), nominal)
    first = Picture.open(made.save(tmp_path / "first.tif"))
    np.testing.assert_array_equal(first.array(), nominal)
    second = first.with_strips(first.strips(3)).save(tmp_path / "second.tif")
    np.testing.assert_array_equal(tifffile.imread(second), values if num_channels == 3 else values[..., 0])


def test_values_are_rounded_to_the_nearest_and_clipped() -> None:
    values = np.array([[-0.5, 0.49 / 255, 0.51 / 255, 254.6 / 255, 1.0, 1.7]], np.float32)
    made = Picture.from_array(values, depth=8)
    np.testing.assert_allclose(made.array()[..., 0] * 255, [[0, 0, 1, 255, 255, 255]], atol=1e-4)


@pytest.mark.parametrize("rows", [1, 7, 96, 1000])
@pytest.mark.parametrize("name", ["phone.jpg", "scan.tif", "window.png", "turned.jpg"])
def test_strips_are_the_array(tmp_path: Path, name: str, rows: int) -> None:
    make = {"phone.jpg": files.phone_jpeg, "scan.tif": files.scan_tiff, "window.png": files.transparent_png}
    path = make.get(name, files.phone_jpeg)(tmp_path / name, height=96, width=51)
    picture = Picture.open(path)
    strips = list(picture.strips(rows))
    assert {len(strip) for strip in strips[:-1]} <= {rows}
    np.testing.assert_array_equal(np.concatenate(strips), picture.array())
    np.testing.assert_array_equal(np.concatenate(list(picture.decoded().strips(rows))), picture.array())
    assert picture.decoded(limit=96 * 51) is picture, "three or six bytes a pixel are more than one"
    spooled = picture.with_strips(iter(strips))
    np.testing.assert_array_equal(np.concatenate(list(spooled.strips(rows))), picture.array())


def test_a_new_picture_leaves_the_old_as_it_is(tmp_path: Path) -> None:
    picture = Picture.open(files.transparent_png(tmp_path / "window.png"))
    before = picture.array()
    pixels = before.copy()
    changed = picture.with_array(pixels)
    pixels[:] = 0
    np.testing.assert_array_equal(changed.array(), before)
    np.testing.assert_array_equal(picture.array(), before)
    np.testing.assert_array_equal(changed.alpha(), picture.alpha())


def test_transparency_follows_a_whole_scale(tmp_path: Path) -> None:
    picture = Picture.open(files.transparent_png(tmp_path / "window.png"))
    alpha = picture.alpha()
    assert alpha is not None
    doubled = np.repeat(np.repeat(picture.array(), 2, 0), 2, 1)
    for larger in (
        picture.with_array(doubled),
        picture.with_strips([doubled], height=2 * picture.height, width=2 * picture.width),
    ):
        reread = Picture.open(larger.save(tmp_path / "large.png", overwrite=True))
        assert (reread.width, reread.height) == (2 * picture.width, 2 * picture.height)
        found, blocks = reread.alpha(), np.repeat(np.repeat(alpha, 2, 0), 2, 1)
        assert found is not None
        # Between two values it goes in steps of a quarter of their difference; plain parts stay as they are.
        steps = max(np.abs(np.diff(alpha, axis=axis)).max() for axis in (0, 1))
        assert np.abs(found - blocks).max() <= 0.5 * steps + 1 / 255
        plain = np.abs(found - blocks) == 0
        assert plain.mean() > 0.5
        assert found.mean() == pytest.approx(alpha.mean(), abs=0.01)


def test_the_temporary_file_goes_with_the_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "spool"))
    (tmp_path / "spool").mkdir()
    picture = Picture.open(files.scan_tiff(tmp_path / "scan.tif"))
    spooled = picture.with_strips(picture.strips())
    assert len(only(tmp_path / "spool")) == 1
    del spooled
    assert not only(tmp_path / "spool")

    def failing() -> object:
        yield next(picture.strips(4))
        raise PictureError("The other file is damaged.")

    with pytest.raises(PictureError, match="other file"):
        picture.with_strips(failing())
    assert not only(tmp_path / "spool")


# Writing


def test_nothing_is_overwritten_unless_asked(tmp_path: Path) -> None:
    picture = Picture.from_array(np.full((4, 5, 3), 0.5))
    target = tmp_path / "kept.png"
    target.write_bytes(b"precious")
    with pytest.raises(PictureError, match=r"kept\.png exists already; pass overwrite=True"):
        picture.save(target)
    assert target.read_bytes() == b"precious"
    target.chmod(0o640)
    picture.save(target, overwrite=True)
    assert Picture.open(target).width == 5
    assert target.stat().st_mode & 0o777 == 0o640
    assert only(tmp_path) == {"kept.png"}


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    broken = Picture.open(files.broken_jpeg(tmp_path / "broken.jpg"))
    target = tmp_path / "result.png"
    with pytest.raises(PictureError, match=r"broken\.jpg is cut off"):
        broken.save(target)
    target.write_bytes(b"precious")
    with pytest.raises(PictureError, match=r"broken\.jpg is cut off"):
        broken.save(target, overwrite=True)
    assert target.read_bytes() == b"precious"
    assert only(tmp_path) == {"broken.jpg", "result.png"}


def test_more_detail_than_webp_can_hold_is_not_blamed_on_the_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred megapixels of noise are; what libvips says of them is said here."""
    picture = Picture.open(files.write_png(tmp_path / "a.png", np.zeros((4, 4, 3), np.uint8)))

    def overflowing(*_: object, **__: object) -> None:
        raise pyvips.Error("unable to call VipsForeignSaveWebpFile", "webpsave: unable to encode\nsystem error")

    monkeypatch.setattr(pyvips.Image, "webpsave", overflowing, raising=False)
    with pytest.raises(PictureError, match=r"b\.webp could not be written: .*\(quality 100\), or as \.avif or \.png"):
        picture.save(tmp_path / "b.webp")
    assert only(tmp_path) == {"a.png"}


def test_a_picture_may_replace_the_file_it_came_from(tmp_path: Path) -> None:
    path = files.transparent_png(tmp_path / "window.png")
    picture = Picture.open(path)
    darker = picture.with_strips(strip / 2 for strip in picture.strips(8))
    expected, alpha = darker.array(), picture.alpha()
    darker.save(path, overwrite=True)
    reread = Picture.open(path)
    np.testing.assert_array_equal(reread.array(), expected)
    np.testing.assert_array_equal(reread.alpha(), alpha)
    with pytest.raises(PictureError, match="changed after it was opened"):
        picture.array()


def test_a_rewritten_file_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "one.png"
    for value in (0, 255, 128):
        Image.new("L", (9, 9), value).save(path)
        assert Picture.open(path).array()[0, 0, 0] * 255 == pytest.approx(value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("result.gif", "GIF is only read; end its name in .jpg, .*png"),
        ("result.heic", "HEIC is only read"),
        ("result.bmp", "BMP is only read; end its name in .jpg"),
        ("result.jxl", "JXL is only read"),
        ("result.NEF", "NEF is only read"),
        ("result.xyz", ".xyz is no kind of picture file that is written; end its name in .jpg"),
        ("result", "does not say in which format"),
        ("nowhere/result.png", "folder .*nowhere does not exist"),
    ],
)
def test_names_that_cannot_be_written(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(PictureError, match=message):
        Picture.from_array(np.zeros((3, 3))).save(tmp_path / name)
    assert not only(tmp_path)


@pytest.mark.parametrize("options", [{"quality": 0}, {"quality": 101}, {"subsampling": "422"}, {"format": "bmp"}])
def test_options_out_of_range(tmp_path: Path, options: dict) -> None:
    with pytest.raises(UsageError, match="choose"):
        Picture.from_array(np.zeros((3, 3))).save(tmp_path / "x.jpg", **options)


def test_names_with_brackets_and_accents(tmp_path: Path) -> None:
    """libvips takes options in brackets behind a name: names must not be read that way."""
    path = files.transparent_png(tmp_path / "grüße [page=3].png")
    result = Picture.open(path).save(tmp_path / "ñandú [Q=1,strip].png")
    assert Picture.open(result).has_alpha


def test_jpeg_is_written_well_unless_told_otherwise(tmp_path: Path) -> None:
    picture = Picture.from_array(files.scene(height=64, width=64) / 255)
    for subsampling, first in (("444", 1), ("420", 2)):
        path = picture.save(tmp_path / f"{subsampling}.jpg", subsampling=subsampling)
        with Image.open(path) as reread:
            assert reread.layer[0][1] == first
            assert reread.quantization[0][0] <= 2
    small = picture.save(tmp_path / "small.jpg", quality=40)
    assert small.stat().st_size < (tmp_path / "444.jpg").stat().st_size / 2


# What a format cannot hold


def test_transparency_is_not_lost_in_a_jpeg(tmp_path: Path) -> None:
    picture = Picture.open(files.transparent_png(tmp_path / "window.png"))
    with pytest.raises(PictureError, match=r"cannot hold the picture's transparency; save as \.png"):
        picture.save(tmp_path / "window.jpg")


@pytest.mark.parametrize("deep", [16, 32])
@pytest.mark.parametrize("suffix", ["jpeg", "webp", "png", "avif"])
def test_depth_is_reduced_by_rounding_and_said(tmp_path: Path, deep: int, suffix: str) -> None:
    values = files.scene(3, deep)
    path = files.write_tiff(tmp_path / "deep.tif", values, alpha=False, icc=files.profile(), orientation=1)
    picture = Picture.open(path)
    said = picture.not_kept_by(suffix)
    result = Picture.open(picture.save(tmp_path / f"result.{suffix}", quality=100))
    if (deep, suffix) == (16, "png"):
        assert not said
    else:
        assert len(said) == (2 if deep == 32 else 1)
        assert "bit" in said[0]
        assert deep == 16 or "cut off" in said[1]
    assert result.depth == (8 if suffix in ("jpeg", "webp") else 16)
    steps = {"jpeg": 30, "webp": 255, "png": 65535, "avif": 4095}[suffix]
    assert np.abs(result.array() - picture.array().clip(0, 1)).max() <= 0.55 / steps
    assert result.describe()["icc_profile"] == "sRGB built-in"


def test_avif_of_10_bit_keeps_its_white_and_every_value(tmp_path: Path) -> None:
    steps = np.tile(np.arange(1024, dtype=np.uint16) << 6, (4, 1))
    ramp = pyvips.Image.new_from_array(np.repeat(steps[..., None], 3, 2), interpretation="rgb16")
    ramp.heifsave(str(tmp_path / "ten.avif"), compression="av1", bitdepth=10, lossless=True, effort=1)
    picture = Picture.open(tmp_path / "ten.avif")
    assert picture.depth == 16
    np.testing.assert_allclose(picture.array()[0, :, 0], np.arange(1024) / 1023, atol=1e-5)
    again = Picture.open(picture.with_array(picture.array()).save(tmp_path / "again.avif", quality=100))
    np.testing.assert_array_equal(again.array(), picture.array())


@pytest.mark.parametrize("alpha", [False, True])
def test_avif_keeps_every_pixel_when_asked(tmp_path: Path, alpha: bool) -> None:
    cover = files.transparency() / 255 if alpha else None
    picture = Picture.from_array(files.scene() / 255, alpha=cover)
    result = Picture.open(picture.save(tmp_path / "result.avif", quality=100))
    np.testing.assert_array_equal(result.array(), picture.array())
    assert result.has_alpha == alpha
    if alpha:
        np.testing.assert_array_equal(result.alpha(), picture.alpha())


# Kinds that are converted, chosen from or refused


def test_palettes_and_single_bits_become_what_they_show(tmp_path: Path) -> None:
    image = Image.fromarray(files.scene()).convert("P", palette=Image.Palette.ADAPTIVE)
    image.save(tmp_path / "palette.png")
    image.save(tmp_path / "palette.gif")
    for name in ("palette.png", "palette.gif"):
        picture = Picture.open(tmp_path / name)
        assert picture.output_format == "png"
        result = picture.save(tmp_path / "result.png", overwrite=True)
        np.testing.assert_array_equal(np.asarray(Image.open(result)), np.asarray(image.convert("RGB")))
    image.convert("1").save(tmp_path / "bit.png")
    bit = Picture.open(tmp_path / "bit.png")
    assert (bit.num_channels, bit.depth) == (1, 8)
    np.testing.assert_array_equal(bit.array()[..., 0], np.asarray(image.convert("1")))


def test_a_palette_with_transparency_keeps_it(tmp_path: Path) -> None:
    image = Image.fromarray(files.scene()).quantize(16)
    image.info["transparency"] = 3
    image.save(tmp_path / "clear.gif", transparency=3)
    image.save(tmp_path / "clear.png", transparency=3)
    for name in ("clear.gif", "clear.png"):
        alpha = Picture.open(tmp_path / name).alpha()
        assert alpha is not None
        np.testing.assert_array_equal(alpha, np.asarray(image) != 3)


@pytest.mark.parametrize("name", ["print.jpg", "print.tif"])
def test_cmyk_is_converted_and_said(tmp_path: Path, name: str) -> None:
    patches = np.zeros((16, 48, 4), np.uint8)
    patches[:, :16, 0], patches[:, 16:32, 1], patches[:, 32:, 3] = 255, 255, 255
    Image.fromarray(patches, "CMYK").save(tmp_path / name, **({"quality": 100} if name.endswith("jpg") else {}))
    picture = Picture.open(tmp_path / name)
    assert any("CMYK" in note for note in picture.notes)
    assert "CMYK" in picture.describe()["notes"]
    cyan, magenta, black = (picture.array()[8, x] for x in (8, 24, 40))
    assert cyan[0] < 0.35 < 0.5 < cyan[2]
    assert magenta[1] < 0.35 < 0.7 < magenta[0]
    assert black.max() < 0.3
    result = Picture.open(picture.save(tmp_path / f"result{Path(name).suffix}"))
    assert (result.num_channels, result.notes) == (3, ())
    assert np.abs(result.array() - picture.array()).max() < 0.05


def test_lab_is_converted_and_said(tmp_path: Path) -> None:
    colour = pyvips.Image.new_from_array(files.scene(), interpretation="srgb")
    colour.colourspace("labs").tiffsave(str(tmp_path / "lab.tif"))
    picture = Picture.open(tmp_path / "lab.tif")
    assert picture.depth == 16
    assert "LABS" in picture.notes[0]
    assert np.abs(picture.array() * 255 - files.scene()).mean() < 1


@pytest.mark.parametrize("make", [files.animation_gif, files.pages_tiff], ids=["gif", "tiff"])
def test_one_of_several_pages_is_a_choice(tmp_path: Path, make: type) -> None:
    path = make(tmp_path / ("many.gif" if make is files.animation_gif else "many.tif"))
    with pytest.raises(PictureError, match=r"(holds|animation of) 3 (pages|frames).* choose .* with page"):
        Picture.open(path)
    with pytest.raises(PictureError, match="no page 4; choose one from 1 to 3"):
        Picture.open(path, page=4)
    with pytest.raises(PictureError, match="no page 0"):
        Picture.open(path, page=0)
    second = Picture.open(path, page=2)
    assert second.notes == ("Page 2 of 3 was taken; the others are not in the result.",)
    assert np.abs(second.array() * 255 - files.scene(seed=1)).mean() < 12
    assert np.abs(Picture.open(path, page=1).array() - second.array()).mean() > 0.05
    result = second.save(tmp_path / "second.png")
    np.testing.assert_array_equal(Picture.open(result).array(), second.array())


def test_pages_of_webp_are_a_choice_too(tmp_path: Path) -> None:
    frames = [Image.fromarray(files.scene(seed=seed)) for seed in range(2)]
    frames[0].save(tmp_path / "moving.webp", save_all=True, append_images=frames[1:], lossless=True)
    with pytest.raises(PictureError, match="an animation of 2 frames"):
        Picture.open(tmp_path / "moving.webp")
    picture = Picture.open(tmp_path / "moving.webp", page=2)
    np.testing.assert_array_equal((picture.array() * 255).round(), files.scene(seed=1))


def test_kinds_of_tiff_that_are_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "double.tif", np.zeros((4, 4), np.float64))
    tifffile.imwrite(tmp_path / "signed.tif", np.zeros((4, 4), np.int16))
    tifffile.imwrite(
        tmp_path / "bands.tif", np.zeros((4, 5, 7), np.uint8), photometric="minisblack", planarconfig="contig"
    )
    for name, message in {
        "double.tif": "64-bit numbers; convert",
        "signed.tif": "short numbers; convert",
        "bands.tif": "7 channels",
    }.items():
        with pytest.raises(PictureError, match=f"{name} .*{message}"):
            Picture.open(tmp_path / name)


def test_premultiplied_tiff_is_read_as_what_it_shows(tmp_path: Path) -> None:
    colour, alpha = files.scene().astype(np.float64), files.transparency()
    stored = np.dstack([(colour * alpha[..., None] / 255).round().astype(np.uint8), alpha])
    tifffile.imwrite(tmp_path / "assoc.tif", stored, photometric="rgb", extrasamples=["assocalpha"])
    picture = Picture.open(tmp_path / "assoc.tif")
    solid = alpha == 255
    np.testing.assert_array_equal((picture.array() * 255).round()[solid], colour[solid])
    with tifffile.TiffFile(picture.save(tmp_path / "result.tif")) as result:
        assert [sample.name for sample in result.pages[0].extrasamples] == ["UNASSALPHA"]


def test_heic_is_read_with_its_decoder_and_named_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.register_heif_opener()
    path = tmp_path / "phone.heic"
    values = files.scene(height=64, width=96)
    Image.fromarray(values).save(path, quality=95, exif=files.exif(), icc_profile=files.profile())
    picture = Picture.open(path)
    assert (picture.format, picture.depth, picture.output_format) == ("heic", 8, "jpeg")
    assert np.abs(picture.array() * 255 - values).mean() < 20
    assert picture.describe()["camera"] == " ".join(files.CAMERA)
    result = Picture.open(picture.save(tmp_path / "result.jpg"))
    assert result.describe()["icc_profile"] == picture.describe()["icc_profile"]

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r'phone\.heic is a HEIC file; to read it: pip install "sfumato\[media\]"'):
        Picture.open(path)


@pytest.mark.parametrize("bits", [8, 10])
def test_heic_of_more_tiles_than_libvips_takes(tmp_path: Path, bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As telephones write photographs of 100 megapixels and more; here of tiles of 16 pixels, turned by its EXIF."""
    pillow_heif = pytest.importorskip("pillow_heif")
    values = files.scene(height=16 * 17, width=16 * 16, depth=8 if bits == 8 else 16)
    image = pillow_heif.from_bytes("RGB" if bits == 8 else "RGB;16", values.shape[1::-1], values.tobytes())
    camera = Image.Exif()
    camera.load(files.exif())
    camera[274] = 6  # of the sensor: HEIC stands upright by its own header
    image.info.update(exif=camera.tobytes(), icc_profile=files.profile(), icc_profile_type="prof")
    for name, size in (("few.heic", 64), ("many.heic", 16)):
        image.save(tmp_path / name, quality=90, tile_size=size, enc_params={"preset": "ultrafast"})
    few, many = (Picture.open(tmp_path / name) for name in ("few.heic", "many.heic"))
    facts = (few.describe(), many.describe())
    assert all({**of, "file": "", "bytes": 0} == {**facts[0], "file": "", "bytes": 0} for of in facts)
    assert many.depth == (8 if bits == 8 else 16)
    assert np.abs(many.array() - few.array()).mean() < 0.02
    result = Picture.open(many.save(tmp_path / "result.png"))
    assert (result.width, result.height, result.describe()["orientation"]) == (many.width, many.height, 1)
    assert result.describe()["camera"] == " ".join(files.CAMERA)
    np.testing.assert_array_equal(result.array(), many.array())

    with pytest.raises(PictureError, match="over the limit"):
        Picture.open(tmp_path / "many.heic", max_pixels=many.width * many.height - 1)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="is a HEIC file"):
        Picture.open(tmp_path / "many.heic")


# Limits


def test_the_limit_on_pixels_is_an_option(tmp_path: Path) -> None:
    path = files.transparent_png(tmp_path / "window.png")
    with pytest.raises(PictureError, match=r"window\.png states a size of 37 x 23, over the limit .* with max_pixels"):
        Picture.open(path, max_pixels=37 * 23 - 1)
    assert Picture.open(path, max_pixels=37 * 23).width == 37


def test_no_such_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="does not exist"):
        Picture.open(tmp_path / "nothing.png")
    with pytest.raises(PictureError, match="is a folder"):
        Picture.open(tmp_path)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
@pytest.mark.parametrize("name", ["large.jpg", "large.png", "large.tif"])
def test_a_large_picture_goes_through_in_little_memory(tmp_path: Path, name: str) -> None:
    """24 megapixels (72 MB decoded, 288 MB as float32) in less than the float array alone."""
    noise = np.random.default_rng(0).integers(0, 255, (60, 6000, 3), np.uint8)
    band = pyvips.Image.new_from_array(noise, interpretation="srgb").embed(0, 0, 6000, 4000, extend="repeat")
    band.write_to_file(str(tmp_path / name), **({"compression": 1} if name.endswith("png") else {}))
    program = (
        "import sys; from sfumato.pictures.picture import Picture; picture = Picture.open(sys.argv[1]);"
        "assert picture.streamable;"
        "picture.with_strips(picture.strips()).save(sys.argv[2]);"
        "print([line for line in open('/proc/self/status') if line.startswith('VmHWM')][0].split()[1])"
    )
    command = [sys.executable, "-c", program, str(tmp_path / name), str(tmp_path / f"result-{name}")]
    peak = int(subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout) / 1024
    assert peak < 250


def test_facts_for_people(tmp_path: Path) -> None:
    facts = Picture.open(files.phone_jpeg(tmp_path / "phone.jpg")).describe()
    assert facts["format"] == "jpeg"
    assert (facts["width"], facts["height"], facts["orientation"], facts["pages"]) == (37, 23, 6, 1)
    assert facts["icc_profile"] == "sRGB built-in"
    assert facts["camera"] == "Sfumato Works Camera obscura 2"
    assert facts["taken"] == files.TAKEN
    assert facts["bytes"] == (tmp_path / "phone.jpg").stat().st_size
    grey = files.write_png(tmp_path / "grey.png", files.scene(1, 16), icc=files.profile(grey=True))
    facts = Picture.open(grey).describe()
    assert (facts["colour"], facts["depth"], facts["icc_profile"]) == ("grey", "16 bit", "Old grey")
    assert facts["resolution_dpi"] == (300.0, 300.0)
    assert "camera" not in facts


@pytest.mark.parametrize("subsampling", [None, "444"])
def test_colour_of_a_huge_avif_is_halved_and_that_is_said(tmp_path: Path, monkeypatch, subsampling) -> None:
    """As much memory as libaom wants at full colour is not there for 100 megapixels; told to, it does it still."""
    pixels = np.zeros((64, 96, 3), np.float32)
    pixels[:, ::2, 0] = 1  # red stripes of one pixel, which colour at half the resolution cannot hold
    picture = Picture.from_array(pixels)
    assert picture.not_kept_by("avif") == ()
    monkeypatch.setattr(write, "_MOST_PIXELS_IN_FULL_COLOUR", 64 * 96 - 1)
    assert picture.not_kept_by("jpeg") == ()
    assert "half the resolution" in picture.not_kept_by("avif")[0]
    result = Picture.open(picture.save(tmp_path / "huge.avif", subsampling=subsampling)).array()
    assert (np.abs(result - pixels).max() > 0.2) == (subsampling is None)
