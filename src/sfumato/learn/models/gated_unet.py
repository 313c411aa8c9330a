"""The inpainter: a multi-scale network of gated convolutions that looks for what is missing in what is there.

Holes are first filled smoothly, without weights (layers/filling.py); the network adds what that lacks. Its residual
blocks are gated (arXiv:1806.03589), each channel by a 1x1 convolution, which costs a ninth (arXiv:2005.09704); at an
eighth of the resolution contextual attention copies from known surroundings (arXiv:1801.07892).
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sfumato.errors import UsageError

from ..layers.attention import ContextualAttention
from ..layers.convolution import GatedBlock
from ..layers.filling import filled
from ..layers.resampling import ShuffleUp, StridedDown
from .network import Restorer


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
        if len(self.widths) != 4 or len(self.blocks) != 4:
            raise UsageError("gated-unet: widths and blocks need four numbers each.")
        if min(self.widths) < 1 or min(self.blocks) < 0 or self.channels < 1:
            raise UsageError("gated-unet: widths and channels must be at least 1, blocks at least 0.")


class GatedUNet(Restorer):
    """y `b c h w` in [0, 1] and mask `b 1 h w`, 1 where pixels are missing -> x_hat `b c h w`, y where they are not.

    h and w are multiples of 16. What y holds beneath the mask makes no difference.
    """

    task = "inpaint"
    stride = 16
    max_pixels = 640 * 640  # the attention's memory

    def __init__(self, config: GatedUNetConfig) -> None:
        super().__init__()
        self.config = config
        widths, blocks = config.widths, config.blocks
        self.head = nn.Conv2d(4 * (config.channels + 1), widths[0], 3, padding=1)
        self.down = nn.ModuleList(StridedDown(a, b) for a, b in pairwise(widths))
        self.up = nn.ModuleList(ShuffleUp(b, a) for a, b in pairwise(widths))
        self.encode = nn.ModuleList(_stack(w, n) for w, n in zip(widths[:-1], blocks[:-1], strict=True))
        self.middle = _stack(widths[-1], blocks[-1])
        self.attend = ContextualAttention(widths[2]) if config.attention else None
        self.decode = nn.ModuleList(_stack(w, n) for w, n in zip(widths[:-1], blocks[:-1], strict=True))
        self.tail = nn.Conv2d(widths[0], 4 * config.channels, 3, padding=1)
        with torch.no_grad():
            self.tail.weight.mul_(0.1)
            assert self.tail.bias is not None
            self.tail.bias.zero_()

    def forward(self, y: Tensor, mask: Tensor) -> Tensor:  # type: ignore[override]
        known = 1 - mask
        smooth = filled(y, known)
        features = self.head(F.pixel_unshuffle(torch.cat([smooth - 0.5, mask], dim=1), 2))
        skips = []
        for encode, down in zip(self.encode, self.down, strict=True):
            features = encode(features)
            skips.append(features)
            features = down(features)
        features = self.middle(features)
        for level in (2, 1, 0):
            features = self.up[level](features) + skips[level]
            if level == 2 and self.attend is not None:
                features = self.attend(features, F.avg_pool2d(known, 8))
            features = self.decode[level](features)
        return smooth + mask * F.pixel_shuffle(self.tail(features), 2).to(y.dtype)


def _stack(width: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(GatedBlock(width) for _ in range(count)))
