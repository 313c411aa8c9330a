"""Variational autoencoders (Kingma & Welling, arXiv:1312.6114): a convolutional one, and the dense one of textbooks."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from sfumato.errors import UsageError
from sfumato.models.card import Entry, Input, Output

from ..layers.activation import activation
from ..layers.density import MixtureDensity
from ..layers.pyramid import FromVector, ToVector, coarsest
from .generator import Generator, GeneratorConfig, WithLabel

LIKELIHOODS = ("bernoulli", "gaussian")


@dataclass(frozen=True, kw_only=True)
class VaeConfig(GeneratorConfig):
    """`widths[i]` channels and `blocks` residual blocks at 1/2**i of the resolution, in encoder and decoder.

    patch: of that resolution which is left after squares of patch x patch pixels became channels.
    likelihood: "bernoulli" for pictures that are nearly black and white, "gaussian", whose deviation is learned, for
    the others. components: Gaussians of a density fitted on the codes after the training, from which pictures are then
    sampled instead of from the prior, which no encoder fills evenly (arXiv:1903.12436); 0: sampled from the prior.
    """

    latent: int = 32
    widths: tuple[int, ...] = (32, 64, 128)
    blocks: int = 1
    patch: int = 1
    likelihood: str = "gaussian"
    components: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_likelihood(self.likelihood)
        if self.components < 0:
            raise UsageError(f"vae: components is {self.components}; give 0 (sampled from the prior) or more.")
        coarsest(self.size, self.widths, "vae", self.patch)


@dataclass(frozen=True, kw_only=True)
class VaeClassicConfig(GeneratorConfig):
    """`hidden` widths of the encoder's dense layers, the decoder's in reverse; two latent numbers can be mapped."""

    size: tuple[int, ...] = (28, 28)
    channels: int = 1
    latent: int = 2
    hidden: tuple[int, ...] = (512, 256)
    likelihood: str = "bernoulli"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_likelihood(self.likelihood)


def _check_likelihood(name: str) -> None:
    if name not in LIKELIHOODS:
        raise UsageError(f"likelihood is one of {', '.join(LIKELIHOODS)}, not {name!r}.")


class Coded(NamedTuple):
    """The approximate posterior of a batch: mean and log variance, `b latent` each."""

    mean: Tensor
    log_variance: Tensor

    def sample(self, noise: Tensor) -> Tensor:
        """The reparameterized sample mean + deviation * noise."""
        return self.mean + (self.log_variance / 2).exp() * noise


class VariationalAutoencoder(Generator):
    """x `b channels h w` in [0, 1] -> mean and log variance; z_in `b latent` (and label) -> x_hat.

    With a Gaussian likelihood its deviation, one number for all pixels, is a further output `b 1`. With a density there
    is a third use: z0 `b latent + 1` (and label) -> x_sample.
    Subclasses give `encoder` (to `b 2*latent`) and `decoder` (to logits, or to the mean of the Gaussian).
    """

    encoder: nn.Module
    decoder: nn.Module

    def __init__(self, config: VaeConfig | VaeClassicConfig) -> None:
        super().__init__()
        self.config = config
        self.label = WithLabel(len(config.classes), config.latent)
        self.log_deviation = nn.Parameter(torch.tensor(math.log(0.2))) if config.likelihood == "gaussian" else None
        components = config.components if isinstance(config, VaeConfig) else 0
        self.density = MixtureDensity(config.latent, components, 0) if components else None

    @property
    def inputs(self) -> tuple[Input, ...]:
        latent = self.config.latent
        z_in = Input("z_in", kind="latent", channels=latent), *self.label_port()
        z0 = Input("z0", kind="latent", channels=latent + 1), *self.label_port("sample_label")
        return Input("x", channels=self.config.channels), *z_in, *(z0 if self.density else ())

    @property
    def outputs(self) -> tuple[Output, ...]:
        channels = self.config.channels
        z, log_variance = (Output(name, kind="latent", channels=self.config.latent) for name in ("z", "log_variance"))
        deviation = () if self.log_deviation is None else (Output("deviation", kind="number", channels=1),)
        sampled = (Output("x_sample", channels=channels),) if self.density else ()
        return z, log_variance, Output("x_hat", channels=channels), *deviation, *sampled

    @property
    def entries(self) -> dict[str, Entry]:
        taken, given = (tuple(port.name for port in ports) for ports in (self.inputs, self.outputs))
        coded, said = 2 + len(self.label_port()), 3 + (self.log_deviation is not None)
        entries = {"encode": Entry(("x",), given[:2]), "decode": Entry(taken[1:coded], given[2:said])}
        return entries | {"sample": Entry(taken[coded:], given[said:])} if self.density else entries

    def encode(self, x: Tensor) -> Coded:
        mean, log_variance = self.encoder(2 * x - 1).float().chunk(2, dim=1)
        return Coded(mean, log_variance.clamp(-12, 6))

    def logits(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        """What the likelihood takes: log-odds (Bernoulli) or means in [0, 1] (Gaussian), `b channels h w`."""
        return self.decoder(self.label(z, label)).float()

    def decode(self, z_in: Tensor, label: Tensor | None = None) -> tuple[Tensor, ...]:
        prediction = self.logits(z_in, label)
        if self.log_deviation is None:
            return (torch.sigmoid(prediction),)
        return prediction, self.log_deviation.exp().expand(prediction.shape[0], 1)

    def sample(self, z0: Tensor, label: Tensor | None = None) -> Tensor:
        """Pictures from standard normal numbers, `b latent + 1` with a density, `b latent` without."""
        return self.decode(z0 if self.density is None else self.density(z0), label)[0]

    def forward(  # type: ignore[override]
        self, x: Tensor, z_in: Tensor, a: Tensor | None = None, b: Tensor | None = None, c: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        """a, b, c: those that there are of label, z0 and sample_label, in this order."""
        num_labels, given = len(self.label_port()), [port for port in (a, b, c) if port is not None]
        outputs = *self.encode(x), *self.decode(z_in, *given[:num_labels])
        return outputs if self.density is None else (*outputs, self.sample(*given[num_labels:]))


class Vae(VariationalAutoencoder):
    """The convolutional one: the residual blocks that the GAN has."""

    def __init__(self, config: VaeConfig) -> None:
        super().__init__(config)
        base, widths, blocks = coarsest(config.size, config.widths, "vae", config.patch), config.widths, config.blocks
        condition = config.latent + self.label.width
        self.encoder = ToVector(config.channels, base, widths, blocks, 2 * config.latent, patch=config.patch)
        self.decoder = FromVector(condition, base, widths, blocks, config.channels, patch=config.patch)


class VaeClassic(VariationalAutoencoder):
    """The dense one: every pixel is connected to every unit."""

    def __init__(self, config: VaeClassicConfig) -> None:
        super().__init__(config)
        shape = (config.channels, *config.size)
        down = (math.prod(shape), *config.hidden)
        up = (config.latent + self.label.width, *reversed(config.hidden))
        self.encoder = nn.Sequential(nn.Flatten(), *_dense(down), nn.Linear(down[-1], 2 * config.latent))
        self.decoder = nn.Sequential(*_dense(up), nn.Linear(up[-1], math.prod(shape)), nn.Unflatten(1, shape))


def _dense(widths: tuple[int, ...]) -> list[nn.Module]:
    return [layer for before, after in pairwise(widths) for layer in (nn.Linear(before, after), activation("relu"))]
