"""Grey pictures in colour: what stays to the bit, what is said, and what the user's own colours do."""

from io import BytesIO
from pathlib import Path

import numpy as np
import picture_files as files
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage.data import astronaut

import sfumato
from sfumato import Picture, restore
from sfumato.errors import PictureError, UsageError
from sfumato.models.engine import load
from sfumato.pictures.channels import desaturated, luma_of
from sfumato.restoration import hints as strokes
from sfumato.restoration.options import RestoreOptions
from sfumato.restoration.restore import dry_run
from sfumato.video.restorers import restorer_for

GREY = np.asarray(Image.fromarray(astronaut()[:200, 100:340]).convert("L"))


def opened(picture: Picture) -> Image.Image:
    return Image.open(BytesIO(picture.to_bytes("png")))


def hints_of(colour: tuple[int, int, int], *place: slice, size: tuple[int, int] = GREY.shape) -> np.ndarray:
    found = np.zeros((*size, 4), np.uint8)
    found[place] = [*colour, 255]
    return found


@given(
    st.tuples(st.integers(1, 70), st.integers(1, 90)),
    st.sampled_from([0.3, 1.0, 1.5]),
    st.booleans(),
    st.integers(0, 9),
)
@example((18, 82), 1.5, False, 0)
@settings(max_examples=6, deadline=None)
def test_the_luma_stays_to_the_bit(size: tuple[int, int], strength: float, flat: bool, seed: int) -> None:
    """As Pillow rounds it, for any size, also where colours are made stronger than fits."""
    rng = np.random.default_rng(seed)
    grey = np.full(size, rng.integers(256), np.uint8) if flat else rng.integers(0, 256, size).astype(np.uint8)
    coloured = restore(grey, task="colorize", strength=strength).picture
    assert (coloured.num_channels, coloured.depth) == (3, 8)
    assert np.array_equal(np.asarray(opened(coloured).convert("L")), grey)


@pytest.mark.parametrize("tint", [(1.0, 1.0, 1.0), (1.0, 0.9, 0.7)], ids=["grey", "sepia"])
def test_colours_of_its_own_are_not_lost_in_silence(tint: tuple[float, ...]) -> None:
    pixels = np.round(GREY[..., None] * np.array(tint)).astype(np.uint8)
    notes = " ".join(restore(pixels, task="colorize").notes)
    assert ("replace those that the picture had" in notes) == (tint != (1.0, 1.0, 1.0))
    assert ("nobody knows the real ones" in notes) == (tint == (1.0, 1.0, 1.0))


def test_a_colour_photograph_is_told_that_its_colours_go() -> None:
    photograph, hints = astronaut()[:200, 100:340], hints_of((200, 40, 40), slice(40, 60), slice(40, 60))
    assert "replace those that the picture had" in " ".join(restore(photograph, task="colorize").notes)
    assert "but for the hints, and replace those" in " ".join(restore(photograph, task="colorize", hints=hints).notes)


def test_a_mirrored_picture_gets_mirrored_colours() -> None:
    plain, mirrored = (restore(grey, task="colorize").picture.array() for grey in (GREY, GREY[:, ::-1].copy()))
    assert np.abs(plain - mirrored[:, ::-1]).max() < 0.01


def test_it_gives_colours_and_says_that_they_are_invented() -> None:
    done = restore(GREY, task="colorize")
    pixels = done.picture.array()
    assert np.ptp(pixels, axis=2).mean() > 0.02
    assert any("invented by colorize" in note for note in done.notes)
    assert done.steps[0].invented
    assert "colours invented" in done.steps[0].describe()
    assert b"compositeWithTrainedAlgorithmicMedia" in (done.picture.xmp() or b"")
    assert done.comparison().num_channels == done.change_map().num_channels == 3


def test_a_tinted_picture_gets_the_colours_of_its_grey_copy() -> None:
    tinted = np.stack([GREY, 0.9 * GREY, 0.7 * GREY], axis=2).round().astype(np.uint8)
    coloured = opened(restore(tinted, task="colorize").picture)
    assert np.array_equal(np.asarray(coloured.convert("L")), np.asarray(Image.fromarray(tinted).convert("L")))


def test_depth_transparency_and_nan_stay_and_a_profile_of_grey_goes(tmp_path: Path) -> None:
    files.write_png(tmp_path / "deep.png", files.scene(1, 16), icc=files.profile())
    done = restore(tmp_path / "deep.png", task="colorize").picture
    done.save(tmp_path / "coloured.png")
    again = Picture.open(tmp_path / "coloured.png")
    assert (again.depth, again.num_channels) == (16, 3)
    assert "icc_profile" not in again.describe()
    before = np.round(65535 * Picture.open(tmp_path / "deep.png").array().astype(np.float64))
    assert np.array_equal(np.round(65535 * luma_of(again.array().astype(np.float64))), before)
    alpha = np.linspace(0, 1, GREY.size, dtype=np.float32).reshape(GREY.shape)
    clear = Picture.from_array(GREY / np.float32(255), alpha=alpha)
    assert np.array_equal(restore(clear, task="colorize").picture.alpha(), clear.alpha())
    holed = GREY / np.float32(255)
    holed[3, 4] = np.nan
    assert np.isnan(restore(holed, task="colorize").picture.array()[3, 4]).all()


def test_auto_never_colours() -> None:
    assert "colorize" not in dry_run(Picture.from_array(GREY / np.float32(255)), RestoreOptions()).tasks


def test_colours_that_are_painted_are_followed_and_reach_no_further_than_alike(tmp_path: Path) -> None:
    grey = np.full((120, 200), 90, np.uint8)
    grey[:, 100:] = 190
    place = slice(50, 70), slice(30, 50)
    hints = hints_of((200, 30, 30), *place, size=grey.shape)
    plain = restore(grey, task="colorize").picture.array()
    Image.fromarray(hints, "RGBA").save(tmp_path / "hints.png")
    done = restore(grey, task="colorize", hints=tmp_path / "hints.png")
    redder = done.picture.array()[..., 0] - plain[..., 0]
    assert redder[place].mean() > 0.15
    assert redder[50:70, 55:70].mean() > 0.5 * redder[place].mean()
    assert abs(redder[:, 110:].mean()) < 0.1 * redder[place].mean()
    assert np.array_equal(done.picture.array(), restore(grey, task="colorize", hints=hints).picture.array())
    assert "1.7 % of it hinted at" in done.steps[0].describe()


@pytest.mark.parametrize(
    ("hints", "task", "error", "sentence"),
    [
        (hints_of((255, 0, 0), slice(5)), "denoise", UsageError, "add colorize"),
        (hints_of((255, 0, 0), slice(5), size=(30, 20)), "colorize", PictureError, "20x30"),
        (hints_of((0, 0, 0), slice(0)), "colorize", PictureError, "nothing is painted"),
        (Picture.from_array(GREY / np.float32(255)), "colorize", PictureError, "no transparency"),
        (np.zeros((5, 5, 3)), "colorize", PictureError, "RGB and opacity"),
        ("nowhere.png", "colorize", PictureError, "nowhere.png"),
    ],
)
def test_hints_that_cannot_be_meant_are_refused(hints, task: str, error: type, sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        restore(GREY, task=task, hints=hints)


def test_clips_are_refused() -> None:
    restorer = restorer_for(RestoreOptions(task="colorize"))
    with pytest.raises(UsageError, match="flicker"):
        restorer.reset([np.zeros((32, 32, 3), np.float32)])


def test_all_black_and_all_white_stay() -> None:
    for value in (0, 255):
        grey = np.full((40, 50), value, np.uint8)
        assert (np.asarray(opened(restore(grey, task="colorize").picture)) == value).all()


def test_what_does_not_fit_is_paler_not_lighter() -> None:
    luma, off = np.float32([[[0.9]], [[0.2]]]), np.float32([[[0.5, -0.2, -0.28]], [[0.1, 0.0, -0.26]]])
    fitted = desaturated(luma, off)
    assert fitted.min() >= 0
    assert fitted.max() <= 1 + 1e-6
    np.testing.assert_allclose(fitted - luma, off * ((fitted - luma)[..., :1] / off[..., :1]), atol=1e-6)


def test_hints_change_nothing_where_the_model_agrees() -> None:
    chroma = np.full((20, 30, 2), 0.1, np.float32)
    given = np.zeros((20, 30, 3), np.float32)
    given[5:9, 5:9] = [0.1, 0.1, 1]
    np.testing.assert_allclose(strokes.spread(chroma, np.zeros((20, 30, 1), np.float32), given), chroma, atol=1e-6)


@given(st.integers(24, 60), st.sampled_from([0.2, 0.5]), st.sampled_from([0.25, -0.2]), st.integers(0, 9))
@settings(max_examples=20, deadline=None)
def test_a_hint_fills_its_object_and_stays_in_it(side: int, luma: float, step: float, seed: int) -> None:
    """A spot in a corner of an object with some grain, 60 pixels a side at most, on brighter or darker ground."""
    rng = np.random.default_rng(seed)
    whole = rng.normal(luma + step, 0.02, (100, 130, 1)).astype(np.float32)
    inside = np.zeros((100, 130), bool)
    inside[20 : 20 + side, 30 : 30 + side] = True
    whole[inside] -= step
    given = np.zeros((100, 130, 3), np.float32)
    given[21:26, 31:36] = [-0.1, 0.3, 1]
    carried = strokes.spread(np.zeros((100, 130, 2), np.float32), whole, given)[..., 1]
    assert carried[inside].min() > 0.15 * 0.3
    assert np.abs(carried[~inside]).max() < 0.1 * 0.3


@pytest.mark.parametrize("rise", [0.0, 0.4, -0.4])
def test_a_hint_fades_where_the_luma_leaves_its_own(rise: float) -> None:
    """Also where no edge holds it back: along a ramp, and not over a plain surface."""
    luma = np.broadcast_to(0.5 + np.float32(rise) * np.linspace(0, 1, 60, dtype=np.float32)[:, None], (20, 60, 1))
    given = np.zeros((20, 60, 3), np.float32)
    given[8:12, :4] = [0, 0.3, 1]
    carried = strokes.spread(np.zeros((20, 60, 2), np.float32), luma, given)[..., 1]
    far = carried[:, -1].mean() / 0.3
    assert far < 0.05 if rise else far > 0.4


def test_the_model_file_is_a_colorizer() -> None:
    card = load("colorize").card
    assert (card.role, card.task) == ("colorizer", "colorize")
    assert sfumato.load("colorize").card.name == "colorize"
