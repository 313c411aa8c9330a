"""Pictures that no camera took: plain surfaces, gradients, shapes, lines and lettering in place of the photograph.

Photographs teach an estimator that plain surfaces come from compression; screenshots and graphics have them unharmed.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor

from .degradation import Degradation, Degraded


@dataclass(frozen=True)
class Drawn:
    """A drawing of the size of x, and then `damage`."""

    damage: Degradation

    def __call__(self, x: Tensor, generator: Generator) -> Degraded:
        seed = int(torch.randint(2**62, (), generator=generator))
        channels, height, width = x.shape
        picture = torch.from_numpy(draw(np.random.default_rng(seed), height, width, channels))
        return self.damage(picture, generator)


def draw(random: np.random.Generator, height: int, width: int, channels: int) -> np.ndarray:
    """A drawing, float32 (channels, height, width) in [0, 1], in whole steps of 1/255."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    picture = np.empty((channels, height, width), np.float32)
    picture[:] = _colour(random, channels)
    if random.random() < 0.4:
        slope = random.normal(0, 0.6, (channels, 2, 1, 1)).astype(np.float32)
        picture += slope[:, 0] * (rows / height - 0.5) + slope[:, 1] * (columns / width - 0.5)
    for _ in range(random.integers(0, 7)):
        shape = random.choice(("box", "disc", "line", "letters"))
        top, left = random.uniform(0, height), random.uniform(0, width)
        size = random.uniform(2, 0.6 * max(height, width))
        if shape == "box":
            inside = _soft(size * random.uniform(0.1, 1) - abs(rows - top)) * _soft(size - abs(columns - left))
        elif shape == "disc":
            inside = _soft(size - np.hypot(rows - top, columns - left))
        elif shape == "line":
            angle = random.uniform(0, np.pi)
            away = (rows - top) * np.cos(angle) + (columns - left) * np.sin(angle)
            inside = _soft(random.uniform(0.5, 3) - abs(away))
        else:
            inside = letters(random, height, width)
        picture = picture + inside * (_colour(random, channels) - picture)
    return (picture.clip(0, 1) * 255).round().astype(np.float32) / np.float32(255)


def _colour(random: np.random.Generator, channels: int) -> np.ndarray:
    """White, black, a grey or a colour, (channels, 1, 1)."""
    kind = random.random()
    value = 1.0 if kind < 0.25 else 0.0 if kind < 0.4 else random.random()
    colour = random.random(channels) if kind > 0.7 else np.full(channels, value)
    return colour.astype(np.float32)[:, None, None]


def _soft(distance: np.ndarray) -> np.ndarray:
    """1 inside, 0 outside, a pixel of transition: what antialiasing leaves."""
    return (distance + 0.5).clip(0, 1)


def letters(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Lines of signs that look like small print: strokes on a grid of seven rows and five columns a sign."""
    scale, lines, signs = int(random.integers(1, 4)), height // 9 + 1, width // 6 + 1
    marks = random.random((lines, 9, signs, 6)) < 0.45
    marks[:, 7:], marks[..., 5] = False, False
    marks &= random.random((lines, 1, signs, 1)) < 0.85
    marks &= random.random((lines, 1, 1, 1)) < random.uniform(0.2, 1)
    print_ = marks.reshape(lines * 9, signs * 6).repeat(scale, 0).repeat(scale, 1)[:height, :width]
    soft = print_.astype(np.float32)
    if random.random() < 0.6:  # as fonts are smoothed
        soft = 0.6 * soft + 0.2 * (np.roll(soft, 1, 1) + np.roll(soft, -1, 1))
    return soft
