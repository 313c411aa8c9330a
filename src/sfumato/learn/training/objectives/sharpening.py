"""Restorers that make up what cannot be known, so that a result looks sharp: an adversarial loss beside the others.

A discriminator of patches is trained beside the restorer, and the restorer to pass for real with it, to have the
features that a pretrained network sees of the true picture, and not to stray from its pixels (after ESRGAN,
arXiv:1809.00219, and for what is missing arXiv:1806.03589). It begins with a restorer that was trained for fidelity.
"""

from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sfumato.errors import UsageError

from ...networks.network import Network
from ...networks.paired import PatchDiscriminator
from ...pretrained import JUDGING, Stages
from ..config import TrainConfig
from .restoration import Restoration, RestorationOptions

RISING = 0.1  # share of the run in which the adversarial term rises to its weight, while the discriminator is new


@dataclass(frozen=True, kw_only=True)
class SharpeningOptions(RestorationOptions):
    """Weights of the terms, and the discriminator.

    pixels: of the loss that compares pixels. perceptual: of how far features differ. adversarial: of passing for real.
    scales: at how many resolutions the discriminator looks.
    """

    pixels: float = 20.0
    perceptual: float = 10.0
    adversarial: float = 0.2
    scales: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.pixels, self.adversarial) < 0 or not 1 <= self.scales <= 3 or self.teacher:
            raise UsageError("options: no weight is negative, scales is from 1 to 3, and there is no teacher.")


class Sharpening(Restoration):
    """The discriminator is trained first in each step, then the restorer; the best state has the least other losses."""

    invents = True
    options_class = SharpeningOptions
    options: SharpeningOptions

    def __init__(self, config: TrainConfig) -> None:
        super().__init__(config)
        self.restorer = cast(Network, self.networks[self.exported])
        self.fills = getattr(self.restorer, "level", "") == "mask"
        judge = PatchDiscriminator(1 if self.fills else 3, scales=self.options.scales)
        self.networks = {"discriminator": judge, self.exported: self.restorer}

    def _seen_by(self) -> Stages:
        return Stages(JUDGING, "lite1")

    def losses(self, player: str, networks: dict[str, nn.Module], batch: dict[str, Tensor]) -> dict[str, Tensor]:
        judge, x, given = networks["discriminator"], batch["x"], [batch["y"], batch["level"]][: self._num_inputs]
        judge.requires_grad_(player == "discriminator")
        with torch.set_grad_enabled(player == self.exported):
            x_hat = self._restored(networks[self.exported], *given).float()
        seen = batch["level"] if self.fills else _enlarged(batch["y"], x)
        if player == "discriminator":
            scores = [scale.chunk(2) for scale in _scores(judge, torch.cat([x, x_hat]), torch.cat([seen, seen]))]
            terms = [self._mean(F.relu(1 - real) + F.relu(1 + made), batch) for real, made in scores]
            return {"discriminator": torch.stack(terms).mean()}
        fooled = [-self._mean(scale, batch) for scale in _scores(judge, x_hat, seen)]
        weight = self.options.adversarial * min(self.fraction / RISING, 1.0)
        return self._terms(x_hat, x) | {"adversarial": weight * torch.stack(fooled).mean()}

    def _terms(self, x_hat: Tensor, x: Tensor) -> dict[str, Tensor]:
        terms = super()._terms(x_hat, x)
        return terms | {self.loss_name: self.options.pixels * terms[self.loss_name]}

    def _mean(self, scores: Tensor, batch: dict[str, Tensor]) -> Tensor:
        """Over all patches, or those that show something that was filled in: the others are the true picture's."""
        if not self.fills:
            return scores.mean()
        counted = F.adaptive_max_pool2d(batch["level"], scores.shape[2:])
        return (scores * counted).sum() / counted.sum().clamp(min=1)


def _scores(judge: nn.Module, x: Tensor, seen: Tensor) -> list[Tensor]:
    """Of each scale; half precision is coarser than what a result and the true picture differ by."""
    with torch.autocast(x.device.type, enabled=False):
        return [scale[-1] for scale in judge(x, seen)]


def _enlarged(y: Tensor, x: Tensor) -> Tensor:
    """y in the size of x."""
    return y if y.shape == x.shape else F.interpolate(y, size=x.shape[2:], mode="bilinear")
