"""Blur that is the same everywhere: a Gaussian point spread function, in pixels."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from .degradation import Degraded, uniform


def gaussian_blur(x: Tensor, width: float, *, mode: str = "reflect") -> Tensor:
    """x `c h w` through a Gaussian of standard deviation `width` pixels; `mode` is how it goes on beyond its ends."""
    reach = max(3, int(3 * width + 0.5))
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
