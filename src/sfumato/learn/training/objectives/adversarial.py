"""A generator and a discriminator against each other (Goodfellow et al., arXiv:1406.2661)."""

import copy
import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sfumato.errors import UsageError
from sfumato.models.fields import known

from ...data.augmentation import AUGMENTATIONS, augment
from ...data.fitted import pictures
from ...data.store import PictureStore
from ...losses.adversarial import GAMES, one_centred, zero_centred
from ...networks.gan import GanDiscriminator
from ...networks.gan_classic import GanClassicDiscriminator
from ..config import TrainConfig
from .generation import Generation
from .objective import Validation

DISCRIMINATORS = {"gan": GanDiscriminator, "gan-classic": GanClassicDiscriminator}
PENALTIES = ("zero-centred", "one-centred", "none")
LOOK_EVERY = 8  # steps after which the discriminator is asked about held-out pictures
OVERFIT = 0.5  # how far it may distinguish training from held-out pictures before augmentation grows (arXiv:2006.06676)
OVERFITTING = 0.8  # and from where on it is an alarm, unless the samples get better all the same
ADAPTED_OVER = 100_000  # pictures in which the chance of augmentation can go from 0 to 1


@dataclass(frozen=True, kw_only=True)
class AdversarialOptions:
    """The game, its penalty (gamma 0: h * w / 128), and the augmentation: its names and the chance of each.

    penalty_every: the penalty is taken in one step of so many, and so many times as strong (arXiv:1912.04958).
    adapt: the chance follows how far the discriminator overfits, from `p` on. discriminator_rate: how fast the
    discriminator learns, as a factor on the learning rate (arXiv:1706.08500); 0 freezes it.
    """

    loss: str = "relativistic"
    penalty: str = "zero-centred"
    gamma: float = 0.0
    penalty_every: int = 1
    augment: tuple[str, ...] = ()
    p: float = 0.0
    adapt: bool = False
    discriminator_rate: float = 1.0

    def __post_init__(self) -> None:
        known(self.loss, GAMES, "adversarial loss")
        known(self.penalty, PENALTIES, "gradient penalty")
        for name in self.augment:
            known(name, AUGMENTATIONS, "augmentation")
        if min(self.gamma, self.discriminator_rate) < 0 or self.penalty_every < 1 or not 0 <= self.p <= 1:
            raise UsageError(
                "options: gamma and discriminator_rate must not be negative, penalty_every at least 1, and p is from "
                "0 to 1."
            )


class Adversarial(Generation):
    """The discriminator is trained first in each step, then the generator; the generator's average is exported."""

    exported = "generator"
    options_class = AdversarialOptions
    options: AdversarialOptions

    def __init__(self, config: TrainConfig) -> None:
        super().__init__(config)
        self.networks = {"discriminator": self.discriminator(), "generator": self.network}
        height, width = self.sides()
        self.gamma = self.options.gamma or height * width / 128
        self.p, self.looked, self.overfit = self.options.p, 0, 0.0
        self.kept: Tensor | None = None
        self.penalty = torch.zeros(())  # as it was taken last, to be logged

    def discriminator(self) -> nn.Module:
        """A new one."""
        judge = DISCRIMINATORS[known(self.config.family, DISCRIMINATORS, "family with a discriminator")]
        return judge(copy.copy(self.network.config))

    def sides(self) -> tuple[int, int]:
        """Height and width of what the discriminator sees."""
        height, width = self.fit
        return height, width

    def shown(self, x: Tensor) -> Tensor:
        """What the discriminator sees of pictures."""
        return x

    def made(self, generator: nn.Module, z: Tensor, label: Tensor | None) -> Tensor:
        """What the generator makes of it, as the discriminator sees it."""
        return generator(z, label)

    def begin(self, store: PictureStore, held_out: PictureStore | None, device: object) -> None:
        super().begin(store, held_out, device)
        if held_out is not None:
            self.kept = pictures(held_out.sample(256)).to(torch.device(str(device)))
            self.kept_labels = self.held_out_labels(held_out.sample(256))

    def losses(self, player: str, networks: dict[str, nn.Module], batch: dict[str, Tensor]) -> dict[str, Tensor]:
        judge, generator = networks["discriminator"], networks["generator"]
        judge.requires_grad_(player == "discriminator")
        x, label = self.shown(batch["x"]), batch.get("label")
        z = torch.randn(len(x), self.network.config.latent, device=x.device)
        with torch.set_grad_enabled(player == "generator"):
            fake = self.made(generator, z, label)
        return self._judged(judge, x, fake, label) if player == "discriminator" else self._fooled(judge, x, fake, label)

    def rate(self, player: str) -> float:
        return self.options.discriminator_rate if player == "discriminator" else 1.0

    def _judged(self, judge: nn.Module, x: Tensor, fake: Tensor, label: Tensor | None) -> dict[str, Tensor]:
        options = self.options
        real_seen, fake_seen = (self._augmented(pixels.float()).detach() for pixels in (x, fake))
        now = self.looked % options.penalty_every == 0
        centred = options.penalty == "zero-centred" and now
        if centred:
            real_seen.requires_grad_(True)
            fake_seen.requires_grad_(True)
        real, generated = judge(real_seen, label).float(), judge(fake_seen, label).float()
        terms = {"discriminator": GAMES[options.loss].discriminator(real, generated)}
        if centred:
            terms["penalty"] = (
                self.gamma
                * options.penalty_every
                * (zero_centred(real, real_seen) + zero_centred(generated, fake_seen))
            )
        elif options.penalty == "one-centred" and now:
            gamma = (options.gamma or 10.0) * options.penalty_every
            terms["penalty"] = gamma * one_centred(lambda between: judge(between, label), real_seen, fake_seen)
        self._look(judge, real.detach(), generated.detach(), len(x))
        self.penalty = terms["penalty"].detach() if "penalty" in terms else self.penalty
        return (
            {"_penalty": self.penalty}
            | terms
            | {"_overfit": torch.tensor(self.overfit), "_augment": torch.tensor(self.p)}
        )

    def _fooled(self, judge: nn.Module, x: Tensor, fake: Tensor, label: Tensor | None) -> dict[str, Tensor]:
        game = GAMES[self.options.loss]
        real = None
        if game.pairs:
            with torch.no_grad():
                real = judge(self._augmented(x), label).float()
        return {"generator": game.generator(real, judge(self._augmented(fake.float()), label).float())}

    def _augmented(self, x: Tensor) -> Tensor:
        return augment(x, self.p, self.options.augment) if self.p else x

    @torch.no_grad()
    def _look(self, judge: nn.Module, real: Tensor, generated: Tensor, count: int) -> None:
        """How far the discriminator overfits: 0 where it scores held-out pictures as real, 1 as generated ones."""
        self.looked += 1
        if self.kept is None or self.looked % LOOK_EVERY:
            return
        chosen = torch.randint(len(self.kept), (count,))
        label = None if self.kept_labels is None else self.kept_labels[chosen].to(real.device)
        new = judge(self._augmented(self.shown(self.kept[chosen])), label).float()
        now = float((real.mean() - new.mean()) / (real.mean() - generated.mean()).clamp(min=1e-3))
        self.overfit += 0.05 * (max(min(now, 2.0), -2.0) - self.overfit)
        if self.options.adapt and self.options.augment:
            step = LOOK_EVERY * count / ADAPTED_OVER
            self.p = min(max(self.p + (step if self.overfit > OVERFIT else -step), 0.0), 0.8)

    def validate(self, network: nn.Module, held_out: PictureStore, *, seen: bool = False) -> Validation:
        return self.judged_by_samples(network, seen=seen)

    def _alarm(self, figures: dict[str, float], error: float | None = None) -> str:
        before = min(self.kids, default=math.inf)
        alarm = super()._alarm(figures, error)
        if not alarm and self.overfit > OVERFITTING and figures["kid"] > before:
            alarm = (
                "overfitting: the discriminator has memorized the training pictures (it scores held-out ones "
                f"{min(self.overfit, 1):.0%} of the way towards generated ones), and the KID no longer falls "
                f"({figures['kid']:.0f}e-3); augmentation (options.augment, options.adapt) or more pictures help"
            )
        return alarm

    def state(self) -> dict[str, Tensor]:
        numbers = torch.tensor([self.p, self.overfit, float(self.looked)], dtype=torch.float64)
        return super().state() | {"adversarial": numbers}

    def go_on(self, state: dict[str, Tensor]) -> None:
        super().go_on(state)
        if "adversarial" in state:
            self.p, self.overfit, looked = state["adversarial"].tolist()
            self.looked = int(looked)
