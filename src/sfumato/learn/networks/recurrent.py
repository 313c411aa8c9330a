"""The recurrent restorer of video: the restorer for CPUs, with a memory that moves along with what it shows.

Each frame is matched with the one before (`layers/recurrent.py`); what is remembered is warped onto it, joined to the
trunk's first features and to its last ones, and renewed by a gated cell from what has come out. Recurrence with
alignment inside the network is that of BasicVSR (arXiv:2012.02181); here it goes one way only, so that a frame can be
restored as soon as it is there, and is matched instead of taken from a flow network, which costs a tenth of the work.
"""

from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sfumato.errors import UsageError
from sfumato.models.card import Input, Output

from ..layers.convolution import ResidualBlock
from ..layers.recurrent import Matching, Memory, warped
from .network import Restorer
from .trunk import Channels, Trunk, check_levels

TASKS = ("denoise", "dejpeg")
CELL = 8  # pixels a side, of the coarse keys; the state is folded to full resolution by it


@dataclass(frozen=True, kw_only=True)
class RecurrentUNetConfig:
    """widths, blocks: of the trunk, as of plain-unet, whose weights it can begin with.

    memory: channels that are remembered, at half the resolution. keys: channels of the keys at a quarter and at an
    eighth, by which frames are matched. task: "denoise", which is given the level of the noise, or "dejpeg", for files
    of video, which is given nothing: what their encoders were set to is not told by their frames.
    """

    widths: tuple[int, ...] = (32, 64, 112)
    blocks: tuple[int, ...] = (1, 1, 2)
    memory: int = 32
    keys: tuple[int, int] = (24, 32)
    channels: int = 3
    task: str = "denoise"

    def __post_init__(self) -> None:
        check_levels("recurrent-unet", self.widths, self.blocks, self.channels)
        if self.task not in TASKS:
            raise UsageError(f"recurrent-unet: task is one of {', '.join(TASKS)}, not {self.task!r}.")
        if self.memory < 1 or len(self.keys) != 2 or min(self.keys) < 1:
            raise UsageError("recurrent-unet: memory and both counts of keys must be at least 1.")
        if self.state % CELL**2:
            raise UsageError(
                f"recurrent-unet: 16 * memory + 4 * keys[0] + keys[1] is {self.state}; "
                f"it must be a multiple of {CELL**2}."
            )

    @property
    def state(self) -> int:
        """Channels of the state at an eighth of the resolution."""
        return (CELL // 2) ** 2 * self.memory + (CELL // 4) ** 2 * self.keys[0] + self.keys[1]


class RecurrentUNet(Trunk, Restorer):
    """y `b c h w` in [0, 1], sigma `b 1 h w` (0 where it is not known) and a state -> x_hat `b c h w`, the next state.

    A state is `b s h w`, all zero before the first frame and after a cut; h and w are multiples of `stride`. For the
    task "dejpeg" there is no sigma.
    """

    def __init__(self, config: RecurrentUNetConfig) -> None:
        block = partial(ResidualBlock, bias=False)
        given, packed = config.channels + (config.task == "denoise"), 4 * config.channels
        super().__init__(given, packed, widths=config.widths, blocks=config.blocks, block=block)
        self.config, self.task = config, config.task
        memory, (fine, coarse) = config.memory, config.keys
        self.look = nn.Sequential(nn.Conv2d(16 * given, 2 * fine, 3, padding=1), nn.ReLU())
        self.look_again = nn.Sequential(nn.Conv2d(2 * fine, 2 * coarse, 3, padding=1, stride=2), nn.ReLU())
        self.fine = nn.Conv2d(2 * fine, fine, 3, padding=1)
        self.coarse = nn.Conv2d(2 * coarse, coarse, 3, padding=1)
        self.matching = Matching(fine)
        self.join_first = nn.Conv2d(memory + 2, config.widths[0], 3, padding=1, bias=False)
        self.join_last = nn.Conv2d(memory + 2, config.widths[0], 3, padding=1, bias=False)
        self.memory = Memory(2 * packed + config.widths[0] + 2, memory)
        with torch.no_grad():
            self.join_first.weight.mul_(0.1)
            self.join_last.weight.mul_(0.1)

    @property
    def streams(self) -> dict[str, int]:
        return super().streams | {"memory": self.config.memory}

    @property
    def axes(self) -> dict[str, tuple[tuple[Channels, ...], tuple[Channels, ...]]]:
        first, memory, match = Channels("level 0"), Channels("memory"), Channels("", 2)
        seen = (Channels("", 8 * self.config.channels), first, match)
        joined = ((first,), (memory, match))
        return super().axes | {
            "join_first.weight": joined,
            "join_last.weight": joined,
            "memory.cell.weight": ((memory, memory), (*seen, memory)),
            "memory.cell.bias": ((memory, memory), ()),
        }

    @property
    def level(self) -> str:
        return "sigma" if self.task == "denoise" else ""

    @property
    def stride(self) -> int:
        return max(super().stride, CELL)

    @property
    def state_channels(self) -> int:
        return self.config.state // CELL**2

    @property
    def inputs(self) -> tuple[Input, ...]:
        return (*super().inputs, Input("state", kind="state", channels=self.state_channels, range=(-1.0, 1.0)))

    @property
    def outputs(self) -> tuple[Output, ...]:
        return (*super().outputs, Output("next_state", kind="state", channels=self.state_channels))

    @property
    def halo(self) -> int:
        moved = 4 * (self.matching.farthest + 1)  # how far the memory of a place may come from
        told = 4 * (1 + 2) + CELL  # of the motion: doubled, refined, and told by the coarse grid's neighbours
        return -(-(self.reaching(2) + moved + told) // self.stride) * self.stride

    def forward(self, *given: Tensor) -> tuple[Tensor, Tensor]:
        x_hat, state, _ = self.step(*given)
        return x_hat, state

    def step(self, y: Tensor, *given: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What `forward` gives, and the motion `b 2 h/4 w/4` that was found, in steps of four pixels."""
        *sigma, state = given
        memory, fine_before, coarse_before = self._unpacked(state)
        seen_now = torch.cat([y, *sigma], dim=1)
        with torch.autocast(y.device.type, enabled=False):  # a place that is told in eight bits is off by half a pixel
            near = self.look(F.pixel_unshuffle(seen_now, 4))
            fine, coarse = torch.tanh(self.fine(near)), torch.tanh(self.coarse(self.look_again(near)))
            motion, match = self.matching(fine, coarse, fine_before, coarse_before)
            at_half = 2 * F.interpolate(motion, scale_factor=2.0, mode="bilinear", align_corners=False)
            match = F.interpolate(match, scale_factor=2.0, mode="bilinear", align_corners=False)
            memory = warped(memory, at_half)
        remembered = torch.cat([memory, match], dim=1)

        features = self.head(F.pixel_unshuffle(seen_now, 2)) + self.join_first(remembered)
        made = self.from_first(features, lambda level, f: f if level else f + self.join_last(remembered))
        residual = self.tail(made)
        x_hat = y - F.pixel_shuffle(residual, 2).to(y.dtype)
        seen = torch.cat([F.pixel_unshuffle(y, 2), F.pixel_unshuffle(x_hat, 2), made.to(y.dtype), match], dim=1)
        return x_hat, self._packed(self.memory(seen, memory).to(y.dtype), fine, coarse), motion

    def _packed(self, memory: Tensor, fine: Tensor, coarse: Tensor) -> Tensor:
        parts = [F.pixel_unshuffle(memory, 4), F.pixel_unshuffle(fine, 2), coarse]
        return F.pixel_shuffle(torch.cat(parts, dim=1), CELL)

    def _unpacked(self, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        packed = F.pixel_unshuffle(state, CELL)
        counts = [16 * self.config.memory, 4 * self.config.keys[0], self.config.keys[1]]
        memory, fine, coarse = packed.split(counts, dim=1)
        return F.pixel_shuffle(memory, 4), F.pixel_shuffle(fine, 2), coarse
