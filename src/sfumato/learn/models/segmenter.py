"""The finder of damage: says of every pixel of a scanned old photograph how likely a scratch or spot covers it.

The trunk of the restorers, here with biases: what is asked is no picture that scales with its input, but whether a
mark stands out, in faded photographs as in dark ones.
"""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from sfumato.card import Input, Output

from ..layers.convolution import ResidualBlock
from .trunk import Trunk, check_levels

RARE = -2.5  # the logit that it starts from: one pixel in thirteen is damaged


@dataclass(frozen=True, kw_only=True)
class SegmenterConfig:
    """`widths[i]` channels and `blocks[i]` residual blocks a side at 1/2, 1/4, 1/8, ... of the resolution.

    The last entry of `blocks` counts the blocks at the coarsest level, which has one side only.
    """

    widths: tuple[int, ...] = (24, 48, 72)
    blocks: tuple[int, ...] = (1, 1, 2)
    channels: int = 3

    def __post_init__(self) -> None:
        check_levels("segmenter", self.widths, self.blocks, self.channels)


class Segmenter(Trunk):
    """y `b c h w` in [0, 1] -> damage `b 1 h w`, the probability that a pixel is damaged.

    h and w are multiples of `stride`. Grey photographs are given as three equal channels.
    """

    task: str = "scratches"

    def __init__(self, config: SegmenterConfig) -> None:
        super().__init__(config.channels, 4, widths=config.widths, blocks=config.blocks, block=ResidualBlock, bias=True)
        self.config = config
        assert self.tail.bias is not None
        nn.init.constant_(self.tail.bias, RARE)
        nn.init.kaiming_uniform_(self.tail.weight)  # large enough to leave that soon

    @property
    def inputs(self) -> tuple[Input, ...]:
        return (Input("y", channels=self.config.channels),)

    @property
    def outputs(self) -> tuple[Output, ...]:
        return (Output("damage", kind="mask", channels=1),)

    @property
    def halo(self) -> int:
        return self.reaching(2)

    def forward(self, y: Tensor) -> Tensor:  # type: ignore[override]
        logits = self.through(y - 0.5)  # so that the zeros around a picture are grey, and no edge of it stands out
        return F.pixel_shuffle(logits, 2).to(y.dtype).sigmoid()  # in full precision, for the loss
