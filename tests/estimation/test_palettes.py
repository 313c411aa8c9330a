"""Pictures of a palette are told from those that have noise or were compressed, whose colours are many."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance
from skimage import data

from sfumato.estimation.palettes import has_palette

PHOTOGRAPH = Image.fromarray(data.astronaut()[:256, :256])
TONED = (1, 0.85, 0.7)


def is_of_palette(picture: Image.Image) -> bool:
    pixels = np.asarray(picture if picture.mode == "L" else picture.convert("RGB"))
    return has_palette([pixels.reshape(*pixels.shape[:2], -1).astype(np.float32) / 255])


def toned(grey: Image.Image) -> Image.Image:
    return Image.fromarray(np.rint(np.asarray(grey)[..., None] * np.array(TONED)).astype(np.uint8))


@settings(deadline=None, max_examples=20)
@given(
    colours=st.integers(4, 256),
    method=st.sampled_from([Image.Quantize.MEDIANCUT, Image.Quantize.FASTOCTREE]),
    dither=st.sampled_from([Image.Dither.NONE, Image.Dither.FLOYDSTEINBERG]),
)
def test_a_palette_is_found_with_and_without_dither(colours: int, method: Image.Quantize, dither: Image.Dither) -> None:
    palette = PHOTOGRAPH.quantize(colours, method)
    assert is_of_palette(PHOTOGRAPH.quantize(palette=palette, dither=dither))


@settings(deadline=None, max_examples=20)
@given(quality=st.integers(5, 97), sigma=st.sampled_from([0, 2, 15]), kind=st.sampled_from(["colour", "L", "toned"]))
def test_what_was_compressed_or_has_noise_is_of_none(quality: int, sigma: float, kind: str) -> None:
    x = np.asarray(PHOTOGRAPH if kind == "colour" else PHOTOGRAPH.convert("L"))
    noise = np.random.default_rng(quality).normal(0, sigma, x.shape)
    file = io.BytesIO()
    Image.fromarray(np.rint(x + noise).clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=quality)
    picture = Image.open(file)
    assert not is_of_palette(toned(picture) if kind == "toned" else picture)


@pytest.mark.parametrize("levels", [2, 6, 16])
def test_a_few_values_of_grey_are_a_palette(levels: int) -> None:
    grey = Image.fromarray(np.rint(np.rint(data.camera() / 255 * (levels - 1)) * 255 / (levels - 1)).astype(np.uint8))
    assert is_of_palette(grey)
    assert is_of_palette(toned(grey))
    assert not is_of_palette(Image.fromarray(data.camera()))


def test_floats_and_crops_of_a_few_pixels_are_of_none() -> None:
    assert not has_palette([np.random.default_rng(0).random((64, 64, 3), np.float32)])
    assert not is_of_palette(PHOTOGRAPH.crop((100, 100, 116, 116)))


@settings(deadline=None, max_examples=10)
@given(colours=st.sampled_from([16, 32, 64]), fuzz=st.integers(0, 24), strength=st.sampled_from([0.3, 0.6, 1]))
def test_frames_that_keep_parts_of_earlier_ones_are_of_many_palettes(colours: int, fuzz: int, strength: float) -> None:
    """Each frame has a palette of its own, and pixels that hardly changed are left as they were."""
    shown, frames = None, []
    film = ImageEnhance.Color(PHOTOGRAPH).enhance(strength)
    for number in range(6):
        image = film.crop((3 * number, number, 3 * number + 200, number + 200))
        frame = np.asarray(image.quantize(palette=image.quantize(colours)).convert("RGB"))
        if shown is not None:
            hardly = np.abs(frame.astype(int) - shown).max(axis=-1, keepdims=True) <= fuzz
            frame = np.where(hardly, shown, frame)
        shown = frame
        frames.append(frame.astype(np.float32) / 255)
    assert has_palette(frames, None)
    assert has_palette(frames, 3 * 256)


@pytest.mark.parametrize("kind", ["L", "toned"])
def test_tones_are_no_palette_even_where_a_file_has_no_other(kind: str) -> None:
    grey = PHOTOGRAPH.convert("L")
    pixels = np.asarray((toned(grey) if kind == "toned" else grey.convert("RGB")).quantize(256).convert("RGB"))
    assert not has_palette([pixels.astype(np.float32) / 255], None)
