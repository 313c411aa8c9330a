"""Resizing as super-resolution is measured with: MATLAB's antialiased bicubic kernel (imresize), as two products.

And as pictures in the wild were resized, by the kernels that programs offer.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil
from typing import Any

import numpy as np
import torch
from PIL.Image import Resampling, fromarray
from torch import Generator, Tensor

from .degradation import Degradation, Degraded, in_8_bits, uniform

A = -0.5  # Keys' cubic convolution (1981), as MATLAB and Pillow have it


@lru_cache(maxsize=256)
def _weights(size: int, wanted: int) -> Tensor:
    """`wanted size`: what each output sample takes from each input sample, mirrored at the ends; rows sum to 1."""
    scale = wanted / size
    width = min(scale, 1.0)  # below 1 the kernel is stretched, so that nothing aliases
    places = (torch.arange(wanted, dtype=torch.float64) + 0.5) / scale - 0.5
    reach = int(2 / width) + 2
    taken = places.floor()[:, None] + torch.arange(-reach, reach + 1, dtype=torch.float64)
    values = _cubic(width * (places[:, None] - taken)) * width
    values = values / values.sum(1, keepdim=True)
    mirrored = torch.remainder(taken, 2 * size).long()
    mirrored = torch.where(mirrored < size, mirrored, 2 * size - 1 - mirrored)
    return torch.zeros(wanted, size, dtype=torch.float64).scatter_add_(1, mirrored, values).float()


def _cubic(distance: Tensor) -> Tensor:
    d = distance.abs()
    near = (A + 2) * d**3 - (A + 3) * d**2 + 1
    far = A * d**3 - 5 * A * d**2 + 8 * A * d - 4 * A
    return torch.where(d <= 1, near, torch.where(d <= 2, far, torch.zeros_like(d)))


def resized(x: Tensor, size: tuple[int, int]) -> Tensor:
    """x `... h w` scaled to `... *size`, both up and down; not clipped."""
    rows, columns = _weights(x.shape[-2], size[0]).to(x), _weights(x.shape[-1], size[1]).to(x)
    return rows @ x @ columns.T


@dataclass(frozen=True)
class Reduced:
    """What super-resolution undoes: x reduced by `scale` and rounded to 8 bits, as published figures have it.

    Height and width of x are multiples of `scale`; the level is zero, in the size of y. before, after: what else befell
    the large picture first, and the small one afterwards, as real small pictures are.
    """

    scale: int = 2
    before: Degradation | None = None
    after: Degradation | None = None

    def __call__(self, x: Tensor, generator: Generator) -> Degraded:
        height, width = (length // self.scale for length in x.shape[1:])
        parameters: dict[str, Any] = {"kind": "reduced", "scale": self.scale}
        large = x
        if self.before is not None:
            done = self.before(x, generator)
            large, parameters = done.y, done.parameters | parameters
        y = in_8_bits(resized(large, (height, width)))
        if self.after is not None:
            done = self.after(y, generator)
            y, parameters = done.y, done.parameters | parameters
        return Degraded(x, y, torch.zeros(1, height, width), parameters)


@dataclass(frozen=True)
class Resized:
    """A picture that was reduced by a factor and enlarged again, which leaves it soft; `factor` is below 1."""

    factor: tuple[float, float] = (0.6, 1.0)

    def __call__(self, x: Tensor, generator: Generator) -> Degraded:
        factor = uniform(*self.factor, generator)
        height, width = x.shape[1:]
        small = resized(x, (max(round(height * factor), 1), max(round(width * factor), 1)))
        y = resized(small, (height, width))
        return Degraded(x, y, torch.zeros(1, height, width), {"kind": "resized", "factor": factor})


KERNELS = {
    "nearest": Resampling.NEAREST,
    "bilinear": Resampling.BILINEAR,
    "bicubic": Resampling.BICUBIC,
    "lanczos": Resampling.LANCZOS,
}
MARGIN = 3  # pixels of the small picture around what is shown
SQUARES = (2, 16)  # sides of the squares that pixels become in half of what "nearest" enlarges


@dataclass(frozen=True)
class Enlarged:
    """A part of the picture enlarged to the size of the whole, by a kernel of `KERNELS` or, in a fifth, by Fourier's.

    That leaves out what is finer than the small pixels, and rings about edges, as scanners of magnetic resonance do,
    which fill up what they did not measure with zeros. Of the nearest pixel's, half are squares, as in a mosaic. x is
    what the undamaged part becomes, y is rounded to 8 bits, the level is the largest of what befell the small picture
    `before`.
    """

    factor: tuple[float, float] = (1.1, 4.0)
    before: Degradation | None = None

    def __call__(self, x: Tensor, generator: Generator) -> Degraded:
        names = (*KERNELS, "fourier")
        kernel = names[int(torch.randint(len(names), (), generator=generator))]
        factor = uniform(*self.factor, generator)
        if kernel == "nearest" and uniform(0, 1, generator) < 0.5:
            factor = round(uniform(*SQUARES, generator))
        height, width = x.shape[1:]
        shorter = min(height, width)
        margin = min(MARGIN, (shorter - 1) // 4)
        factor = max(factor, shorter / (shorter - 2 * margin))
        rows, columns = (min(ceil(length / factor) + 2 * margin, length) for length in (height, width))
        down, right = (int(torch.randint(n + 1, (), generator=generator)) for n in (height - rows, width - columns))
        small = x[:, down : down + rows, right : right + columns]
        done = Degraded(small, small, torch.zeros(1, rows, columns))
        if self.before is not None:
            done = self.before(small, generator)
        size = (ceil(rows * factor), ceil(columns * factor))
        above, left = (int(max(margin - uniform(0, 1, generator), 0) * factor) for _ in size)
        large = [
            enlarged_by(part, size, kernel)[:, above : above + height, left : left + width] for part in (done.x, done.y)
        ]
        parameters = done.parameters | {"enlarged": factor, "kernel": kernel}
        level = torch.full((1, height, width), float(done.level.max()))
        return replace(done, x=large[0], y=in_8_bits(large[1]), level=level, parameters=parameters)


def enlarged_by(x: Tensor, size: tuple[int, int], kernel: str) -> Tensor:
    """x `c h w` in a larger size; not clipped. "fourier": its spectrum filled up with zeros, x mirrored at its ends."""
    if kernel == "fourier":
        mirrored = torch.cat([x, x.flip(1)], 1)
        mirrored = torch.cat([mirrored, mirrored.flip(2)], 2)
        (height, width), filled = mirrored.shape[1:], torch.zeros(len(x), 2 * size[0], 2 * size[1], dtype=torch.cfloat)
        above, left = size[0] - height // 2, size[1] - width // 2
        spectrum = torch.fft.fftshift(torch.fft.fft2(mirrored), dim=(1, 2))
        filled[:, above : above + height, left : left + width] = spectrum
        y = torch.fft.ifft2(torch.fft.ifftshift(filled, dim=(1, 2))).real[:, : size[0], : size[1]]
        return y * (4 * size[0] * size[1] / (height * width))
    planes = [np.asarray(fromarray(plane.numpy()).resize(size[::-1], KERNELS[kernel])) for plane in x]
    return torch.from_numpy(np.stack(planes))
