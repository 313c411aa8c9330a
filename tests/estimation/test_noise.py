"""Noise levels: the curve follows brightness, strips agree with the whole, and the estimate finds what was added."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.data import astronaut

from sfumato.estimation.cells import level_grid, measure_cells
from sfumato.estimation.noise import BLOCK, NETWORK, NoiseCurve, estimate_noise
from sfumato.pictures.picture import Picture

ASTRONAUT = astronaut()[:384, 64:448].astype(np.float32) / 255
CURVE = NoiseCurve((0.2, 0.8), (0.01, 0.07))


def gradient(height: int = 256, width: int = 256) -> np.ndarray:
    """Smooth and coloured, from dark to bright: what a noise estimate has least trouble with."""
    across, down = np.linspace(0.1, 0.9, width), np.linspace(0.1, 0.9, height)
    mixed = (across[None] + down[:, None]) / 2
    return np.stack([mixed, mixed * 0.8 + 0.1, mixed * 0.9], axis=2).astype(np.float32)


def noisy(x: np.ndarray, sigma: float | np.ndarray) -> Picture:
    noise = np.random.default_rng(0).normal(0, 1, x.shape) * sigma
    return Picture.from_array((x + noise).astype(np.float32), depth=32, format="tiff")


def test_curve_is_linear_between_knots_and_constant_beyond() -> None:
    brightness = np.float32([0.0, 0.2, 0.5, 0.8, 1.0])
    flat = np.repeat(np.repeat(brightness, BLOCK)[None, :, None], BLOCK, axis=0)
    assert np.allclose(CURVE.level_map(flat)[0, ::BLOCK], [0.01, 0.01, 0.04, 0.07, 0.07])
    assert CURVE.typical == pytest.approx(0.04)


def test_constant_curve_is_the_same_everywhere() -> None:
    curve = NoiseCurve.constant(0.1)
    assert curve.typical == 0.1
    assert np.all(curve.level_map(gradient(9, 17)) == np.float32(0.1))


@settings(deadline=None)
@given(height=st.integers(1, 70), width=st.integers(1, 70), channels=st.sampled_from([1, 3]), blocks=st.integers(1, 5))
def test_level_map_of_strips_is_that_of_the_whole(height: int, width: int, channels: int, blocks: int) -> None:
    y = np.random.default_rng(0).random((height, width, channels), np.float32)
    whole = CURVE.level_map(y)
    assert whole.shape == (height, width)
    assert whole.dtype == np.float32
    rows = blocks * BLOCK
    assert np.allclose(whole, np.concatenate([CURVE.level_map(y[top : top + rows]) for top in range(0, height, rows)]))


@pytest.mark.parametrize("sigma", [5, 15, 25, 50])
@pytest.mark.parametrize("picture", [gradient(), ASTRONAUT, ASTRONAUT[..., :1]], ids=["smooth", "textured", "grey"])
def test_estimate_finds_the_level_that_was_added(picture: np.ndarray, sigma: float) -> None:
    found = estimate_noise(noisy(picture, sigma / 255)).typical * 255
    assert found == pytest.approx(sigma, rel=0.1, abs=1)


def test_estimate_of_a_dark_picture() -> None:
    found = estimate_noise(noisy(ASTRONAUT * 0.1 + 0.1, 10 / 255)).typical * 255
    assert found == pytest.approx(10, rel=0.1)


def test_estimate_follows_brightness() -> None:
    x = gradient(384, 384)
    curve = estimate_noise(noisy(x, 0.02 + 0.08 * x.mean(axis=2, keepdims=True)))
    for brightness in (0.25, 0.5, 0.75):
        assert np.interp(brightness, curve.brightness, curve.sigma) == pytest.approx(0.02 + 0.08 * brightness, rel=0.15)


@pytest.mark.parametrize(
    "picture", [gradient(), np.full((64, 64, 3), 0.5, np.float32), np.zeros((40, 40, 1), np.float32)]
)
def test_clean_pictures_have_next_to_no_noise(picture: np.ndarray) -> None:
    assert estimate_noise(Picture.from_array(picture, depth=8)).typical < 0.8 / 255


@given(st.integers(1, 40), st.integers(1, 40))
@settings(deadline=None, max_examples=20)
def test_pictures_of_any_size_have_a_curve(height: int, width: int) -> None:
    x = np.random.default_rng(0).random((height, width, 3), np.float32)
    assert estimate_noise(Picture.from_array(x)).typical >= 0


def test_levels_over_a_grid_say_where_the_noise_is() -> None:
    random = np.random.default_rng(0)
    sigma = np.where(np.arange(512) < 256, 0.02, 0.12)[None, :, None]
    noisy = (0.5 + sigma * random.normal(0, 1, (200, 512, 3))).clip(0, 1).astype(np.float32)
    levels = level_grid(Picture.from_array(noisy, depth=32), NETWORK, "cpu", 1, most=16)
    assert levels.shape == (7, 16)
    assert np.abs(levels[:, :7] / 0.02 - 1).max() < 0.5
    assert np.abs(levels[:, 9:] / 0.12 - 1).max() < 0.3


def test_cells_tell_how_bright_they_are_and_their_contrast() -> None:
    """The contrast is that of one channel; a part of a cell at the border is mirrored."""
    x = np.random.default_rng(0).random((20, 29, 3), np.float32)
    cells = measure_cells(Picture.from_array(x, depth=32), NETWORK, "cpu", 1)
    whole = np.pad(x, ((0, 4), (0, 3), (0, 0)), mode="symmetric")
    parts = [whole[top : top + 8, left : left + 8] for top in (0, 8, 16) for left in (0, 8, 16, 24)]
    np.testing.assert_array_equal(cells.contrast, [np.ptp(part, axis=(0, 1)).max() for part in parts])
    np.testing.assert_allclose(cells.brightness, [part.mean() for part in parts], rtol=1e-5)
