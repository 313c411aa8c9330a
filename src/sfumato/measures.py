"""How near an estimate is to the clean picture: PSNR, SSIM, and how much fine texture it has.

Every choice of protocol is an argument. Published numbers differ by what is left out at the border, whether the
estimate is rounded to 8 bits first, and whether colour is compared in RGB or in luma: none of it is assumed silently,
and `describe` puts it into words.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Space = Literal["rgb", "y"]

# ITU-R BT.601 luma of 8 bit video range, as Matlab's rgb2ycbcr gives it and super-resolution papers use it.
LUMA = np.array([65.481, 128.553, 24.966]) / 255
LUMA_OFFSET = 16 / 255
SSIM_SIGMA, SSIM_RADIUS = 1.5, 5
SSIM_K1, SSIM_K2 = 0.01, 0.03
FINE = 0.25  # cycles a pixel, from which on texture is fine


def psnr(
    x_hat: NDArray[np.floating],
    x: NDArray[np.floating],
    *,
    border: int = 0,
    rounded: bool = False,
    space: Space = "rgb",
    where: NDArray[np.bool_] | None = None,
) -> float:
    """Peak signal-to-noise ratio in dB over all pixels and channels of x_hat and x (h, w, c) in [0, 1]; inf if equal.

    border: pixels left out on each side. rounded: x_hat is clipped and rounded to 8 bits first, as a saved file is.
    space: "rgb" as stored, "y" the luma of BT.601. where: (h, w), pixels that alone are compared; some at least.
    """
    estimate, clean = _prepared(x_hat, x, border, rounded, space)
    if where is not None:
        inside = where[border : where.shape[0] - border, border : where.shape[1] - border]
        estimate, clean = estimate[inside], clean[inside]
    error = float(np.mean(np.square(estimate - clean)))
    return float("inf") if error == 0 else float(-10 * np.log10(error))


def ssim(
    x_hat: NDArray[np.floating],
    x: NDArray[np.floating],
    *,
    border: int = 0,
    rounded: bool = False,
    space: Space = "rgb",
) -> float:
    """Structural similarity (Wang et al. 2004), 1 for equal pictures; arguments as in `psnr`.

    Window 11 x 11, Gaussian of sigma 1.5, K1 0.01, K2 0.03, population covariance, averaged over the positions where
    the window lies inside the picture and over channels. Raises ValueError for a picture smaller than the window.
    """
    estimate, clean = _prepared(x_hat, x, border, rounded, space)
    size = 2 * SSIM_RADIUS + 1
    if min(clean.shape[:2]) < size:
        raise ValueError(
            f"SSIM needs {size} x {size} pixels inside the border, not {clean.shape[1]} x {clean.shape[0]}"
        )
    mean_a, mean_b = _blurred(estimate), _blurred(clean)
    variance_a = _blurred(estimate * estimate) - mean_a * mean_a
    variance_b = _blurred(clean * clean) - mean_b * mean_b
    covariance = _blurred(estimate * clean) - mean_a * mean_b
    c1, c2 = SSIM_K1**2, SSIM_K2**2
    similarity = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    similarity /= (mean_a**2 + mean_b**2 + c1) * (variance_a + variance_b + c2)
    return float(similarity.mean())


def texture(x_hat: NDArray[np.floating], x: NDArray[np.floating]) -> float:
    """How much fine texture the estimate x_hat has, as a share of that of x, both (h, w, c) in [0, 1].

    It is the energy of the luma above a quarter of the sampling rate, under a Hann window: below 1 where an estimate is
    blurred, above 1 where noise or ringing is left, which count as texture. Raises ValueError for a picture x that has
    none.
    """
    estimate, clean = _prepared(x_hat, x, 0, False, "y")
    energy = [float(np.square(_fine(part[..., 0])).sum()) for part in (estimate, clean)]
    if energy[1] == 0:
        raise ValueError("the picture has no texture that a share could be given of")
    return energy[0] / energy[1]


def describe(*, border: int = 0, rounded: bool = False, space: Space = "rgb") -> str:
    """The protocol in words, for a table's heading: "RGB, border 0, rounded to 8 bits"."""
    return f"{space.upper()}, border {border}, {'rounded to 8 bits' if rounded else 'not rounded'}"


def luma(x: NDArray[np.floating]) -> NDArray[np.float64]:
    """BT.601 luma (h, w, 1) of RGB (h, w, 3) in [0, 1], in the video range 16/255 to 235/255."""
    return (x.astype(np.float64) @ LUMA)[..., None] + LUMA_OFFSET


def _prepared(
    x_hat: NDArray[np.floating], x: NDArray[np.floating], border: int, rounded: bool, space: Space
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    assert x.ndim == 3, f"pictures are (h, w, c), not {x.shape}"
    assert x_hat.shape == x.shape, f"two pictures of one size, not {x_hat.shape} and {x.shape}"
    assert 2 * border < min(x.shape[:2]), "a border that leaves pixels to compare"
    if rounded:
        x_hat = np.round(np.clip(x_hat, 0, 1) * 255) / 255
    inside = slice(border, x.shape[0] - border), slice(border, x.shape[1] - border)
    estimate, clean = x_hat[inside].astype(np.float64), x[inside].astype(np.float64)
    if space == "y" and x.shape[2] == 3:
        return luma(estimate), luma(clean)
    return estimate, clean


def _blurred(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gaussian means over all windows inside x (h, w, c)."""
    steps = np.arange(-SSIM_RADIUS, SSIM_RADIUS + 1)
    weights = np.exp(-0.5 * (steps / SSIM_SIGMA) ** 2)
    weights /= weights.sum()
    rows, columns = x.shape[0] - 2 * SSIM_RADIUS, x.shape[1] - 2 * SSIM_RADIUS
    down = sum(weight * x[step : step + rows] for step, weight in enumerate(weights))
    return sum(weight * down[:, step : step + columns] for step, weight in enumerate(weights))


def _fine(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Amplitudes of what is fine in x (h, w)."""
    window = np.hanning(x.shape[0] + 2)[1:-1, None] * np.hanning(x.shape[1] + 2)[1:-1]
    rows, columns = np.fft.fftfreq(x.shape[0])[:, None], np.fft.fftfreq(x.shape[1])
    amplitudes = np.abs(np.fft.fft2((x - x.mean()) * window))
    return np.where(np.hypot(rows, columns) > FINE, amplitudes, 0)
