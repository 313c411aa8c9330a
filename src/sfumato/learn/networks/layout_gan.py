"""From a label map to a picture (SPADE, arXiv:1903.07291): at each place the map scales and shifts what is made there.

The map is read once, from its full resolution down to the coarsest level; what it says at each level modulates the
generator, which grows from there.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sfumato.errors import UsageError

from ..layers.pyramid import coarsest
from ..layers.resampling import upsampling
from ..layers.spatial import SpatialBlock
from .paired import Paired, PairedConfig


@dataclass(frozen=True, kw_only=True)
class LayoutGanConfig(PairedConfig):
    """`widths[i]` channels and `blocks` blocks at 1/2**i of the resolution that squares of 2x2 pixels leave.

    `read[i]`: channels of what is read of the map there; () for 32, 48, 64, 64, ...
    """

    widths: tuple[int, ...] = (48, 96, 144, 192)
    read: tuple[int, ...] = ()
    blocks: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        coarsest(self.size, self.widths, "layout-gan", 2)
        if len(self.reads) != len(self.widths) or min(self.reads) < 1 or self.blocks < 1:
            raise UsageError("layout-gan: read needs as many numbers as widths, and blocks must be at least 1.")

    @property
    def reads(self) -> tuple[int, ...]:
        return self.read or tuple(min(32 + 16 * level, 64) for level in range(len(self.widths)))


class LayoutGan(Paired):
    """z `b latent` and what is given `b k h w` -> x `b 3 h w` in [0, 1]; h and w are multiples of `stride`."""

    config: LayoutGanConfig

    def __init__(self, config: LayoutGanConfig) -> None:
        super().__init__()
        self.config = config
        first, *further = pairwise((4 * config.given, *config.reads))
        self.read = nn.ModuleList([nn.Conv2d(*first, 1), *(nn.Conv2d(a, b, 3, padding=1) for a, b in further)])
        self.begin = nn.Conv2d(config.reads[-1], config.widths[-1], 3, padding=1)
        self.noise = nn.Linear(config.latent, config.widths[-1])
        self.blocks = nn.ModuleList(
            nn.ModuleList(SpatialBlock(width, given) for _ in range(config.blocks))
            for width, given in zip(config.widths, config.reads, strict=True)
        )
        self.up = nn.ModuleList(upsampling("bilinear", b, a) for a, b in pairwise(config.widths))
        self.last = nn.Conv2d(config.widths[0], 4 * config.channels, 3, padding=1)

    @property
    def stride(self) -> int:
        return 2 ** len(self.config.widths)

    def forward(self, z: Tensor, given: Tensor) -> Tensor:  # type: ignore[override]
        seen = F.pixel_unshuffle(given, 2)
        levels: list[Tensor] = []
        for number, conv in enumerate(self.read):
            seen = F.leaky_relu(conv(F.avg_pool2d(seen, 2) if number else seen), 0.2)
            levels.append(seen)
        x = self.begin(levels[-1]) + self.noise(z)[:, :, None, None]
        for level in reversed(range(len(levels))):
            for block in self.blocks[level]:  # type: ignore[attr-defined]
                x = block(x, levels[level])
            if level:
                x = self.up[level - 1](x)
        made = self.last(F.leaky_relu(x, 0.2))
        return torch.tanh(F.pixel_shuffle(made, 2).float()) / 2 + 0.5
