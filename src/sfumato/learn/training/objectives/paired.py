"""One picture made of another, a label map or any: an adversarial loss beside how far features and pixels differ."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import Dataset

from sfumato.errors import Setting, UsageError

from ...data.pairs import FittedPairs, check_labels, given_of, partners
from ...data.seeds import sample_seed
from ...data.store import PictureStore
from ...degradations.degradation import in_8_bits
from ...losses.perceptual import perceptual
from ...networks.paired import Paired, PatchDiscriminator
from ...pretrained import JUDGING, Stages
from ..config import TrainConfig
from .generation import Generation
from .objective import Validation

LOSSES = ("hinge", "bce")


@dataclass(frozen=True, kw_only=True)
class PairedOptions:
    """The weights of the terms beside the adversarial one, and the discriminator.

    loss: "hinge" or "bce". scales: of the discriminator. features: weight of feature matching (arXiv:1711.11585).
    perceptual: of how far a pretrained network's features differ. l1: of the absolute error, counted in [-1, 1].
    """

    loss: str = "hinge"
    scales: int = 2
    features: float = 10.0
    perceptual: float = 10.0
    l1: float = 10.0

    def __post_init__(self) -> None:
        if self.loss not in LOSSES or not 1 <= self.scales <= 4 or min(self.features, self.perceptual, self.l1) < 0:
            raise UsageError(
                f"options: loss is one of {', '.join(LOSSES)}, scales from 1 to 4, and no weight is negative."
            )


class PairedPictures(Generation):
    """The discriminator of patches is trained first in each step, then the generator, whose average is exported."""

    exported = "generator"
    options_class = PairedOptions
    options: PairedOptions

    def __init__(self, config: TrainConfig) -> None:
        super().__init__(config)
        if not isinstance(self.network, Paired):
            raise UsageError(f"{config.name}: the objective paired goes with the families layout-gan and pix2pix.")
        if not (config.layout or config.paired):
            raise UsageError(
                f"{config.name} makes pictures of others: give a folder of label maps, ",
                Setting("layout", "LABELS"),
                ", or of pictures, ",
                Setting("paired", "FOLDER"),
                ", in which each picture of the data has one of its name.",
            )
        least = 8 * 2**self.options.scales
        if min(self.fit) < least:
            raise UsageError(
                f"{config.name}: a discriminator of {self.options.scales} scales needs pictures of {least} pixels a "
                "side; take a larger model.size or fewer options.scales."
            )
        self.source = config.layout or config.paired
        self.palette = tuple(self.network.config.palette)
        judge = PatchDiscriminator(self.network.config.given, scales=self.options.scales)
        self.networks = {"discriminator": judge, "generator": self.network}
        self.stages = Stages(JUDGING, "lite1") if self.options.perceptual else None
        self.kept: PictureStore | None = None

    def dataset(self, store: PictureStore) -> Dataset:
        given = self._given(store)
        return FittedPairs(store, given, self.palette, seed=self.config.seed, flips=self.config.flips)

    def _given(self, store: PictureStore) -> PictureStore:
        return partners(store, self.source, self.fit, labels=bool(self.palette))

    def begin(self, store: PictureStore, held_out: PictureStore | None, device: object) -> None:
        if self.palette:
            check_labels(self._given(store), self.palette, self.source)
        if self.stages is not None:
            self.stages.to(device)  # type: ignore[call-overload]
        self.kept = held_out or store.sample(self.config.num_drawn)
        super().begin(store, held_out, device)

    def losses(self, player: str, networks: dict[str, nn.Module], batch: dict[str, Tensor]) -> dict[str, Tensor]:
        judge, x, given = networks["discriminator"], batch["x"], batch["given"]
        judge.requires_grad_(player == "discriminator")
        z = torch.randn(len(x), self.network.config.latent, device=x.device)
        with torch.set_grad_enabled(player == "generator"):
            fake = networks["generator"](z, given).float()
        if player == "discriminator":
            both = judge(torch.cat([x, fake]), torch.cat([given, given]))
            scores = [scale[-1].float().chunk(2) for scale in both]
            return {"discriminator": _mean([self._judged(real, made) for real, made in scores])}
        made = judge(fake, given)
        terms = {"generator": _mean([self._fooled(scale[-1].float()) for scale in made])}
        if self.options.features:
            with torch.no_grad():
                real = judge(x, given)
            differences = [
                F.l1_loss(own.float(), other.float())
                for own_scale, other_scale in zip(made, real, strict=True)
                for own, other in zip(own_scale[:-1], other_scale[:-1], strict=True)
            ]
            terms["features"] = self.options.features * _mean(differences)
        if self.stages is not None:
            terms["perceptual"] = self.options.perceptual * perceptual(fake, x, self.stages)
        if self.options.l1:
            terms["l1"] = 2 * self.options.l1 * F.l1_loss(fake, x)
        return terms

    def _judged(self, real: Tensor, made: Tensor) -> Tensor:
        if self.options.loss == "hinge":
            return F.relu(1 - real).mean() + F.relu(1 + made).mean()
        return F.softplus(-real).mean() + F.softplus(made).mean()

    def _fooled(self, made: Tensor) -> Tensor:
        return -made.mean() if self.options.loss == "hinge" else F.softplus(-made).mean()

    @torch.no_grad()
    def samples(self, network: nn.Module, count: int, given: dict[str, Tensor]) -> Tensor:
        """Of what was given for the held-out pictures, in their order, again from the start where they are few."""
        assert self.kept is not None
        kept = self._given(self.kept)
        generator = torch.Generator().manual_seed(sample_seed(self.config.seed, "drawn"))
        device, parts = next(network.parameters()).device, []
        for number in range(count):
            z = self.latent(1, generator).to(device)
            source = given_of(kept, number % len(kept), self.palette)[None].to(device)
            parts.append(network(z, source).float().cpu())
        return in_8_bits(torch.cat(parts))

    def validate(self, network: nn.Module, held_out: PictureStore, *, seen: bool = False) -> Validation:
        return self.judged_by_samples(network, seen=seen)


def _mean(terms: list[Tensor]) -> Tensor:
    return torch.stack(terms).mean()
