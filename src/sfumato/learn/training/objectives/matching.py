"""Captions and pictures that belong together, told from those that do not (InfoNCE as in CLIP, arXiv:2103.00020).

The pictures are seen by a network that knows many kinds of things already, and only a dense layer over its features is
trained here. So captions come near to one another whose pictures look alike, whatever the generator makes of them yet.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...data.captions import Captions
from ...data.fitted import picture
from ...data.store import PictureStore
from ...networks.conditions import MEANING

NUM_FEATURES = 1280  # of EfficientNet-Lite0
TEMPERATURE = 0.1
PART = 500  # pictures whose features are made at once


class Matcher(nn.Module):
    """Features of pictures `b NUM_FEATURES`, each of mean 0 and deviation 1 -> `b MEANING`, as captions become."""

    def __init__(self) -> None:
        super().__init__()
        self.dropout = nn.Dropout(0.3)
        self.head = nn.Linear(NUM_FEATURES, MEANING)

    def forward(self, features: Tensor) -> Tensor:
        return self.head(self.dropout(features))


@dataclass
class Matching:
    """The features of the pictures, and which of them have the same caption.

    places: of each picture of the store among those with features, or -1. last: captions and features of this step,
    which both sides learn from.
    """

    features: Tensor
    captions: Tensor
    places: Tensor
    last: tuple[Tensor, Tensor, Tensor] | None = None

    @classmethod
    def of(
        cls, store: PictureStore, some: PictureStore, captions: Captions, features_of: Callable[[Tensor], np.ndarray]
    ) -> "Matching":
        parts = []
        for start in range(0, len(some), PART):
            numbers = range(start, min(start + PART, len(some)))
            parts.append(torch.from_numpy(features_of(torch.stack([picture(some, i) for i in numbers]))))
        features = torch.cat(parts)
        features = (features - features.mean(0)) / features.std(0).clamp(min=1e-3)
        whole = [captions.whole(i) for i in range(len(captions))]
        known = {caption: i for i, caption in enumerate(dict.fromkeys(whole))}
        place_of = {name: i for i, name in enumerate(some.names)}
        places = torch.tensor([place_of.get(name, -1) for name in store.names])
        return cls(features, torch.tensor([known[caption] for caption in whole]), places)

    def of_captions(self, whole: Tensor, text: Tensor, numbers: Tensor, matcher: nn.Module) -> Tensor:
        """The error for captions that became `whole`, of these pictures; keeps what `of_pictures` needs."""
        places = self.places[numbers.cpu()]
        kept = (places >= 0) & (text.amax(1) > 0).cpu()
        places, whole = places[kept], whole[kept.to(whole.device)]
        features = self.features[places].to(whole.device)
        same = (self.captions[places][:, None] == self.captions[places]).float().to(whole.device)
        self.last = whole.detach(), features, same
        with torch.no_grad():
            seen = matcher(features)
        return contrast(whole, seen, same)

    def of_pictures(self, matcher: nn.Module) -> dict[str, Tensor]:
        if self.last is None:
            return {}
        (whole, features, same), self.last = self.last, None
        return {"matching_pictures": contrast(whole, matcher(features), same)}


def contrast(captions: Tensor, pictures: Tensor, same: Tensor) -> Tensor:
    """The mean cross-entropy of finding each caption's pictures among all, and each picture's captions, `b d` both.

    same `b b`: 1 where a caption is the picture's own, or reads like it.
    """
    if len(captions) < 2:
        return captions.sum() * 0 + pictures.sum() * 0
    logits = F.normalize(captions.float(), dim=1) @ F.normalize(pictures.float(), dim=1).T / TEMPERATURE
    wanted = same / same.sum(1, keepdim=True)
    return (F.cross_entropy(logits, wanted) + F.cross_entropy(logits.T, wanted)) / 2
