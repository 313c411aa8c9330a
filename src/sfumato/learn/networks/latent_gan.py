"""A GAN in the codes of a convolutional autoencoder: the game is about what goes where, and sampling takes one step.

Both sides see codes, which are small, so that a step is quick; what pictures look like close up is in the decoder
before the game begins. Blocks and initialization are those of `gan`.
"""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from sfumato.models.card import Entry, Input, Output

from ..layers.pyramid import FromVector, coarsest
from .coded import Coded, CodedConfig, on_sphere
from .gan import GanConfig
from .generator import WithLabel


@dataclass(frozen=True, kw_only=True)
class LatentGanConfig(CodedConfig):
    """The autoencoder as in CodedConfig. Both networks of the game: `gan_widths[i]` channels and `gan_blocks` residual
    blocks at 1/2**i of the resolution that patches of gan_patch x gan_patch codes leave; `latent` numbers are noise.
    """

    latent: int = 64
    gan_widths: tuple[int, ...] = (64, 128)
    gan_blocks: int = 1
    gan_patch: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        coarsest(self.places, self.gan_widths, "codes of latent-gan", self.gan_patch)

    def gan_config(self) -> GanConfig:
        """Of a GAN whose pictures are the codes."""
        return GanConfig(
            size=self.places,
            channels=self.code,
            classes=self.classes,
            latent=self.latent,
            widths=self.gan_widths,
            blocks=self.gan_blocks,
            patch=self.gan_patch,
        )


class LatentGan(Coded):
    """x `b channels h w` in [0, 1] -> z `b k`; z_in -> x_hat; z0 `b latent` (and label `b n`) -> x_sample."""

    config: LatentGanConfig

    def __init__(self, config: LatentGanConfig) -> None:
        super().__init__(config)
        base = coarsest(config.places, config.gan_widths, "latent-gan", config.gan_patch)
        self.label = WithLabel(len(config.classes), config.latent)
        condition = config.latent + self.label.width
        shape = config.gan_widths, config.gan_blocks, config.code
        self.body = FromVector(condition, base, *shape, patch=config.gan_patch, act="leaky_relu")

    @property
    def sampling(self) -> dict[str, Any]:  # type: ignore[override]
        """Between two seeds the way leads through the noise, not the codes."""
        return super().sampling | {"noise_only": True}

    @property
    def inputs(self) -> tuple[Input, ...]:
        noise = Input("z0", kind="latent", channels=self.config.latent)
        return *super().inputs, noise, *self.label_port("sample_label")

    @property
    def outputs(self) -> tuple[Output, ...]:
        return *super().outputs, Output("x_sample", channels=self.config.channels)

    @property
    def entries(self) -> dict[str, Entry]:
        return super().entries | {"sample": Entry(tuple(port.name for port in self.inputs[2:]), ("x_sample",))}

    def drawn_code(self, z0: Tensor, label: Tensor | None = None) -> Tensor:
        """Codes `b code h w` of pictures that are not there."""
        return on_sphere(self.body(self.label(z0, label)))

    def sample(self, z0: Tensor, sample_label: Tensor | None = None) -> Tensor:
        return self.decode(self.drawn_code(z0, sample_label).flatten(1))

    def forward(  # type: ignore[override]
        self, x: Tensor, z_in: Tensor, z0: Tensor, sample_label: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        return self.encode(x), self.decode(z_in), self.sample(z0, sample_label)
