"""Normalization whose scale and shift a map decides, place by place (SPADE, arXiv:1903.07291)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class SpatialNorm(nn.Module):
    """x `b c h w` and features of a map `b m h w` -> `b c h w`: scaled and shifted at each place as the map says there.

    Before that the channels of each place get a mean square of 1 (arXiv:1710.10196). Nothing is averaged over the
    picture, unlike in SPADE: what is asked for in one place leaves others alone.
    """

    def __init__(self, channels: int, given: int) -> None:
        super().__init__()
        self.modulate = nn.Conv2d(given, 2 * channels, 1)

    def forward(self, x: Tensor, given: Tensor) -> Tensor:
        scale, shift = self.modulate(given).chunk(2, dim=1)
        wide = x.float()
        return (wide * torch.rsqrt(wide.square().mean(1, keepdim=True) + 1e-6)).to(x.dtype) * (1 + scale) + shift


class SpatialBlock(nn.Module):
    """Residual block of two 3x3 convolutions, each behind a `SpatialNorm`: `b c h w` and `b m h w` -> `b c h w`."""

    def __init__(self, channels: int, given: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(SpatialNorm(channels, given) for _ in range(2))
        self.convs = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))
        with torch.no_grad():
            for parameter in self.convs[1].parameters():
                parameter.mul_(0.1)

    def forward(self, x: Tensor, given: Tensor) -> Tensor:
        inner = x
        for norm, conv in zip(self.norms, self.convs, strict=True):
            inner = conv(F.leaky_relu(norm(inner, given), 0.2))
        return x + inner
