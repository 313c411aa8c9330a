"""Flow matching on a convolutional U-Net: the velocity that carries noise to pictures along straight lines.

Rectified flow (arXiv:2209.03003, arXiv:2210.02747): x_t = (1 - t) noise + t data, v = data - noise. The same network
is a denoiser for every level: see `sfumato.sampling.solvers`.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sfumato.conditions.audio import BANDS, NUM_VALUES
from sfumato.conditions.silhouette import CHANNELS
from sfumato.conditions.text import LONGEST
from sfumato.errors import UsageError
from sfumato.models.card import Entry, Input, Output

from ..layers.conditioned import ConditionedBlock, CrossAttention, SelfAttention, TimeEmbedding
from ..layers.normalization import normalization
from .conditions import MEANING, AudioEncoder, TextEncoder, Words
from .generator import Generator, GeneratorConfig

PREDICTIONS = ("picture", "velocity")
NEAREST = 0.05  # of the time left: nearer to its end the velocity is not that to the picture, but slower
SHIFT = 3.0  # of the steps in which pictures are sampled (solvers.times)


@dataclass(frozen=True, kw_only=True)
class FlowConfig(GeneratorConfig):
    """`widths[i]` channels and `blocks` blocks a side at 1/2**i of the resolution of the first convolution.

    patch: that convolution works on a space-to-depth picture of 1/patch of the size. attention: levels that end in
    self-attention. dropout: in the residual blocks, while training. predicts: what the last convolution gives, the
    "velocity", or the "picture" that lies at the end of the line, whose velocity follows (arXiv:2511.13720): plain
    surfaces come out plain, and large patches need fewer channels.

    audio: widths of the encoder of sounds that name a class, () for none. text: widths of the encoder of captions, the
    first for a byte, () for none. silhouette: pixels a side of an outline that belong to each place of x, 1 for
    pictures; 0 for none.
    """

    widths: tuple[int, ...] = (48, 96, 144)
    blocks: int = 1
    patch: int = 1
    attention: tuple[int, ...] = (2,)
    dropout: float = 0.0
    predicts: str = "picture"
    audio: tuple[int, ...] = ()
    text: tuple[int, ...] = ()
    silhouette: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.predicts not in PREDICTIONS:
            raise UsageError(f"flow: predicts is one of {', '.join(PREDICTIONS)}, not {self.predicts!r}.")
        stride = self.patch * 2 ** (len(self.widths) - 1)
        if self.patch < 1 or not self.widths or min(self.widths) < 1 or self.blocks < 1:
            raise UsageError("flow: patch, widths and blocks must be at least 1.")
        if self.audio and (not self.classes or min(self.audio) < 1 or 2 ** len(self.audio) > BANDS):
            raise UsageError("flow: audio needs classes, and one to five widths of at least 1.")
        if self.text and (min(self.text) < 1 or len(self.text) > 5):
            raise UsageError("flow: text is one to five widths of at least 1.")
        if self.silhouette < 0:
            raise UsageError("flow: silhouette is the pixels of an outline at each place, 1 or more, or 0 for none.")
        if any(length % stride for length in self.size):
            raise UsageError(
                f"flow: height and width must be multiples of {stride}, not {'x'.join(map(str, self.size))}; "
                "take another size or fewer widths."
            )


class Flow(Generator):
    """x_t `b channels h w` in the range of data in [-1, 1], t `b 1`, and conditions -> v like x_t.

    Conditions, those of them that `given_ports` lists, in its order, all zero or left out at the end for nothing: label
    `b n`, sound `b k`, text `b l`, silhouette `b 2 h w`. A label, a sound and a whole caption scale and shift the
    features of each block (arXiv:1709.07871); to the pieces of the caption, positions attend where they attend to one
    another; the silhouette is added to the first features. A class that is both named and spoken counts once.

    Any height and width that are multiples of `stride` go through; it was trained at `config.size`.
    """

    fixed_size = False

    def __init__(self, config: FlowConfig) -> None:
        super().__init__()
        self.config = config
        widths, condition = config.widths, 4 * config.widths[0]
        self.time = TimeEmbedding(condition)
        self.label = nn.Linear(len(config.classes), condition) if config.classes else None
        self.audio = AudioEncoder(len(config.classes), config.audio) if config.audio else None
        self.text = TextEncoder(config.text) if config.text else None
        self.meant = nn.Linear(MEANING, condition) if config.text else None
        packed = config.channels * config.patch**2
        self.head = nn.Conv2d(packed, widths[0], 3, padding=1)
        self.encode = nn.ModuleList(self._level(level, width) for level, width in enumerate(widths))
        self.decode = nn.ModuleList(self._level(level, 2 * width) for level, width in enumerate(widths[:-1]))
        self.down = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairwise(widths))
        self.up = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairwise(widths))
        self.norm = normalization("group", widths[0])
        self.tail = nn.Conv2d(widths[0], packed, 3, padding=1)
        with torch.no_grad():
            self.tail.weight.mul_(0.1)
        sides = CHANNELS * (config.silhouette * config.patch) ** 2
        self.outline = nn.Conv2d(sides, widths[0], 3, padding=1) if config.silhouette else None

    def _level(self, level: int, before: int) -> nn.ModuleList:
        """The blocks of one side at one level: `before` channels in, the level's width out."""
        config, width = self.config, self.config.widths[level]
        condition = 4 * config.widths[0]
        blocks: list[nn.Module] = [ConditionedBlock(before, width, condition, dropout=config.dropout)]
        blocks += [ConditionedBlock(width, width, condition, dropout=config.dropout) for _ in range(config.blocks - 1)]
        if level in config.attention:
            blocks += [SelfAttention(width), *([CrossAttention(width, config.text[-1])] if config.text else [])]
        return nn.ModuleList(blocks)

    @property
    def given_ports(self) -> tuple[Input, ...]:
        """The ports of the conditions."""
        config = self.config
        sound = (Input("sound", kind="audio", channels=NUM_VALUES),) if config.audio else ()
        text = (Input("text", kind="text", channels=LONGEST),) if config.text else ()
        outline = (Input("silhouette", kind="silhouette", channels=CHANNELS),) if config.silhouette else ()
        return *self.label_port(), *sound, *text, *outline

    @property
    def inputs(self) -> tuple[Input, ...]:
        x = Input("x", channels=self.config.channels, range=(-1.0, 1.0))
        return x, Input("t", kind="time", channels=1), *self.given_ports

    @property
    def outputs(self) -> tuple[Output, ...]:
        return (Output("v", channels=self.config.channels),)

    @property
    def entries(self) -> dict[str, Entry]:
        return {"velocity": Entry(tuple(port.name for port in self.inputs), ("v",))}

    @property
    def sampling(self) -> dict[str, Any]:  # type: ignore[override]
        """It was trained without a class, too; but where it knows how often each is, samples are better with one."""
        by_class = {"class": list(self.config.shares)} if self.config.shares else {}
        return {"steps": 20, "solver": "heun", "shift": SHIFT, "guidance": 1.0} | by_class

    @property
    def max_pixels(self) -> int:
        """Sixteen times what it was trained on: the memory of attention grows with the square, and far off is weak."""
        return 16 * super().max_pixels

    @property
    def stride(self) -> int:
        return self.config.patch * 2 ** (len(self.config.widths) - 1)

    def forward(self, x: Tensor, t: Tensor, *conditions: Tensor) -> Tensor:  # type: ignore[override]
        given = dict(zip((port.name for port in self.given_ports), conditions, strict=False))
        condition = self.time(t)
        if self.label is not None:
            condition = condition + self.label(self._named(given["label"], given.get("sound")))
        words = None
        if self.text is not None and self.meant is not None:
            text = given.get("text")
            words = self.text(torch.zeros(x.shape[0], LONGEST, device=x.device) if text is None else text)
            condition = condition + self.meant(words.whole)
        condition = F.silu(condition)
        features = self._first(x, given)
        skips = []
        for level, blocks in enumerate(self.encode):
            features = self.down[level - 1](features) if level else features
            features = _through(blocks, features, condition, words)
            skips.append(features)
        for level in reversed(range(len(self.decode))):
            features = F.interpolate(self.up[level](features), scale_factor=2.0, mode="nearest")
            features = _through(self.decode[level], torch.cat([features, skips[level]], dim=1), condition, words)
        out = self.tail(F.silu(self.norm(features)))
        out = (F.pixel_shuffle(out, self.config.patch) if self.config.patch > 1 else out).float()
        if self.config.predicts == "velocity":
            return out
        return (torch.tanh(out) - x) / (1 - t).clamp(min=NEAREST)[:, :, None, None]

    velocity = forward

    def _first(self, x: Tensor, given: dict[str, Tensor]) -> Tensor:
        """The first features: of the picture, and of the conditions that are maps."""
        patch = self.config.patch
        features = self.head(F.pixel_unshuffle(x, patch) if patch > 1 else x)
        if self.outline is not None:
            factor = self.config.silhouette * patch
            outline = given.get("silhouette")
            if outline is None:
                h, w = features.shape[2:]
                outline = torch.zeros(x.shape[0], CHANNELS, h * factor, w * factor, device=x.device)
            features = features + self.outline(F.pixel_unshuffle(outline, factor) if factor > 1 else outline)
        return features

    def words(self, text: Tensor) -> Words:
        """Captions `b l`, read."""
        assert self.text is not None, "a network with an encoder of captions"
        return self.text(text)

    def _named(self, label: Tensor, sound: Tensor | None) -> Tensor:
        """The class that is asked for, spoken, or both: then their mean."""
        if self.audio is None or sound is None:
            return label
        heard = self.audio(sound)
        return (label + heard) / (label.sum(1, keepdim=True) + heard.sum(1, keepdim=True)).clamp(min=1)


def _through(blocks: nn.Module, x: Tensor, condition: Tensor, words: Words | None) -> Tensor:
    for block in blocks.children():
        if isinstance(block, CrossAttention):
            assert words is not None, "a network that attends to words has an encoder of them"
            x = block(x, words.pieces, words.there)
        else:
            x = block(x, condition) if isinstance(block, ConditionedBlock) else block(x)
    return x
