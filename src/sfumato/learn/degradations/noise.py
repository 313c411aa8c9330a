"""Sensor noise: Gaussian, signal-dependent, as demosaicing and cameras' filters leave it, varying, clipped.

Levels are in [0, 1] units; ranges are given in the 0-255 units that papers and people use.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from sfumato.pictures.channels import GREY_WEIGHTS

from .blur import gaussian_blur
from .degradation import Degradation, Degraded, uniform


@dataclass(frozen=True)
class GaussianNoise:
    """White Gaussian noise of one level, drawn from `sigma` (0-255 units) for every picture."""

    sigma: tuple[float, float] = (0.0, 75.0)
    clip: bool = False

    def __call__(self, x: Tensor, generator: Generator) -> Degraded:
        sigma = uniform(*self.sigma, generator) / 255
        y = x + sigma * torch.randn(x.shape, generator=generator)
        return Degraded(
            x, y.clamp(0, 1) if self.clip else y, _flat(x, sigma), {"kind": "gaussian", "sigma": 255 * sigma}
        )


@dataclass(frozen=True)
class PoissonGaussianNoise:
    """Shot and read noise of a sensor: variance = gain * x + read^2 (Foi et al. 2008, doi:10.1109/TIP.2008.2001399).

    `shot` is the shot noise's sigma at white and `read` that of the read noise, both in 0-255 units.
    """

    shot: tuple[float, float] = (2.0, 60.0)
    read: tuple[float, float] = (0.0, 15.0)
    clip: bool = False

    def __call__(self, x: Tensor, generator: Generator) -> Degraded:
        shot, read = uniform(*self.shot, generator) / 255, uniform(*self.read, generator) / 255
        deviation = (shot**2 * x.clamp(0, 1) + read**2).sqrt()
        y = x + deviation * torch.randn(x.shape, generator=generator)
        sigma = deviation.square().mean(0, keepdim=True).sqrt()
        parameters = {"kind": "poisson-gaussian", "shot": 255 * shot, "read": 255 * read}
        return Degraded(x, y.clamp(0, 1) if self.clip else y, sigma, parameters)


@dataclass(frozen=True)
class CorrelatedNoise:
    """Noise with a grain: white noise through a blur, or through a Bayer mosaic's bilinear demosaicing.

    Scaled back so that its root mean square is sigma. `mixing` moves each channel towards their common mean.
    """

    sigma: tuple[float, float] = (0.0, 60.0)
    blur: tuple[float, float] = (0.3, 1.0)
    mixing: tuple[float, float] = (0.0, 0.7)
    mosaic_share: float = 0.5
    clip: bool = False

    def __call__(self, x: Tensor, generator: Generator) -> Degraded:
        sigma = uniform(*self.sigma, generator) / 255
        noise = torch.randn(x.shape, generator=generator)
        if x.shape[0] == 3 and uniform(0, 1, generator) < self.mosaic_share:
            noise, grain = _demosaic(noise), "mosaic"
        else:
            width = uniform(*self.blur, generator)
            noise, grain = gaussian_blur(noise, width, mode="circular"), f"blur {width:.2f}"
        mixing = uniform(*self.mixing, generator)
        noise = (1 - mixing) * noise + mixing * noise.mean(0, keepdim=True)
        noise = noise / noise.square().mean().sqrt().clamp(min=1e-8)
        y = x + sigma * noise
        parameters = {"kind": "correlated", "sigma": 255 * sigma, "grain": grain, "mixing": mixing}
        return Degraded(x, y.clamp(0, 1) if self.clip else y, _flat(x, sigma), parameters)


@dataclass(frozen=True)
class BlotchyNoise:
    """What cameras leave where they have smoothed colours more than luma: a fine grain, and blotches of colour.

    sigma: root mean square over pixels and channels (0-255 units). of_luma: the share of luma, the same in all
    channels, in the variance. grain, blotches: the standard deviation of a blur, in pixels, that luma and colours have
    been through. Grey pictures have the grain alone.
    """

    sigma: tuple[float, float] = (0.0, 40.0)
    of_luma: tuple[float, float] = (0.1, 0.9)
    grain: tuple[float, float] = (0.0, 0.6)
    blotches: tuple[float, float] = (0.8, 5.0)
    clip: bool = False

    def __call__(self, x: Tensor, generator: Generator) -> Degraded:
        sigma, share = uniform(*self.sigma, generator) / 255, uniform(*self.of_luma, generator)
        fine, coarse = uniform(*self.grain, generator), uniform(*self.blotches, generator)
        noise = grained((1, *x.shape[1:]), fine, generator).expand_as(x)
        if len(x) == 3:
            colour = grained(x.shape, coarse, generator)
            colour = colour - grey(colour)
            noise = share**0.5 * noise + (1 - share) ** 0.5 * colour / colour.square().mean().sqrt().clamp(min=1e-8)
        y = x + sigma * noise
        parameters = {"kind": "blotchy", "sigma": 255 * sigma, "luma": share, "grain": fine, "blotches": coarse}
        return Degraded(x, y.clamp(0, 1) if self.clip else y, _flat(x, sigma), parameters)


@dataclass(frozen=True)
class VaryingNoise:
    """White Gaussian noise whose level changes smoothly over the picture, between two levels of `sigma`."""

    sigma: tuple[float, float] = (0.0, 75.0)
    clip: bool = False

    def __call__(self, x: Tensor, generator: Generator) -> Degraded:
        low, high = uniform(*self.sigma, generator) / 255, uniform(*self.sigma, generator) / 255
        coarse = torch.rand((1, 1, 3, 3), generator=generator)
        smooth = F.interpolate(coarse, x.shape[1:], mode="bilinear", align_corners=True)[0]
        sigma = low + (high - low) * smooth
        y = x + sigma * torch.randn(x.shape, generator=generator)
        return Degraded(
            x, y.clamp(0, 1) if self.clip else y, sigma, {"kind": "varying", "low": 255 * low, "high": 255 * high}
        )


@dataclass(frozen=True)
class Grey:
    """The clean picture made grey and then damaged, and both copied to all channels: noise is the same in each."""

    damage: Degradation

    def __call__(self, x: Tensor, generator: Generator) -> Degraded:
        degraded = self.damage(grey(x), generator)
        return replace(degraded, x=degraded.x.expand_as(x).contiguous(), y=degraded.y.expand_as(x).contiguous())


def grey(x: Tensor) -> Tensor:
    """`c h w` -> `1 h w`: the luma of a colour picture, the mean of other channels."""
    weights = torch.tensor(GREY_WEIGHTS) if x.shape[0] == 3 else torch.full((x.shape[0],), 1 / x.shape[0])
    return (x * weights[:, None, None]).sum(0, keepdim=True)


def grained(shape: Sequence[int], width: float, generator: Generator) -> Tensor:
    """Noise `c h w` of root mean square 1, white noise through a Gaussian blur of `width` pixels."""
    noise = torch.randn(tuple(shape), generator=generator)
    if width > 0:
        noise = gaussian_blur(noise, width, mode="circular" if min(shape[1:]) > 3 * width + 1 else "replicate")
    return noise / noise.square().mean().sqrt().clamp(min=1e-8)


def _flat(x: Tensor, sigma: float) -> Tensor:
    return torch.full((1, *x.shape[1:]), sigma)


def _demosaic(noise: Tensor) -> Tensor:
    """Noise on the sites of an RGGB mosaic, spread over the picture by bilinear interpolation."""
    mosaic = torch.zeros_like(noise)
    mosaic[0, 0::2, 0::2] = noise[0, 0::2, 0::2]
    mosaic[1, 0::2, 1::2] = noise[1, 0::2, 1::2]
    mosaic[1, 1::2, 0::2] = noise[1, 1::2, 0::2]
    mosaic[2, 1::2, 1::2] = noise[2, 1::2, 1::2]
    sparse = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]) / 4
    green = torch.tensor([[0.0, 1, 0], [1, 4, 1], [0, 1, 0]]) / 4
    kernels = torch.stack([sparse, green, sparse])[:, None]
    return F.conv2d(F.pad(mosaic[None], (1, 1, 1, 1), mode="reflect"), kernels, groups=3)[0]
