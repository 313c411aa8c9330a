"""Resizing as super-resolution is measured with: MATLAB's antialiased bicubic kernel (imresize), as two products."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
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
