"""Pictures whose tones are made of dots: printed screens, ordered dither, error diffusion, noise as threshold.

The goal is what such a picture looks like from afar: the tones that the dots stand for, with what ink and paper make
of them. So taking a screen off changes no average. Screens after R. Ulichney, Digital Halftoning (1987); inks overlap
as Demichel has it: their dots lie as if by chance, and light is multiplied.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from .blur import gaussian_blur
from .degradation import Degradation, Degraded, in_8_bits
from .diffusion import DIFFUSIONS, diffused
from .graphics import letters
from .jpeg import compressed
from .resampling import resized

Array = NDArray[np.float32]
CELL = 256  # side of the table of a dot's thresholds, a power of two
INKS = np.array([[1, 0.25, 0.05], [0.1, 1, 0.3], [0, 0.1, 1]], np.float32)  # what cyan, magenta, yellow take of R, G, B


@dataclass(frozen=True)
class Screened:
    """x in dots, as it was printed and scanned or dithered; the goal is x in the tones of that print.

    pitch: pixels from one row of dots to the next. printed, ordered: the shares of screens of any angle and of ordered
    dither, the others being error diffusion and thresholds of blue noise. coloured: the share of colour pictures that
    stay so, each ink with a screen of its own. soft: the share that had less detail before, as small pictures have
    that are printed large. gain: by how much dots grow, in the middle tones. partial: the share with dots in a
    rectangle only, beside lettering. scanned: the share that a scanner made soft and a little noisy, the others being
    as a program made them. compressed: the share stored as JPEG after it, of a quality.
    """

    pitch: tuple[float, float] = (2.3, 11.0)
    printed: float = 0.6
    ordered: float = 0.16
    coloured: float = 0.3
    soft: float = 0.12
    gain: tuple[float, float] = (-0.05, 0.2)
    partial: float = 0.04
    scanned: float = 0.5
    compressed: float = 0.4
    quality: tuple[float, float] = (35.0, 97.0)

    def __call__(self, x: Tensor, generator: Generator) -> Degraded:
        random = np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))
        in_colour = len(x) == 3 and random.random() < self.coloured
        parameters: dict[str, Any] = {"kind": "screened", "coloured": in_colour}
        if random.random() < self.soft:
            factor = float(random.choice((0.3, 0.4, 0.5, 0.6, 0.75)))
            height, width = (max(round(side * factor), 1) for side in x.shape[1:])
            x, parameters["soft"] = resized(resized(x, (height, width)), (x.shape[1], x.shape[2])).clamp(0, 1), factor
        tones = x.numpy() if in_colour else x.mean(0, keepdim=True).numpy()
        goal, dots, made = self._in_dots(random, tones)
        if random.random() < self.partial:
            goal, dots = _on_a_page(random, goal, dots)
        scanned = random.random() < self.scanned
        if scanned:
            goal, dots, also = _on_paper(random, goal, dots)
            made |= also
        x, y = torch.from_numpy(goal).expand_as(x).clamp(0, 1), torch.from_numpy(dots).expand_as(x)
        if scanned:
            made["width"] = float(random.uniform(0.25, min(0.35 * made["pitch"], 1.3)))
            y = gaussian_blur(y, made["width"], mode="replicate")
            noise = random.uniform(0, 5) / 255 if random.random() < 0.5 else 0.0
            y = y + noise * torch.from_numpy(random.standard_normal(dots.shape, np.float32)).expand_as(x)
        y = in_8_bits(y)
        if random.random() < self.compressed:
            made["jpeg"] = round(float(random.uniform(*self.quality)))
            y = compressed(y, made["jpeg"], subsample=bool(random.random() < 0.5))
        return Degraded(in_8_bits(x), y, torch.zeros(1, *x.shape[1:]), parameters | made)

    def _in_dots(self, random: np.random.Generator, tones: Array) -> tuple[Array, Array, dict[str, Any]]:
        """Tones `c h w` -> their goal and their dots, with what was chosen; a channel is an ink, or a light."""
        kind = random.random()
        if kind < self.printed:
            gain, shape = float(random.uniform(*self.gain)), str(random.choice(list(SPOTS)))
            pitch = float(np.exp(random.uniform(*np.log(self.pitch))))
            angle, sharp = float(random.uniform(0, 90)), 1 if random.random() < 0.4 else 3
            goal, dots = _printed(random, tones, shape, pitch, angle, gain, sharp)
            return goal, dots, {"screen": shape, "pitch": pitch, "angle": angle, "gain": gain}
        if kind < self.printed + self.ordered:
            side, shades = int(random.choice((2, 4, 8, 16))), int(random.choice((1, 1, 1, 1, 2, 3)))
            limits = np.roll(bayer_matrix(side), random.integers(0, side, 2), (0, 1))
            dots = _above(tones * shades, limits) / np.float32(shades)
            return tones, dots, {"screen": f"ordered {side}", "pitch": 2.0, "shades": shades + 1}
        if random.random() < 0.3:
            limits = np.roll(blue_noise(), random.integers(0, len(blue_noise()), 2), (0, 1))
            return tones, _above(tones, limits), {"screen": "blue noise", "pitch": 2.0}
        name = str(random.choice(list(DIFFUSIONS)))
        jitter = float(random.uniform(0, 0.25)) if random.random() < 0.4 else 0.0
        return (
            tones,
            diffused(random, tones, DIFFUSIONS[name], jitter),
            {"screen": name, "pitch": 2.0, "jitter": jitter},
        )


@dataclass(frozen=True)
class Kept:
    """What there is no screen on: x damaged otherwise, or not at all, and to stay as it is."""

    damage: Degradation

    def __call__(self, x: Tensor, generator: Generator) -> Degraded:
        done = self.damage(x, generator)
        return replace(done, x=done.y, level=torch.zeros(1, *x.shape[1:]))


def _printed(
    random: np.random.Generator,
    tones: Array,
    spot: str,
    pitch: float,
    angle: float,
    gain: float,
    sharp: int,
) -> tuple[Array, Array]:
    """Tones `c h w` in ink: the goal and the dots, made in `sharp` times the resolution and averaged.

    One ink of one channel; of three, cyan, magenta and yellow that are not quite pure, often with black.
    """
    height, width = tones.shape[1:]
    if len(tones) == 1:
        inks, takes, turns = 1 - tones, np.ones((1, 1), np.float32), [0.0]
    else:
        black = random.uniform(0, 1) * (1 - tones.max(0)) * (random.random() < 0.7)
        inks = np.concatenate([1 - tones / np.maximum(1 - black, 1e-3), black[None]]).clip(0, 1)
        pure = np.eye(3, dtype=np.float32)
        takes = np.concatenate([pure + random.uniform(0, 1) * (INKS - pure), np.ones((1, 3), np.float32)])
        turns = [15.0, 75.0, 0.0, 45.0] if random.random() < 0.7 else list(random.uniform(0, 90, 4))
    covered = (inks + 4 * gain * inks * (1 - inks)).clip(0, 1).astype(np.float32)
    goal, y = np.ones((2, takes.shape[1], height, width), np.float32)
    for cover, taken, turn in zip(covered, takes, turns, strict=True):
        limits = _screen(random, (sharp * height, sharp * width), spot, sharp * pitch, angle + turn)
        fine = cover if sharp == 1 else resized(torch.from_numpy(cover), limits.shape).numpy()
        dots = (fine > limits).astype(np.float32).reshape(height, sharp, width, sharp).mean((1, 3))
        goal *= 1 - taken[:, None, None] * cover
        y *= 1 - taken[:, None, None] * dots
    return goal, y


def _screen(random: np.random.Generator, size: tuple[int, int], spot: str, pitch: float, angle: float) -> Array:
    """Thresholds `h w`, evenly between 0 and 1, of a lattice of dots: low in their middles."""
    cosine, sine = CELL * math.cos(math.radians(angle)) / pitch, CELL * math.sin(math.radians(angle)) / pitch
    down, right = (np.arange(length, dtype=np.float32) for length in size)
    first, second = random.integers(0, CELL, 2)
    u = ((first + cosine * right) + (sine * down)[:, None]).astype(np.int32) & CELL - 1
    v = ((second + CELL * 1024 - sine * right) + (cosine * down)[:, None]).astype(np.int32) & CELL - 1
    return _cell(spot).take(v * CELL + u)


@lru_cache
def _cell(spot: str) -> Array:
    """`CELL CELL` thresholds of one dot, evenly between 0 and 1."""
    places = ((np.arange(CELL) + 0.5) / CELL - 0.5).astype(np.float32)
    values = SPOTS[spot](places[None], places[:, None]) + np.zeros((CELL, CELL), np.float32)
    return ((values.ravel().argsort(kind="stable").argsort() + 0.5) / CELL**2).astype(np.float32)


# What comes first in a cell, u and v from its middle in [-1/2, 1/2]: the least is black first.
SPOTS: dict[str, Callable[[Array, Array], Array]] = {
    "cosine": lambda u, v: -np.cos(2 * np.pi * u) - np.cos(2 * np.pi * v),  # dots, then a checkerboard, then holes
    "round": lambda u, v: u**2 + v**2,
    "diamond": lambda u, v: abs(u) + abs(v),
    "ellipse": lambda u, v: u**2 + (1.5 * v) ** 2,
    "square": lambda u, v: np.maximum(abs(u), abs(v)),
    "line": lambda u, v: abs(v) + 0.02 * abs(u),
}


def bayer_matrix(side: int) -> Array:
    """`side side`, a power of two: the thresholds of ordered dither (Bayer 1973), evenly between 0 and 1."""
    order = np.zeros((1, 1))
    while len(order) < side:
        order = np.block([[4 * order, 4 * order + 2], [4 * order + 3, 4 * order + 1]])
    return ((order + 0.5) / order.size).astype(np.float32)


@lru_cache
def blue_noise(side: int = 64) -> Array:
    """`side side` thresholds without low frequencies, evenly between 0 and 1, which tile the plane."""
    random = np.random.default_rng(0)
    down, right = np.meshgrid(np.fft.fftfreq(side), np.fft.rfftfreq(side), indexing="ij")
    fast = 1 - np.exp(-0.5 * np.square(np.hypot(down, right) / 0.25))
    limits = random.random((side, side))
    for _ in range(40):
        passed = np.fft.irfft2(np.fft.rfft2(limits) * fast, (side, side))
        limits = (passed.ravel().argsort().argsort().reshape(side, side) + 0.5) / side**2
    return limits.astype(np.float32)


def _above(tones: Array, limits: Array) -> Array:
    """Tones in whole steps, one more where what is over the step is above the threshold, which are repeated."""
    times = [length // side + 1 for length, side in zip(tones.shape[1:], limits.shape, strict=True)]
    tiled = np.tile(limits, times)[: tones.shape[1], : tones.shape[2]]
    return np.ceil(tones - tiled).clip(0).astype(np.float32)


def _on_a_page(random: np.random.Generator, goal: Array, y: Array) -> tuple[Array, Array]:
    """Dots in a rectangle only; around it is white, with black lettering."""
    _, height, width = goal.shape
    rows, columns = (np.sort(random.integers(0, length + 1, 2)) for length in (height, width))
    outside = np.ones((height, width), bool)
    outside[slice(*rows), slice(*columns)] = False
    print_ = np.float32(1) - letters(random, height, width)
    return np.where(outside, print_, goal), np.where(outside, print_, y)


def _on_paper(random: np.random.Generator, goal: Array, y: Array) -> tuple[Array, Array, dict[str, Any]]:
    """Ink that is not quite black on paper that is not quite white, both alike in the goal; of colours, tinted."""
    ink, paper = random.uniform(0, 0.25) ** 1.5, 1 - random.uniform(0, 0.3) * random.random()
    tint = 1 - random.uniform(0, 0.15, (len(goal), 1, 1)) * (len(goal) == 3)
    low, high = np.float32(ink), (paper * tint).astype(np.float32)
    return low + (high - low) * goal, low + (high - low) * y, {"ink": float(ink), "paper": float(paper)}
