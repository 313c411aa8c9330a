"""A class, or a number, for each picture."""

from collections import Counter
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import Dataset

from sfumato.errors import Setting, UsageError
from sfumato.models.fields import known

from ...catalog import configured, create
from ...data.augmentation import AUGMENTATIONS, augment
from ...data.fitted import FittedPictures, one_hot
from ...data.folders import plain_name
from ...data.seeds import sample_seed
from ...data.store import PictureStore
from ..config import TrainConfig
from .generation import batches, labels_for, on_white
from .objective import Objective, Validation, labels_of


@dataclass(frozen=True, kw_only=True)
class ClassificationOptions:
    """target: "class", or "number", whose labels are numbers to be predicted.

    augment: names of augmentations, each with chance 1/2; smoothing: of the labels (arXiv:1512.00567). few: as many
    labelled pictures are learned from, evenly over the classes, chosen by the seed (0: all). frozen: share of the run
    in which the encoder stays as it is, for one that was trained before.
    """

    target: str = "class"
    augment: tuple[str, ...] = ("translation",)
    smoothing: float = 0.05
    few: int = 0
    frozen: float = 0.0

    def __post_init__(self) -> None:
        known(self.target, ("class", "number"), "target")
        for name in self.augment:
            known(name, AUGMENTATIONS, "augmentation")
        if not 0 <= self.smoothing < 1:
            raise UsageError("options: smoothing is from 0 to below 1.")
        if self.few < 0 or not 0 <= self.frozen <= 1:
            raise UsageError("options: few must not be negative, and frozen is from 0 to 1.")


class Classification(Objective):
    """Cross-entropy over the classes, or, without classes in the model's config, the squared error of a number."""

    exported = "classifier"
    held_out = 2000

    def __init__(self, config: TrainConfig) -> None:
        self.config, self.network = config, create(config.family, config.model)
        self.networks = {self.exported: self.network}
        self.options = configured(ClassificationOptions, config.options, f"options of {config.name}")
        self.channels, self.fit = self.network.config.channels, tuple(self.network.config.size)
        self.classes = self.network.classes
        if not config.label:
            raise UsageError(
                f"{config.name}: ", Setting("label", "folder"), " (or a key of metadata.jsonl) says what to predict."
            )
        self.labels = labels_for(config)

    def targets(self, store: PictureStore) -> Tensor:
        """One-hot classes `n k`, or numbers `n 1`."""
        names = labels_of(store.names, self.labels)
        one_hot_classes = one_hot(names, self.classes)
        if one_hot_classes is not None:
            return one_hot_classes
        try:
            return torch.tensor([[float(name)] for name in names])
        except ValueError as text:
            raise UsageError(f"{self.config.name}: label={self.config.label} holds no number ({text}).") from None

    def chosen(self, store: PictureStore) -> PictureStore:
        """`few` of the pictures, where so few are asked for: class by class in turn, in each by the seed."""
        few = self.options.few
        if not few:
            return store
        if few < len(self.classes):
            raise UsageError(f"options.few={few} labelled pictures are fewer than the {len(self.classes)} classes.")
        seed, names = self.config.seed, store.names
        by_seed = sorted(range(len(store)), key=lambda i: sample_seed(seed, f"few {plain_name(names[i])}"))
        turns: Counter[str] = Counter()
        order = []
        for i in by_seed:
            kind = self.labels[names[i]] if self.classes else ""
            order.append((turns[kind], i))
            turns[kind] += 1
        # The first of every class, then the second of every class, and so on; stable, so by the seed in each turn.
        order.sort(key=lambda entry: entry[0])
        return store.take(sorted(i for _, i in order[:few]))

    def dataset(self, store: PictureStore) -> Dataset:
        config, balance = self.config, self.config.balance if self.classes else 0.0
        return FittedPictures(store, self.targets(store), seed=config.seed, flips=config.flips, balance=balance)

    def losses(self, player: str, networks: dict[str, nn.Module], batch: dict[str, Tensor]) -> dict[str, Tensor]:
        x = augment(batch["x"], 0.5, self.options.augment)
        outputs = networks[player].logits(x, fixed=self.fraction < self.options.frozen)  # type: ignore[operator]
        if self.classes:
            return {"cross_entropy": F.cross_entropy(outputs, batch["label"], label_smoothing=self.options.smoothing)}
        return {"l2": F.mse_loss(outputs, batch["label"])}

    @torch.no_grad()
    def validate(self, network: nn.Module, held_out: PictureStore, *, seen: bool = False) -> Validation:
        device = next(network.parameters()).device
        targets = self.targets(held_out)
        outputs = torch.cat([network.logits(x.to(device)).cpu() for x, _ in batches(held_out, None)])  # type: ignore[operator]
        first = torch.cat([x for x, _ in batches(held_out.sample(20), None)])
        sheet = on_white(first)[None]
        if self.classes:
            right = float((outputs.argmax(1) == targets.argmax(1)).float().mean())
            return Validation({"accuracy": right}, right - 1e-3 * float(F.cross_entropy(outputs, targets)), sheet)
        error = float((outputs - targets).abs().mean())
        return Validation({"absolute_error": error}, -error, sheet)
