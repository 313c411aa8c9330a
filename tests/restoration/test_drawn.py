"""Drawings with shades, as icons are, are told from the same ones after JPEG, whatever their size."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from picture_files import as_jpeg
from PIL import Image, ImageDraw, ImageFont
from skimage.data import astronaut, brick, camera, chelsea, coffee, grass, hubble_deep_field, rocket

from sfumato.restoration.drawn import _is_even, is_drawing, is_drawn


def icon(seed: int, side: int) -> Image.Image:
    """Shapes with shades and soft shadows on white, with smooth rims."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0 : 4 * side, 0 : 4 * side] / (4 * side)
    pixels = np.full((4 * side, 4 * side, 3), 255.0)
    for _ in range(4):
        mask = Image.new("L", (4 * side, 4 * side))
        left, top, width, height = (int(v) for v in rng.integers(side // 4, 2 * side, 4))
        pen = ImageDraw.Draw(mask)
        (pen.ellipse, pen.rectangle)[rng.integers(2)]([left, top, left + width, top + height], fill=255)
        angle, first, second = rng.uniform(0, 6.3), rng.uniform(0, 255, 3), rng.uniform(-60, 60, 3)
        shade = first + second * (columns * np.cos(angle) + rows * np.sin(angle))[..., None]
        pixels = np.where(np.asarray(mask)[..., None] > 0, shade.clip(0, 255), pixels)
    return Image.fromarray(np.rint(pixels).astype(np.uint8)).resize((side, side), Image.Resampling.BOX)


def as_windows(picture: Image.Image) -> list[np.ndarray]:
    pixels = np.asarray(picture, np.float32) / np.float32(255)
    return [pixels[top : top + 64, left : left + 256] for top in range(0, 512, 64) for left in range(0, 512, 256)]


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 999), side=st.sampled_from([160, 256, 400]), quality=st.integers(20, 87))
def test_shaded_drawings_are_told_from_compressed_ones(seed: int, side: int, quality: int) -> None:
    x = icon(seed, side)
    assert is_drawn(as_windows(x))
    assert not is_drawn(as_windows(as_jpeg(x, quality)))


def text(colours: tuple[str, str], size: int, shift: int) -> Image.Image:
    """Lines of letters of a size, in an ink on a ground."""
    x = Image.new("RGB", (320, 200), colours[1])
    pen, font = ImageDraw.Draw(x), ImageFont.load_default(size)
    for line in range(200 // (2 * size)):
        pen.text((shift, 2 * size * line + shift), f"{line} Even ground, hard edges", colours[0], font)
    return x


COLOURS = [("black", "white"), ("white", "black"), ("#00dc50", "black"), ("#28283c", "#f5f0e6"), ("#c81e1e", "white")]


@settings(deadline=None, max_examples=16, derandomize=True)  # of 3,000 drawn at random 1 is taken for a drawing
@given(
    colours=st.sampled_from(COLOURS),
    size=st.integers(10, 40),
    shift=st.integers(0, 7),
    corner=st.tuples(st.integers(0, 7), st.integers(0, 7)),
    quality=st.integers(30, 90),
    subsampling=st.sampled_from(["4:4:4", "4:2:0"]),
)
def test_text_is_told_from_compressed_text(
    colours: tuple[str, str], size: int, shift: int, corner: tuple[int, int], quality: int, subsampling: str
) -> None:
    """Even on black, where half of what rings is cut off, with all pixels of colour, and cropped off the grid."""
    x = text(colours, size, shift)
    assert is_drawn(as_windows(x.crop((*corner, *x.size))))
    assert not is_drawn(as_windows(as_jpeg(x, quality, subsampling=subsampling).crop((*corner, *x.size))))


@pytest.mark.parametrize(
    ("ink", "size", "shift", "corner", "quality", "subsampling"),
    [
        ("black", 40, 6, (1, 4), 49, "4:4:4"),
        ("white", 36, 1, (0, 1), 32, "4:4:4"),
        ("black", 40, 7, (2, 3), 43, "4:2:0"),
        ("white", 31, 5, (4, 5), 30, "4:4:4"),
        ("black", 24, 7, (5, 5), 54, "4:2:0"),
    ],
)
def test_large_letters_are_told_though_other_grids_nearly_fit(
    ink: str, size: int, shift: int, corner: tuple[int, int], quality: int, subsampling: str
) -> None:
    x = text((ink, "white" if ink == "black" else "black"), size, shift)
    assert not is_drawn(as_windows(as_jpeg(x, quality, subsampling=subsampling).crop((*corner, *x.size))))


def test_blocks_are_found_wherever_their_grid_begins() -> None:
    x = Image.new("RGB", (200, 96), "black")
    for line in range(3):
        ImageDraw.Draw(x).text((0, 40 * line), f"{line} Even ground, hard", "white", ImageFont.load_default(20))
    compressed = as_jpeg(x, 30, subsampling="4:4:4")
    assert is_drawn(as_windows(x))
    assert _is_even(as_windows(compressed))  # by the other rule it is a drawing
    for corner in np.ndindex(8, 8):
        assert not is_drawn(as_windows(compressed.crop((*corner, *x.size))))


def test_too_little_is_no_drawing() -> None:
    assert not is_drawn([np.zeros((1, 1, 3), np.float32), np.zeros((64, 1, 1), np.float32)])
    assert not is_drawn([])


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 999), side=st.sampled_from([64, 160]), smooth=st.booleans())
def test_shaded_drawings_are_no_photographs(seed: int, side: int, smooth: bool) -> None:
    """With smooth rims, or in two tones a channel, whose rims are hard."""
    x = icon(seed, side)
    assert is_drawing(as_windows(x if smooth else x.point(lambda value: 255 * (value > 127))))


PHOTOGRAPHS = [astronaut, brick, camera, chelsea, coffee, grass, hubble_deep_field, rocket]


@pytest.mark.parametrize("reduced", [1, 2, 4])
@pytest.mark.parametrize("photograph", PHOTOGRAPHS, ids=lambda of: of.__name__)
def test_photographs_of_any_size_are_no_drawings(photograph, reduced) -> None:
    x = Image.fromarray(photograph()).convert("RGB")
    small = x.resize((x.width // reduced, x.height // reduced), Image.Resampling.BICUBIC)
    assert not is_drawing(as_windows(small))
