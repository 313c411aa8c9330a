"""The inpainter: a multi-scale network of gated convolutions that looks for what is missing in what is there.

Holes are first filled smoothly, without weights (layers/filling.py); the network adds what that lacks. Its residual
blocks are gated (arXiv:1806.03589), each channel by a 1x1 convolution, which costs a ninth (arXiv:2005.09704); at an
eighth of the resolution contextual attention copies from known surroundings (arXiv:1801.07892).
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from sfumato.errors import UsageError

from ..layers.attention import ContextualAttention
from ..layers.convolution import GatedBlock
from ..layers.filling import filled
from .network import Restorer
from .trunk import Trunk, check_levels

ATTENDED = 2  # the level, of 1/8 of the resolution, at which it is searched


@dataclass(frozen=True, kw_only=True)
class GatedUNetConfig:
    """`widths[i]` channels and `blocks[i]` gated blocks a side at 1/2, 1/4, 1/8, 1/16 of the resolution.

    The last entry of `blocks` counts those at the coarsest level, which has one side only. `attention`: at 1/8 known
    surroundings are searched for what is missing.
    """

    widths: tuple[int, ...] = (32, 64, 96, 160)
    blocks: tuple[int, ...] = (1, 1, 1, 4)
    attention: bool = True
    channels: int = 3

    def __post_init__(self) -> None:
        check_levels("gated-unet", self.widths, self.blocks, self.channels)
        if len(self.widths) != 4:
            raise UsageError("gated-unet: widths and blocks need four numbers each.")


class GatedUNet(Trunk, Restorer):
    """y `b c h w` in [0, 1] and mask `b 1 h w`, 1 where pixels are missing -> x_hat `b c h w`, y where they are not.

    h and w are multiples of 16. What y holds beneath the mask makes no difference.
    """

    task = "inpaint"
    max_pixels = 640 * 640  # the attention's memory

    def __init__(self, config: GatedUNetConfig) -> None:
        super().__init__(
            config.channels + 1,
            4 * config.channels,
            widths=config.widths,
            blocks=config.blocks,
            block=GatedBlock,
            bias=True,
        )
        self.config = config
        self.attend = ContextualAttention(config.widths[ATTENDED]) if config.attention else None
        with torch.no_grad():
            assert self.tail.bias is not None
            self.tail.bias.zero_()

    def forward(self, y: Tensor, mask: Tensor) -> Tensor:  # type: ignore[override]
        known = 1 - mask
        smooth = filled(y, known)

        def joined(level: int, features: Tensor) -> Tensor:
            if level != ATTENDED or self.attend is None:
                return features
            return self.attend(features, F.avg_pool2d(known, 2 ** (ATTENDED + 1)))

        made = self.through(torch.cat([smooth - 0.5, mask], dim=1), joined)
        return smooth + mask * F.pixel_shuffle(made, 2).to(y.dtype)
