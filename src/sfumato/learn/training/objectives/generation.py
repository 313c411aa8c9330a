"""What all generating objectives share: their data, and how far their samples are from pictures held out.

Features are those of a named network, so that a number can be compared with another; the sheet has fixed latents, so
that it can be watched.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from sfumato.errors import UsageError

from ...catalog import configured, create
from ...data.fitted import FittedPictures, one_hot, picture, pictures
from ...data.folders import list_pictures
from ...data.seeds import sample_seed
from ...data.store import PictureStore
from ...degradations.degradation import in_8_bits
from ...metrics.distribution import kid, precision_recall
from ...metrics.features import FeatureNetwork, lite0
from ...metrics.memorization import near_copies
from ..config import TrainConfig
from ..transfer import card_of
from .objective import Objective, Validation, labels_of

SHEET = (6, 10)
FEW = 5  # fewer held-out pictures than this say nothing about a distribution
OVERFITTING = 40  # pictures to train on, below which copies are to be expected, and too few are held out to see them
PATIENCE = 0.4  # share of the run after which something must have been learned
COPIED = 0.1  # share of near-copies, beyond those by chance, that is an alarm


class Generation(Objective):
    """A generating network, its pictures with labels, and its validation by samples."""

    held_out = 1000
    goes_back = True
    options_class: type

    def __init__(self, config: TrainConfig) -> None:
        network = create(config.family, config.model)
        self.networks = {self.exported: network}
        self.config, self.network = config, network
        self.options: Any = configured(self.options_class, config.options, f"options of {config.name}")
        self.channels, self.fit = network.config.channels, tuple(network.config.size)
        if self.channels not in (1, 3, 4):
            raise UsageError(
                f"{config.name}: model.channels is {self.channels}; pictures have 1 (grey), 3 (RGB) or 4 (RGBA)."
            )
        self.classes: tuple[str, ...] = network.config.classes
        self.labels = labels_for(config)
        self.device = torch.device("cpu")
        self.features: FeatureNetwork | None = None
        self.real_given: dict[str, Tensor] = {}  # of the held-out pictures that samples are compared with
        self.kids: list[float] = []
        self.errors: list[float] = []  # which show whether anything is learned; the KID where nothing else does
        # Whether something was learned is asked once; not of a run that begins with all that another has learned.
        self.asked = bool(config.started_from) and card_of(config.started_from).family == config.family

    def dataset(self, store: PictureStore) -> Dataset:
        known = one_hot(labels_of(store.names, self.labels), self.classes)
        return FittedPictures(store, known, seed=self.config.seed, flips=self.config.flips, balance=self.config.balance)

    def begin(self, store: PictureStore, held_out: PictureStore | None, device: object) -> None:
        """Features of the pictures, once: at most `config.num_drawn` held out, four times as many trained on."""
        self.device = torch.device(str(device))
        if len(store) < OVERFITTING:
            self.concern = (
                f"memorization is to be expected: {len(store)} pictures to train on are soon memorized, "
                "and too few are held out to see it; some hundred are better"
            )
        if held_out is None or len(held_out) < FEW:
            return
        self.features = lite0()
        count = self.config.num_drawn
        self.real = self._features_of(pictures(held_out.sample(count)))
        self.real_given = self.given_of(held_out.sample(count))
        self.known = self._features_of(pictures(store.sample(4 * count)))

    def _features_of(self, x: Tensor) -> np.ndarray:
        assert self.features is not None
        shown = on_white(x.clamp(0, 1)).numpy()
        return self.features(shown if shown.shape[1] in (1, 3) else shown[:, :1])

    def sample(self, network: nn.Module, z: Tensor, given: dict[str, Tensor]) -> Tensor:
        """Pictures `b c h w` in [0, 1] from standard normal numbers and conditions, as the model file gives them."""
        return network.sample(z, *given.values())  # type: ignore[operator]

    def latent(self, count: int, generator: torch.Generator) -> Tensor:
        """Standard normal numbers of the shape that `sample` takes."""
        return torch.randn(count, self.network.config.latent, generator=generator)

    def some_given(self, count: int) -> dict[str, Tensor]:
        """Conditions by their names, of pictures to look at: the classes in turn, one-hot."""
        if not self.classes:
            return {}
        return {"label": torch.eye(len(self.classes))[torch.arange(count) % len(self.classes)]}

    def given_of(self, held_out: PictureStore) -> dict[str, Tensor]:
        """The conditions of held-out pictures, by their names."""
        label = self.held_out_labels(held_out)
        return {} if label is None else {"label": label}

    @torch.no_grad()
    def samples(self, network: nn.Module, count: int, given: dict[str, Tensor]) -> Tensor:
        """`count` pictures from fixed latents, in batches, on the CPU, of 8 bits as files have them."""
        generator = torch.Generator().manual_seed(sample_seed(self.config.seed, "drawn"))
        z = self.latent(count, generator)
        device = next(network.parameters()).device
        parts = []
        for i in range(0, count, 50):
            some = {name: value[i : i + 50].to(device) for name, value in given.items()}
            parts.append(self.sample(network, z[i : i + 50].to(device), some))
        return in_8_bits(torch.cat(parts).float().cpu())

    def judged_by_samples(self, network: nn.Module, *, seen: bool = False, error: float | None = None) -> Validation:
        """KID (times 1000), precision, recall and near-copies of samples now; the alarm; the sheet.

        error: what the run minimizes, on held-out pictures, more than 0. It shows what is learned long before the KID.
        Only the sheet where too few pictures are held out; then the latest state counts as the best.
        """
        if seen:
            return Validation({}, 0.0, torch.empty(0))
        shown, given = SHEET[0] * SHEET[1], self.some_given(SHEET[0] * SHEET[1])
        count, measured = max(shown, 0 if self.features is None else len(self.real)), slice(None)
        if given and self.real_given:
            # the sheet has the classes in turn; what is measured has them as often as the pictures held out
            given = {name: torch.cat([value, self.real_given[name]]) for name, value in given.items()}
            count, measured = shown + len(self.real), slice(shown, None)
        x = self.samples(network, count, given)
        sheet = on_white(x[:shown]).unflatten(0, SHEET)
        if self.features is None:
            return Validation({}, self.fraction, sheet)
        fake = self._features_of(x[measured])
        quality, copies = precision_recall(self.real, fake), near_copies(self.known, self.real, fake)
        figures = {
            "kid": 1000 * kid(self.real, fake, seed=0).mean,
            "precision": quality.precision,
            "recall": quality.recall,
            "near_copies": copies.share,
            "near_by_chance": copies.by_chance,
        }
        return Validation(figures, -figures["kid"], sheet, self._alarm(figures, error))

    def _alarm(self, figures: dict[str, float], error: float | None = None) -> str:
        """A sentence where samples are copies, have collapsed, or nothing is learned; judged by those so far."""
        before, self.kids = self.kids, [*self.kids, figures["kid"]]
        self.errors = [*self.errors, figures["kid"] if error is None else error]
        if figures["near_copies"] - figures["near_by_chance"] > COPIED:
            return (
                f"memorization: {figures['near_copies']:.0%} of the samples are near-copies of training pictures "
                "(nearer to one than 99 % of the held-out pictures are), and new pictures are not as near"
            )
        if before and figures["kid"] > 2 * min(before) + 20:
            return f"collapse: the KID rose to {figures['kid']:.0f}e-3 from {min(before):.0f}e-3"
        if self.fraction >= PATIENCE and not self.asked:
            self.asked = True
            if len(self.errors) > 2 and min(self.errors[1:]) > 0.9 * self.errors[0]:
                return f"nothing is learned: after {self.fraction:.0%} of the run the KID is {figures['kid']:.0f}e-3"
        return ""

    def state(self) -> dict[str, Tensor]:
        return {
            "kids": torch.tensor(self.kids, dtype=torch.float64),
            "errors": torch.tensor(self.errors, dtype=torch.float64),
            "asked": torch.tensor(self.asked),
        }

    def go_on(self, state: dict[str, Tensor]) -> None:
        if "kids" in state:
            self.kids, self.asked = state["kids"].tolist(), bool(state["asked"])
            self.errors = state.get("errors", state["kids"]).tolist()

    def held_out_labels(self, held_out: PictureStore) -> Tensor | None:
        return one_hot(labels_of(held_out.names, self.labels), self.classes)


def on_white(x: Tensor) -> Tensor:
    """Premultiplied RGBA laid over white, one and three channels as they are."""
    return over(x, 1.0)


def over(x: Tensor, behind: Tensor | float) -> Tensor:
    """Premultiplied RGBA over a grey or the colours `b 3 1 1`; one and three channels as they are."""
    return x[:, :3] + (1 - x[:, 3:]) * behind if x.shape[1] == 4 else x


def mean_psnr(x_hat: Tensor, x: Tensor) -> float:
    """In dB, of pictures `b c h w` in [0, 1]: the mean over them."""
    errors = (x_hat - x).square().flatten(1).mean(1)
    return float((-10 * errors.clamp(min=1e-10).log10()).mean())


def labels_for(config: TrainConfig) -> dict[str, str]:
    """The label of every picture of `data` and `val`, where the config names what labels them."""
    if not config.label:
        return {}
    sources = [source for source in (config.data, config.val) if source]
    labels_of_sources = [list_pictures(source).labels(config.label) for source in sources]
    return {name: label for labels in labels_of_sources for name, label in labels.items()}


def batches(store: PictureStore, labels: Tensor | None, size: int = 100) -> Any:
    """x `b c h w` and labels of the pictures of a store, in its order."""
    for start in range(0, len(store), size):
        numbers = range(start, min(start + size, len(store)))
        x = torch.stack([picture(store, number) for number in numbers])
        yield x, None if labels is None else labels[start : start + len(x)]
