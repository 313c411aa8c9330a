"""Convolutional autoencoders: deterministic; codes are sampled from a density fitted on what the encoder gives.

The fit after the training (a mixture of Gaussians, as in arXiv:1903.12436) is part of the model file.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from sfumato.errors import UsageError
from sfumato.models.card import Entry, Input, Output

from ..layers.convolution import ConvBlock
from ..layers.density import MixtureDensity
from ..layers.normalization import normalization
from ..layers.pyramid import FromVector, ToVector, coarsest
from ..layers.resampling import upsampling
from .generator import Generator, GeneratorConfig


@dataclass(frozen=True, kw_only=True)
class AutoencoderConfig(GeneratorConfig):
    """`widths[i]` channels and `blocks` residual blocks at 1/2**i of the resolution, in encoder and decoder.

    patch: of that resolution which is left after squares of patch x patch pixels became channels.
    components: Gaussians of the density (for each class, where there are classes); one is a single Gaussian.
    """

    latent: int = 32
    widths: tuple[int, ...] = (32, 64, 128)
    blocks: int = 1
    patch: int = 1
    components: int = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.components < 1 or self.latent < 1:
            raise UsageError("autoencoder: latent and components must be at least 1.")
        coarsest(self.size, self.widths, "autoencoder", self.patch)


@dataclass(frozen=True, kw_only=True)
class AutoencoderClassicConfig(AutoencoderConfig):
    """The listing's widths; its latent code is a dense layer, its blocks single convolutions with batch norm."""

    latent: int = 128
    components: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.patch != 1:
            raise UsageError("autoencoder-classic works on single pixels; leave patch out.")


class DensityAutoencoder(Generator):
    """x `b channels h w` in [0, 1] -> z `b latent`; z_in -> x_hat; z0 `b latent + 1` (and label) -> x_sample."""

    encoder: nn.Module
    decoder: nn.Module
    config: AutoencoderConfig
    sampling: ClassVar = {}  # its density knows how often each class is

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        kinds = max(len(config.classes), 1)
        self.density = MixtureDensity(config.latent, config.components * kinds, len(config.classes))

    @property
    def inputs(self) -> tuple[Input, ...]:
        latent = self.config.latent
        return (
            Input("x", channels=self.config.channels),
            Input("z_in", kind="latent", channels=latent),
            Input("z0", kind="latent", channels=latent + 1),
            *self.label_port("sample_label"),
        )

    @property
    def outputs(self) -> tuple[Output, ...]:
        channels = self.config.channels
        latent = Output("z", kind="latent", channels=self.config.latent)
        return latent, Output("x_hat", channels=channels), Output("x_sample", channels=channels)

    @property
    def entries(self) -> dict[str, Entry]:
        sampled = tuple(port.name for port in self.inputs[2:])
        return {
            "encode": Entry(("x",), ("z",)),
            "decode": Entry(("z_in",), ("x_hat",)),
            "sample": Entry(sampled, ("x_sample",)),
        }

    def encode(self, x: Tensor) -> Tensor:
        return self.encoder(2 * x - 1)

    def logits(self, z_in: Tensor) -> Tensor:
        """Log-odds of the pixels, `b channels h w`."""
        return self.decoder(z_in).float()

    def decode(self, z_in: Tensor) -> Tensor:
        return torch.sigmoid(self.logits(z_in))

    def sample(self, z0: Tensor, sample_label: Tensor | None = None) -> Tensor:
        return self.decode(self.density(z0, sample_label))

    def forward(  # type: ignore[override]
        self, x: Tensor, z_in: Tensor, z0: Tensor, sample_label: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        return self.encode(x), self.decode(z_in), self.sample(z0, sample_label)


class Autoencoder(DensityAutoencoder):
    """Of residual blocks, those of the GAN and the VAE."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__(config)
        base = coarsest(config.size, config.widths, "autoencoder", config.patch)
        shape, patch = (base, config.widths, config.blocks), config.patch
        self.encoder = ToVector(config.channels, *shape, config.latent, patch=patch)
        self.decoder = FromVector(config.latent, *shape, config.channels, patch=patch)


class AutoencoderClassic(DensityAutoencoder):
    """32, 64, 128 channels, batch norm, leaky ReLU down and ReLU up: the listing with the pooling that it forgot."""

    config: AutoencoderClassicConfig

    def __init__(self, config: AutoencoderClassicConfig) -> None:
        super().__init__(config)
        base = coarsest(config.size, config.widths, "autoencoder-classic")
        count = config.widths[-1] * base[0] * base[1]
        down: list[nn.Module] = []
        before = config.channels
        for level, width in enumerate(config.widths):
            down.append(_classic(before, width, "leaky_relu", stride=1 if level == 0 else 2))
            before = width
        self.encoder = nn.Sequential(*down, nn.Flatten(), nn.Linear(count, config.latent))
        up: list[nn.Module] = [_classic(before, before, "relu")]
        for width in reversed(config.widths[:-1]):
            up += [upsampling("nearest", before, width), _classic(width, width, "relu")]
            before = width
        self.decoder = nn.Sequential(
            nn.Linear(config.latent, count),
            nn.Unflatten(1, (config.widths[-1], *base)),
            *up,
            nn.Conv2d(before, config.channels, 3, padding=1),
        )


def _classic(before: int, after: int, act: str, *, stride: int = 1) -> nn.Module:
    return ConvBlock(before, after, stride=stride, norm=normalization("batch", after), act=act)
