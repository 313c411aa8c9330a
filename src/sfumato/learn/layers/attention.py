"""Attention that convolutional networks use: which channels matter, and where (CBAM, arXiv:1807.06521)."""

import torch
from torch import Tensor, nn

from .pooling import DenseHead, GlobalPool


class ChannelAttention(nn.Module):
    """Squeeze and excitation (arXiv:1709.01507): every channel times a weight in (0, 1) from its global mean.

    `b c h w` -> `b c h w`. A global operation: a model that holds it is not tiled.
    """

    def __init__(self, channels: int, *, reduction: int = 4) -> None:
        super().__init__()
        self.pool = GlobalPool()
        self.head = DenseHead(channels, (max(channels // reduction, 1),), channels)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.head(self.pool(x)))[:, :, None, None]


class SpatialAttention(nn.Module):
    """Every position times a weight in (0, 1) from the mean and maximum over channels: `b c h w` -> `b c h w`."""

    def __init__(self, *, kernel: int = 7) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, kernel, padding=kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        summary = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], dim=1)
        return x * torch.sigmoid(self.conv(summary))
