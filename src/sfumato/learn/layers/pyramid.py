"""The encoder and decoder that the generating families share: residual blocks, halving or doubling between them."""

from itertools import pairwise

from torch import nn

from sfumato.errors import UsageError

from .activation import activation
from .convolution import ResidualBlock
from .resampling import downsampling, upsampling


class Encoder(nn.Sequential):
    """`b channels h w` -> `b widths[-1] h/f w/f`, f = patch * 2 ** (len(widths) - 1); `blocks` residual blocks a level.

    patch: the first convolution works on squares of patch x patch pixels, as channels, which saves the work at full
    resolution. No normalization: what comes out for a picture does not depend on its batch, and gradient penalties
    stay exact.
    """

    def __init__(
        self,
        channels: int,
        widths: tuple[int, ...],
        blocks: int,
        *,
        patch: int = 1,
        act: str = "leaky_relu",
        down: str = "average",
    ) -> None:
        layers: list[nn.Module] = [nn.PixelUnshuffle(patch)] if patch > 1 else []
        layers.append(nn.Conv2d(channels * patch**2, widths[0], 3, padding=1))
        layers += [ResidualBlock(widths[0], act=act) for _ in range(blocks)]
        for before, after in pairwise(widths):
            layers.append(downsampling(down, before, after))
            layers += [ResidualBlock(after, act=act) for _ in range(blocks)]
        super().__init__(*layers)


class Decoder(nn.Sequential):
    """`b widths[-1] h w` -> `b channels f*h f*w`, f = patch * 2 ** (len(widths) - 1): the encoder's mirror image."""

    def __init__(
        self,
        channels: int,
        widths: tuple[int, ...],
        blocks: int,
        *,
        patch: int = 1,
        act: str = "leaky_relu",
        up: str = "bilinear",
    ) -> None:
        layers: list[nn.Module] = [ResidualBlock(widths[-1], act=act) for _ in range(blocks)]
        for before, after in pairwise(reversed(widths)):
            layers.append(upsampling(up, before, after))
            layers += [ResidualBlock(after, act=act) for _ in range(blocks)]
        layers.append(nn.Conv2d(widths[0], channels * patch**2, 3, padding=1))
        super().__init__(*layers, *([nn.PixelShuffle(patch)] if patch > 1 else []))


class ToVector(nn.Sequential):
    """`b channels f*h f*w` -> `b out`: the encoder down to maps of `size` (h, w), an activation, a dense layer."""

    def __init__(
        self, channels: int, size: tuple[int, int], widths: tuple[int, ...], blocks: int, out: int, *, patch: int = 1
    ) -> None:
        super().__init__(
            Encoder(channels, widths, blocks, patch=patch, act="silu"),
            activation("silu"),
            nn.Flatten(),
            nn.Linear(widths[-1] * size[0] * size[1], out),
        )


class FromVector(nn.Sequential):
    """`b features` -> `b channels f*h f*w`: a dense layer to maps of `size` (h, w), and the decoder."""

    def __init__(
        self,
        features: int,
        size: tuple[int, int],
        widths: tuple[int, ...],
        blocks: int,
        channels: int,
        *,
        patch: int = 1,
        act: str = "silu",
    ) -> None:
        super().__init__(
            nn.Linear(features, widths[-1] * size[0] * size[1]),
            nn.Unflatten(1, (widths[-1], *size)),
            Decoder(channels, widths, blocks, patch=patch, act=act),
        )


def coarsest(size: tuple[int, ...], widths: tuple[int, ...], owner: str, patch: int = 1) -> tuple[int, int]:
    """Height and width at the coarsest of `len(widths)` levels; raises UsageError where halving does not come out."""
    if patch < 1 or not widths or min(widths) < 1:
        raise UsageError(f"{owner}: patch and widths must be at least 1.")
    factor = patch * 2 ** (len(widths) - 1)
    if len(size) != 2 or min(size) < 1 or any(length % factor for length in size):
        raise UsageError(
            f"{owner}: a size of {'x'.join(map(str, size))} does not halve {len(widths) - 1} times"
            + (f" after the patches of {patch}" if patch > 1 else "")
            + f"; height and width must be multiples of {factor}, or take fewer widths."
        )
    return size[0] // factor, size[1] // factor
