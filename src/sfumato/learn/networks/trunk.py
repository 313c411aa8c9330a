"""The trunk of the networks for CPUs: plain 3x3 convolutions at 1/2, 1/4, 1/8, ... of the resolution, and back.

The design of DRUNet (arXiv:2008.13751) brought to a budget of a few tens of thousands of multiply-adds a pixel: the
first convolution works at half resolution on a space-to-depth picture (FFDNet, arXiv:1710.04026), and every 3x3
convolution is dense. There is no normalization and no global operation, so tiles are exact.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sfumato.errors import UsageError

from ..layers.resampling import ShuffleUp, StridedDown
from .network import Network


class Channels(NamedTuple):
    """Neighbouring channels of a weight: `each` for every channel of the stream; without a stream, `each` of them."""

    stream: str
    each: int = 1


class Trunk(Network):
    """Maps of `given` channels, `b given h w`, -> `b made h/2 w/2`; h and w are multiples of `stride`.

    `widths[i]` channels and `blocks[i]` residual blocks a side at 1/2, 1/4, 1/8, ...; the last entry of `blocks`
    counts those at the coarsest level, which has one side only. Weights of the same names and shapes can be lent from
    one network with this trunk to another. block: makes a block of so many channels. skips: what the way down has at a
    level is added on the way back; without them the coarsest level holds all that is known of the picture.
    """

    def __init__(
        self,
        given: int,
        made: int,
        *,
        widths: tuple[int, ...],
        blocks: tuple[int, ...],
        block: Callable[[int], nn.Module],
        bias: bool = False,
        skips: bool = True,
    ) -> None:
        super().__init__()
        self.widths, self.blocks, self.skips = widths, blocks, skips

        def stack(width: int, count: int) -> nn.Sequential:
            return nn.Sequential(*(block(width) for _ in range(count)))

        self.head = nn.Conv2d(4 * given, widths[0], 3, padding=1, bias=bias)
        self.down = nn.ModuleList(StridedDown(a, b, bias=bias) for a, b in pairwise(widths))
        self.up = nn.ModuleList(ShuffleUp(b, a, bias=bias) for a, b in pairwise(widths))
        self.encode = nn.ModuleList(stack(w, n) for w, n in zip(widths[:-1], blocks[:-1], strict=True))
        self.middle = stack(widths[-1], blocks[-1])
        self.decode = nn.ModuleList(stack(w, n) for w, n in zip(widths[:-1], blocks[:-1], strict=True))
        self.tail = nn.Conv2d(widths[0], made, 3, padding=1, bias=bias)
        with torch.no_grad():
            self.tail.weight.mul_(0.1)

    @property
    def streams(self) -> dict[str, int]:
        """How many channels go together through the network, by a name: a level's features, and those in a block."""
        levels = {f"level {i}": width for i, width in enumerate(self.widths)}
        return levels | {name: self.widths[level] for name, level in self._block_names()}

    @property
    def axes(self) -> dict[str, tuple[tuple[Channels, ...], tuple[Channels, ...]]]:
        """Which streams the outputs and the inputs of each weight are channels of."""
        levels = [Channels(f"level {i}") for i in range(len(self.widths))]
        found: dict[str, tuple[tuple[Channels, ...], tuple[Channels, ...]]] = {}
        found["head.weight"] = ((levels[0],), (Channels("", self.head.in_channels),))
        found["tail.weight"] = ((Channels("", self.tail.out_channels),), (levels[0],))
        for i, (fine, coarse) in enumerate(pairwise(levels)):
            found[f"down.{i}.weight"] = ((coarse,), (fine,))
            found[f"up.{i}.0.weight"] = ((fine._replace(each=4),), (coarse,))
        for name, level in self._block_names():
            found[f"{name}.first.weight"] = ((Channels(name),), (levels[level],))
            found[f"{name}.second.weight"] = ((levels[level],), (Channels(name),))
        return found

    def _block_names(self) -> list[tuple[str, int]]:
        last = len(self.widths) - 1
        sides = [(f"{side}.{i}", i) for i in range(last) for side in ("encode", "decode")]
        return [(f"{side}.{j}", i) for side, i in (*sides, ("middle", last)) for j in range(self.blocks[i])]

    @property
    def stride(self) -> int:
        return 2 ** len(self.widths)

    def reaching(self, reach: int) -> int:
        """How far an output pixel looks, in pixels, where a block looks `reach` of its own, and a stride to align."""
        sides = [2 * reach * n for n in self.blocks[:-1]] + [reach * self.blocks[-1]]
        radius = 2 + 2 + sum(count * 2 ** (level + 1) for level, count in enumerate(sides))
        return -(-radius // self.stride) * self.stride + self.stride

    def reaching_back(self, reach: int) -> int:
        """As `reaching`, but from the coarsest level's first features on, and with no stride to align."""
        sides = [reach * n * 2 ** (level + 1) for level, n in enumerate(self.blocks)]
        return 2 + 2 + 4 + sum(sides)  # 4: the last convolution's own level may begin in the middle of the next one's

    def through(
        self,
        given: Tensor,
        joined: Callable[[int, Tensor], Tensor] | None = None,
        beside: Sequence[Tensor] = (),
    ) -> Tensor:
        """From the picture, with what else is given, to the last convolution's output at half the resolution.

        joined: what is done to a level's features on the way back, where its two sides, if both are used, are together.
        beside: what is added to the features of the levels below the first, on the way there, as many as there are.
        """
        features = self.head(F.pixel_unshuffle(given, 2))
        return self.tail(self.from_first(features, joined, beside))

    def from_first(
        self,
        features: Tensor,
        joined: Callable[[int, Tensor], Tensor] | None = None,
        beside: Sequence[Tensor] = (),
    ) -> Tensor:
        """From the first convolution's output to what the last one is given; as `through`."""
        passed = []
        for level, (encode, down) in enumerate(zip(self.encode, self.down, strict=True)):
            features = encode(features)
            passed.append(features)
            features = down(features)
            if level < len(beside):
                features = features + beside[level]
        features = self.middle(features)
        for level in reversed(range(len(passed))):
            features = self.up[level](features)
            if self.skips:
                features = features + passed[level]
            features = self.decode[level](joined(level, features) if joined else features)
        return features


def check_levels(family: str, widths: tuple[int, ...], blocks: tuple[int, ...], channels: int) -> None:
    """Raises UsageError where a config's levels make no trunk."""
    if len(widths) != len(blocks) or not widths:
        raise UsageError(f"{family}: widths and blocks need one number for each level, the same count in both.")
    if min(widths) < 1 or min(blocks) < 0 or channels < 1:
        raise UsageError(f"{family}: widths and channels must be at least 1, blocks at least 0.")
