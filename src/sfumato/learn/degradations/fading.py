"""What time does to the tones of a print or slide: lifted blacks, dull whites, casts, colours that run together."""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from .degradation import Degraded, in_8_bits, uniform
from .noise import grey


@dataclass(frozen=True)
class Fading:
    """One tone curve for each channel and less saturation, the same all over the picture; rounded to 8 bits.

    black, white: what black and white become, of which each channel is off by up to `cast`. gamma: of the curve
    between. saturation: what is left of it. undamaged: the share that stays as it was. monochrome: the share whose
    clean picture is grey and whose scan has a tint, as yellowed prints have.
    """

    black: tuple[float, float] = (0.0, 0.3)
    white: tuple[float, float] = (0.6, 1.0)
    cast: float = 0.12
    gamma: tuple[float, float] = (0.7, 1.5)
    saturation: tuple[float, float] = (0.3, 1.0)
    undamaged: float = 0.1
    monochrome: float = 0.3

    def __call__(self, x: Tensor, generator: Generator) -> Degraded:
        level = torch.zeros(1, *x.shape[1:])
        if uniform(0, 1, generator) < self.undamaged:
            return Degraded(x, x, level, {"kind": "fading", "strength": 0.0})
        if x.shape[0] == 3 and uniform(0, 1, generator) < self.monochrome:
            x = grey(x).expand_as(x).contiguous()
        ranges = {"black": self.black, "white": self.white, "saturation": self.saturation}
        parameters = {name: uniform(low, high, generator) for name, (low, high) in ranges.items()}
        luma = grey(x)
        y = luma + parameters["saturation"] * (x - luma)
        planes = []
        for plane in y.clamp(0, 1):
            off = [uniform(-self.cast, self.cast, generator) for _ in range(2)]
            black = min(max(parameters["black"] + off[0], 0.0), 0.4)
            white = max(min(parameters["white"] + off[1], 1.0), black + 0.2)
            planes.append(black + (white - black) * plane ** uniform(*self.gamma, generator))
        y = in_8_bits(torch.stack(planes))
        return Degraded(x, y, level, {"kind": "fading", "strength": 1.0} | parameters)
