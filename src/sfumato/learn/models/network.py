"""The contract of every network that becomes a model file."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from torch import Tensor, nn


class Network(nn.Module, ABC):
    """A network whose inputs have names, and that knows its size rule and how far it looks.

    inputs: the names of what `forward` takes, in order; "y" is a picture `b config.channels h w` in [0, 1], "sigma" a
    level map `b 1 h w` in the same units. output: the name of what it gives: "x_hat", a picture of `scale` times the
    size, or "sigma", a level map; output_channels: of it, or 0 for as many as a picture has.
    """

    inputs: ClassVar[tuple[str, ...]]
    output: ClassVar[str]
    output_channels: ClassVar[int] = 0
    scale: ClassVar[int] = 1
    config: Any

    @property
    @abstractmethod
    def stride(self) -> int:
        """Height and width must be multiples of it."""

    @property
    @abstractmethod
    def halo(self) -> int | None:
        """How many pixels around a pixel its output depends on, at most; None where that is the whole picture."""

    @abstractmethod
    def forward(self, *inputs: Tensor, **named: Tensor) -> Tensor: ...
