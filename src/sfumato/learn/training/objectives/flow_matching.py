"""The velocity of straight lines from noise to pictures (flow matching; see losses.flow)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import Dataset

from sfumato.errors import UsageError
from sfumato.models.card import MAPS, Input
from sfumato.sampling import solvers

from ...data.captions import Captions, Parts, captions_of
from ...data.fitted import FittedPictures, pictures
from ...data.folders import list_pictures
from ...data.recordings import Recordings
from ...data.seeds import sample_seed
from ...data.store import PictureStore
from ...losses.flow import linear_path, logit_normal
from ...networks.flow import SHIFT
from ..config import TrainConfig
from .generation import Generation
from .matching import Matcher, Matching
from .objective import Validation

SAMPLING_STEPS = 10  # of the Heun solver, when it is validated
TEXT, LAYOUT = "text", "layout"  # in `TrainConfig.condition`
MATCHER = "matcher"
MATCHED = 6000  # pictures at most that captions are compared with
NAMED_TOO = 0.2  # of the samples with a recording keep their label
# Of samples with several conditions that have any, the share that loses each one, on its own.
DROPPED = {"label": 0.5, "text": 0.1, "silhouette": 0.6}
COARSE = 16  # places a side of a rough outline


@dataclass(frozen=True, kw_only=True)
class FlowOptions:
    """unlabelled: share of the samples that lose all conditions, so that guidance can compare with and without them.
    spoken: share of the samples that a recording of their class stands for, in place of the label, where there are
    any. matching: weight of how well captions and pictures are told to belong together, beside the velocity's error.

    best: what chooses the best state, the "error" on held-out pictures or the "kid" of the samples (and how many
    recordings are heard right, where there are any). The error is the
    surer of the two, and stops where the flow begins to overfit; the samples may still improve after that.
    """

    unlabelled: float = 0.15
    spoken: float = 0.5
    matching: float = 0.1
    best: str = "error"

    def __post_init__(self) -> None:
        if self.best not in ("error", "kid"):
            raise UsageError(f"options: best is error or kid, not {self.best!r}.")
        if not 0 <= self.unlabelled < 1:
            raise UsageError("options: unlabelled is from 0 to below 1.")
        if not 0 <= self.spoken <= 1 or self.matching < 0:
            raise UsageError("options: spoken is from 0 to 1, and matching must not be negative.")


class FlowMatching(Generation):
    exported = "velocity"
    options_class = FlowOptions
    options: FlowOptions

    def __init__(self, config: TrainConfig) -> None:
        super().__init__(config)
        if "velocity" not in self.network.entries:
            raise UsageError(f"{config.name}: {config.family} is no flow.")

        self.ports: dict[str, Input] = {port.name: port for port in self.network.given_ports}  # type: ignore[union-attr]
        self.captions = captions_for(config)
        self.recordings: tuple[Recordings, Recordings] | None = None  # to train on, and held out
        self.matching: Matching | None = None
        if self.captions and self.options.matching:
            self.networks = {**self.networks, MATCHER: Matcher()}

    def dataset(self, store: PictureStore) -> Dataset:
        samples = super().dataset(store)
        assert isinstance(samples, FittedPictures), "generators are trained on whole pictures"
        samples.captions = Captions.of(store.names, self.captions) if self.captions else None
        return samples

    def begin(self, store: PictureStore, held_out: PictureStore | None, device: object) -> None:
        super().begin(store, held_out, device)
        if self.config.audio:
            train, held = Recordings.read(self.config.audio, self.classes)
            self.recordings = train.to(self.device), held.to(self.device)
        if self.features is not None and MATCHER in self.networks:
            some = store.sample(MATCHED)
            self.matching = Matching.of(store, some, Captions.of(some.names, self.captions), self._features_of)

    def losses(self, player: str, networks: dict[str, nn.Module], batch: dict[str, Tensor]) -> dict[str, Tensor]:
        if player == MATCHER:
            return {} if self.matching is None else self.matching.of_pictures(networks[MATCHER])
        network, given = networks[player], self.given_in(batch)
        terms = self.velocity_loss(network, 2 * batch["x"] - 1, given)
        return terms | self.heard(network, batch, given) | self.matched(network, networks, batch)

    def given_in(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The conditions of a batch, by the names of their ports."""
        given: dict[str, Tensor] = {
            name: batch[name] for name in ("label", "text") if name in batch and name in self.ports
        }
        if self.recordings is not None:
            label = batch["label"]
            spoken = torch.rand(len(label), 1, device=label.device) < self.options.spoken
            both = torch.rand(len(label), 1, device=label.device) < NAMED_TOO
            given |= {"label": label * (~spoken | both), "sound": self.recordings[0].of(label) * spoken}
        if "silhouette" in self.ports:
            given["silhouette"] = coarsened(batch["x"][:, 3:])
        return given

    def heard(self, network: nn.Module, batch: dict[str, Tensor], given: dict[str, Tensor]) -> dict[str, Tensor]:
        """How well the encoder of sounds names the class of each recording."""
        if self.recordings is None:
            return {}
        spoken = given["sound"].amax(1) > 0
        logits = network.audio.logits(given["sound"]).float()  # type: ignore[union-attr, operator]
        error = F.cross_entropy(logits, batch["label"], reduction="none")
        return {"cross_entropy": (error * spoken).sum() / spoken.sum().clamp(min=1)}

    def matched(
        self, network: nn.Module, networks: dict[str, nn.Module], batch: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """How well each caption is told from the others by its picture; asked in every other step, by chance."""
        if self.matching is None or torch.rand(()) < 0.5:
            return {}
        whole = network.words(batch["text"]).whole  # type: ignore[operator]
        error = self.matching.of_captions(whole, batch["text"], batch["number"], networks[MATCHER])
        return {"matching": self.options.matching * error}

    def velocity_loss(
        self, velocity: Callable[..., Tensor], ends: Tensor, given: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """At random places of lines from noise to `ends`; some lose all their conditions, or one or the other."""
        path = linear_path(ends, torch.randn_like(ends), logit_normal(len(ends), device=ends.device))
        if given:
            kept = torch.rand(len(ends), 1, device=ends.device) >= self.options.unlabelled
            several = len(given) > 1 and self.recordings is None
            for name, value in given.items():
                own = torch.rand(len(ends), 1, device=ends.device) >= (DROPPED[name] if several else 0)
                given = given | {name: value * (kept & own).reshape(-1, *(1,) * (value.ndim - 1))}
        v_hat = velocity(path.x_t, path.t, *self.in_order(given, len(ends)))
        return {"velocity": (v_hat.float() - path.velocity).square().mean()}

    def in_order(self, given: dict[str, Tensor], count: int) -> list[Tensor]:
        """The conditions as the network takes them: zeros for those that are not there."""
        device = next((value.device for value in given.values()), self.device)
        return [
            given[name]
            if name in given
            else torch.zeros(count, port.channels, *(self.fit if port.kind in MAPS else ()), device=device)
            for name, port in self.ports.items()
        ]

    def given_of(self, held_out: PictureStore) -> dict[str, Tensor]:
        """Label and caption."""
        given = super().given_of(held_out)
        if self.captions:
            given["text"] = Captions.of(held_out.names, self.captions).values()
        return given

    def some_given(self, count: int) -> dict[str, Tensor]:
        """With captions, those of some held-out pictures, without their classes."""
        texts = self.real_given.get("text")
        if texts is None:
            return super().some_given(count)
        given = {"text": texts[torch.arange(count) * len(texts) // count]}
        return ({"label": torch.zeros(count, len(self.classes))} if self.classes else {}) | given

    def latent(self, count: int, generator: torch.Generator) -> Tensor:
        return torch.randn(count, self.channels, *self.fit, generator=generator)

    def sample(self, network: nn.Module, z: Tensor, given: dict[str, Tensor]) -> Tensor:
        return along(network, z, self.in_order(given, len(z))) / 2 + 0.5

    @torch.no_grad()
    def validate(self, network: nn.Module, held_out: PictureStore, *, seen: bool = False) -> Validation:
        """The loss at fixed times with fixed noise, which shows overfitting, and the samples."""
        some = held_out.sample(400)
        error = self.velocity_error(network, 2 * pictures(some) - 1, self.given_of(some))
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
    def velocity_error(self, velocity: Callable[..., Tensor], ends: Tensor, given: dict[str, Tensor]) -> float:
        """The mean loss of lines that end in `ends` (on these conditions), at fixed times from fixed noise."""
        generator = torch.Generator().manual_seed(sample_seed(self.config.seed, "validation"))
        times = (torch.arange(len(ends)) % 20 + 0.5)[:, None] / 20
        path = linear_path(ends, torch.randn(ends.shape, generator=generator), times)
        losses = []
        for part in torch.arange(len(ends)).split(100):
            some = self.in_order({name: value[part].to(self.device) for name, value in given.items()}, len(part))
            v_hat = velocity(path.x_t[part].to(self.device), path.t[part].to(self.device), *some).float().cpu()
            losses.append((v_hat - path.velocity[part]).square().flatten(1).mean(1))
        return float(torch.cat(losses).mean())


def along(velocity: Callable[..., Tensor], z: Tensor, conditions: Sequence[Tensor]) -> Tensor:
    """Where the lines from the noise `z` lead, on its device."""

    def here(x: np.ndarray, t: float) -> np.ndarray:
        place = torch.from_numpy(np.asarray(x, np.float32)).to(z.device)
        return velocity(place, torch.full((len(place), 1), t, device=z.device), *conditions).float().cpu().numpy()

    x = solvers.heun(here, z.cpu().numpy(), solvers.times(SAMPLING_STEPS, shift=SHIFT))
    return torch.from_numpy(np.asarray(x, np.float32)).to(z.device)


def captions_for(config: TrainConfig) -> dict[str, Parts]:
    """The captions of the pictures of `data` and `val`, where the config asks for them."""
    if TEXT not in config.condition:
        return {}
    sources = [source for source in (config.data, config.val) if source]
    found = [captions_of(list_pictures(source), config.caption) for source in sources]
    return {name: caption for captions in found for name, caption in captions.items()}


def coarsened(alpha: Tensor) -> Tensor:
    """Outlines `b 2 h w` of the transparency `b 1 h w` of pictures: half as they are, half of 16 places a side."""
    h, w = alpha.shape[2:]
    rough = F.interpolate(F.adaptive_avg_pool2d(alpha, (min(h, COARSE), min(w, COARSE))), (h, w), mode="bilinear")
    fine = torch.rand(len(alpha), 1, 1, 1, device=alpha.device) < 0.5
    covered = torch.where(fine, alpha, rough)
    return torch.cat([covered, 1 - covered], dim=1)
