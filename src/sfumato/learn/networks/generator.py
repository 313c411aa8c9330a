"""What the generating families share: the contract of networks that generate pictures, and their size rules."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sfumato.errors import UsageError
from sfumato.models.card import Entry, Input, Output

from .network import Network


@dataclass(frozen=True, kw_only=True)
class GeneratorConfig:
    """Settings of every generating family: height and width, channels (1 grey, 3 RGB, 4 RGBA), names of the classes.

    shares: how often each class is among the pictures, so that it is sampled as often where none is asked for; () for
    all alike. Without classes a family samples from all of its pictures alike.
    """

    size: tuple[int, ...] = (32, 32)
    channels: int = 3
    classes: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if len(self.size) != 2 or min(self.size) < 1 or self.channels < 1:
            raise UsageError("size needs a height and a width of at least 1, and channels must be at least 1.")
        if len(set(self.classes)) != len(self.classes):
            raise UsageError(f"classes must differ in their names: {', '.join(self.classes)}.")
        if self.shares and (len(self.shares) != len(self.classes) or min(self.shares) < 0 or not sum(self.shares)):
            raise UsageError(f"shares needs a number of at least 0 for each of {len(self.classes)} classes.")


class Generator(Network):
    """A network that generates pictures: pictures in [0, 1] outside, [-1, 1] within; colour of RGBA times its alpha."""

    task = "generate"
    fixed_size = True
    config: Any

    @property
    def stride(self) -> int:
        return 1

    @property
    def max_pixels(self) -> int:
        return self.config.size[0] * self.config.size[1]

    @property
    def sampling(self) -> dict[str, Any]:  # type: ignore[override]
        """A family that always takes a class takes one at random where none is asked for."""
        return {"class": list(self.config.shares) or "random"} if self.config.classes else {}

    def label_port(self, name: str = "label") -> tuple[Input, ...]:
        """The port of the class, where there are classes."""
        return (Input(name, kind="class", channels=len(self.classes)),) if self.classes else ()


class FromLatent(Generator):
    """A network of one use: z `b latent` (and what is given, a label `b n`) -> x `b channels h w` in [0, 1]."""

    @property
    def inputs(self) -> tuple[Input, ...]:
        return Input("z", kind="latent", channels=self.config.latent), *self.label_port()

    @property
    def outputs(self) -> tuple[Output, ...]:
        return (Output("x", channels=self.config.channels),)

    @property
    def entries(self) -> dict[str, Entry]:
        return {"sample": Entry(tuple(port.name for port in self.inputs), ("x",))}

    def sample(self, z: Tensor, given: Tensor | None = None) -> Tensor:
        return self(z, given)


class WithLabel(nn.Module):
    """A vector `b k` and, where there are classes, a one-hot label `b n` -> `b k + width`: the label is embedded.

    No label, or one that is all zero, is the embedding of "no class".
    """

    def __init__(self, num_classes: int, width: int) -> None:
        super().__init__()
        self.embed = nn.Linear(num_classes, width) if num_classes else None
        self.width = width if num_classes else 0

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        if self.embed is None:
            return z
        assert label is not None, "a network with classes is called with a label, be it all zero"
        return torch.cat([z, self.embed(label)], dim=1)
