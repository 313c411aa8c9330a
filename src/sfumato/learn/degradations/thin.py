"""Thin and bright things that belong to a picture and look like damage: wires, rigging, whiskers, grass, stars, print.

They are there before the picture ages: toned as it is, as sharp as it is, covered by what is scratched later. None of
them is damage.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from .blur import gaussian_blur
from .brushes import Random, Size, profile, specks, stroke, walk
from .graphics import letters

Places = np.ndarray  # (row, column) of points, n 2


def with_thin_things(x: Tensor, random: Random) -> tuple[Tensor, tuple[str, ...]]:
    """x `c h w` in [0, 1] with one to three kinds of things, and their names."""
    names = tuple(str(name) for name in random.choice(list(THINGS), int(random.integers(1, 4)), replace=False))
    softness = random.uniform(0.3, 0.9) if random.random() < 0.7 else 0.0
    for name in names:
        cover = torch.from_numpy(THINGS[name](random, (x.shape[1], x.shape[2])).astype(np.float32))[None]
        if softness:
            cover = gaussian_blur(cover, softness, mode="replicate")
        x = x + cover.clamp(0, 1) * (_colour(random, x) - x)
    return x, names


def _colour(random: Random, x: Tensor) -> Tensor:
    """Dark or bright, `c 1 1`, or with the light and shade of its own in `c h w`; mostly of a colour of the picture."""
    kind = random.random()
    row, column = random.integers(0, x.shape[1]), random.integers(0, x.shape[2])
    own = x[:, row, column].reshape(-1, 1, 1)
    if kind < 0.4:
        return own * random.uniform(0.0, 0.5)
    if kind < 0.8:
        return own + (1 - own) * random.uniform(0.5, 1.0)
    return own


def _line(size: Size, path: Places, radius: float | np.ndarray, opacity: float = 1.0) -> np.ndarray:
    count = len(path)
    return stroke(size, path, np.broadcast_to(radius, (count,)).astype(float), np.full(count, opacity))


def _between(start: Places, end: Places, sag: float = 0.0) -> Places:
    """Points from one place to another, hanging down by `sag` pixels in the middle."""
    share = np.linspace(0, 1, max(int(np.hypot(*(end - start)) / 0.6), 2))
    path = start + share[:, None] * (end - start)
    path[:, 0] += 4 * sag * share * (1 - share)
    return path


def _radius(random: Random) -> float:
    return float(np.exp(random.uniform(np.log(0.25), np.log(2.2))))


def _all(size: Size, parts: list[np.ndarray]) -> np.ndarray:
    return np.maximum.reduce([np.zeros(size, np.float32), *parts])


def _wires(random: Random, size: Size) -> np.ndarray:
    """From edge to edge, several nearly side by side, hanging down a little."""
    height, width = size
    left, right, apart = random.uniform(0, height), random.uniform(0, height), random.uniform(3, 30)
    parts, radius, sag = [], _radius(random), random.uniform(0, 12)
    for number in range(random.integers(1, 7)):
        start = np.array([left + number * apart + random.normal(0, 1), -2.0])
        end = np.array([right + number * apart * random.uniform(0.7, 1.3), width + 2.0])
        parts.append(_line(size, _between(start, end, sag), radius))
    drawn = _all(size, parts)
    return drawn if random.random() < 0.7 else _turned(drawn)


def _turned(drawn: np.ndarray) -> np.ndarray:
    """Upright for level, in the same size."""
    height, width = drawn.shape
    side = min(height, width)
    turned = np.zeros_like(drawn)
    turned[:side, :side] = drawn[:side, :side].T
    return turned


def _rigging(random: Random, size: Size) -> np.ndarray:
    """A mast, lines from its top to the ground, some yards across it."""
    height, width = size
    top = np.array([random.uniform(-0.2, 0.5) * height, random.uniform(0, 1) * width])
    foot = np.array([random.uniform(0.6, 1.2) * height, top[1] + random.normal(0, 3)])
    radius = _radius(random)
    parts = [_line(size, _between(top, foot), radius * random.uniform(1, 3))]
    for _ in range(random.integers(2, 9)):
        share = random.uniform(0, 0.3)
        end = np.array([foot[0] + random.normal(0, 8), random.uniform(-0.2, 1.2) * width])
        parts.append(_line(size, _between(top + share * (foot - top), end), 0.6 * radius))
    for _ in range(random.integers(0, 4)):
        middle = top + random.uniform(0.1, 0.8) * (foot - top)
        reach = np.array([0, random.uniform(5, 0.3 * width)])
        parts.append(_line(size, _between(middle - reach, middle + reach), radius))
    return _all(size, parts)


def _lattice(random: Random, size: Size) -> np.ndarray:
    """A mast of struts: two lines that come together, and a zigzag between them."""
    height, width = size
    top = np.array([random.uniform(-0.3, 0.3) * height, random.uniform(0, 1) * width])
    foot, wide, radius = random.uniform(0.7, 1.2) * height, random.uniform(6, 40), _radius(random)
    sides = [np.array([foot, top[1] + wide * side]) for side in (-0.5, 0.5)]
    parts = [_line(size, _between(top, side), radius) for side in sides]
    rungs = np.cumsum(random.uniform(0.04, 0.12) * np.ones(30))
    rungs = rungs[rungs < 1]
    corners = [top + share * (sides[number % 2] - top) for number, share in enumerate(rungs)]
    parts += [_line(size, _between(a, b), 0.7 * radius) for a, b in pairwise(corners)]
    return _all(size, parts)


def _whiskers(random: Random, size: Size) -> np.ndarray:
    """Bent hairs that come from one place and end in a point."""
    middle, heading = random.uniform(0, 1, 2) * size, random.uniform(0, 2 * np.pi)
    radius, long, parts = _radius(random), random.uniform(15, 90), []
    for _ in range(random.integers(4, 16)):
        start = middle + random.normal(0, 4, 2)
        path = walk(random, start, heading + random.normal(0, 0.4), long * random.uniform(0.5, 1.2), bend=0.25)
        parts.append(_line(size, path, radius * np.linspace(1, 0.15, len(path))))
    return _all(size, parts)


def _grass(random: Random, size: Size) -> np.ndarray:
    """Blades or twigs, all about the same way."""
    heading, spread = random.uniform(0, 2 * np.pi), random.uniform(0.1, 0.7)
    radius, long, parts = _radius(random), random.uniform(8, 60), []
    for _ in range(random.integers(8, 50)):
        start = random.uniform(0, 1, 2) * size
        path = walk(random, start, heading + random.normal(0, spread), long * random.uniform(0.3, 1.2), bend=0.35)
        opacity = random.uniform(0.5, 1)
        parts.append(_line(size, path, radius * np.linspace(1, 0.2, len(path)), opacity))
    return _all(size, parts)


def _stars(random: Random, size: Size) -> np.ndarray:
    """Stars, drops, glints, grains: round specks of one kind, close together or all over."""
    count = int(random.integers(3, 90))
    radius = random.uniform(0.4, 2.2) * np.exp(random.normal(0, 0.35, count))
    places = random.uniform(0, 1, (count, 2)) * size
    if random.random() < 0.5:
        places = random.uniform(0, 1, 2) * size + random.normal(0, random.uniform(8, 50), (count, 2))
    return specks(random, size, radius, random.uniform(0.4, 1, count), places)


def _rules(random: Random, size: Size) -> np.ndarray:
    """Straight lines at even distances, level, upright or both: a ruled page, a fence, a window, a frame."""
    height, width = size
    apart, radius, parts = random.uniform(4, 60), _radius(random), []
    tilt = random.normal(0, 0.02) if random.random() < 0.7 else random.uniform(-0.8, 0.8)
    for place in np.arange(random.uniform(0, apart), height + abs(tilt) * width, apart)[: random.integers(1, 20)]:
        parts.append(_line(size, _between(np.array([place, 0.0]), np.array([place + tilt * width, width])), radius))
    drawn = _all(size, parts)
    kind = random.random()
    return drawn if kind < 0.4 else _turned(drawn) if kind < 0.7 else np.maximum(drawn, _turned(drawn))


def _frames(random: Random, size: Size) -> np.ndarray:
    """Spectacles, handles, rings: closed or open ellipses of even thickness, often two side by side with a bridge."""
    middle, axes = random.uniform(0, 1, 2) * size, random.uniform(5, 45, 2)
    radius, angles = _radius(random), np.arange(0, random.uniform(3, 2 * np.pi), 0.5 / axes.max())
    ring = np.stack([axes[0] * np.sin(angles), axes[1] * np.cos(angles)], 1)
    parts = [_line(size, middle + ring, radius)]
    if random.random() < 0.6:
        side = np.array([0, axes[1]])
        next_to = middle + 2 * side + np.array([random.normal(0, 2), random.uniform(2, 12)])
        parts.append(_line(size, next_to + ring, radius))
        parts.append(_line(size, _between(middle + side, next_to - side, -2), radius))
    return _all(size, parts)


def _edges(random: Random, size: Size) -> np.ndarray:
    """Long bent lines of even width, as seams, cables, branches and the rims of things are."""
    parts, radius = [], _radius(random)
    for _ in range(random.integers(1, 5)):
        path = walk(
            random,
            random.uniform(0, 1, 2) * size,
            random.uniform(0, 2 * np.pi),
            random.uniform(0.3, 1.5) * max(size),
            bend=random.uniform(0, 0.4),
            curl=random.uniform(0, 0.03),
        )
        widths = radius * np.exp(0.15 * profile(random, len(path), 60))
        parts.append(_line(size, path, widths))
    return _all(size, parts)


def _print(random: Random, size: Size) -> np.ndarray:
    """Lettering in a part of the picture."""
    drawn = letters(random, *size)
    rows, columns = (np.sort(random.integers(0, length + 1, 2)) for length in size)
    inside = np.zeros(size, np.float32)
    inside[slice(*rows), slice(*columns)] = 1
    return drawn * inside


THINGS: dict[str, Callable[[Random, Size], np.ndarray]] = {
    "wires": _wires,
    "rigging": _rigging,
    "lattice": _lattice,
    "whiskers": _whiskers,
    "grass": _grass,
    "stars": _stars,
    "rules": _rules,
    "frames": _frames,
    "edges": _edges,
    "print": _print,
}
