"""PSNR and SSIM against scikit-image, under each choice of protocol."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import rgb2ycbcr
from skimage.data import astronaut
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from sfumato.measures import describe, luma, psnr, ssim, texture

CLEAN = astronaut()[100:190, 180:260].astype(np.float32) / 255
NOISY = CLEAN + np.random.default_rng(0).normal(0, 0.1, CLEAN.shape).astype(np.float32)


def reference_ssim(x_hat: np.ndarray, x: np.ndarray) -> float:
    return structural_similarity(
        x_hat.astype(np.float64),
        x.astype(np.float64),
        data_range=1,
        channel_axis=2,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        # scikit-image's window follows from this: 11 x 11 at 3.5 sigma.
        truncate=3.5,
    )


def rounded(x: np.ndarray) -> np.ndarray:
    return np.round(x.clip(0, 1) * 255) / 255


@pytest.mark.parametrize("channels", [1, 3])
def test_unrounded_rgb(channels: int) -> None:
    x_hat, x = NOISY[..., :channels], CLEAN[..., :channels]
    assert psnr(x_hat, x) == pytest.approx(peak_signal_noise_ratio(x, x_hat, data_range=1), abs=1e-4)
    assert ssim(x_hat, x) == pytest.approx(reference_ssim(x_hat, x), abs=1e-5)


@given(st.integers(0, 30))
@settings(deadline=None, max_examples=10)
def test_border_is_left_out(border: int) -> None:
    inside = slice(border, 90 - border), slice(border, 80 - border)
    assert psnr(NOISY, CLEAN, border=border) == pytest.approx(psnr(NOISY[inside], CLEAN[inside]))
    assert ssim(NOISY, CLEAN, border=border) == pytest.approx(reference_ssim(NOISY[inside], CLEAN[inside]), abs=1e-5)


def test_rounded_is_what_a_saved_file_has() -> None:
    saved = rounded(NOISY)
    assert psnr(NOISY, CLEAN, rounded=True) == pytest.approx(
        peak_signal_noise_ratio((CLEAN * 255).round().astype(np.uint8), (saved * 255).round().astype(np.uint8)),
        abs=1e-4,
    )
    assert psnr(NOISY, CLEAN, rounded=True) != pytest.approx(psnr(NOISY, CLEAN), abs=1e-3)


def test_luma_is_that_of_matlab() -> None:
    expected = rgb2ycbcr(CLEAN)[..., :1] / 255
    assert np.allclose(luma(CLEAN), expected, atol=1e-6)
    noisy = rgb2ycbcr(NOISY)[..., :1] / 255
    assert psnr(NOISY, CLEAN, space="y") == pytest.approx(
        peak_signal_noise_ratio(expected, noisy, data_range=1), abs=1e-4
    )
    assert ssim(NOISY, CLEAN, space="y") == pytest.approx(reference_ssim(noisy, expected), abs=1e-5)


def test_equal_pictures() -> None:
    assert psnr(CLEAN, CLEAN) == float("inf")
    assert ssim(CLEAN, CLEAN) == pytest.approx(1)


def test_known_values() -> None:
    black = np.zeros((16, 16, 3), np.float32)
    assert psnr(black + 0.1, black) == pytest.approx(20, abs=1e-4)
    assert psnr(black + 25 / 255, black) == pytest.approx(20.172, abs=1e-3)


def test_ssim_needs_a_window() -> None:
    with pytest.raises(ValueError, match="11 x 11"):
        ssim(CLEAN[:10], CLEAN[:10])


def test_protocol_in_words() -> None:
    assert describe(border=4, rounded=True, space="y") == "Y, border 4, rounded to 8 bits"
    assert describe() == "RGB, border 0, not rounded"


@pytest.mark.parametrize("channels", [1, 3])
def test_texture_is_less_where_blurred_and_more_where_noisy(channels: int) -> None:
    x = np.random.default_rng(channels).random((48, 61, channels))
    assert texture(x, x) == pytest.approx(1)
    assert texture(0.5 + 0.5 * (x - 0.5), x) == pytest.approx(0.25)
    assert texture(x + 0.2, x) == pytest.approx(1)
    assert texture((x + np.roll(x, 1, 0) + np.roll(x, 1, 1)) / 3, x) < 0.5
    assert texture(x + 0.3 * np.random.default_rng(9).standard_normal(x.shape), x) > 1.3


def test_texture_below_a_quarter_of_the_sampling_rate_is_not_fine() -> None:
    columns = np.arange(128)
    coarse, fine = (np.tile(0.5 + 0.3 * np.sin(2 * np.pi * f * columns), (64, 1))[..., None] for f in (0.1, 0.4))
    both = (coarse + fine) / 2
    assert texture(fine / 2, both) == pytest.approx(1, abs=1e-3)
    assert texture(coarse / 2, both) < 1e-3
    with pytest.raises(ValueError, match="no texture"):
        texture(both, np.full_like(both, 0.5))
