"""What "auto" decides on textures, which are the likest to noise and to what compression leaves."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from sfumato import Picture
from sfumato.restoration.diagnosis import Diagnosis

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


@pytest.mark.parametrize("suffix", ["jpg", "webp", "avif"])
@pytest.mark.parametrize("name", TEXTURES)
def test_noise_beneath_compression_is_told_from_texture(name: str, suffix: str, tmp_path: Path) -> None:
    x = texture(name)
    noise = np.random.default_rng(0).normal(0, 25 / 255, x.shape).astype(np.float32)
    for level, task in ((0, "dejpeg"), (1, "clean"))[: 1 if suffix == "avif" else 2]:  # AVIF of 50 keeps little noise
        picture = Picture.from_array((x + level * noise).clip(0, 1), depth=8)
        assert Diagnosis(Picture.open(picture.save(tmp_path / f"{level}.{suffix}", quality=50))).tasks == (task,)


def test_what_is_transparent_was_no_jpeg(tmp_path: Path) -> None:
    """Its pixels are as JPEG leaves them; so are those of many an icon, whose size leaves little to tell it by."""
    stored = Picture.from_array(texture("coffee"), depth=8).save(tmp_path / "a.jpg", quality=40)
    seen = np.concatenate([Picture.open(stored).array(), np.ones((256, 256, 1), np.float32)], axis=2)
    for opacity, tasks in ((1, ("dejpeg",)), (0, ())):
        seen[:20, :20, 3] = opacity
        Image.fromarray(np.round(255 * seen).astype(np.uint8)).save(tmp_path / "cut.png")
        assert Diagnosis(Picture.open(tmp_path / "cut.png")).tasks == tasks
