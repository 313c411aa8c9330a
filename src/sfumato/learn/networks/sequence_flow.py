"""A flow of sequences: each frame is generated from noise, given a memory of the frames before it.

The memory is a state that goes from frame to frame (ConvGRU, arXiv:1511.06432), read from whole frames and joined to
the flow's first features. With an empty one the flow generates a first frame, so that whole sequences come from noise;
with frames that are given it goes on with them. What it expects of pure noise, in one step, is the mean of the frames
that may come next.
"""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sfumato.errors import UsageError
from sfumato.models.card import Entry, Input, Output

from ..layers.recurrent import Memory
from .flow import Flow, FlowConfig


@dataclass(frozen=True, kw_only=True)
class SequenceFlowConfig(FlowConfig):
    """Those of a flow; memory: channels that are remembered, at the resolution of the first convolution. reading: width
    of what reads a frame.
    """

    memory: int = 32
    reading: int = 48

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.audio or self.text or self.silhouette:
            raise UsageError("sequence-flow: conditions other than classes are for single pictures.")
        if self.memory < 1 or self.memory % self.patch**2 or self.reading < 1:
            raise UsageError(f"sequence-flow: memory is a multiple of {self.patch**2}, and reading at least 1.")


class SequenceFlow(Flow):
    """velocity: x_t `b c h w`, t `b 1`, a label `b n` where there are classes, and the memory `b s h w` -> v like x_t.

    remember: a frame `b c h w` in [-1, 1] and the memory before it -> the memory after it. It is all zero before the
    first frame, and stays within -1 and 1.
    """

    def __init__(self, config: SequenceFlowConfig) -> None:
        super().__init__(config)
        packed, width = config.channels * config.patch**2, config.reading
        self.join = nn.Conv2d(config.memory, config.widths[0], 3, padding=1, bias=False)
        self.read = nn.Sequential(
            nn.Conv2d(packed + config.memory, width, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=2, dilation=2),
            nn.SiLU(),
        )
        self.cell = Memory(width, config.memory)

    @property
    def state_channels(self) -> int:
        return self.config.memory // self.config.patch**2

    @property
    def given_ports(self) -> tuple[Input, ...]:
        return *super().given_ports, self._state("memory")

    @property
    def inputs(self) -> tuple[Input, ...]:
        frame = Input("frame", channels=self.config.channels, range=(-1.0, 1.0))
        return *super().inputs, frame, self._state("before")

    @property
    def outputs(self) -> tuple[Output, ...]:
        return *super().outputs, Output("after", kind="state", channels=self.state_channels)

    @property
    def entries(self) -> dict[str, Entry]:
        moved = tuple(port.name for port in super().inputs)
        return {"velocity": Entry(moved, ("v",)), "remember": Entry(("frame", "before"), ("after",))}

    @property
    def sampling(self) -> dict[str, Any]:  # type: ignore[override]
        """Half the steps of a flow: most of a frame is known from those before."""
        return super().sampling | {"steps": 10}

    def forward(self, x: Tensor, t: Tensor, *rest: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        *given, frame, before = rest
        return self.velocity(x, t, *given), self.remember(frame, before)

    def velocity(self, x: Tensor, t: Tensor, *conditions: Tensor) -> Tensor:
        return Flow.forward(self, x, t, *conditions)

    def remember(self, frame: Tensor, before: Tensor) -> Tensor:
        patch = self.config.patch
        memory = F.pixel_unshuffle(before, patch)
        given = F.pixel_unshuffle(frame.to(before.dtype), patch)
        seen = self.read(torch.cat([given, memory], dim=1))
        return F.pixel_shuffle(self.cell(seen, memory), patch)

    def _first(self, x: Tensor, given: dict[str, Tensor]) -> Tensor:
        features = super()._first(x, given)
        memory = given.get("memory")
        return features if memory is None else features + self.join(F.pixel_unshuffle(memory, self.config.patch))

    def _state(self, name: str) -> Input:
        return Input(name, kind="state", channels=self.state_channels, range=(-1.0, 1.0))
