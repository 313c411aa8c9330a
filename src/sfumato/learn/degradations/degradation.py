"""The contract of every degradation, and a weighted choice among several."""

from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Generator, Tensor


@dataclass(frozen=True)
class Degraded:
    """One picture before and after: x and y `c h w` in [0, 1] units, level `1 h w` how much was done to it where.

    Of noise the level is the local sigma, of compression what `sfumato.estimation.jpeg.scale` makes of the quality, of
    scratches 1 where the picture is damaged; zero where none of these is meant. `parameters` holds what was drawn, as
    plain numbers and names, enough to tell one sample from another.
    """

    x: Tensor
    y: Tensor
    level: Tensor
    parameters: dict[str, Any] = field(default_factory=dict)


class Degradation(Protocol):
    """x `c h w` in [0, 1] and a generator -> `Degraded`. The same generator state gives the same result."""

    def __call__(self, x: Tensor, generator: Generator) -> Degraded: ...


@dataclass(frozen=True)
class Choice:
    """One of several degradations, drawn by weight for every picture."""

    options: tuple[tuple[float, Degradation], ...]

    def __call__(self, x: Tensor, generator: Generator) -> Degraded:
        weights = torch.tensor([weight for weight, _ in self.options])
        chosen = int(torch.multinomial(weights, 1, generator=generator))
        return self.options[chosen][1](x, generator)


@dataclass(frozen=True)
class Chain:
    """One degradation after the other, each left out now and then: `steps` are (chance, degradation) in order.

    The clean picture is that before the first; the level is that of the last step which says one.
    """

    steps: tuple[tuple[float, Degradation], ...]

    def __call__(self, x: Tensor, generator: Generator) -> Degraded:
        result = Degraded(x, x, torch.zeros(1, *x.shape[1:]), {"kind": "chain"})
        for chance, step in self.steps:
            if uniform(0, 1, generator) < chance:
                done = step(result.y, generator)
                level = done.level if bool(done.level.any()) else result.level
                result = Degraded(x, done.y, level, result.parameters | done.parameters)
        return result


def uniform(low: float, high: float, generator: Generator) -> float:
    """One number between low and high."""
    return low + (high - low) * float(torch.rand((), generator=generator))


def in_8_bits(x: Tensor) -> Tensor:
    """x clipped to [0, 1] and in whole steps of 1/255, as files hold it."""
    return (x.clamp(0, 1) * 255).round() / 255
