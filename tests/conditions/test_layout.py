"""Label maps: their palette, colours that are not in it, other sizes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sfumato import Picture
from sfumato.conditions.layout import check_palette, colours_of, nearest_cover, palette_in, read_layout
from sfumato.errors import PictureError, UsageError

PALETTE = ("#0000ff", "#00ff00", "#ff0000")
LABELS = ("sky", "tree", "roof")


def painted(numbers: np.ndarray) -> np.ndarray:
    return colours_of(PALETTE)[numbers].astype(np.uint8)


@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 99))
def test_a_map_is_read_back_from_its_colours(height: int, width: int, seed: int) -> None:
    numbers = np.random.default_rng(seed).integers(0, 3, (height, width))
    layout = read_layout(painted(numbers), PALETTE, (height, width))
    assert layout.notes == ()
    assert np.array_equal(layout.values.argmax(0), numbers)
    assert (layout.values.sum(0) == 1).all()


def test_files_bytes_pictures_and_arrays_are_the_same(tmp_path) -> None:
    pixels = painted(np.arange(12).reshape(3, 4) % 3)
    Image.fromarray(pixels).save(tmp_path / "map.png")
    stored = (tmp_path / "map.png").read_bytes()
    found = [read_layout(one, PALETTE, (3, 4)).values for one in (tmp_path / "map.png", stored, pixels)]
    found.append(read_layout(Picture.open(stored), PALETTE, (3, 4)).values)
    assert all(np.array_equal(one, found[0]) for one in found)


def test_soft_edges_are_taken_as_the_nearest_and_other_colours_refused() -> None:
    pixels = painted(np.zeros((50, 50), int))
    pixels[0, :4] = (20, 10, 240)
    layout = read_layout(pixels, PALETTE, (50, 50))
    assert (layout.values.argmax(0) == 0).all()
    assert "0.2 % was taken" in layout.notes[0]
    pixels[:20] = (255, 255, 255)
    with pytest.raises(UsageError, match="40 % of it has other colours, such as #ffffff; the model knows #0000ff sky"):
        read_layout(pixels, PALETTE, (50, 50), LABELS)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.integers(1, 40))
def test_fitting_mixes_no_colours(height: int, width: int, rows: int, columns: int) -> None:
    numbers = np.arange(height * width).reshape(height, width)
    fitted = nearest_cover(numbers, (rows, columns))
    assert fitted.shape == (rows, columns)
    assert set(fitted.ravel()) <= set(numbers.ravel())
    assert (np.diff(fitted, axis=1) >= 0).all()
    if (height, width) == (rows, columns):
        assert np.array_equal(fitted, numbers)


def test_another_size_is_fitted_and_said() -> None:
    numbers = np.repeat(np.repeat([[0, 1], [2, 0]], 10, 0), 10, 1)
    layout = read_layout(painted(numbers), PALETTE, (4, 4))
    assert np.array_equal(layout.values.argmax(0), np.repeat(np.repeat([[0, 1], [2, 0]], 2, 0), 2, 1))
    assert layout.notes == ("The layout of 20x20 was fitted to 4x4.",)
    assert "its middle" in read_layout(painted(numbers), PALETTE, (4, 8)).notes[0]


def test_the_colours_of_a_map_are_found_the_most_frequent_first() -> None:
    assert palette_in(painted(np.array([[0, 2, 2], [2, 1, 1]]))) == ["#ff0000", "#00ff00", "#0000ff"]


@pytest.mark.parametrize(
    ("palette", "labels"),
    [(("blue",), ()), (("#0000ff", "#0000ff"), ()), (("#0000FF",), ()), (PALETTE, ("a", "b")), (PALETTE, ("a",) * 3)],
)
def test_palettes_that_mean_nothing_are_refused(palette, labels) -> None:
    with pytest.raises(UsageError, match=r"palette|labels"):
        check_palette(palette, labels)


def test_what_is_no_layout_is_refused() -> None:
    with pytest.raises(PictureError, match=r"uint8 \(h, w, 3\)"):
        read_layout(np.zeros((3, 3)), PALETTE, (3, 3))
    with pytest.raises(PictureError):
        read_layout(b"nothing", PALETTE, (3, 3))
