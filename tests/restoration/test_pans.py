"""Motion beyond what a recurrent model finds: how far the picture has moved, and what is remembered moves along."""

import numpy as np
import pytest

from sfumato.estimation.noise import NoiseCurve
from sfumato.measures import psnr
from sfumato.models.engine import load
from sfumato.pictures.picture import Picture
from sfumato.restoration import recurrent
from sfumato.restoration.pans import CELL, moved_by, shift_between, small
from sfumato.restoration.recurrent import Memory

SIGMA = 30 / 255
SIZE = (160, 240)


def scene(width: int, seed: int = 0) -> np.ndarray:
    """Disks of many sizes and colours, the later ones over the earlier (h, w, 3)."""
    rng = np.random.default_rng(seed)
    picture = np.full((SIZE[0], width, 3), 0.5, np.float32)
    rows, columns = np.mgrid[: SIZE[0], :width]
    for radius in 40 * rng.random(600) ** 2 + 3:
        centre = rng.random(2) * picture.shape[:2]
        picture[np.hypot(rows - centre[0], columns - centre[1]) < radius] = rng.random(3) * 0.8 + 0.1
    return picture


def pan(step: int, count: int, down: int = 0) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Clean and noisy frames of a camera that moves to the right by so many pixels a frame."""
    rng = np.random.default_rng(1)
    picture = scene(SIZE[1] + step * count)
    clean = [np.roll(picture, -down * t, 0)[:, step * t : step * t + SIZE[1]] for t in range(count)]
    return clean, [(frame + rng.normal(0, SIGMA, frame.shape)).astype(np.float32) for frame in clean]


@pytest.mark.parametrize("step", [32, 48, 64, 96, 120])
def test_a_fast_pan_is_measured_under_noise(step: int) -> None:
    _, (first, second) = pan(step, 2)
    assert shift_between(small(first), small(second)) == (0, -step // CELL)
    assert shift_between(small(second), small(first)) == (0, step // CELL)
    sideways = [small(frame.transpose(1, 0, 2)) for frame in (first, second)]
    assert shift_between(*sideways) == (-step // CELL, 0)


@pytest.mark.parametrize("step", [0, 3, 8, 16, 24])
def test_what_a_model_finds_itself_is_left_to_it(step: int) -> None:
    _, (first, second) = pan(step, 2)
    assert shift_between(small(first), small(second)) == (0, 0)


def test_where_nothing_moves_as_a_whole_there_is_no_shift() -> None:
    rng = np.random.default_rng(0)
    for one, two in (
        (scene(SIZE[1], seed=1), scene(SIZE[1], seed=2)),  # a cut
        (rng.random((*SIZE, 3)), rng.random((*SIZE, 3))),
        (np.full((*SIZE, 3), 0.3), np.full((*SIZE, 3), 0.3)),
        (np.full((*SIZE, 3), np.nan), np.zeros((*SIZE, 3))),
        (rng.random((5, 3, 1)), rng.random((5, 3, 1))),
        (rng.random((64, 64, 3)), rng.random((32, 64, 3))),
    ):
        assert shift_between(small(one), small(two)) == (0, 0)


@pytest.mark.parametrize("shift", [(0, 0), (2, -1), (-3, 4), (9, 0)])
def test_values_move_and_nothing_comes_in(shift: tuple[int, int]) -> None:
    values = np.random.default_rng(0).random((7, 8, 2)).astype(np.float32) + 1
    moved = moved_by(values, shift)
    for row, column in np.ndindex(7, 8):
        source = row - shift[0], column - shift[1]
        inside = 0 <= source[0] < 7 and 0 <= source[1] < 8
        np.testing.assert_array_equal(moved[row, column], values[source] if inside else 0)


@pytest.mark.parametrize("step", [48, 64])
def test_beyond_its_reach_a_model_is_as_good_as_one_of_single_frames(step: int) -> None:
    clean, noisy = pan(step, 6)
    video, fast = load("denoise-video", threads=1), load("denoise-fast", threads=1)
    level, remembered = NoiseCurve.constant(SIGMA), Memory()
    scores = []
    for x, y in zip(clean, noisy, strict=True):
        picture = Picture.from_array(y, depth=32, format="tiff")
        followed = recurrent.apply(picture, video, level, 400_000_000, remembered)
        single = fast(y=y.transpose(2, 0, 1)[None], sigma=np.full((1, 1, *SIZE), SIGMA, np.float32))
        scores.append([psnr(followed, x), psnr(single[0].transpose(1, 2, 0), x)])
    with_memory, alone = np.mean(scores[3:], axis=0)
    assert with_memory > alone - 0.1
