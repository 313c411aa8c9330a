"""Restorers and noise estimators: pictures of any size, degraded here, validated at fixed levels."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from sfumato.errors import UsageError

from ...catalog import create, known
from ...data.patches import DegradedPatches, PictureStore, sample_seed
from ...degradations.mixtures import DEGRADATIONS
from ...losses.reconstruction import RECONSTRUCTION
from ...models.noise_net import log_level
from ..config import TrainConfig
from .objective import Objective, Validation


class Degraded(Objective):
    """What learns from patches that a degradation has been at."""

    def __init__(self, config: TrainConfig) -> None:
        known(config.degradation, DEGRADATIONS, "degradation")
        if config.patch % 16:
            raise UsageError(f"{config.name}: patch must be a multiple of 16, not {config.patch}.")
        self.networks = {self.exported: create(config.family, config.model)}
        self.config, self.size = config, 192

    def dataset(self, store: PictureStore) -> Dataset:
        config = self.config
        return DegradedPatches(store, DEGRADATIONS[config.degradation], patch=config.patch, seed=config.seed)


class Restoration(Degraded):
    """A restorer maps (y, sigma) to x; validated by PSNR at fixed levels of unclipped white noise."""

    exported = "restorer"

    def __init__(self, config: TrainConfig) -> None:
        super().__init__(config)
        self.loss_name = known(config.loss, RECONSTRUCTION, "loss")

    def losses(self, player: str, networks: dict[str, nn.Module], batch: dict[str, Tensor]) -> dict[str, Tensor]:
        x_hat = networks[player](batch["y"], batch["sigma"])
        return {self.loss_name: RECONSTRUCTION[self.loss_name](x_hat.float(), batch["x"])}

    @torch.no_grad()
    def validate(self, network: nn.Module, held_out: PictureStore, *, seen: bool = False) -> Validation:
        device = next(network.parameters()).device
        figures, shown = {}, []
        for sigma in self.config.val_sigmas:
            scores = []
            for number, (x, y) in enumerate(noisy_crops(held_out, self.size, sigma, self.config.seed)):
                level = torch.full((1, 1, *x.shape[1:]), sigma / 255)
                x_hat = network(y[None].to(device), level.to(device))[0].float().cpu()
                scores.append(float(-10 * (x_hat - x).square().mean().log10()))
                if number < 2 and sigma == self.config.val_sigmas[-1]:
                    shown.append(torch.stack([y, x_hat, x]).clamp(0, 1))
            figures[f"psnr_{sigma:g}"] = float(np.mean(scores))
        return Validation(figures, float(np.mean(list(figures.values()))), torch.stack(shown))


def centre_crops(store: PictureStore, size: int, *, multiple: int) -> Iterator[Tensor]:
    """The middle of every picture, at most `size` a side and a multiple of `multiple`, `c h w` in [0, 1].

    Pictures are mirrored outwards to one common size where they are smaller.
    """
    for number in range(len(store)):
        picture = store[number]
        missing = [max(size - length, 0) for length in picture.shape[:2]]
        if any(missing):
            picture = np.pad(picture, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="symmetric")
        side = size - size % multiple
        top, left = ((length - side) // 2 for length in picture.shape[:2])
        yield torch.from_numpy(picture[top : top + side, left : left + side].copy()).permute(2, 0, 1).float() / 255


class NoiseLevel(Degraded):
    """A noise estimator maps y to its level map and spread, under the likelihood of a Laplace distribution.

    Validated by the error of the mean log level of a picture, cells weighted by 1/spread, at fixed levels.
    """

    exported = "estimator"

    def losses(self, player: str, networks: dict[str, nn.Module], batch: dict[str, Tensor]) -> dict[str, Tensor]:
        sigma, spread = networks[player](batch["y"]).split(1, dim=1)
        error = (log_level(sigma) - log_level(batch["sigma"])).abs()
        return {"log_level": (error / spread + spread.log()).mean()}

    @torch.no_grad()
    def validate(self, network: nn.Module, held_out: PictureStore, *, seen: bool = False) -> Validation:
        device = next(network.parameters()).device
        figures, shown = {}, []
        for sigma in self.config.val_sigmas:
            errors = []
            for number, (x, y) in enumerate(noisy_crops(held_out, self.size, sigma, self.config.seed)):
                found, spread = network(y[None].to(device))[0].float().cpu().split(1)
                mean = (log_level(found) / spread).sum() / (1 / spread).sum()
                errors.append(float((mean - log_level(torch.tensor(sigma / 255))).abs()))
                if number < 2 and sigma == self.config.val_sigmas[-1]:
                    shown.append(torch.stack([y, (4 * found).expand_as(y), x]).clamp(0, 1))
            figures[f"log_error_{sigma:g}"] = float(np.mean(errors))
        return Validation(figures, -float(np.mean(list(figures.values()))), torch.stack(shown))


def noisy_crops(held_out: PictureStore, size: int, sigma: float, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """x and y `c h w` of every held-out picture: unclipped white noise of `sigma` (0-255 units), fixed by the seed."""
    for number, x in enumerate(centre_crops(held_out, size, multiple=16)):
        noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(sample_seed(seed, number)))
        yield x, x + sigma / 255 * noise
