"""The restorer for CPUs: a multi-scale network of plain 3x3 convolutions, given how damaged the picture is, or blind.

Its trunk has no biases, so that the network scales with its input (arXiv:1906.05478) and holds at noise levels that it
was not trained on.
"""

from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from sfumato.errors import UsageError

from ..layers.convolution import ResidualBlock
from .network import LEVELS, Restorer
from .trunk import Trunk, check_levels

TASKS = ("denoise", "dejpeg", "clean", "deblur", "descreen")


@dataclass(frozen=True, kw_only=True)
class PlainUNetConfig:
    """`widths[i]` channels and `blocks[i]` residual blocks a side at 1/2, 1/4, 1/8, ... of the resolution.

    The last entry of `blocks` counts the blocks at the coarsest level, which has one side only. `task` is what it
    learns, which says what it takes beside the picture. `attention` in every block: "channel" (a global
    operation: no tiles), "spatial", or "" for none. `skips`: without them it is a convolutional autoencoder
    (Vincent et al. 2008, ICML), which makes the picture anew from its coarsest level.
    """

    task: str = "denoise"
    widths: tuple[int, ...] = (32, 64, 112)
    blocks: tuple[int, ...] = (1, 1, 2)
    channels: int = 3
    attention: str = ""
    skips: bool = True

    def __post_init__(self) -> None:
        check_levels("plain-unet", self.widths, self.blocks, self.channels)
        if self.task not in TASKS:
            raise UsageError(f"plain-unet: task is one of {', '.join(TASKS)}, not {self.task!r}.")


class PlainUNet(Trunk, Restorer):
    """y `b c h w` in [0, 1] and perhaps a level `b 1 h w` -> x_hat `b c h w`.

    h and w are multiples of `stride`.
    """

    def __init__(self, config: PlainUNetConfig) -> None:
        given = config.channels + bool(LEVELS[config.task])
        made = 4 * config.channels
        block = partial(ResidualBlock, bias=False, attention=config.attention)
        super().__init__(given, made, widths=config.widths, blocks=config.blocks, block=block, skips=config.skips)
        self.config = config
        self.task = config.task

    @property
    def halo(self) -> int | None:
        if self.config.attention == "channel":
            return None
        return self.reaching(5 if self.config.attention == "spatial" else 2)

    @property
    def max_pixels(self) -> int | None:
        return 2**20 if self.halo is None else None

    def forward(self, y: Tensor, level: Tensor | None = None) -> Tensor:  # type: ignore[override]
        made = self.through(y if level is None else torch.cat([y, level], dim=1))
        picture = F.pixel_shuffle(made, 2).to(y.dtype)
        return y - picture if self.config.skips else picture
