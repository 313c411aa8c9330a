"""The estimator: a small convolutional network that reads the level of noise or compression off a single picture.

As in CBDNet (arXiv:1807.04686) a network of plain convolutions predicts a level map; here from a space-to-depth
picture and for every cell of 8x8 pixels, since the level is smooth. Beside the level it gives how far off it expects
to be (arXiv:1703.04977): flat cells show the noise, textured ones do not.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sfumato.errors import UsageError
from sfumato.models.card import Input, Output

from ..layers.convolution import ConvBlock
from .network import Network

MEASURED = {"noise-level": "sigma", "jpeg-quality": "compression"}


@dataclass(frozen=True, kw_only=True)
class NoiseNetConfig:
    """`widths` are the channels at 1/2, 1/4 and 1/8 of the resolution; `depth` convolutions follow at 1/8.

    `task` says what is measured: the noise level, or how far the picture was compressed.
    """

    widths: tuple[int, ...] = (32, 48, 64)
    depth: int = 2
    channels: int = 3
    task: str = "noise-level"

    def __post_init__(self) -> None:
        if len(self.widths) != 3 or min(self.widths) < 1 or self.depth < 0 or self.channels < 1:
            raise UsageError("noise-net: widths needs three numbers of at least 1, depth at least 0.")
        if self.task not in MEASURED:
            raise UsageError(f"noise-net: task is one of {', '.join(MEASURED)}, not {self.task!r}.")


class NoiseNet(Network):
    """y `b c h w` in [0, 1] -> level `b 2 h w`, constant in cells of 8x8; h and w multiples of 8.

    Channel 0 is the level in the units of the restorers' maps; channel 1 the expected absolute error of its
    `log_level`.
    """

    task: str = "noise-level"
    stride = 8

    def __init__(self, config: NoiseNetConfig) -> None:
        super().__init__()
        self.config = config
        self.task = config.task
        fine, middle, coarse = config.widths
        self.body = nn.Sequential(
            nn.PixelUnshuffle(2),
            ConvBlock(4 * config.channels, fine),
            ConvBlock(fine, middle, stride=2),
            ConvBlock(middle, middle),
            ConvBlock(middle, coarse, stride=2),
            *(ConvBlock(coarse, coarse) for _ in range(config.depth)),
        )
        self.head = nn.Conv2d(coarse, 2, 1)
        assert self.head.bias is not None
        nn.init.constant_(self.head.bias, 0.5)  # starts at a level of about 25/255

    @property
    def inputs(self) -> tuple[Input, ...]:
        return (Input("y", channels=self.config.channels),)

    @property
    def outputs(self) -> tuple[Output, ...]:
        return (Output(MEASURED[self.task], kind=MEASURED[self.task], channels=2),)

    @property
    def halo(self) -> int:
        """The radii of the convolutions in pixels, rounded up to the stride, and one stride for alignment."""
        radius = 2 + 2 + 4 + 4 + 8 * self.config.depth
        return -(-radius // self.stride) * self.stride + self.stride

    def forward(self, y: Tensor) -> Tensor:  # type: ignore[override]
        level, spread = F.softplus(self.head(self.body(y)).float()).split(1, dim=1)
        return F.interpolate(torch.cat([0.1 * level, spread + 0.02], dim=1), scale_factor=8, mode="nearest")


def log_level(sigma: Tensor) -> Tensor:
    """log(sigma + 1/255): relative error at high levels, absolute near zero, which is how a wrong level costs."""
    return torch.log(sigma + 1 / 255)
