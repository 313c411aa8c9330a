"""The GAN that works today: residual blocks without batch norm for a relativistic loss with gradient penalties.

The adversarial game is Goodfellow's (arXiv:1406.2661); blocks and initialization follow R3GAN (arXiv:2501.05441) in
what matters: no normalization, residual branches that start near zero, smooth resampling, one network for each side.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from sfumato.card import Entry, Input, Output

from ..layers.activation import activation
from ..layers.pyramid import Decoder, Encoder, coarsest
from .generator import Generator, GeneratorConfig, WithLabel


@dataclass(frozen=True, kw_only=True)
class GanConfig(GeneratorConfig):
    """`widths[i]` channels and `blocks` residual blocks at 1/2**i of the resolution, in both networks."""

    latent: int = 64
    widths: tuple[int, ...] = (32, 64, 128)
    blocks: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        coarsest(self.size, self.widths, "gan")


class Gan(Generator):
    """z `b latent` (and label `b n`) -> x `b channels h w` in [0, 1]."""

    def __init__(self, config: GanConfig) -> None:
        super().__init__()
        self.config = config
        self.base = coarsest(config.size, config.widths, "gan")
        width = config.widths[-1]
        self.label = WithLabel(len(config.classes), config.latent)
        self.first = nn.Linear(config.latent + self.label.width, width * self.base[0] * self.base[1])
        self.decoder = Decoder(config.channels, config.widths, config.blocks)

    @property
    def inputs(self) -> tuple[Input, ...]:
        return Input("z", kind="latent", channels=self.config.latent), *self.label_port()

    @property
    def outputs(self) -> tuple[Output, ...]:
        return (Output("x", channels=self.config.channels),)

    @property
    def entries(self) -> dict[str, Entry]:
        return {"sample": Entry(tuple(port.name for port in self.inputs), ("x",))}

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:  # type: ignore[override]
        features = self.first(self.label(z, label)).unflatten(1, (self.config.widths[-1], *self.base))
        return self.decoder(features) / 2 + 0.5

    sample = forward


class GanDiscriminator(nn.Module):
    """x `b channels h w` in [0, 1] (and label) -> how real each is, `b`; classes by projection (arXiv:1802.05637)."""

    def __init__(self, config: GanConfig) -> None:
        super().__init__()
        base, width = coarsest(config.size, config.widths, "gan"), config.widths[-1]
        self.encoder = Encoder(config.channels, config.widths, config.blocks)
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
