"""What a camera makes of a scene: light counted on a mosaic of colours, and all that its software does to it after.

The picture is taken back to linear light and photographed again, with noise and without: the goal is the photograph
without. After CBDNet (arXiv:1807.04686), whose camera is a response curve and a mosaic, and Unprocessing
(arXiv:1811.11127), whose gains, matrices and noise levels are those of real sensors. Besides, cameras smooth colours,
sharpen, reduce and compress (arXiv:2203.13278 shuffles such steps).
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from .degradation import Degraded, in_8_bits, uniform
from .demosaicing import DEMOSAICING, bayer, median
from .jpeg import compressed
from .noise import grained
from .resampling import resized

# From a sensor's colours to those of screens; rows sum to 1, so that white stays white. Weak, common and strong.
_MATRICES = torch.tensor(
    [
        [[1.25, -0.15, -0.10], [-0.10, 1.25, -0.15], [0.0, -0.25, 1.25]],
        [[1.65, -0.50, -0.15], [-0.20, 1.50, -0.30], [0.0, -0.55, 1.55]],
        [[2.00, -0.85, -0.15], [-0.30, 1.75, -0.45], [0.05, -0.80, 1.75]],
    ]
)
_TO_LUMA = torch.tensor([0.299, 0.587, 0.114])


@dataclass(frozen=True)
class Camera:
    """x photographed again: y with the noise of a sensor, x without, both through the same camera.

    gain: of the sensor, what the variance of photon noise is of the light, where white is 1; log-uniform. Base
    sensitivity is about 1e-4, ISO 6400 about 5e-3. bayer_share: with a mosaic; the others measure all colours
    everywhere, as do three sensors. lens: the share of scenes that a lens softens before the sensor, by a Gaussian
    whose standard deviation lies between those of `softness`, in pixels; of scenes as sharp as reduced pictures are, a
    mosaic makes zippers, which no real photograph has so many of. reduced: the share that is made smaller by up to
    `factor` in the end, whose noise and edges are finer therefore. compressed: the share stored as JPEG of a quality.
    The level is the noise as it is before the file, measured about each pixel.
    """

    gain: tuple[float, float] = (1e-4, 1.5e-2)
    bayer_share: float = 0.95
    lens: float = 0.7
    softness: tuple[float, float] = (0.35, 0.9)
    reduced: float = 0.2
    factor: float = 2.0
    compressed: float = 0.8
    quality: tuple[float, float] = (75.0, 99.0)

    def __call__(self, x: Tensor, generator: Generator) -> Degraded:
        size = (x.shape[1], x.shape[2])
        scene = x if len(x) == 3 else x[:1].expand(3, -1, -1)
        factor = 1.0
        if _happens(self.reduced, generator):
            factor = _log_uniform(1.1, self.factor, generator)
            scene = resized(scene, (round(size[0] * factor), round(size[1] * factor)))
        tone = _tone(generator)
        parameters: dict[str, Any] = {"kind": "camera", "factor": factor}
        colours, mixed = _colours(generator)
        raw = torch.einsum("ij,jhw->ihw", torch.linalg.inv(colours), tone.light(scene.clamp(0, 1)))
        if self.lens and _happens(self.lens, generator):
            parameters["lens"] = uniform(*self.softness, generator)
            raw = _blurred(raw[None], parameters["lens"])[0]
        both, sensed = self._sensed(raw, generator)
        both = tone(torch.einsum("ij,bjhw->bihw", colours, both).clamp(0, 1))
        both, mended = _mended(both, generator)
        both, sharpened = _sharpened(both, generator)
        if factor > 1:
            both, parameters["kernel"] = _reduced(both, size, generator)
        goal, y = both.clamp(0, 1)
        level = _local_deviation(y - goal)
        parameters |= {"gamma": tone.gamma, "contrast": tone.contrast} | mixed | sensed | mended | sharpened
        if _happens(self.compressed, generator):
            low, high = self.quality
            quality = round(high - (high - low) * uniform(0, 1, generator) ** 2)  # cameras compress little
            subsample = _happens(0.5, generator)
            y = compressed(y, quality, subsample=subsample)
            parameters |= {"jpeg": quality, "subsampled": subsample}
        else:
            y = in_8_bits(y)
        if len(x) != 3:
            goal, y = goal.mean(0, keepdim=True).expand_as(x), y.mean(0, keepdim=True).expand_as(x)
        return Degraded(goal, y, level, parameters)

    def _sensed(self, raw: Tensor, generator: Generator) -> tuple[Tensor, dict[str, Any]]:
        """Light `3 h w` -> what a sensor and a demosaicing make of it, `2 3 h w`: without noise and with it.

        Photon noise is counted light, so its variance is `gain` times the light; the read noise that goes with a gain
        is that of arXiv:1811.11127. Rows are read one by one, and sites are not all equally keen.
        """
        gain = _log_uniform(*self.gain, generator)
        read = math.exp(0.5 * (2.18 * math.log(gain) + 1.2 + 0.26 * float(torch.randn((), generator=generator))))
        rows = uniform(0, 0.3, generator) * read if _happens(0.3, generator) else 0.0
        uneven = uniform(0, 0.01, generator)
        height, width = raw.shape[1:]
        parameters: dict[str, Any] = {"gain": gain, "read": read, "rows": rows, "uneven": uneven}
        down, right = torch.randint(2, (2,), generator=generator).tolist()
        mosaic = _happens(self.bayer_share, generator)
        masks = bayer(height, width, (down, right))
        light = (raw * masks).sum(0, keepdim=True) if mosaic else raw
        variance = gain * light.clamp(min=0) + read**2 + (uneven * light) ** 2
        noisy = light + variance.sqrt() * torch.randn(light.shape, generator=generator)
        if rows:
            noisy = noisy + rows * torch.randn((1, height, 1), generator=generator)
        if _happens(0.5, generator):  # what is darker than black is lost
            noisy = noisy.clamp(min=0)
        both = torch.stack([light, noisy])
        if not mosaic:
            return both, parameters | {"demosaicing": "none"}
        way = list(DEMOSAICING)[int(torch.randint(len(DEMOSAICING), (), generator=generator))]
        return DEMOSAICING[way](both, masks), parameters | {"demosaicing": way}


@dataclass(frozen=True)
class FilmGrain:
    """Grain of film: coarse, much the same in all layers, strongest in the middle tones; some of it scanned and stored.

    sigma: in the middle tones, of 255. size: of the grain, the standard deviation of a blur in pixels. alike: the
    share that the layers of colour film have in common; all of it in black and white.
    """

    sigma: tuple[float, float] = (2.0, 25.0)
    size: tuple[float, float] = (0.4, 1.6)
    alike: tuple[float, float] = (0.4, 1.0)
    quality: tuple[float, float] = (75.0, 98.0)

    def __call__(self, x: Tensor, generator: Generator) -> Degraded:
        sigma, size = uniform(*self.sigma, generator) / 255, uniform(*self.size, generator)
        alike = uniform(*self.alike, generator)
        grain = grained((len(x) + 1, *x.shape[1:]), size, generator)
        grain = math.sqrt(alike) * grain[:1] + math.sqrt(1 - alike) * grain[1:]
        density = 0.3 + 1.4 * (x * (1 - x)).clamp(min=0).sqrt()  # 1 in the middle, 0.3 at black and white
        deviation = sigma * density
        y = (x + deviation * grain).clamp(0, 1)
        parameters: dict[str, Any] = {"kind": "film", "sigma": 255 * sigma, "size": size, "alike": alike}
        if _happens(0.6, generator):
            quality, subsample = round(uniform(*self.quality, generator)), _happens(0.5, generator)
            y = compressed(y, quality, subsample=subsample)
            parameters |= {"jpeg": quality, "subsampled": subsample}
        return Degraded(x, in_8_bits(y), deviation.square().mean(0, keepdim=True).sqrt(), parameters)


@dataclass(frozen=True)
class _Tone:
    """From light to what is stored: a power with a straight toe, then contrast."""

    gamma: float
    toe: float
    contrast: float

    def __call__(self, light: Tensor) -> Tensor:
        low, high = self.toe ** (1 / self.gamma), (1 + self.toe) ** (1 / self.gamma)
        shade = ((light + self.toe) ** (1 / self.gamma) - low) / (high - low)
        return (1 - self.contrast) * shade + self.contrast * shade.square() * (3 - 2 * shade)

    def light(self, shade: Tensor) -> Tensor:
        """The other way, from a table: what it rounds is rounded in the goal as well."""
        linear = torch.linspace(0, 1, 4096)
        stored = (1 - self.contrast) * linear + self.contrast * linear.square() * (3 - 2 * linear)
        straight = torch.from_numpy(np.interp(linear.numpy(), stored.numpy(), linear.numpy())).float()
        low, high = self.toe ** (1 / self.gamma), (1 + self.toe) ** (1 / self.gamma)
        return ((low + straight * (high - low)) ** self.gamma - self.toe)[(shade * 4095).round().long()]


def _tone(generator: Generator) -> _Tone:
    contrast = uniform(0, 0.8, generator) if _happens(0.8, generator) else 0.0
    return _Tone(uniform(1.8, 2.5, generator), _log_uniform(0.002, 0.03, generator), contrast)


def _colours(generator: Generator) -> tuple[Tensor, dict[str, float]]:
    """`3 3`: white balance and then a colour matrix, both at once, from a sensor's colours to those of screens."""
    strength = uniform(0, 2, generator)
    low = min(int(strength), 1)
    matrix = torch.lerp(_MATRICES[low], _MATRICES[low + 1], strength - low)
    red, blue = uniform(1.2, 2.5, generator), uniform(1.2, 2.3, generator)
    return matrix * torch.tensor([red, 1.0, blue]), {"matrix": strength, "red": red, "blue": blue}


def _mended(both: Tensor, generator: Generator) -> tuple[Tensor, dict[str, Any]]:
    """The camera's own denoising of `2 3 h w`: noise smoothed where the picture is plain, colours more than luma.

    A wide filter of luma takes the middle of the spectrum, so that what is left is fine grain on soft blotches, as of
    real cameras at ISO 3200. Smoothing the noise alone is what a filter that knows edges does at its best. Plain
    filters of colour, which some have, take the picture's colours along: a blur or a median.
    """
    parameters: dict[str, Any] = {}
    if _happens(0.25, generator):
        parameters["chroma filter"] = "median" if _happens(0.5, generator) else "blur"
        luma = _luma(both)
        chroma = both - luma
        width = uniform(0.4, 1.2, generator)
        both = luma + (median(chroma) if parameters["chroma filter"] == "median" else _blurred(chroma, width))
    if _happens(0.9, generator):
        goal, noise = both[0], both[1:] - both[:1]
        luma = _luma(noise)
        chroma = noise - luma
        fine, wide = uniform(0.45, 1.1, generator), _log_uniform(1.0, 4.0, generator)
        coarse, of_colour = _log_uniform(1.2, 8.0, generator), min(uniform(0.6, 1.6, generator), 1.0)
        of_fine, of_wide = 1 - 0.7 * uniform(0, 1, generator) ** 3, uniform(0, 1, generator) * _happens(0.6, generator)
        plain = torch.exp(-(_slope(_luma(goal[None])) / _log_uniform(0.2, 5.0, generator)))
        kept = uniform(0.4, 1, generator) if _happens(0.5, generator) else 1.0
        chroma = kept * (chroma + of_colour * (_blurred(chroma, coarse) - chroma))
        luma = luma + of_fine * (_blurred(luma, fine) - luma)
        luma = luma + of_wide * plain * (_blurred(luma, wide) - luma)
        both = torch.cat([both[:1], both[:1] + luma + chroma])
        parameters |= {"smooth colour": of_colour, "coarse": coarse, "smooth luma": of_wide, "wide": wide}
        parameters |= {"soft luma": of_fine, "fine": fine, "colour kept": kept}
    return both, parameters


def _sharpened(both: Tensor, generator: Generator) -> tuple[Tensor, dict[str, float]]:
    if not _happens(0.45, generator):
        return both, {}
    amount, width = uniform(0.1, 0.9, generator), uniform(0.5, 1.3, generator)
    return both + amount * (both - _blurred(both, width)), {"sharpened": amount, "radius": width}


def _reduced(both: Tensor, size: tuple[int, int], generator: Generator) -> tuple[Tensor, str]:
    """`b 3 h w` in this size, by one of several kernels."""
    kernel = ("cubic", "linear", "area", "none")[int(torch.randint(4, (), generator=generator))]
    if kernel == "cubic":
        return resized(both, size), kernel
    if kernel == "area":
        return F.adaptive_avg_pool2d(both, size), kernel
    return F.interpolate(both, size, mode="bilinear", antialias=kernel == "linear", align_corners=False), kernel


def _luma(x: Tensor) -> Tensor:
    return torch.einsum("c,bchw->bhw", _TO_LUMA, x)[:, None]


def _blurred(x: Tensor, width: float) -> Tensor:
    """`b c h w` through a Gaussian that is cut off at the edges: two products, quicker here than convolutions are."""
    rows, columns = (_gaussian(length, width) for length in x.shape[2:])
    return rows @ x @ columns.T


def _gaussian(length: int, width: float) -> Tensor:
    places = torch.arange(length, dtype=torch.float32)
    distances = (places[:, None] - places).abs() / width
    weights = torch.exp(-0.5 * distances.square()) * (distances < 5)  # numbers next to nothing multiply slowly
    return weights / weights.sum(1, keepdim=True)


def _slope(luma: Tensor) -> Tensor:
    """How much luma `1 1 h w` changes from one neighbour to the other."""
    around = F.pad(luma, (1,) * 4, mode="replicate")
    down, right = around[..., 2:, 1:-1] - around[..., :-2, 1:-1], around[..., 1:-1, 2:] - around[..., 1:-1, :-2]
    return down.abs() + right.abs()


def _local_deviation(noise: Tensor) -> Tensor:
    """`c h w` -> `1 h w`: the root mean square in cells of 8x8 and those about each."""
    power = F.avg_pool2d(noise.square().mean(0)[None, None], 8, ceil_mode=True)
    around = F.avg_pool2d(power, 3, stride=1, padding=1, count_include_pad=False)
    return F.interpolate(around, noise.shape[1:], mode="bilinear", align_corners=False)[0].clamp(min=0).sqrt()


def _log_uniform(low: float, high: float, generator: Generator) -> float:
    return math.exp(uniform(math.log(low), math.log(high), generator))


def _happens(share: float, generator: Generator) -> bool:
    return uniform(0, 1, generator) < share
