"""DCGAN as textbooks give it (arXiv:1511.06434): kept as the measure of what came after."""

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from sfumato.errors import UsageError

from ..layers.activation import activation
from ..layers.convolution import ConvBlock
from ..layers.normalization import normalization
from ..layers.pyramid import coarsest
from .generator import FromLatent, GeneratorConfig


@dataclass(frozen=True, kw_only=True)
class GanClassicConfig(GeneratorConfig):
    """`widths[i]` channels at 1/2**i of the resolution, in both networks; the first is that of the discriminator.

    up: "transposed" convolutions, or "nearest", repeated pixels and a 3x3 convolution whose ReLU comes before its batch
    norm. discriminator: "convolutional", or "dense", one layer from all pixels to one number.
    """

    latent: int = 100
    widths: tuple[int, ...] = (32, 64, 128)
    up: str = "transposed"
    discriminator: str = "convolutional"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, value, choices in (
            ("up", self.up, ("transposed", "nearest")),
            ("discriminator", self.discriminator, ("convolutional", "dense")),
        ):
            if value not in choices:
                raise UsageError(f"gan-classic: {name} is one of {', '.join(choices)}, not {value!r}.")
        coarsest(self.size, self.widths, "gan-classic")


class GanClassic(FromLatent):
    """z `b latent` (and label `b n`, set beside it) -> x `b channels h w` in [0, 1]: dense, batch norm, ReLU, tanh."""

    def __init__(self, config: GanClassicConfig) -> None:
        super().__init__()
        self.config = config
        self.base = coarsest(config.size, config.widths, "gan-classic")
        widths = tuple(reversed(config.widths))
        self.first = nn.Linear(config.latent + len(config.classes), widths[0] * self.base[0] * self.base[1])
        act, norm = activation("relu"), normalization("batch", widths[0])
        self.start = nn.Sequential(norm, act) if config.up == "transposed" else nn.Sequential(act, norm)
        self.body = nn.Sequential(*(UPWARDS[config.up](before, after) for before, after in pairwise(widths)))
        self.last = nn.Conv2d(widths[-1], config.channels, 3, padding=1)
        self.act = activation("tanh")
        self.apply(_textbook)

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:  # type: ignore[override]
        known = z if label is None else torch.cat([z, label], dim=1)
        features = self.first(known).unflatten(1, (self.config.widths[-1], *self.base))
        return self.act(self.last(self.body(self.start(features)))) / 2 + 0.5


class GanClassicDiscriminator(nn.Module):
    """x `b channels h w` in [0, 1] (and label, as further channels) -> how real each is, `b`."""

    def __init__(self, config: GanClassicConfig) -> None:
        super().__init__()
        height, width = coarsest(config.size, config.widths, "gan-classic")
        channels = config.channels + len(config.classes)
        self.first, self.body = nn.Sequential(), nn.Sequential()
        count = channels * math.prod(config.size)
        if config.discriminator == "convolutional":
            self.first = ConvBlock(channels, config.widths[0], act="leaky_relu")
            self.body = nn.Sequential(*(_halved(before, after) for before, after in pairwise(config.widths)))
            count = config.widths[-1] * height * width
        self.last = nn.Linear(count, 1)
        self.apply(_textbook)

    def forward(self, x: Tensor, label: Tensor | None = None) -> Tensor:
        x = 2 * x - 1
        if label is not None:
            x = torch.cat([x, label[:, :, None, None].expand(-1, -1, *x.shape[2:])], dim=1)
        return self.last(self.body(self.first(x)).flatten(1))[:, 0]


def _doubled(before: int, after: int) -> nn.Module:
    up = nn.ConvTranspose2d(before, after, 4, stride=2, padding=1, bias=False)
    return nn.Sequential(up, normalization("batch", after), activation("relu"))


def _repeated(before: int, after: int) -> nn.Module:
    conv = nn.Conv2d(before, after, 3, padding=1)
    return nn.Sequential(nn.Upsample(scale_factor=2), conv, activation("relu"), normalization("batch", after))


UPWARDS = {"transposed": _doubled, "nearest": _repeated}


def _halved(before: int, after: int) -> nn.Module:
    down = nn.Conv2d(before, after, 4, stride=2, padding=1, bias=False)
    return nn.Sequential(down, normalization("batch", after), activation("leaky_relu"))


def _textbook(module: nn.Module) -> None:
    """Weights from a normal distribution of deviation 0.02, as the paper has them."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
