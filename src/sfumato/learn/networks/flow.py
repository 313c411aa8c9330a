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
from sfumato.errors import UsageError
from sfumato.models.card import Entry, Input, Output

from ..layers.conditioned import ConditionedBlock, SelfAttention, TimeEmbedding
from ..layers.normalization import normalization
from .conditions import AudioEncoder
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
    surfaces come out plain, and large patches need fewer channels. audio: widths of the encoder of sounds that name a
    class, () for none.
    """

    widths: tuple[int, ...] = (48, 96, 144)
    blocks: int = 1
    patch: int = 1
    attention: tuple[int, ...] = (2,)
    dropout: float = 0.0
    predicts: str = "picture"
    audio: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.predicts not in PREDICTIONS:
            raise UsageError(f"flow: predicts is one of {', '.join(PREDICTIONS)}, not {self.predicts!r}.")
        stride = self.patch * 2 ** (len(self.widths) - 1)
        if self.patch < 1 or not self.widths or min(self.widths) < 1 or self.blocks < 1:
            raise UsageError("flow: patch, widths and blocks must be at least 1.")
        if self.audio and (not self.classes or min(self.audio) < 1 or 2 ** len(self.audio) > BANDS):
            raise UsageError("flow: audio needs classes, and one to five widths of at least 1.")
        if any(length % stride for length in self.size):
            raise UsageError(
                f"flow: height and width must be multiples of {stride}, not {'x'.join(map(str, self.size))}; "
                "take another size or fewer widths."
            )


class Flow(Generator):
    """x_t `b channels h w` in the range of data in [-1, 1], t `b 1` (label `b n`, sound `b k`) -> v like x_t.

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

    def _level(self, level: int, before: int) -> nn.ModuleList:
        """The blocks of one side at one level: `before` channels in, the level's width out."""
        config, width = self.config, self.config.widths[level]
        condition = 4 * config.widths[0]
        blocks: list[nn.Module] = [ConditionedBlock(before, width, condition, dropout=config.dropout)]
        blocks += [ConditionedBlock(width, width, condition, dropout=config.dropout) for _ in range(config.blocks - 1)]
        return nn.ModuleList([*blocks, *([SelfAttention(width)] if level in config.attention else [])])

    @property
    def inputs(self) -> tuple[Input, ...]:
        x = Input("x", channels=self.config.channels, range=(-1.0, 1.0))
        sound = (Input("sound", kind="audio", channels=NUM_VALUES),) if self.config.audio else ()
        return x, Input("t", kind="time", channels=1), *self.label_port(), *sound

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

    def forward(  # type: ignore[override]
        self, x: Tensor, t: Tensor, label: Tensor | None = None, sound: Tensor | None = None
    ) -> Tensor:
        condition = self.time(t)
        if self.label is not None:
            assert label is not None, "a network with classes is called with a label, be it all zero"
            if self.audio is not None and sound is not None:
                label = label + self.audio(sound)
            condition = condition + self.label(label)
        condition = F.silu(condition)
        patch = self.config.patch
        features = self.head(F.pixel_unshuffle(x, patch) if patch > 1 else x)
        skips = []
        for level, blocks in enumerate(self.encode):
            features = self.down[level - 1](features) if level else features
            features = _through(blocks, features, condition)
            skips.append(features)
        for level in reversed(range(len(self.decode))):
            features = F.interpolate(self.up[level](features), scale_factor=2.0, mode="nearest")
            features = _through(self.decode[level], torch.cat([features, skips[level]], dim=1), condition)
        out = self.tail(F.silu(self.norm(features)))
        out = (F.pixel_shuffle(out, patch) if patch > 1 else out).float()
        if self.config.predicts == "velocity":
            return out
        return (torch.tanh(out) - x) / (1 - t).clamp(min=NEAREST)[:, :, None, None]

    velocity = forward


def _through(blocks: nn.Module, x: Tensor, condition: Tensor) -> Tensor:
    for block in blocks.children():
        x = block(x, condition) if isinstance(block, ConditionedBlock) else block(x)
    return x
