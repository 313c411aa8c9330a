"""Answers questions about pictures, asked in words; with and without a module that relates places and words.

What a question is about may lie anywhere: "what shape is nearest to the red object?" needs the red one found, then
what is near to it (arXiv:1706.01427). In the module every piece of the question attends to every place of the picture,
several times, each time knowing what it found before.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sfumato.conditions.text import LONGEST
from sfumato.errors import UsageError
from sfumato.models.card import Input, Output

from ..layers.pyramid import Encoder
from .conditions import MEANING, TextEncoder
from .network import Network

HEADS = 4


@dataclass(frozen=True, kw_only=True)
class AnswererConfig:
    """Encoder of pictures: `widths[i]` channels at 1/2**i of the resolution that patches of patch x patch pixels leave;
    of questions: `text`, the widths of TextEncoder before the last, which is that of the pictures.

    hops: how often the question attends to the picture; 0: the whole picture and the whole question go through dense
    layers of `hidden` units together instead, as in what relations are compared with. words: those of the questions it
    is trained on, where they are few, so that what asks can tell which are new to it; the network needs none of them.
    """

    size: tuple[int, ...] = (64, 64)
    channels: int = 3
    classes: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    widths: tuple[int, ...] = (24, 48, 96)
    patch: int = 1
    text: tuple[int, ...] = (24, 48)
    hops: int = 3
    hidden: int = 112

    def __post_init__(self) -> None:
        if not self.text or not self.widths:
            raise UsageError("answerer: widths and text need at least one number.")
        if self.widths[-1] % HEADS or min(*self.widths, *self.text, self.hidden, self.patch) < 1 or self.hops < 0:
            raise UsageError(f"answerer: the last width is a multiple of {HEADS}, and hops are 0 or more.")
        stride = self.patch * 2 ** (len(self.widths) - 1)
        if len(self.size) != 2 or any(length < stride or length % stride for length in self.size):
            raise UsageError(f"answerer: size needs a height and a width, multiples of {stride}.")


class Answerer(Network):
    """x `b channels h w` in [0, 1] of `config.size`, text `b l` -> probabilities `b n` of the answers."""

    task = "answer"
    fixed_size = True

    def __init__(self, config: AnswererConfig) -> None:
        super().__init__()
        self.config = config
        width, (height, across) = config.widths[-1], config.size
        self.encoder = Encoder(config.channels, config.widths, 1, patch=config.patch, act="silu")
        self.places = nn.Conv2d(6, width, 1)
        self.norm = nn.LayerNorm(width)
        self.question = TextEncoder((*config.text, width), dropout=0.0)
        self.hops = nn.ModuleList(Hop(width) for _ in range(config.hops))
        answers = max(len(config.classes), 1)
        if config.hops:
            self.meant = nn.Linear(MEANING, width)
            self.head = nn.Sequential(nn.Linear(2 * width, config.hidden), nn.SiLU(), nn.Linear(config.hidden, answers))
            return
        self.few = nn.Linear(width, 8)
        flat = 8 * height * across // self.stride**2 + MEANING
        hidden = config.hidden
        middle = [nn.Linear(flat, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU()]
        self.head = nn.Sequential(*middle, nn.Linear(hidden, answers))

    @property
    def inputs(self) -> tuple[Input, ...]:
        return Input("x", channels=self.config.channels), Input("text", kind="text", channels=LONGEST)

    @property
    def outputs(self) -> tuple[Output, ...]:
        return (Output("probabilities", kind="class", channels=len(self.config.classes)),)

    @property
    def max_pixels(self) -> int:
        return self.config.size[0] * self.config.size[1]

    @property
    def stride(self) -> int:
        return self.config.patch * 2 ** (len(self.config.widths) - 1)

    def logits(self, x: Tensor, text: Tensor) -> Tensor:
        """Before the softmax, `b q n`, of q questions `b q l` about each picture."""
        b, q = text.shape[:2]
        places = self.norm(self._seen(x))
        distinct, which = torch.unique(text.flatten(0, 1), dim=0, return_inverse=True)
        read = self.question(distinct)
        return self._answers(places, read.pieces[which], read.there[which], read.whole[which], b, q)

    def forward(self, x: Tensor, text: Tensor) -> Tensor:  # type: ignore[override]
        read = self.question(text)
        logits = self._answers(self.norm(self._seen(x)), read.pieces, read.there, read.whole, -1, 1)
        return torch.softmax(logits[:, 0], dim=1)

    def _seen(self, x: Tensor) -> Tensor:
        """The places of pictures, `b m c`, each of which knows where it is."""
        features = self.encoder(2 * x - 1)
        h, w = features.shape[2:]
        rows = torch.linspace(-1, 1, h, device=x.device)[:, None].expand(h, w)
        columns = torch.linspace(-1, 1, w, device=x.device)[None].expand(h, w)
        where = torch.stack([rows, columns, rows**2, columns**2, rows * columns, rows**2 + columns**2])
        return (features + self.places(where[None])).flatten(2).transpose(1, 2)

    def _answers(self, places: Tensor, pieces: Tensor, there: Tensor, whole: Tensor, b: int, q: int) -> Tensor:
        if not self.hops:
            flat = self.few(places).flatten(1)[:, None].expand(-1, q, -1)
            return self.head(torch.cat([flat, whole.unflatten(0, (b, q)).to(flat.dtype)], dim=2)).float()
        pieces, there = pieces + self.meant(whole)[:, None], there[..., None]
        for hop in self.hops:
            pieces = hop(pieces.unflatten(0, (b, q)), there.unflatten(0, (b, q)), places).flatten(0, 1)
        mean = (pieces * there).sum(1) / there.sum(1).clamp(min=1)
        most = (pieces - 100 * (1 - there)).amax(1)
        return self.head(torch.cat([mean, most], dim=1)).unflatten(0, (b, q)).float()


class Hop(nn.Module):
    """Pieces of q questions `b q n c`, there `b q n 1`, places `b m c` -> pieces, which know what they found.

    Every piece attends to every place of its picture; then each learns what all pieces of its question have found.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.norm_found = nn.LayerNorm(width), nn.LayerNorm(width)
        self.q, self.kv = nn.Linear(width, width), nn.Linear(width, 2 * width, bias=False)
        self.out, self.shared = nn.Linear(width, width), nn.Linear(width, width)
        self.dense = nn.Sequential(nn.Linear(width, 2 * width), nn.SiLU(), nn.Linear(2 * width, width))

    def forward(self, pieces: Tensor, there: Tensor, places: Tensor) -> Tensor:
        n, c = pieces.shape[2:]
        q = self.q(self.norm(pieces)).flatten(1, 2).unflatten(2, (HEADS, c // HEADS)).transpose(1, 2)
        k, v = (part.unflatten(2, (HEADS, c // HEADS)).transpose(1, 2) for part in self.kv(places).chunk(2, dim=2))
        weights = torch.softmax((q @ k.mT).float() / math.sqrt(c // HEADS), dim=-1).to(v.dtype)
        found = (weights @ v).transpose(1, 2).flatten(2).unflatten(1, (-1, n))
        pieces = pieces + self.out(found)
        mean = (pieces * there).sum(2, keepdim=True) / there.sum(2, keepdim=True).clamp(min=1)
        pieces = pieces + F.silu(self.shared(mean))
        return pieces + self.dense(self.norm_found(pieces))
