"""What is missing: strokes, patches and scratches drawn at random, for an inpainter to fill.

Free-form masks after arXiv:1806.03589: brush strokes that turn as they go, beside boxes, round patches and thin lines.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor

from .degradation import Degraded, uniform


@dataclass(frozen=True)
class Holes:
    """x without the pixels beneath a drawn mask, which are grey; the level is the mask, 1 where they are missing.

    coverage: the share of the picture that the mask is drawn towards, from this to that; shapes go on being added
    until it is reached, none that would carry it beyond MAX_COVERAGE.
    """

    coverage: tuple[float, float] = (0.01, 0.35)

    def __call__(self, x: Tensor, generator: Generator) -> Degraded:
        wanted = uniform(*self.coverage, generator)
        seed = int(torch.randint(2**62, (), generator=generator))
        mask = torch.from_numpy(draw_mask(np.random.default_rng(seed), x.shape[1], x.shape[2], wanted))[None]
        return Degraded(x, x * (1 - mask) + 0.5 * mask, mask, {"kind": "holes", "coverage": wanted, "seed": seed})


MAX_COVERAGE = 0.6


def draw_mask(random: np.random.Generator, height: int, width: int, coverage: float) -> np.ndarray:
    """A mask of about this coverage, float32 (height, width), 1 where pixels are missing."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    mask = np.zeros((height, width), bool)
    reach = float(np.sqrt(height * width * coverage))
    thin = random.random() < 0.3  # scratches and hairs only
    for _ in range(200):
        if mask.mean() >= coverage:
            break
        kind = "stroke" if thin else random.choice(("stroke", "stroke", "stroke", "box", "patch"))
        if kind == "stroke":
            drawn = _stroke(
                random, rows, columns, random.uniform(0.7, 3) if thin else reach * random.uniform(0.03, 0.25)
            )
        else:
            top, left = random.uniform(0, height), random.uniform(0, width)
            high, wide = reach * random.uniform(0.1, 0.5, 2)
            across, along = abs(rows - top) / high, abs(columns - left) / wide
            drawn = (across < 1) & (along < 1) if kind == "box" else across**2 + along**2 < 1
        if (mask | drawn).mean() <= max(MAX_COVERAGE, coverage):
            mask |= drawn
    return mask.astype(np.float32)


def _stroke(random: np.random.Generator, rows: np.ndarray, columns: np.ndarray, radius: float) -> np.ndarray:
    """A line of some pieces, each turning away from the last, of this radius, as a boolean mask."""
    height, width = rows.shape
    place = random.uniform(0, 1, 2) * (height, width)
    angle, turn = random.uniform(0, 2 * np.pi), random.uniform(0.1, 1.2)
    drawn = np.zeros(rows.shape, bool)
    for _ in range(random.integers(1, 8)):
        length = random.uniform(0.05, 0.35) * max(height, width)
        step = length * np.array([np.sin(angle), np.cos(angle)])
        drawn |= _near(rows, columns, place, step, max(radius, 0.6))
        place = place + step
        angle += random.normal(0, turn)
    return drawn


def _near(rows: np.ndarray, columns: np.ndarray, start: np.ndarray, step: np.ndarray, radius: float) -> np.ndarray:
    """Which pixels lie at most `radius` from the line between `start` and `start + step`."""
    down, right = rows - start[0], columns - start[1]
    along = ((down * step[0] + right * step[1]) / max(float(step @ step), 1e-6)).clip(0, 1)
    return (down - along * step[0]) ** 2 + (right - along * step[1]) ** 2 <= radius**2
