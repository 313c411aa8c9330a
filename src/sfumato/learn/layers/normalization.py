"""Normalizations by name. All but `none` look at the whole picture or batch: a model with one is not tiled.

Batch norm (arXiv:1502.03167), group norm (arXiv:1803.08494), instance norm (arXiv:1607.08022).
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from sfumato.errors import UsageError


class GroupNorm(nn.GroupNorm):
    """torch's; but what is exported takes empty batches too, with which the unused entries of a file are fed."""

    def forward(self, x: Tensor) -> Tensor:
        if not torch.compiler.is_exporting():
            return super().forward(x)
        b, c, h, w = x.shape
        grouped = x.reshape(b, self.num_groups, c // self.num_groups * h * w)
        centred = grouped - grouped.mean(2, keepdim=True)
        scaled = centred * torch.rsqrt(centred.square().mean(2, keepdim=True) + self.eps)
        return scaled.reshape(b, c, h, w) * self.weight[:, None, None] + self.bias[:, None, None]


NORMALIZATIONS: dict[str, Callable[[int], nn.Module]] = {
    "batch": nn.BatchNorm2d,
    "group": lambda channels: GroupNorm(next(g for g in (32, 16, 8, 4, 2, 1) if channels % g == 0), channels),
    "instance": lambda channels: nn.InstanceNorm2d(channels, affine=True),
    "none": lambda channels: nn.Identity(),
}


def normalization(name: str, channels: int) -> nn.Module:
    """The normalization called `name` for `b c h w` of `channels`; the shape stays. Unknown names raise UsageError."""
    if name not in NORMALIZATIONS:
        raise UsageError(f"There is no normalization {name!r}; choose among {', '.join(NORMALIZATIONS)}.")
    return NORMALIZATIONS[name](channels)
