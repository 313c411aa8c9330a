"""Networks that make one picture of another: what they share, and the discriminator of patches that judges both."""

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sfumato.conditions.layout import check_palette
from sfumato.errors import UsageError
from sfumato.models.card import Input

from .generator import FromLatent, GeneratorConfig


@dataclass(frozen=True, kw_only=True)
class PairedConfig(GeneratorConfig):
    """`palette`: what is given is a label map of these colours ("#rrggbb"), or without any a colour picture.

    `labels` are their names, in the same order, () for none. `latent`: numbers of noise.
    """

    palette: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    latent: int = 16
    size: tuple[int, ...] = (128, 128)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_palette(self.palette, self.labels)
        if self.classes:
            raise UsageError("a network for pairs takes no classes: give them colours in the label maps.")
        if self.channels != 3 or self.latent < 1:
            raise UsageError("a network for pairs makes 3 channels, and latent must be at least 1.")

    @property
    def given(self) -> int:
        """Channels of what is given."""
        return len(self.palette) or 3


class Paired(FromLatent):
    """z `b latent` and a label map, one-hot, or a picture in [0, 1], `b k h w` -> x `b 3 h w` in [0, 1]."""

    fixed_size = False
    config: PairedConfig

    @property
    def max_pixels(self) -> int:
        return 64 * self.config.size[0] * self.config.size[1]

    @property
    def inputs(self) -> tuple[Input, ...]:
        config = self.config
        if config.palette:
            given = Input("layout", kind="layout", channels=len(config.palette))
        else:
            given = Input("picture", channels=3)
        return Input("z", kind="latent", channels=config.latent), given


class PatchDiscriminator(nn.Module):
    """x `b 3 h w` in [0, 1] and what was given `b k h w` -> the features of every layer, for each scale.

    The last of each scale, `b 1 h' w'`, says how real each patch is (PatchGAN, arXiv:1611.07004). The further scales
    see the pictures halved and halved again (arXiv:1711.11585).
    """

    def __init__(self, given: int, *, scales: int, widths: tuple[int, ...] = (48, 96, 160)) -> None:
        super().__init__()
        self.scales = nn.ModuleList(_judge(3 + given, widths) for _ in range(scales))

    def forward(self, x: Tensor, given: Tensor) -> list[list[Tensor]]:
        seen, found = torch.cat([2 * x - 1, given], dim=1), []
        for number, judge in enumerate(self.scales):
            if number:
                seen = F.avg_pool2d(seen, 2)
            features = [seen]
            for layer in judge:  # type: ignore[attr-defined]
                features.append(layer(features[-1]))
            found.append(features[1:])
        return found


def _judge(channels: int, widths: tuple[int, ...]) -> nn.ModuleList:
    """Convolutions of stride 2, the first on squares of 2x2 pixels, with instance norm between them; one to scores."""
    layers: list[nn.Module] = [
        nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4 * channels, widths[0], 3, padding=1), nn.LeakyReLU(0.2))
    ]
    for before, after in pairwise(widths):
        conv = nn.Conv2d(before, after, 4, stride=2, padding=1)
        layers.append(nn.Sequential(conv, nn.InstanceNorm2d(after), nn.LeakyReLU(0.2)))
    layers.append(nn.Conv2d(widths[-1], 1, 3, padding=1))
    return nn.ModuleList(layers)
