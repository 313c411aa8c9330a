"""What pictures are also made of and photographs seldom have: stripes, checkerboards, dither, screens, new colours."""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Generator, Tensor

from .degradation import Degradation, Degraded, in_8_bits, uniform
from .graphics import draw

BAYER_4 = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]], np.float32) / 16 + 1 / 32


@dataclass(frozen=True)
class Coloured:
    """A share of the pictures in other colours and other tones, and then `damage`: hue turned, channels swapped.

    Collections of photographs have colours of their own, which a network takes for those of all pictures.
    """

    damage: Degradation
    share: float = 0.5

    def __call__(self, x: Tensor, generator: Generator) -> Degraded:
        if len(x) != 3 or uniform(0, 1, generator) >= self.share:
            return self.damage(x, generator)
        y = x[torch.randperm(3, generator=generator)] if uniform(0, 1, generator) < 0.3 else x
        grey = y.mean(0, keepdim=True)
        y = grey + uniform(0.3, 2.0, generator) * _turned(y - grey, uniform(-math.pi, math.pi, generator))
        # clipping the coloured would make plain surfaces of what is not: all is drawn towards its grey instead
        reach = torch.where(y > 1, (1 - grey) / (y - grey), torch.where(y < 0, grey / (grey - y), torch.ones_like(y)))
        y = grey + reach.nan_to_num(1.0).amin(0, keepdim=True).clamp(0, 1) * (y - grey)
        y = y.clamp(0, 1) ** math.exp(uniform(-0.5, 0.5, generator))
        done = self.damage(in_8_bits(y), generator)
        return replace(done, parameters=done.parameters | {"coloured": True})


@dataclass(frozen=True)
class Patterned:
    """A pattern in place of x, or in a part of it, and then `damage`; `enlarged`: each of its pixels so many times."""

    damage: Degradation
    enlarged: int = 1

    def __call__(self, x: Tensor, generator: Generator) -> Degraded:
        random = np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))
        names = list(PATTERNS)
        name = names[int(random.integers(len(names)))]
        photograph = x.numpy()
        picture = PATTERNS[name](random, photograph[:, :: self.enlarged, :: self.enlarged])
        if self.enlarged > 1:
            _, height, width = photograph.shape
            picture = picture.repeat(self.enlarged, 1).repeat(self.enlarged, 2)[:, :height, :width]
        if random.random() < 0.4:  # a part of it, as on a wall, a screen or a page
            _, height, width = picture.shape
            rows, columns = (np.sort(random.integers(0, length + 1, 2)) for length in (height, width))
            whole = photograph.copy()
            inside = slice(None), slice(*rows), slice(*columns)
            whole[inside] = picture[inside]
            picture = whole
        done = self.damage(in_8_bits(torch.from_numpy(np.ascontiguousarray(picture))).float(), generator)
        return replace(done, parameters=done.parameters | {"pattern": name})


def _turned(chroma: Tensor, angle: float) -> Tensor:
    """Colour `3 h w` without its mean, turned about the axis of greys."""
    cosine, sine = math.cos(angle), math.sin(angle) / math.sqrt(3)
    turn = cosine * torch.eye(3) + sine * torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    return torch.einsum("ij,jhw->ihw", turn, chroma)


def _stripes(random: np.random.Generator, x: np.ndarray) -> np.ndarray:
    """Stripes of 1-4 pixels at any angle and phase, hard or smoothed or like waves; half of them upright or level."""
    rows, columns = np.mgrid[: x.shape[1], : x.shape[2]].astype(np.float32)
    angle = random.integers(0, 4) * np.pi / 4 if random.random() < 0.5 else random.uniform(0, np.pi)
    period = 2 * (random.integers(1, 5) if random.random() < 0.5 else random.uniform(1, 4))
    along = rows * np.sin(angle) + columns * np.cos(angle)
    wave = np.sin(2 * np.pi * along / period + random.uniform(0, 2 * np.pi))
    hard = random.choice((0.5, 1.0, 2.0, 1000.0))
    return _two_colours(random, x, (0.5 + 0.5 * hard * wave).clip(0, 1))


def _checkerboard(random: np.random.Generator, x: np.ndarray) -> np.ndarray:
    side, down, right = random.integers(1, 9), random.integers(0, 16), random.integers(0, 16)
    rows, columns = np.mgrid[: x.shape[1], : x.shape[2]]
    odd = ((rows + down) // side + (columns + right) // side) % 2
    return _two_colours(random, x, odd.astype(np.float32))


def _dithered(random: np.random.Generator, x: np.ndarray) -> np.ndarray:
    """The photograph in two to six shades a channel by ordered dither."""
    shades = random.integers(1, 6)
    limits = np.tile(BAYER_4, (x.shape[1] // 4 + 1, x.shape[2] // 4 + 1))[: x.shape[1], : x.shape[2]]
    picture = x.mean(0, keepdims=True).repeat(len(x), 0) if random.random() < 0.4 else x
    return np.floor(picture * shades + limits).clip(0, shades) / np.float32(shades)


def _screen(random: np.random.Generator, x: np.ndarray) -> np.ndarray:
    """The photograph as a display shows it to a near eye: stripes of red, green and blue, a dark line between rows."""
    pitch = int(random.integers(1, 4))
    rows, columns = np.mgrid[: x.shape[1], : x.shape[2]]
    lit = np.stack([(columns // pitch) % 3 == colour for colour in range(3)])[: len(x)].astype(np.float32)
    dark = random.uniform(0, 0.8) * (rows % (3 * pitch) == 0)
    kept = random.uniform(0, 0.7)
    return (x * (kept + (1 - kept) * lit) * (1 - dark)).astype(np.float32)


def _graphics(random: np.random.Generator, x: np.ndarray) -> np.ndarray:
    return draw(random, x.shape[1], x.shape[2], len(x))


def _two_colours(random: np.random.Generator, x: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Share `h w` in [0, 1] between two colours, or between the photograph and a colour, or a darker photograph."""
    shape = (len(x), 1, 1)
    first, second = random.random((2, *shape)).astype(np.float32)
    kind = random.random()
    if kind < 0.35:
        low, high = np.sort(random.random(2)) if random.random() < 0.5 else (0.0, 1.0)
        first, second = np.full(shape, low, np.float32), np.full(shape, high, np.float32)
    elif kind < 0.6:
        first = x
        second = x * random.uniform(0, 0.9) if random.random() < 0.5 else second
    return (first + share.astype(np.float32) * (second - first)).astype(np.float32)


PATTERNS = {
    "stripes": _stripes,
    "checkerboard": _checkerboard,
    "dither": _dithered,
    "screen": _screen,
    "graphics": _graphics,
}
