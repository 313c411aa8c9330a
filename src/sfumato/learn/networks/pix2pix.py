"""The generator of pix2pix (arXiv:1611.07004): a U-Net whose noise is dropout, to compare with."""

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sfumato.errors import UsageError

from ..layers.normalization import normalization
from ..layers.pyramid import coarsest
from .paired import Paired, PairedConfig


@dataclass(frozen=True, kw_only=True)
class Pix2pixConfig(PairedConfig):
    """`widths[i]` channels at 1/2**(i + 1) of the resolution, on both sides; `dropout` in the coarsest three."""

    widths: tuple[int, ...] = (32, 64, 96, 96, 96, 96)
    dropout: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        coarsest(self.size, (1, *self.widths), "pix2pix")
        if not 0 <= self.dropout < 1:
            raise UsageError("pix2pix: dropout is from 0 to below 1.")


class Pix2pix(Paired):
    """What is given `b k h w` (and z `b latent`, where the coarsest level is) -> x `b 3 h w` in [0, 1].

    4x4 convolutions of stride 2 down and up, batch norm, leaky ReLU down and ReLU up, skips that are concatenated.
    """

    config: Pix2pixConfig

    def __init__(self, config: Pix2pixConfig) -> None:
        super().__init__()
        self.config, widths = config, config.widths
        self.down = nn.ModuleList(nn.Conv2d(a, b, 4, 2, 1) for a, b in pairwise((config.given, *widths)))
        self.down_norm = nn.ModuleList(
            normalization("batch" if 0 < i < len(widths) - 1 else "none", width) for i, width in enumerate(widths)
        )
        self.noise = nn.Linear(config.latent, widths[-1])
        outs = (config.channels, *widths[:-1])
        ins = [width * (1 if i == len(widths) - 1 else 2) for i, width in enumerate(widths)]
        self.up = nn.ModuleList(nn.ConvTranspose2d(a, b, 4, 2, 1) for a, b in zip(ins, outs, strict=True))
        self.up_norm = nn.ModuleList(normalization("batch" if i else "none", width) for i, width in enumerate(outs))

    @property
    def stride(self) -> int:
        return 2 ** len(self.config.widths)

    def forward(self, z: Tensor, given: Tensor) -> Tensor:  # type: ignore[override]
        x, passed = 2 * given - 1 if not self.config.palette else given, []
        for number, (conv, norm) in enumerate(zip(self.down, self.down_norm, strict=True)):
            x = norm(conv(F.leaky_relu(x, 0.2) if number else x))
            passed.append(x)
        x = x + self.noise(z)[:, :, None, None]
        last = len(passed) - 1
        for level in reversed(range(last + 1)):
            if level < last:
                x = torch.cat([x, passed[level]], dim=1)
            x = self.up_norm[level](self.up[level](F.relu(x)))
            if level > last - 3 and level:
                x = F.dropout(x, self.config.dropout, self.training)
        return torch.tanh(x.float()) / 2 + 0.5
