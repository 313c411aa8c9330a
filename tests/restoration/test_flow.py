"""A flow's file restores: what is expected of it is known, since for normal pixels it is the Wiener filter."""

from pathlib import Path

import known_generators
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from known_generators import DEVIATION, MEAN

from sfumato import Picture, restore
from sfumato.errors import ModelError
from sfumato.models.engine import Engine
from sfumato.tiling import windows

ENGINES = {channels: Engine(known_generators.flow(channels), threads=1) for channels in (1, 3, 4)}
SIDES = st.integers(1, 40)
FLOAT = 1e-4


def noisy(height: int, width: int, channels: int = 3, sigma: float = 0.1, seed: int = 0) -> np.ndarray:
    draw = np.random.default_rng(seed)
    x = (MEAN + 1) / 2 + DEVIATION / 2 * draw.standard_normal((height, width, channels))
    return (x + sigma * draw.standard_normal(x.shape)).astype(np.float32)


def wiener(y: np.ndarray, variance: float) -> np.ndarray:
    """The expected pixel behind y, whose noise has this variance in [0, 1] units."""
    mean, own = (MEAN + 1) / 2, (DEVIATION / 2) ** 2
    return mean + own / (own + variance) * (y - mean)


def float_picture(pixels: np.ndarray, alpha: np.ndarray | None = None) -> Picture:
    return Picture.from_array(pixels, alpha=alpha, depth=32, format="tiff")


@settings(deadline=None, max_examples=25)
@given(
    height=SIDES,
    width=SIDES,
    channels=st.sampled_from([1, 3]),
    model=st.sampled_from([1, 3, 4]),
    level=st.floats(1, 255),
)
def test_any_picture_becomes_what_is_expected_of_it(
    height: int, width: int, channels: int, model: int, level: float
) -> None:
    y = noisy(height, width, channels)
    result = restore(float_picture(y), model=ENGINES[model], noise=level)
    # Grey in a network for colour is the mean of three channels, which together say as much as one.
    variance = (level / 255) ** 2 * (3 if channels == 1 and model > 1 else 1)
    assert np.allclose(result.picture.array(), wiener(y, variance), atol=FLOAT)
    assert result.noise is not None
    assert result.noise.typical == pytest.approx(level / 255)


@pytest.mark.parametrize("channels", [1, 3])
def test_what_it_was_made_for_gets_nearer_to_the_clean_picture(channels: int) -> None:
    clean = noisy(64, 64, channels, sigma=0)
    y = clean + 0.15 * np.random.default_rng(9).standard_normal(clean.shape).astype(np.float32)
    for model in (1, 3) if channels == 1 else (1, 3, 4):
        x_hat = restore(float_picture(y), model=ENGINES[model], noise=0.15 * 255).picture.array()
        assert np.square(x_hat - clean).mean() < 0.8 * np.square(y - clean).mean()


@settings(deadline=None, max_examples=25)
@given(length=st.integers(1, 300), window=st.integers(1, 64))
def test_windows_cover_and_overlap(length: int, window: int) -> None:
    places = windows.starts(length, window)
    assert places[0] == 0
    assert places[-1] == max(0, length - window)
    gaps = np.diff(places)
    assert np.all(gaps > 0)
    assert np.all(gaps <= min(window, window - window // 4 + 1))


@settings(deadline=None, max_examples=25)
@given(height=st.integers(1, 60), width=st.integers(1, 60), side=st.integers(4, 20), at_once=st.integers(1, 5))
def test_windows_of_a_local_operation_leave_no_seam(height: int, width: int, side: int, at_once: int) -> None:
    y = noisy(height, width)
    strips = [y[top : top + 7] for top in range(0, height, 7)]
    told: list[int] = []
    found = windows.stream(
        strips, height, width, (side, side + 1), lambda x: 3 * x - 1, at_once=at_once, progress=told.append
    )
    assert np.allclose(np.concatenate(list(found)), 3 * y - 1, atol=1e-5)
    assert told[-1] == height * width
    assert told == sorted(told)


def test_windows_that_differ_are_blended_without_a_step() -> None:
    """Each window gives its own mean: what results changes little from pixel to pixel, where cutting would jump."""
    y = np.linspace(0, 1, 200, dtype=np.float32)[None, :, None] * np.ones((8, 1, 1), np.float32)
    found = windows.stream([y], 8, 200, (8, 16), lambda x: np.broadcast_to(x.mean(axis=(2, 3), keepdims=True), x.shape))
    result = np.concatenate(list(found))
    assert np.abs(np.diff(result, axis=1)).max() < 0.04
    assert np.abs(result - y)[:, 8:-8].max() < 0.04


def test_a_large_picture_goes_through_windows_and_says_so() -> None:
    y = noisy(90, 150)
    whole = restore(float_picture(y), model=ENGINES[3], noise=25)
    small = Engine(known_generators.flow(3, max_pixels=500), threads=1)
    pieces = restore(float_picture(y), model=small, noise=25)
    assert "windows of 8x12" in pieces.notes[0]
    assert np.allclose(pieces.picture.array(), whole.picture.array(), atol=FLOAT)


@pytest.mark.parametrize(
    ("values", "memory", "expected"),
    [
        ({"max_pixels": 4_096}, 10**9, (64, 60)),
        ({"max_pixels": 3_839}, 10**9, (8, 12)),
        # 500 bytes a pixel at the model's 96 pixels may be 20,000 at the picture's 3,840, which makes 76.8 MB.
        ({"max_pixels": 10**6}, 76_800_000, (64, 60)),
        ({"max_pixels": 10**6}, 76_700_000, (8, 12)),
        ({"size": (), "max_pixels": 500}, 10**9, (20, 20)),
    ],
)
def test_the_window_is_the_whole_picture_where_that_fits(
    values: dict[str, object], memory: int, expected: tuple[int, int]
) -> None:
    card = Engine(known_generators.flow(3, **values)).card
    assert windows.window_of(card, 61, 58, memory) == expected


def test_noise_that_grows_with_brightness_is_taken_window_by_window() -> None:
    draw = np.random.default_rng(0)
    y = np.full((64, 128, 3), 0.2, np.float32)
    y[:, 64:] = 0.8
    y += np.where(y < 0.5, 0.02, 0.15) * draw.standard_normal(y.shape)
    small = Engine(known_generators.flow(3, max_pixels=200), threads=1)
    result = restore(float_picture(y), model=small)
    assert result.noise is not None
    shares = []
    for columns, brightness in ((slice(12, 48), 0.2), (slice(80, 116), 0.8)):
        level = np.interp(brightness, result.noise.brightness, result.noise.sigma)
        shares.append(result.picture.array()[:, columns].std() / y[:, columns].std())
        assert shares[-1] == pytest.approx(wiener(np.float32(1), level**2) - wiener(np.float32(0), level**2), abs=0.05)
    assert shares[0] > shares[1] + 0.05


def test_transparency_stays_and_what_is_under_it_too() -> None:
    y, alpha = noisy(20, 24), np.ones((20, 24), np.float32)
    alpha[:5], alpha[5:10] = 0, 0.5
    result = restore(float_picture(y, alpha), model=ENGINES[4], noise=25).picture
    assert np.array_equal(result.alpha(), alpha)
    assert np.allclose(result.array()[:5], y[:5], atol=1e-6)
    assert np.allclose(result.array()[10:], wiener(y, (25 / 255) ** 2)[10:], atol=FLOAT)


def test_strength_goes_from_the_picture_to_the_result() -> None:
    picture = float_picture(noisy(20, 24))
    full = restore(picture, model=ENGINES[3], noise=25).picture.array()
    half = restore(picture, model=ENGINES[3], noise=25, strength=0.5).picture.array()
    assert np.allclose(half, (full + picture.array()) / 2, atol=1e-5)
    assert restore(picture, model=ENGINES[3], strength=0).untouched


def test_a_level_is_estimated_and_a_clean_picture_left() -> None:
    result = restore(float_picture(0.5 + noisy(64, 64) / 10), model=ENGINES[3])
    assert result.noise is not None
    assert result.noise.typical > 0.005
    clean = restore(Picture.from_array(np.full((64, 48, 3), 0.5, np.float32)), model=ENGINES[3])
    assert clean.untouched
    assert "No noise" in clean.notes[0]


def test_pixels_that_are_no_numbers_stay_and_do_not_spread() -> None:
    y = noisy(20, 24)
    y[4, 5] = np.nan
    result = restore(float_picture(y), model=ENGINES[3], noise=25).picture.array()
    assert np.array_equal(np.isnan(result), np.isnan(y))


def test_progress_ends_with_all_pixels() -> None:
    told: list[tuple[int, int]] = []
    small = Engine(known_generators.flow(3, max_pixels=200), threads=1)
    restore(
        float_picture(noisy(50, 40)), model=small, noise=20, progress=lambda done, total: told.append((done, total))
    )
    assert told[-1] == (2_000, 2_000)
    assert told == sorted(told)


def test_a_flow_of_odd_channels_restores_nothing() -> None:
    with pytest.raises(ModelError, match="2 channels"):
        restore(noisy(8, 8), model=Engine(known_generators.flow(2)), noise=25)


def test_a_file_of_sixteen_bits_keeps_what_it_is(tmp_path: Path) -> None:
    source = Picture.from_array(noisy(20, 24).clip(0, 1), depth=16).save(tmp_path / "in.png")
    result = restore(source, model=ENGINES[3], noise=25)
    target = Picture.open(result.save(tmp_path / "out.png"))
    assert target.depth == 16
    assert np.abs(target.array() - wiener(Picture.open(source).array(), (25 / 255) ** 2).clip(0, 1)).max() < 2e-4
