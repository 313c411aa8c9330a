"""Normalizations by name. All but `none` look at the whole picture or batch: a model with one is not tiled.

Batch norm (arXiv:1502.03167), group norm (arXiv:1803.08494), instance norm (arXiv:1607.08022).
"""

from collections.abc import Callable

from torch import nn

from sfumato.errors import UsageError

NORMALIZATIONS: dict[str, Callable[[int], nn.Module]] = {
    "batch": nn.BatchNorm2d,
    "group": lambda channels: nn.GroupNorm(next(g for g in (32, 16, 8, 4, 2, 1) if channels % g == 0), channels),
    "instance": lambda channels: nn.InstanceNorm2d(channels, affine=True),
    "none": lambda channels: nn.Identity(),
}


def normalization(name: str, channels: int) -> nn.Module:
    """The normalization called `name` for `b c h w` of `channels`; the shape stays. Unknown names raise UsageError."""
    if name not in NORMALIZATIONS:
        raise UsageError(f"There is no normalization {name!r}; choose among {', '.join(NORMALIZATIONS)}.")
    return NORMALIZATIONS[name](channels)
