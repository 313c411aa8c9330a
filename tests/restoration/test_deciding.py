"""What "auto" decides on textures, which are the likest to noise and to what compression leaves."""

from pathlib import Path

import numpy as np
import pytest
import torch
from picture_files import as_jpeg
from PIL import Image, ImageDraw, ImageFilter
from skimage import data

from sfumato import Picture, restore
from sfumato.learn.degradations.resampling import enlarged_by
from sfumato.restoration.diagnosis import CLEAN, Diagnosis

TEXTURES = ("grass", "gravel", "coffee")


def texture(name: str) -> np.ndarray:
    pixels = getattr(data, name)()[:256, :256].astype(np.float32) / 255
    return np.broadcast_to(pixels.reshape(256, 256, -1), (256, 256, 3))


@pytest.mark.parametrize("name", TEXTURES)
def test_texture_is_left_alone_and_noise_on_it_is_found(name: str) -> None:
    x = texture(name)
    assert Diagnosis(Picture.from_array(x, depth=8)).tasks == ()
    for sigma in (5, 25):
        noise = np.random.default_rng(0).normal(0, sigma / 255, x.shape).astype(np.float32)
        assert Diagnosis(Picture.from_array((x + noise).clip(0, 1), depth=8)).tasks == ("denoise",)


def test_noise_that_the_estimator_is_sure_of_needs_no_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    x = texture("coffee")
    y = x + np.random.default_rng(0).normal(0, 25 / 255, x.shape).astype(np.float32)
    monkeypatch.setattr(Diagnosis, "_change", lambda *_: pytest.fail("a model tried it"))
    assert Diagnosis(Picture.from_array(y.clip(0, 1), depth=8)).tasks == ("denoise",)


@pytest.mark.parametrize("values", [32, 64])
def test_few_values_a_channel_are_noise_only_where_something_would_be_done(values: int) -> None:
    """Of a level that `denoise` leaves alone nothing is said."""
    x = np.round(texture("astronaut") * (values - 1)) / (values - 1)
    found = Diagnosis(Picture.from_array(x.astype(np.float32), depth=8))
    assert (found.tasks == ("denoise",)) == (found.noise.typical >= CLEAN) == (values == 32)
    assert found.describe().startswith("no noise" if values == 64 else "noise ")


@pytest.mark.parametrize("suffix", ["jpg", "webp", "avif"])
@pytest.mark.parametrize("name", TEXTURES)
def test_noise_beneath_compression_is_told_from_texture(name: str, suffix: str, tmp_path: Path) -> None:
    x = texture(name)
    noise = np.random.default_rng(0).normal(0, 25 / 255, x.shape).astype(np.float32)
    for level, task in ((0, "dejpeg"), (1, "clean"))[: 1 if suffix == "avif" else 2]:  # AVIF of 50 keeps little noise
        picture = Picture.from_array((x + level * noise).clip(0, 1), depth=8)
        assert Diagnosis(Picture.open(picture.save(tmp_path / f"{level}.{suffix}", quality=50))).tasks == (task,)


def test_what_is_soft_was_not_compressed_for_that() -> None:
    """Nor what rings, as a spectrum filled up with zeros does: 2 of 27 still pass; what was compressed is found."""
    found = []
    for name in ("astronaut", "chelsea", "coffee"):
        whole = Image.fromarray((255 * texture(name)).astype(np.uint8))
        part = whole.crop((64, 64, 192, 192))
        kernels = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)
        soft = [part.resize((by * 128, by * 128), kernel) for by in (2, 3) for kernel in kernels]
        soft += [whole.filter(ImageFilter.GaussianBlur(2)), whole.filter(ImageFilter.BoxBlur(3))]
        for x in soft:
            found.append(Diagnosis(Picture.from_array(np.asarray(x, np.float32) / 255, depth=8)).tasks)
            seen = np.asarray(as_jpeg(x, 60), np.float32) / 255
            assert Diagnosis(Picture.from_array(seen, depth=8)).tasks == ("dejpeg",)
        grey = torch.from_numpy(texture(name)[64:192, 64:192].mean(axis=2)).clip(0.3, 1)[None] - 0.3
        filled = enlarged_by(grey, (256, 256), "fourier")[0, ..., None].numpy().clip(0, 1)
        found.append(Diagnosis(Picture.from_array(filled, depth=8)).tasks)
    assert sum(tasks != () for tasks in found) <= 2


def test_what_is_transparent_was_no_jpeg(tmp_path: Path) -> None:
    """Its pixels are as JPEG leaves them; so are those of many an icon, whose size leaves little to tell it by."""
    stored = Picture.from_array(texture("coffee"), depth=8).save(tmp_path / "a.jpg", quality=40)
    seen = np.concatenate([Picture.open(stored).array(), np.ones((256, 256, 1), np.float32)], axis=2)
    for opacity, tasks in ((1, ("dejpeg",)), (0, ())):
        seen[:20, :20, 3] = opacity
        Image.fromarray(np.round(255 * seen).astype(np.uint8)).save(tmp_path / "cut.png")
        assert Diagnosis(Picture.open(tmp_path / "cut.png")).tasks == tasks


def drawing(seed: int, side: int) -> Image.Image:
    """Shapes and words on white, with smooth rims, as icons, charts and pages are."""
    rng = np.random.default_rng(seed)
    large = Image.new("RGB", (4 * side, 4 * side), "white")
    pen = ImageDraw.Draw(large)
    for _ in range(5):
        left, top, width, height = (int(v) for v in rng.integers(0, 3 * side, 4))
        draw = (pen.ellipse, pen.rectangle)[rng.integers(2)]
        draw([left, top, left + width // 2, top + height // 2], fill=tuple(rng.integers(0, 256, 3).tolist()))
    pen.text((side, side), "Sfumato 2026", fill="black", font_size=side // 3)
    return large.resize((side, side), Image.Resampling.BOX)


@pytest.mark.parametrize("side", [48, 256, 400])
def test_drawings_are_not_taken_for_compressed(side: int, tmp_path: Path) -> None:
    """Nor for scratched, or faded; what really was compressed is found, in a file of any format."""
    for seed in range(2):
        drawing(seed, side).save(tmp_path / "a.png")
        drawn = Diagnosis(Picture.open(tmp_path / "a.png"))
        assert drawn.tasks == ()
        assert drawn.proposed == ()
        drawing(seed, side).save(tmp_path / "a.jpg", quality=50)
        Image.open(tmp_path / "a.jpg").save(tmp_path / "b.png")
        assert Diagnosis(Picture.open(tmp_path / "a.jpg")).tasks == ("dejpeg",)
        assert Diagnosis(Picture.open(tmp_path / "b.png")).tasks == (("dejpeg",) if side > 128 else ())


def screen(seed: int, width: int = 400) -> Image.Image:
    """Lines of words on a dark ground, as of a terminal, below a smooth bar."""
    rng = np.random.default_rng(seed)
    ground = np.zeros((256, width, 3)) + rng.integers(20, 70, 3)
    ground[:32] += np.linspace(0, 90, width)[:, None] * np.array([0.6, 0.8, 1])
    picture = Image.fromarray(ground.astype(np.uint8))
    pen = ImageDraw.Draw(picture)
    for top in range(40, 240, 16):
        words = " ".join(rng.choice(["restore", "--task", "found", "12.5 MP/s", "x.gif", "->"], 5))
        pen.text((8, top), words, fill=tuple(rng.integers(120, 256, 3).tolist()), font_size=int(rng.integers(10, 15)))
    return picture


@pytest.mark.parametrize("shown", ["screen", "photograph"])
@pytest.mark.parametrize("palette", ["adaptive", "of another picture", "web"])
def test_dither_of_a_palette_is_left_alone_and_told(shown: str, palette: str, tmp_path: Path) -> None:
    picture = screen(0) if shown == "screen" else Image.fromarray(data.astronaut()[:256, 100:400])
    other = Image.fromarray(data.coffee()[:200, :200]) if palette == "of another picture" else picture
    if palette == "web":
        dithered = picture.convert("P", palette=Image.Palette.WEB)
    else:
        dithered = picture.quantize(palette=other.quantize(64))
    for name in ("a.gif", "a.png"):
        dithered.save(tmp_path / name)
        diagnosis = Diagnosis(Picture.open(tmp_path / name))
        assert diagnosis.tasks == ()
        assert "JPEG" not in diagnosis.describe()
        assert not diagnosis.describe().startswith("noise")
    frames = Picture.from_array(np.asarray(dithered.convert("RGB"), np.float32) / 255, depth=32, format="tiff")
    assert Diagnosis(frames, clip=True).tasks == ()
    if palette == "web" and shown == "screen":
        assert diagnosis.proposed == ("denoise",)
        assert diagnosis.describe() == "dither in the colours of a palette, which is neither noise nor compression"
        assert diagnosis.advice == "The task denoise makes continuous tones of the dither."
        smooth = restore(tmp_path / "a.png", task="denoise").picture.array()
        x = np.asarray(picture, np.float32) / 255
        before, after = (np.square(y - x).mean() for y in (diagnosis.picture.array(), smooth))
        assert after < before / 2
        picture.save(tmp_path / "a.jpg", quality=50)
        assert Diagnosis(Picture.open(tmp_path / "a.jpg")).tasks == ("dejpeg",)


def test_dither_of_two_values_a_channel_is_for_descreen() -> None:
    x = data.astronaut()[:256, 100:400]
    values = Image.new("P", (1, 1))
    values.putpalette([0] * 3 + [255] * 3)
    channels = [Image.fromarray(np.repeat(x[..., [i]], 3, axis=2)).quantize(palette=values) for i in range(3)]
    y = np.stack([np.asarray(channel.convert("L")) for channel in channels], axis=2)
    diagnosis = Diagnosis(Picture.from_array(y.astype(np.float32) / 255, depth=8))
    assert diagnosis.tasks == ()
    assert diagnosis.proposed == ("descreen",)
    assert restore(y, task="descreen").notes == ()


def test_the_level_of_noise_is_that_of_the_picture_before_it_was_filled_in() -> None:
    x = texture("coffee")
    y = (x + np.random.default_rng(0).normal(0, 12 / 255, x.shape)).clip(0, 1).astype(np.float32)
    rows, columns = np.mgrid[0:256, 0:256]
    holes = (rows // 16 + columns // 16) % 2 == 0  # half of it: what is filled in is smooth
    found = Diagnosis(Picture.from_array(y, depth=8)).noise.typical
    steps = restore(Picture.from_array(y, depth=8), task="inpaint,denoise", mask=holes).steps
    assert [step.task for step in steps] == ["inpaint", "denoise"]
    assert steps[1].noise is not None
    assert steps[1].noise.typical == pytest.approx(found, rel=0.02)
