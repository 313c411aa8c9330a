"""The restorer for CPUs: a multi-scale network of plain 3x3 convolutions, told how damaged the picture is, or blind.

The design of DRUNet (arXiv:2008.13751) brought to a budget of a few tens of thousands of multiply-adds a pixel: the
first convolution works at half resolution on a space-to-depth picture (FFDNet, arXiv:1710.04026), every 3x3
convolution is dense, and there is neither normalization nor bias. Without biases the network scales with its input
(arXiv:1906.05478), so it holds at noise levels that it was not trained on; without normalization tiles are exact.
"""

from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sfumato.errors import UsageError

from ..layers.convolution import ResidualBlock
from ..layers.resampling import ShuffleUp, StridedDown
from .network import Restorer

TASKS = ("denoise", "dejpeg", "clean", "upscale")


@dataclass(frozen=True, kw_only=True)
class PlainUNetConfig:
    """`widths[i]` channels and `blocks[i]` residual blocks a side at 1/2, 1/4, 1/8, ... of the resolution.

    The last entry of `blocks` counts the blocks at the coarsest level, which has one side only. `task` is what it
    learns, which says what it is told beside the picture; `scale` by how much it enlarges. `attention` in every block:
    "channel" (a global operation: no tiles), "spatial", or "" for none.
    """

    task: str = "denoise"
    scale: int = 1

    widths: tuple[int, ...] = (32, 64, 112)
    blocks: tuple[int, ...] = (1, 1, 2)
    channels: int = 3
    attention: str = ""

    def __post_init__(self) -> None:
        if len(self.widths) != len(self.blocks) or not self.widths:
            raise UsageError("plain-unet: widths and blocks need one number for each level, the same count in both.")
        if min(self.widths) < 1 or min(self.blocks) < 0 or self.channels < 1:
            raise UsageError("plain-unet: widths and channels must be at least 1, blocks at least 0.")
        if self.scale not in (1, 2, 4) or (self.scale > 1) != (self.task == "upscale"):
            raise UsageError("plain-unet: scale is 2 or 4 for the task upscale, and 1 for all others.")
        if self.task not in TASKS:
            raise UsageError(f"plain-unet: task is one of {', '.join(TASKS)}, not {self.task!r}.")


class PlainUNet(Restorer):
    """y `b c h w` in [0, 1] and perhaps a level `b 1 h w` -> x_hat `b c h*scale w*scale`.

    h and w are multiples of `stride`.
    """

    def __init__(self, config: PlainUNetConfig) -> None:
        super().__init__()
        self.config = config
        self.task, self.scale = config.task, config.scale
        widths, blocks = config.widths, config.blocks
        stack = partial(_stack, attention=config.attention)
        self.head = nn.Conv2d(4 * (config.channels + bool(self.level)), widths[0], 3, padding=1, bias=False)
        self.down = nn.ModuleList(StridedDown(a, b, bias=False) for a, b in pairwise(widths))
        self.up = nn.ModuleList(ShuffleUp(b, a, bias=False) for a, b in pairwise(widths))
        self.encode = nn.ModuleList(stack(w, n) for w, n in zip(widths[:-1], blocks[:-1], strict=True))
        self.middle = stack(widths[-1], blocks[-1])
        self.decode = nn.ModuleList(stack(w, n) for w, n in zip(widths[:-1], blocks[:-1], strict=True))
        self.tail = nn.Conv2d(widths[0], (2 * config.scale) ** 2 * config.channels, 3, padding=1, bias=False)
        with torch.no_grad():
            self.tail.weight.mul_(0.1)

    @property
    def stride(self) -> int:
        return 2 ** len(self.config.widths)

    @property
    def max_pixels(self) -> int | None:
        return 2**20 if self.halo is None else None

    @property
    def halo(self) -> int | None:
        """How far an output pixel looks, in pixels: the radii of the convolutions, and one stride for alignment."""
        if self.config.attention == "channel":
            return None
        reach = 2 + 3 * (self.config.attention == "spatial")
        sides = [2 * reach * n for n in self.config.blocks[:-1]] + [reach * self.config.blocks[-1]]
        radius = 2 + 2 + sum(count * 2 ** (level + 1) for level, count in enumerate(sides))
        return -(-radius // self.stride) * self.stride + self.stride

    def forward(self, y: Tensor, level: Tensor | None = None) -> Tensor:  # type: ignore[override]
        given = y if level is None else torch.cat([y, level], dim=1)
        features = self.head(F.pixel_unshuffle(given, 2))
        skips = []
        for encode, down in zip(self.encode, self.down, strict=True):
            features = encode(features)
            skips.append(features)
            features = down(features)
        features = self.middle(features)
        for skip, up, decode in zip(reversed(skips), reversed(self.up), reversed(self.decode), strict=True):
            features = decode(up(features) + skip)
        if self.scale > 1:
            y = F.interpolate(y, scale_factor=float(self.scale), mode="bilinear")
        return y - F.pixel_shuffle(self.tail(features), 2 * self.scale).to(y.dtype)


def _stack(width: int, count: int, attention: str) -> nn.Sequential:
    return nn.Sequential(*(ResidualBlock(width, bias=False, attention=attention) for _ in range(count)))
