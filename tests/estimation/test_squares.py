"""Squares of one colour, which pictures consist of that were made larger by repeating pixels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from skimage.data import astronaut

from sfumato import Picture
from sfumato.estimation.cells import windows
from sfumato.estimation.squares import side_of_squares
from sfumato.restoration.diagnosis import Diagnosis


def side_of(pixels: np.ndarray) -> int:
    return side_of_squares(list(windows(Picture.from_array(pixels, depth=8), 2**17)))


def photograph(rows: int, columns: int) -> np.ndarray:
    return (astronaut()[80 : 80 + rows, 140 : 140 + columns] / 255).astype(np.float32)


def in_squares(x: np.ndarray, side: int) -> np.ndarray:
    return x.repeat(side, axis=0).repeat(side, axis=1)


@settings(deadline=None, max_examples=30)
@given(side=st.integers(2, 20), off=st.tuples(st.integers(0, 19), st.integers(0, 19)), grey=st.booleans())
def test_squares_are_found_wherever_they_begin(side: int, off: tuple[int, int], grey: bool) -> None:
    x = photograph(40, 60)
    shown = in_squares(x.mean(axis=2, keepdims=True) if grey else x, side)[off[0] :, off[1] :]
    assert side_of(shown) == side


@pytest.mark.parametrize("factor", [2.3, 2.5, 3.9, 7.2])
def test_squares_of_two_sides_are_found(factor: float) -> None:
    x = Image.fromarray(astronaut()[80:120, 140:200])
    shown = x.resize((round(60 * factor), round(40 * factor)), Image.Resampling.NEAREST)
    assert abs(side_of(np.asarray(shown, np.float32) / 255) - factor) < 1


def test_what_has_no_squares_has_none() -> None:
    x = photograph(200, 300)
    assert side_of(x) == 1
    assert side_of(np.full((64, 64, 3), 0.3, np.float32)) == 1
    assert side_of(np.zeros((1, 1, 1), np.float32)) == 1
    assert side_of(in_squares(x[:3, :3], 4)) == 1  # too few to tell
    shown = in_squares(x[:40, :60], 4)
    shown[70, 33] = 0
    assert side_of(shown) == 1


def test_a_drawing_of_few_lines_is_not_made_of_squares() -> None:
    x = Image.new("RGB", (400, 400), "white")
    for number in range(10):
        left = 8 * number * (number - 1) // 2 + 8
        ImageDraw.Draw(x).rectangle([left, left, 390, 390], (20 * number, 0, 90))
    assert side_of(np.asarray(x, np.float32) / 255) == 1


@pytest.mark.parametrize("side", [2, 3, 4, 5, 6, 12])
def test_a_mosaic_is_left_alone_and_said_to_be_one(side: int) -> None:
    found = Diagnosis(Picture.from_array(in_squares(photograph(60, 80), side), depth=8))
    assert found.tasks == found.proposed == ()
    assert f"squares of {side}x{side} pixels" in found.describe()


def test_flat_blocks_of_a_jpeg_are_compression(tmp_path) -> None:
    """At a quality of 1 hardly more than the mean of each block is left."""
    x = Picture.from_array(photograph(200, 300), depth=8).save(tmp_path / "a.jpg", quality=1)
    assert Diagnosis(Picture.open(x)).tasks == ("dejpeg",)
