"""Segmenters of damage: a map of probabilities against the mask of the damage that was drawn."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...data.store import PictureStore
from ...losses.segmentation import cross_entropy, dice
from .objective import Validation
from .restoration import Degraded, damaged_crops


class Segmentation(Degraded):
    """A segmenter maps y to the probability of damage; validated by what it finds of fixed damage at a half."""

    exported = "segmenter"

    def losses(self, player: str, networks: dict[str, nn.Module], batch: dict[str, Tensor]) -> dict[str, Tensor]:
        p, mask = networks[player](batch["y"]).float(), batch["level"]
        return {"cross_entropy": cross_entropy(p, mask), "dice": dice(p, mask)}

    @torch.no_grad()
    def validate(self, network: nn.Module, held_out: PictureStore, *, seen: bool = False) -> Validation:
        device = next(network.parameters()).device
        figures: dict[str, float] = {}
        shown = []
        for protocol in self.protocols:
            counted = Counts()
            for number, (_, y, mask) in enumerate(damaged_crops(held_out, self.size, protocol, self.config.seed)):
                p = network(y[None].to(device))[0].float().cpu()
                counted = counted.more(p > 0.5, mask > 0.5)
                if number < 8 and protocol == self.protocols[-1]:
                    shown.append(torch.stack([y, p.expand_as(y), mask.expand_as(y)]).clamp(0, 1))
            figures |= {f"f1_{protocol}": counted.f1}
            figures |= {f"recall_{protocol}": counted.recall, f"precision_{protocol}": counted.precision}
        scores = [value for name, value in figures.items() if name.startswith("f1_")]
        return Validation(figures, sum(scores) / len(scores), torch.stack(shown))


@dataclass(frozen=True)
class Counts:
    """Pixels counted over several pictures: found and damaged, found only, damaged only."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    def more(self, predicted: Tensor, mask: Tensor) -> "Counts":
        """With the pixels of one more picture, both maps of truth values."""
        right = int((predicted & mask).sum())
        return Counts(
            self.right + right, self.wrong + int(predicted.sum()) - right, self.missed + int(mask.sum()) - right
        )

    @property
    def recall(self) -> float:
        return self.right / max(self.right + self.missed, 1)

    @property
    def precision(self) -> float:
        return self.right / max(self.right + self.wrong, 1)

    @property
    def f1(self) -> float:
        return 2 * self.right / max(2 * self.right + self.wrong + self.missed, 1)
