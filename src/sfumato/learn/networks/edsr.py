"""The upscaler: residual blocks of plain 3x3 convolutions at the small picture's own resolution.

The design of EDSR (arXiv:1707.02921), without its biases and brought to a CPU's budget: all work is done before the
only enlargement, a depth-to-space at the very end (arXiv:1609.05158), and the network adds what is missing to a
bilinear enlargement. There is no normalization, so tiles are exact.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sfumato.errors import UsageError

from ..layers.convolution import ResidualBlock
from .network import Restorer


@dataclass(frozen=True, kw_only=True)
class EdsrConfig:
    """`blocks` residual blocks of `width` channels; `scale`, 2 or 4, is by how much height and width grow."""

    scale: int = 2
    width: int = 32
    blocks: int = 6
    channels: int = 3

    def __post_init__(self) -> None:
        if self.scale not in (2, 4):
            raise UsageError(f"edsr: scale is 2 or 4, not {self.scale}.")
        if min(self.width, self.channels) < 1 or self.blocks < 0:
            raise UsageError("edsr: width and channels must be at least 1, blocks at least 0.")


class Edsr(Restorer):
    """y `b c h w` in [0, 1], h and w multiples of `stride` -> x_hat `b c h*scale w*scale`."""

    task = "upscale"
    stride = 8  # any size would do; this keeps tiles from being mostly halo

    def __init__(self, config: EdsrConfig) -> None:
        super().__init__()
        self.config, self.scale = config, config.scale
        self.head = nn.Conv2d(config.channels, config.width, 3, padding=1, bias=False)
        self.body = nn.Sequential(*(ResidualBlock(config.width, bias=False) for _ in range(config.blocks)))
        self.tail = nn.Conv2d(config.width, config.scale**2 * config.channels, 3, padding=1, bias=False)
        with torch.no_grad():
            self.tail.weight.mul_(0.1)

    @property
    def halo(self) -> int:
        """One pixel for each convolution; the interpolation looks no further than one."""
        return 2 + 2 * self.config.blocks

    def forward(self, y: Tensor) -> Tensor:  # type: ignore[override]
        features = self.head(y)
        added = F.pixel_shuffle(self.tail(features + self.body(features)), self.scale)
        return F.interpolate(y, scale_factor=float(self.scale), mode="bilinear") + added.to(y.dtype)
