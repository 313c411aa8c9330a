"""What turns a condition other than a class into what a generator takes: the encoder of sounds."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sfumato.conditions.audio import BANDS, FRAMES

from ..layers.normalization import normalization


class AudioEncoder(nn.Module):
    """Log-mel spectrograms `b NUM_VALUES` -> how likely each class is the one that is spoken, `b classes`.

    Convolutions of stride 2 over bands and time, `widths` wide; mean and maximum over the time, so that it does not
    matter when something is said; one dense layer. Probabilities stand where a class's one-hot label would: they mix
    the embeddings of the classes, so what is half understood is half drawn. No sound, all zero, gives zeros, which is
    "no class": sounds can be dropped, and guidance works.
    """

    def __init__(self, num_classes: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        pairs = list(pairwise((1, *widths)))
        self.convs = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairs)
        self.norms = nn.ModuleList(normalization("group", width) for width in widths)
        bands = -(-BANDS // 2 ** len(widths))
        self.head = nn.Linear(2 * widths[-1] * bands, num_classes)

    def logits(self, sound: Tensor) -> Tensor:
        """The same before the softmax, `b classes`."""
        x = 2 * sound.reshape(-1, 1, BANDS, FRAMES) - 1
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = F.silu(norm(conv(x)))
        x = torch.cat([x.mean(3), x.amax(3)], dim=1)
        return self.head(x.flatten(1))

    def forward(self, sound: Tensor) -> Tensor:
        heard = (sound.amax(1, keepdim=True) > 0).to(sound.dtype)
        return heard * torch.softmax(self.logits(sound).float(), dim=1)
