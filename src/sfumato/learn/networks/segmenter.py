"""The finder of damage: says of every pixel of a scanned old photograph how likely a scratch or spot covers it.

The trunk of the restorers, here with biases: what is asked is no picture that scales with its input, but whether a
mark stands out, in faded photographs as in dark ones. What a classifier of photographs sees in the picture joins it,
since the white of an eye, a collar and a letter look like damage to a network that has only seen damage.
"""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from sfumato.errors import UsageError
from sfumato.models.card import Input, Output

from ..layers.convolution import ResidualBlock
from ..pretrained import Stages
from .trunk import Trunk, check_levels

RARE = -2.5  # the logit that it starts from: one pixel in thirteen is damaged
SEEN = {"1/4": 24, "1/8": 40, "1/16 early": 80}  # the classifier's stages that join it, and their channels
SEEN_REACH = 73 + 8  # pixels around a position at 1/16, and how far that lies from one at 1/8


@dataclass(frozen=True, kw_only=True)
class SegmenterConfig:
    """`widths[i]` channels and `blocks[i]` residual blocks a side at 1/2, 1/4, 1/8, ... of the resolution.

    The last entry of `blocks` counts the blocks at the coarsest level, which has one side only. `pretrained`: the
    first half of EfficientNet-Lite0 looks on, with its weights frozen; widths and blocks then need three numbers each.
    """

    widths: tuple[int, ...] = (24, 48, 72)
    blocks: tuple[int, ...] = (1, 1, 2)
    channels: int = 3
    pretrained: bool = False

    def __post_init__(self) -> None:
        check_levels("segmenter", self.widths, self.blocks, self.channels)
        if self.pretrained and (len(self.widths) != 3 or self.channels != 3):
            raise UsageError("segmenter: with pretrained, widths and blocks need three numbers each, and 3 channels.")


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
        if config.pretrained:
            self.stages = Stages(tuple(SEEN))
            places = (config.widths[1], config.widths[2], config.widths[2])
            self.join = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in zip(SEEN.values(), places, strict=True))

    @property
    def stride(self) -> int:
        return 16 if self.config.pretrained else super().stride

    @property
    def inputs(self) -> tuple[Input, ...]:
        return (Input("y", channels=self.config.channels),)

    @property
    def outputs(self) -> tuple[Output, ...]:
        return (Output("damage", kind="mask", channels=1),)

    @property
    def halo(self) -> int:
        own = self.reaching(2)
        if not self.config.pretrained:
            return own
        lent = SEEN_REACH + self.reaching_back(2)
        return max(own, -(-lent // self.stride) * self.stride)

    def seen(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """What the classifier makes of the picture, as it joins the trunk at 1/4 and at 1/8 of the resolution."""
        quarter, eighth, sixteenth = (join(seen) for join, seen in zip(self.join, self.stages(y), strict=True))
        return quarter, eighth + F.interpolate(sixteenth, scale_factor=2.0, mode="nearest")

    def forward(self, y: Tensor) -> Tensor:  # type: ignore[override]
        beside = self.seen(y) if self.config.pretrained else ()
        centred = y - 0.5  # so that the zeros around a picture are grey, and no edge of it stands out
        logits = self.through(centred, beside=beside)
        return F.pixel_shuffle(logits, 2).to(y.dtype).sigmoid()  # in full precision, for the loss
