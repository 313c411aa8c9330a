"""Halving and doubling the resolution, each way by name, and the learned ones that the restorers use."""

from collections.abc import Callable

from torch import nn

from sfumato.errors import UsageError

from .pooling import pooling


class StridedDown(nn.Conv2d):
    """2x2 convolution of stride 2: `b in h w` -> `b out h/2 w/2`; nothing overlaps, so alignment stays exact."""

    def __init__(self, in_channels: int, out_channels: int, *, bias: bool = True) -> None:
        super().__init__(in_channels, out_channels, 2, stride=2, bias=bias)


class ShuffleUp(nn.Sequential):
    """1x1 convolution and depth-to-space (arXiv:1609.05158): `b in h w` -> `b out 2h 2w`."""

    def __init__(self, in_channels: int, out_channels: int, *, factor: int = 2, bias: bool = True) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out_channels * factor**2, 1, bias=bias),
            nn.PixelShuffle(factor),
        )


def _pooled(kind: str) -> Callable[[int, int], nn.Module]:
    return lambda before, after: nn.Sequential(pooling(kind), nn.Conv2d(before, after, 1))


DOWNSAMPLINGS: dict[str, Callable[[int, int], nn.Module]] = {
    "strided": StridedDown,
    "max": _pooled("max"),
    "average": _pooled("average"),
}

UPSAMPLINGS: dict[str, Callable[[int, int], nn.Module]] = {
    "shuffle": ShuffleUp,
    "nearest": lambda before, after: nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(before, after, 1)),
    # The 1x1 convolution comes first: it commutes with the interpolation, and costs a quarter on the small map.
    "bilinear": lambda before, after: nn.Sequential(
        nn.Conv2d(before, after, 1), nn.Upsample(scale_factor=2, mode="bilinear")
    ),
    "transposed": lambda before, after: nn.ConvTranspose2d(before, after, 2, stride=2),
}


def downsampling(name: str, in_channels: int, out_channels: int) -> nn.Module:
    """`b in h w` -> `b out h/2 w/2`; h and w even. Unknown names raise UsageError."""
    if name not in DOWNSAMPLINGS:
        raise UsageError(f"There is no downsampling {name!r}; choose among {', '.join(DOWNSAMPLINGS)}.")
    return DOWNSAMPLINGS[name](in_channels, out_channels)


def upsampling(name: str, in_channels: int, out_channels: int) -> nn.Module:
    """`b in h w` -> `b out 2h 2w`. Unknown names raise UsageError."""
    if name not in UPSAMPLINGS:
        raise UsageError(f"There is no upsampling {name!r}; choose among {', '.join(UPSAMPLINGS)}.")
    return UPSAMPLINGS[name](in_channels, out_channels)
