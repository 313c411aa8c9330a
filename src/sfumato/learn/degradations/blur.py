"""Blur that is the same everywhere: what a lens, a hand and a focus make of a point, in pixels."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from .degradation import Degradation, Degraded, in_8_bits, uniform


def gaussian_blur(x: Tensor, width: float, *, mode: str = "reflect") -> Tensor:
    """x `c h w` through a Gaussian of standard deviation `width` pixels; `mode` is how it goes on beyond its ends.

    If it is too small to go on so, its ends repeat.
    """
    reach = max(3, int(3 * width + 0.5))
    mode = mode if reach < min(x.shape[1:]) else "replicate"
    offsets = torch.arange(-reach, reach + 1, dtype=x.dtype)
    kernel = torch.exp(-0.5 * (offsets / width) ** 2)
    kernel = kernel / kernel.sum()
    padded = F.pad(x[:, None], (reach,) * 4, mode=mode)
    return F.conv2d(F.conv2d(padded, kernel.view(1, 1, -1, 1)), kernel.view(1, 1, 1, -1))[:, 0]


@dataclass(frozen=True)
class GaussianBlur:
    """A lens slightly out of focus, or a scanner's: `width` is the standard deviation in pixels."""

    width: tuple[float, float] = (0.3, 0.8)

    def __call__(self, x: Tensor, generator: Generator) -> Degraded:
        width = uniform(*self.width, generator)
        y = gaussian_blur(x, width)
        return Degraded(x, y, torch.zeros(1, *x.shape[1:]), {"kind": "blur", "width": width})


@dataclass(frozen=True)
class Sharpened:
    """The opposite, and no damage: x as cameras and scanners sharpen it, by an unsharp mask, and then `damage`.

    `after`: the damage was there before, as film's grain is, and is sharpened too; its level grows as it does.
    """

    damage: Degradation
    after: bool = False
    amount: tuple[float, float] = (0.2, 1.6)
    width: tuple[float, float] = (0.5, 1.5)

    def __call__(self, x: Tensor, generator: Generator) -> Degraded:
        amount, width = uniform(*self.amount, generator), uniform(*self.width, generator)

        def sharp(picture: Tensor) -> Tensor:
            return picture + amount * (picture - gaussian_blur(picture, width))

        if not self.after:
            return self.damage(in_8_bits(sharp(x)), generator)
        done = self.damage(x, generator)
        noise = done.y - done.x
        gain = float(sharp(noise).std() / noise.std().clamp(min=1e-6))
        parameters = done.parameters | {"sharpened": amount}
        return Degraded(sharp(done.x).clamp(0, 1), sharp(done.y), gain * done.level, parameters)


@dataclass(frozen=True)
class MotionBlur:
    """A hand that moved: the path of a point, `length` pixels long, is bent by up to `bend` radians from end to end."""

    length: tuple[float, float] = (1.5, 8.0)
    bend: float = 0.6

    def __call__(self, x: Tensor, generator: Generator) -> Degraded:
        length = uniform(*self.length, generator)
        angle = uniform(0, math.pi, generator)
        bent = uniform(-self.bend, self.bend, generator)
        y = spread(x, motion_kernel(length, angle, bent))
        parameters = {"kind": "motion", "length": length, "angle": angle, "bent": bent}
        return Degraded(x, y, torch.zeros(1, *x.shape[1:]), parameters)


@dataclass(frozen=True)
class Defocus:
    """A focus that was missed: a point becomes a disc of `radius` pixels, with an edge a little soft."""

    radius: tuple[float, float] = (0.7, 3.0)

    def __call__(self, x: Tensor, generator: Generator) -> Degraded:
        radius = uniform(*self.radius, generator)
        y = spread(x, disc_kernel(radius))
        return Degraded(x, y, torch.zeros(1, *x.shape[1:]), {"kind": "defocus", "radius": radius})


def motion_kernel(length: float, angle: float, bent: float = 0.0) -> Tensor:
    """`k k` with sum 1: an arc of `length` pixels about the middle, heading `angle` there, `bent` radians in all."""
    places = torch.linspace(-0.5, 0.5, 16 * math.ceil(length) + 1, dtype=torch.float64)
    headings = angle + bent * places
    step = length / (len(places) - 1)
    path = torch.stack([headings.sin().cumsum(0), headings.cos().cumsum(0)], dim=1) * step
    path = path - path.mean(0)
    reach = math.ceil(float(path.abs().max())) + 1
    offsets = torch.arange(-reach, reach + 1, dtype=torch.float64)
    near = (1 - (path[:, :, None] - offsets).abs()).clamp(min=0)  # how much of each point a row and a column get
    kernel = torch.einsum("pr,pc->rc", near[:, 0], near[:, 1])
    return (kernel / kernel.sum()).float()


def disc_kernel(radius: float) -> Tensor:
    """`k k` with sum 1: a disc whose edge falls off over a pixel."""
    reach = math.ceil(radius) + 1
    offsets = torch.arange(-reach, reach + 1, dtype=torch.float64)
    kernel = (radius + 0.5 - torch.hypot(offsets[:, None], offsets[None])).clamp(0, 1)
    return (kernel / kernel.sum()).float()


def spread(x: Tensor, kernel: Tensor) -> Tensor:
    """x `c h w` with every point spread by `kernel` `k k`; beyond its ends x is mirrored, if tiny its ends repeat."""
    reach = kernel.shape[0] // 2
    mode = "reflect" if reach < min(x.shape[1:]) else "replicate"
    padded = F.pad(x[:, None], (reach,) * 4, mode=mode)
    return F.conv2d(padded, kernel.flip(0, 1).to(x)[None, None])[:, 0]
