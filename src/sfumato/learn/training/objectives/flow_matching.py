"""The velocity of straight lines from noise to pictures (flow matching; see losses.flow)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sfumato.errors import UsageError
from sfumato.sampling import solvers

from ...data.fitted import pictures
from ...data.recordings import Recordings
from ...data.seeds import sample_seed
from ...data.store import PictureStore
from ...losses.flow import linear_path, logit_normal
from ...networks.flow import SHIFT
from ..config import TrainConfig
from .generation import Generation
from .objective import Validation

SAMPLING_STEPS = 10  # of the Heun solver, when it is validated


@dataclass(frozen=True, kw_only=True)
class FlowOptions:
    """unlabelled: share of the samples that lose their label, so that guidance can compare with and without it.
    spoken: share of the samples that a recording of their class stands for, in place of the label, where there are
    any.

    best: what chooses the best state, the "error" on held-out pictures or the "kid" of the samples (and how many
    recordings are heard right, where there are any). The error is the
    surer of the two, and stops where the flow begins to overfit; the samples may still improve after that.
    """

    unlabelled: float = 0.15
    spoken: float = 0.5
    best: str = "error"

    def __post_init__(self) -> None:
        if self.best not in ("error", "kid"):
            raise UsageError(f"options: best is error or kid, not {self.best!r}.")
        if not 0 <= self.unlabelled < 1:
            raise UsageError("options: unlabelled is from 0 to below 1.")
        if not 0 <= self.spoken <= 1:
            raise UsageError("options: spoken is from 0 to 1.")


class FlowMatching(Generation):
    exported = "velocity"
    options_class = FlowOptions
    options: FlowOptions

    def __init__(self, config: TrainConfig) -> None:
        super().__init__(config)
        if "velocity" not in self.network.entries:
            raise UsageError(f"{config.name}: {config.family} is no flow.")

        self.recordings: tuple[Recordings, Recordings] | None = None  # to train on, and held out

    def begin(self, store: PictureStore, held_out: PictureStore | None, device: object) -> None:
        super().begin(store, held_out, device)
        if self.config.audio:
            train, held = Recordings.read(self.config.audio, self.classes)
            self.recordings = train.to(self.device), held.to(self.device)

    def losses(self, player: str, networks: dict[str, nn.Module], batch: dict[str, Tensor]) -> dict[str, Tensor]:
        network, ends, label = networks[player], 2 * batch["x"] - 1, batch.get("label")
        if label is None:
            return self.velocity_loss(network, ends)
        if self.recordings is None:
            return self.velocity_loss(network, ends, label)
        sound = self.recordings[0].of(label)
        heard = F.cross_entropy(network.audio.logits(sound).float(), label)  # type: ignore[union-attr, operator]
        spoken = torch.rand(len(label), 1, device=label.device) < self.options.spoken
        return self.velocity_loss(network, ends, label * ~spoken, sound * spoken) | {"cross_entropy": heard}

    def velocity_loss(self, velocity: Callable[..., Tensor], ends: Tensor, *conditions: Tensor) -> dict[str, Tensor]:
        """At random places of lines from noise to `ends`; some lose their conditions, such as labels, each `b n`."""
        path = linear_path(ends, torch.randn_like(ends), logit_normal(len(ends), device=ends.device))
        if conditions:
            kept = torch.rand(len(ends), 1, device=ends.device) >= self.options.unlabelled
            conditions = tuple(condition * kept for condition in conditions)
        v_hat = velocity(path.x_t, path.t, *conditions)
        return {"velocity": (v_hat.float() - path.velocity).square().mean()}

    def latent(self, count: int, generator: torch.Generator) -> Tensor:
        return torch.randn(count, self.channels, *self.fit, generator=generator)

    def sample(self, network: nn.Module, z: Tensor, label: Tensor | None) -> Tensor:
        return along(network, z, label) / 2 + 0.5

    @torch.no_grad()
    def validate(self, network: nn.Module, held_out: PictureStore, *, seen: bool = False) -> Validation:
        """The loss at fixed times with fixed noise, which shows overfitting, and the samples."""
        some = held_out.sample(400)
        error = self.velocity_error(network, 2 * pictures(some) - 1, self.held_out_labels(some))
        figures = {"velocity_error": error} | self._heard(network, seen)
        if seen:
            return Validation(figures, -figures["velocity_error"], torch.empty(0))
        return self._judged(network, figures)

    def _heard(self, network: nn.Module, seen: bool) -> dict[str, float]:
        """The share of the recordings, held out or seen in training, that the network takes for their class."""
        if self.recordings is None:
            return {}
        some = self.recordings[0 if seen else 1]
        logits = [network.audio.logits(part.float()) for part in some.spectrograms[:, 0].split(100)]  # type: ignore[union-attr, operator]
        return {"heard": float((torch.cat(logits).argmax(1) == some.classes).float().mean())}

    def _judged(self, network: nn.Module, figures: dict[str, float]) -> Validation:
        """The figures so far with those of the samples, and the score by which the best state is chosen."""
        judged = self.judged_by_samples(network, error=figures["velocity_error"])
        figures = figures | judged.figures
        chosen_by = "kid" if self.options.best == "kid" and "kid" in figures else "velocity_error"
        score = figures.get("heard", 0.0) - figures[chosen_by]
        return Validation(figures, score, judged.sheet, judged.alarm)

    @torch.no_grad()
    def velocity_error(self, velocity: Callable[..., Tensor], ends: Tensor, label: Tensor | None) -> float:
        """The mean loss of lines that end in `ends` (and have these labels), at fixed times from fixed noise."""
        generator = torch.Generator().manual_seed(sample_seed(self.config.seed, "validation"))
        times = (torch.arange(len(ends)) % 20 + 0.5)[:, None] / 20
        path = linear_path(ends, torch.randn(ends.shape, generator=generator), times)
        losses = []
        for part in torch.arange(len(ends)).split(100):
            condition = () if label is None else (label[part].to(self.device),)
            v_hat = velocity(path.x_t[part].to(self.device), path.t[part].to(self.device), *condition).float().cpu()
            losses.append((v_hat - path.velocity[part]).square().flatten(1).mean(1))
        return float(torch.cat(losses).mean())


def along(velocity: Callable[..., Tensor], z: Tensor, label: Tensor | None) -> Tensor:
    """Where the lines from the noise `z` lead, on its device."""
    condition = () if label is None else (label,)

    def here(x: np.ndarray, t: float) -> np.ndarray:
        place = torch.from_numpy(np.asarray(x, np.float32)).to(z.device)
        return velocity(place, torch.full((len(place), 1), t, device=z.device), *condition).float().cpu().numpy()

    x = solvers.heun(here, z.cpu().numpy(), solvers.times(SAMPLING_STEPS, shift=SHIFT))
    return torch.from_numpy(np.asarray(x, np.float32)).to(z.device)
