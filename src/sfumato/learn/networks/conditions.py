"""What turns a condition other than a class into what a generator takes: the encoders of sounds and of captions."""

from itertools import pairwise
from typing import NamedTuple

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


class Words(NamedTuple):
    """A caption, read: its pieces `b n width`, which of them there are `b n`, and the whole as a vector `b MEANING`."""

    pieces: Tensor
    there: Tensor
    whole: Tensor


MEANING = 128  # numbers that a whole caption becomes, of mean square 1


class TextEncoder(nn.Module):
    """Bytes of captions `b k`, 0 to 255, zeros behind -> Words.

    A vector for each byte; convolutions of stride 2, one for each further width, then two residual ones, over pieces of
    2**(widths - 1) bytes (character-level convolutions, arXiv:1509.01626): what is spelt alike comes near, and a word
    that training never saw is read by its parts. The whole is the mean and maximum over the pieces, through a dense
    layer, of fixed length, so that it can be compared with that of a picture; no caption, all zero, gives zeros.
    """

    def __init__(self, widths: tuple[int, ...], *, dropout: float = 0.1) -> None:
        super().__init__()
        pairs = list(pairwise(widths))
        self.bytes = nn.Embedding(256, widths[0])
        self.down = nn.ModuleList(nn.Conv1d(a, b, 5, stride=2, padding=2) for a, b in pairs)
        self.blocks = nn.ModuleList(nn.Conv1d(widths[-1], widths[-1], 5, padding=2) for _ in range(2))
        self.norms = nn.ModuleList(nn.LayerNorm(widths[-1]) for _ in range(3))
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * widths[-1], MEANING)

    def forward(self, text: Tensor) -> Words:
        there = (text > 0).float()[:, None]
        x = self.bytes(text.long()).transpose(1, 2) * there
        for conv in self.down:
            there = F.max_pool1d(there, 3, stride=2, padding=1)
            x = F.silu(conv(x)) * there
        for conv, norm in zip(self.blocks, self.norms, strict=False):
            x = x + self.dropout(F.silu(conv(normal(norm, x) * there))) * there
        pieces = normal(self.norms[-1], x) * there
        any_there = there.amax(2)
        mean = pieces.sum(2) / there.sum(2).clamp(min=1)
        most = (pieces - 10 * (1 - there)).amax(2) * any_there
        whole = F.normalize(self.head(torch.cat([mean, most], dim=1)).float(), dim=1) * MEANING**0.5 * any_there
        return Words(pieces.transpose(1, 2), there[:, 0], whole)


def normal(norm: nn.Module, x: Tensor) -> Tensor:
    """Layer norm over the channels of `b c n`."""
    return norm(x.transpose(1, 2)).transpose(1, 2)
