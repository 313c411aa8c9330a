"""Label maps: their palette, colours that are not in it, other sizes."""

import io

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


def regions() -> np.ndarray:
    """A small map with many edges: a sky, trees as discs and a roof."""
    rows, columns = np.mgrid[:64, :96]
    numbers = np.where(rows > 40 + columns // 6, 2, 0)
    for row, column, radius in ((20, 20, 10), (40, 60, 14), (15, 75, 6)):
        numbers[(rows - row) ** 2 + (columns - column) ** 2 < radius**2] = 1
    return numbers


@pytest.mark.parametrize("palette", [PALETTE, ("#0000ff", "#0055ff", "#00ffff"), ("#000000", "#808080", "#ffffff")])
def test_soft_edges_and_jpeg_give_the_regions_and_no_third_one_between(palette) -> None:
    numbers = regions()
    large = Image.fromarray(colours_of(palette)[numbers.repeat(4, 0).repeat(4, 1)].astype(np.uint8))
    hard = Image.fromarray(colours_of(palette)[numbers].astype(np.uint8))
    stored = io.BytesIO()
    hard.save(stored, "JPEG", quality=85)
    for soft in (
        large.resize((96, 64), Image.Resampling.BOX),
        large.resize((95, 63), Image.Resampling.BICUBIC),
        stored,
    ):
        source = soft.getvalue() if isinstance(soft, io.BytesIO) else np.asarray(soft)
        found = read_layout(source, palette, (64, 96)).values.argmax(0)
        assert (found != numbers).mean() < 0.03
        # Where sky meets roof, and far from trees, nothing else lies between.
        assert set(np.unique(found[:, :5])) <= {0, 2}


def test_a_region_of_an_unknown_colour_is_refused_also_where_known_ones_meet() -> None:
    pixels = painted(regions())
    pixels[20:50, 30:60] = (255, 255, 255)
    with pytest.raises(UsageError, match="other colours, such as #ffffff"):
        read_layout(pixels, PALETTE, (64, 96))


def test_thin_lines_of_a_known_colour_stay() -> None:
    numbers = regions()
    numbers[30], numbers[:, 48] = 1, 1
    assert np.array_equal(read_layout(painted(numbers), PALETTE, (64, 96)).values.argmax(0), numbers)


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
    assert layout.notes == ("The layout, 20 wide and 20 high, was fitted to 4 wide and 4 high.",)
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
