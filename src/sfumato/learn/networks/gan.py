"""The GAN that works today: residual blocks without batch norm for a relativistic loss with gradient penalties.

The adversarial game is Goodfellow's (arXiv:1406.2661); blocks and initialization follow R3GAN (arXiv:2501.05441) in
what matters: no normalization, residual branches that start near zero, smooth resampling, one network for each side.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..layers.activation import activation
from ..layers.pyramid import Encoder, FromVector, coarsest
from .generator import FromLatent, GeneratorConfig, WithLabel


@dataclass(frozen=True, kw_only=True)
class GanConfig(GeneratorConfig):
    """`widths[i]` channels and `blocks` residual blocks at 1/2**i of the resolution, in both networks.

    patch: of that resolution which is left after squares of patch x patch pixels became channels.
    """

    latent: int = 64
    widths: tuple[int, ...] = (32, 64, 128)
    blocks: int = 1
    patch: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        coarsest(self.size, self.widths, "gan", self.patch)


class Gan(FromLatent):
    """z `b latent` (and label `b n`) -> x `b channels h w` in [0, 1]."""

    def __init__(self, config: GanConfig) -> None:
        super().__init__()
        self.config = config
        base = coarsest(config.size, config.widths, "gan", config.patch)
        self.label = WithLabel(len(config.classes), config.latent)
        condition = config.latent + self.label.width
        self.body = FromVector(
            condition, base, config.widths, config.blocks, config.channels, patch=config.patch, act="leaky_relu"
        )

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:  # type: ignore[override]
        # without tanh faint noise stays on plain surfaces, such as white paper
        return torch.tanh(self.body(self.label(z, label))) / 2 + 0.5


class GanDiscriminator(nn.Module):
    """x `b channels h w` in [0, 1] (and label) -> how real each is, `b`; classes by projection (arXiv:1802.05637)."""

    def __init__(self, config: GanConfig) -> None:
        super().__init__()
        base, width = coarsest(config.size, config.widths, "gan", config.patch), config.widths[-1]
        self.encoder = Encoder(config.channels, config.widths, config.blocks, patch=config.patch)
        self.act = activation("leaky_relu")
        self.last = nn.Conv2d(width, width, base, groups=width)
        self.score = nn.Linear(width, 1)
        self.label = nn.Linear(len(config.classes), width, bias=False) if config.classes else None

    def forward(self, x: Tensor, label: Tensor | None = None) -> Tensor:
        features = self.last(self.act(self.encoder(2 * x - 1))).flatten(1)
        score = self.score(features)[:, 0]
        if self.label is not None and label is not None:
            score = score + (features * self.label(label)).sum(1) / features.shape[1] ** 0.5
        return score
