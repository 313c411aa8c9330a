"""Restorers and estimators of the damage: pictures of any size, degraded here, validated by fixed protocols."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from sfumato.errors import UsageError
from sfumato.models.fields import known

from ...catalog import configured, create
from ...data.fitted import hold_out
from ...data.patches import DegradedPatches, KeptPatches
from ...data.seeds import sample_seed
from ...data.store import PictureStore
from ...degradations.mixtures import DEGRADATIONS
from ...degradations.noise import grey
from ...evaluation.protocols import Protocol
from ...losses.perceptual import SHALLOW, perceptual
from ...losses.reconstruction import RECONSTRUCTION
from ...networks.network import Network
from ...networks.noise_net import log_level
from ...pretrained import Stages
from ..config import TrainConfig
from .objective import Objective, Validation
from .teaching import Teacher, turned

UNSEEN = 45.0  # dB: a difference that nobody sees; more on clean pictures must not outweigh damage that is


class Degraded(Objective):
    """What learns from patches that a degradation has been at."""

    def __init__(self, config: TrainConfig) -> None:
        known(config.degradation, DEGRADATIONS, "degradation")
        if config.patch % 16:
            raise UsageError(f"{config.name}: patch must be a multiple of 16, not {config.patch}.")
        network = create(config.family, config.model)
        if network.config.channels != 3:
            raise UsageError(
                f"{config.name}: model.channels is {network.config.channels}; restorers have 3, and grey "
                "pictures go in as three equal ones (degradation=grey trains for them alone)."
            )
        self.networks = {self.exported: network}
        self.config, self.size = config, 192
        self.protocols = [Protocol.parse(text) for text in config.val_protocols]

    def dataset(self, store: PictureStore) -> Dataset:
        config = self.config
        degradation = DEGRADATIONS[config.degradation]
        return DegradedPatches(store, degradation, patch=config.patch, seed=config.seed, shrink=config.shrink)

    @property
    def _num_inputs(self) -> int:
        """How many of y and the level the network takes."""
        return 1 + bool(self.networks[self.exported].level)


@dataclass(frozen=True, kw_only=True)
class RestorationOptions:
    """perceptual: weight of the perceptual loss beside the one that compares pixels; 0 for none.

    teacher: a shipped model or a model file for the same task, whose results are the goal instead of the clean
    pictures: what can be known of these, without what is chance.
    kept: how many patches there are, each used again and again, turned, so that the teacher is asked once for each; 0
    for ever new ones.
    like_generators: hold out the pictures that a generator of the same ones holds out, a fifth of few.
    """

    perceptual: float = 0.0
    teacher: str = ""
    kept: int = 0
    like_generators: bool = False

    def __post_init__(self) -> None:
        if self.perceptual < 0 or self.kept < 0:
            raise UsageError("options: perceptual and kept must not be negative.")
        if self.kept and not self.teacher:
            raise UsageError("options: kept goes with a teacher; without one new patches cost nothing.")


class Restoration(Degraded):
    """A restorer maps y, and the level if it takes one, to x; validated by the PSNR after fixed damage.

    With a perceptual loss the best state is the one whose losses are least on the held-out pictures: by the PSNR it
    would be one in which that loss has changed nothing yet.
    """

    exported = "restorer"
    options_class: type[RestorationOptions] = RestorationOptions

    def __init__(self, config: TrainConfig) -> None:
        super().__init__(config)
        self.loss_name = known(config.loss, RECONSTRUCTION, "loss")
        self.options = configured(self.options_class, config.options, f"options of {config.name}")
        self.stages = self._seen_by() if self.options.perceptual else None
        pupil = self.networks[self.exported]
        assert isinstance(pupil, Network)
        self.teacher = Teacher(self.options.teacher, pupil) if self.options.teacher else None

    def _seen_by(self) -> Stages:
        """The features in which the perceptual loss compares."""
        return Stages(SHALLOW)

    def split(self, store: PictureStore) -> tuple[PictureStore, PictureStore | None]:
        if not self.options.like_generators:
            return super().split(store)
        train, kept = hold_out(store)
        return train, None if kept is None else kept.sample(self.held_out)

    def dataset(self, store: PictureStore) -> Dataset:
        patches = super().dataset(store)
        return KeptPatches(patches, self.options.kept, seed=self.config.seed) if self.options.kept else patches

    def begin(self, store: PictureStore, held_out: PictureStore | None, device: object) -> None:
        if self.stages is not None:
            self.stages.to(device)  # type: ignore[call-overload]
        if self.teacher is not None:
            self.teacher.network.to(device)  # type: ignore[call-overload]

    def losses(self, player: str, networks: dict[str, nn.Module], batch: dict[str, Tensor]) -> dict[str, Tensor]:
        given, goal = [batch["y"], batch["level"]][: self._num_inputs], batch["x"]
        if self.teacher is not None:
            goal = self.teacher.goal(given, batch.get("number"))
        if "turn" in batch:
            *given, goal = (turned(part, batch["turn"]) for part in (*given, goal))
        return self._terms(self._restored(networks[player], *given).float(), goal)

    def _restored(self, network: nn.Module, *given: Tensor) -> Tensor:
        """What the network makes of y; one with several uses says itself how they come together."""
        return getattr(network, "restored", network)(*given)

    def _terms(self, x_hat: Tensor, x: Tensor) -> dict[str, Tensor]:
        terms = {self.loss_name: RECONSTRUCTION[self.loss_name](x_hat, x)}
        if self.stages is not None:
            terms["perceptual"] = self.options.perceptual * perceptual(x_hat, x, self.stages)
        return terms

    @torch.no_grad()
    def validate(self, network: nn.Module, held_out: PictureStore, *, seen: bool = False) -> Validation:
        device = next(network.parameters()).device
        figures, losses, shown = {}, [], []
        for protocol in self.protocols:
            scores = []
            for number, (x, y, level) in enumerate(damaged_crops(held_out, self.size, protocol, self.config.seed)):
                given = [part[None].to(device) for part in (y, level)][: self._num_inputs]
                restored = self._restored(network, *given).float()
                x_hat = restored[0].cpu()
                compared = level if protocol.unit == "coverage" else torch.ones_like(level[:, :1, :1])
                error = ((x_hat - x).square() * compared).mean() / compared.mean()
                scores.append(min(float(-10 * error.log10()), UNSEEN))
                if self.stages is not None:
                    losses.append(float(sum(self._terms(restored, x[None].to(device)).values())))
                if number < 2 and protocol == self.protocols[-1]:
                    shown.append(torch.stack([_enlarged(y, x), x_hat, x]).clamp(0, 1))
            figures[f"psnr_{protocol}"] = float(np.mean(scores))
        score = float(np.mean(list(figures.values())))
        if losses:
            figures["loss"] = float(np.mean(losses))
            score = -figures["loss"]
        return Validation(figures, score, torch.stack(shown))


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


class Level(Degraded):
    """An estimator maps y to a map of the level and of its spread, under the likelihood of a Laplace distribution.

    Validated by the error of the mean log level of a picture, cells weighted by 1/spread, after fixed damage.
    """

    exported = "estimator"

    def losses(self, player: str, networks: dict[str, nn.Module], batch: dict[str, Tensor]) -> dict[str, Tensor]:
        level, spread = networks[player](batch["y"]).split(1, dim=1)
        error = (log_level(level) - log_level(batch["level"])).abs()
        return {"log_level": (error / spread + spread.log()).mean()}

    @torch.no_grad()
    def validate(self, network: nn.Module, held_out: PictureStore, *, seen: bool = False) -> Validation:
        device = next(network.parameters()).device
        figures, shown = {}, []
        for protocol in self.protocols:
            errors = []
            for number, (x, y, level) in enumerate(damaged_crops(held_out, self.size, protocol, self.config.seed)):
                estimate, spread = network(y[None].to(device))[0].float().cpu().split(1)
                mean = (log_level(estimate) / spread).sum() / (1 / spread).sum()
                errors.append(float((mean - log_level(level).mean()).abs()))
                if number < 2 and protocol == self.protocols[-1]:
                    shown.append(torch.stack([y, (4 * estimate).expand_as(y), x]).clamp(0, 1))
            figures[f"log_error_{protocol}"] = float(np.mean(errors))
        return Validation(figures, -float(np.mean(list(figures.values()))), torch.stack(shown))


def damaged_crops(
    held_out: PictureStore, size: int, protocol: Protocol, seed: int
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """x and y `c h w` and the level `1 h w` of every held-out picture, fixed by the seed."""
    degradation = protocol.degradation()
    for number, x in enumerate(centre_crops(held_out, size, multiple=16)):
        generator = torch.Generator().manual_seed(sample_seed(seed, number))
        degraded = degradation(grey(x) if protocol.grey else x, generator)
        yield degraded.x.expand_as(x), degraded.y.expand(len(x), -1, -1), degraded.level


def _enlarged(y: Tensor, x: Tensor) -> Tensor:
    """y in the size of x, by repeated pixels, to be shown beside it."""
    return y.repeat_interleave(x.shape[1] // y.shape[1], 1).repeat_interleave(x.shape[2] // y.shape[2], 2)
