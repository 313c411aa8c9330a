"""A restorer that applies the same weights to a picture again and again: recurrence in depth.

As in DRRN (CVPR 2017) and NLRN (arXiv:1806.02919), a block of convolutions is used a number of times on what it made
itself, and sees the first features each time: with few weights the network is deep. How often it is applied is free
after the training as well, so that one set of weights has a dial between time and quality.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sfumato.errors import UsageError

from ..layers.convolution import ResidualBlock
from .network import LEVELS, Restorer
from .plain_unet import TASKS


@dataclass(frozen=True, kw_only=True)
class RecursiveNetConfig:
    """One residual block of `width` channels at half the resolution, applied `times` times.

    shared: all times have the same weights; without it each has its own. any_times: in training the number is drawn
    anew for each batch, from 1 to `times`, so that any of them may be taken afterwards. `task` is what it learns, which
    says what it takes beside the picture.
    """

    task: str = "denoise"
    width: int = 32
    times: int = 8
    shared: bool = True
    any_times: bool = False
    channels: int = 3

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise UsageError(f"recursive-net: task is one of {', '.join(TASKS)}, not {self.task!r}.")
        if min(self.width, self.times, self.channels) < 1:
            raise UsageError("recursive-net: width, times and channels must be at least 1.")
        if self.any_times and not self.shared:
            raise UsageError("recursive-net: any_times is for shared weights.")


class RecursiveNet(Restorer):
    """y `b c h w` in [0, 1] and perhaps a level `b 1 h w` -> x_hat `b c h w`; h and w multiples of `stride`."""

    stride = 8  # 2 would do; this keeps tiles from being mostly halo

    def __init__(self, config: RecursiveNetConfig) -> None:
        super().__init__()
        self.config, self.task = config, config.task
        given = config.channels + bool(LEVELS[config.task])
        self.head = nn.Conv2d(4 * given, config.width, 3, padding=1, bias=False)
        count = 1 if config.shared else config.times
        self.blocks = nn.ModuleList(ResidualBlock(config.width, bias=False) for _ in range(count))
        self.tail = nn.Conv2d(config.width, 4 * config.channels, 3, padding=1, bias=False)
        with torch.no_grad():
            self.tail.weight.mul_(0.1)

    @property
    def halo(self) -> int:
        """Two pixels for each convolution at half the resolution, and one of the cell."""
        return 2 * (2 + 2 * self.config.times) + 1

    def forward(self, y: Tensor, level: Tensor | None = None) -> Tensor:  # type: ignore[override]
        first = self.head(F.pixel_unshuffle(y if level is None else torch.cat([y, level], dim=1), 2))
        features = first
        for number in range(self._times()):
            block = self.blocks[0 if self.config.shared else number]
            features = block(features + first) - first  # what it adds to the features, seen beside the first
        return y - F.pixel_shuffle(self.tail(features), 2).to(y.dtype)

    def _times(self) -> int:
        if self.training and self.config.any_times:
            return int(torch.randint(1, self.config.times + 1, ()))
        return self.config.times
