"""The contract of every network that becomes a model file."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from torch import Tensor, nn

from sfumato.models.card import Entry, Input, Output


class Network(nn.Module, ABC):
    """A network that knows what it takes and gives, its size rule and how far it looks.

    inputs and outputs: the ports of the model file, in the order in which `forward` takes and gives them; their kinds
    and ranges are those of the card. entries: for a network with several uses, which ports each one needs; every entry
    is also a method of that name, which takes its inputs in their order. `forward` then is all entries at once, which
    share no input, and exists for the export.

    scale: of a picture's size from input to output. size: height and width of the pictures that it makes, () where
    the input gives; fixed_size: no other can be made. sampling: options of sampling unless the user gives others.
    classes: names, in the order of a one-hot label.
    """

    task: str
    scale: int = 1
    fixed_size: ClassVar[bool] = False
    sampling: ClassVar[dict[str, Any]] = {}
    config: Any

    @property
    @abstractmethod
    def inputs(self) -> tuple[Input, ...]: ...

    @property
    @abstractmethod
    def outputs(self) -> tuple[Output, ...]: ...

    @property
    @abstractmethod
    def stride(self) -> int:
        """Height and width must be multiples of it."""

    @property
    def halo(self) -> int | None:
        """How many pixels around a pixel its output depends on, at most; None where that is the whole picture."""
        return None

    @property
    def max_pixels(self) -> int | None:
        """The largest picture that is taken whole; None for a network that goes through tiles."""
        return None

    @property
    def entries(self) -> dict[str, Entry]:
        return {}

    @property
    def size(self) -> tuple[int, ...]:
        return tuple(getattr(self.config, "size", ()))

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(getattr(self.config, "classes", ()))

    @abstractmethod
    def forward(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]: ...


# What a restorer takes beside the picture, by its task: a kind of the card's inputs, or nothing (it is blind).
LEVELS = {
    "denoise": "sigma",
    "dejpeg": "compression",
    "clean": "",
    "deblur": "",
    "descreen": "",
    "upscale": "",
    "inpaint": "mask",
    "fade": "",
}


class Restorer(Network):
    """y `b c h w` in [0, 1], with what its task is given, a map `b 1 h w`, -> x_hat `b c h w`; c is `config.channels`.

    One with a scale gives x_hat in `scale` times the height and width.
    """

    task: str = "denoise"

    @property
    def level(self) -> str:
        """The name and kind of the level map, "" where it takes none."""
        return LEVELS[self.task]

    @property
    def inputs(self) -> tuple[Input, ...]:
        level = (Input(self.level, kind=self.level, channels=1),) if self.level else ()
        return Input("y", channels=self.config.channels), *level

    @property
    def outputs(self) -> tuple[Output, ...]:
        return (Output("x_hat", channels=self.config.channels),)
