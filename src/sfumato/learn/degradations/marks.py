"""What time leaves on a photograph: scratches, hairs, dust, spots, cracks, folds, torn edges, each as a map of opacity.

Each kind is drawn from a numpy generator. `size` is height and width in pixels, `zoom` how many of them a thin scratch
is wide.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .brushes import STEP, Random, Size, blob, profile, ragged, specks, stroke, walk


@dataclass(frozen=True)
class Mark:
    """Opacity `h w` in [0, 1] and the shade of what covers the picture: 0 is its black, 1 its white, beyond is more."""

    opacity: np.ndarray
    shade: float
    grain: float = 0.03  # how rough the shade is, standard deviation


def scratches(random: Random, size: Size, zoom: float) -> list[Mark]:
    """Long thin lines, all but straight, now and then several side by side, as something hard was drawn over it."""
    start, heading = _inside(random, size), random.uniform(0, np.pi)
    length = random.uniform(0.1, 2.2) * max(size)
    shade, width = _shade(random), zoom * random.choice((0.35, 0.5, 0.7, 1.1, 1.8), p=(0.3, 0.3, 0.2, 0.14, 0.06))
    strength = random.uniform(0.15, 1.0)
    marks = []
    for _ in range(1 if random.random() < 0.7 else random.integers(2, 7)):
        path = walk(random, start, heading + random.normal(0, 0.02), length * random.uniform(0.3, 1), bend=0.02)
        opacity = strength * _worn(random, len(path), random.uniform(0, 0.9))
        radius = 0.5 * width * np.exp(0.35 * profile(random, len(path), 25)) * _tapered(len(path))
        marks.append(Mark(stroke(size, path, radius, opacity), shade))
        start = start + random.normal(0, 6 * zoom, 2)
    return marks


def nicks(random: Random, size: Size, zoom: float) -> list[Mark]:
    """Short thin strokes in all directions, straight or hooked, as on a print that lay loose among others."""
    shade, count = _shade(random), int(random.integers(2, 14))
    paths = [
        walk(random, _inside(random, size), random.uniform(0, 2 * np.pi), length, curl=random.exponential(0.08))
        for length in zoom * random.uniform(2, 22, count)
    ]
    lengths = [len(path) for path in paths]
    radius = np.concatenate(
        [0.5 * zoom * width * _tapered(n) for n, width in zip(lengths, random.uniform(0.3, 1, count), strict=True)]
    )
    opacity = np.repeat(random.uniform(0.25, 1, count), lengths)
    return [Mark(stroke(size, np.concatenate(paths), radius, opacity), shade)]


def hairs(random: Random, size: Size, zoom: float) -> list[Mark]:
    """Curved lines of even width: hairs and fibres that lay on the glass, long or short."""
    shade, marks = _shade(random), []
    long = random.random() < 0.5
    for _ in range(1 if long else random.integers(1, 6)):
        length = random.uniform(40, 250) * zoom if long else random.uniform(5, 30) * zoom
        curl = random.uniform(0.2, 1.0) / np.sqrt(length)
        path = walk(random, _inside(random, size), random.uniform(0, 2 * np.pi), length, curl=curl)
        radius = np.full(len(path), 0.5 * zoom * random.uniform(0.4, 1.2))
        marks.append(Mark(stroke(size, path, radius, np.full(len(path), random.uniform(0.3, 1.0))), shade))
    return marks


def dust(random: Random, size: Size, zoom: float) -> list[Mark]:
    """Many small specks of irregular outline, most of them of a pixel or two."""
    count = int(random.geometric(1 / random.choice((6, 25))) * size[0] * size[1] / 128**2) + 1
    radius = np.minimum(zoom * 0.35 * np.exp(random.normal(0, 0.6, count)), 6)
    opacity = random.uniform(0.3, 1, count) if random.random() < 0.7 else np.ones(count)
    return [Mark(specks(random, size, radius, opacity), _shade(random))]


def spots(random: Random, size: Size, zoom: float) -> list[Mark]:
    """Blotches of a few pixels, soft or hard, some in a group."""
    centre, shade, marks = _inside(random, size), _shade(random), []
    soft, strength = random.choice((1.0, 1.0, 3.0)), random.uniform(0.3, 1.0)
    for _ in range(random.integers(1, 5)):
        radius = zoom * np.exp(random.uniform(np.log(1.2), np.log(7)))
        opacity = blob(random, size, centre, radius, random.uniform(0.2, 1.0), soft=soft)
        marks.append(Mark(strength * (opacity if soft > 1 else ragged(random, opacity)), shade))
        centre = centre + random.normal(0, 20 * zoom, 2)
    return marks


def peeled(random: Random, size: Size, zoom: float) -> list[Mark]:
    """Where the emulsion came off: a ragged hard outline, paper below, its rim darker or lighter, rests left inside."""
    centre, radius = _inside(random, size), zoom * np.exp(random.uniform(np.log(4), np.log(28)))
    whole = np.zeros(size, np.float32)
    for _ in range(random.integers(1, 6)):
        part = radius * random.uniform(0.35, 1)
        place = centre + random.normal(0, 0.7 * radius, 2)
        whole = np.maximum(whole, blob(random, size, place, part, random.uniform(0.5, 1.5), harmonics=30, soft=2.5))
    whole = ragged(random, whole)
    shade = random.uniform(0.75, 1.15) if random.random() < 0.8 else random.uniform(-0.05, 0.3)
    marks = []
    if random.random() < 0.5:  # the lifted rim throws a shadow to one side
        moved = np.roll(whole, tuple(random.integers(-2, 3, 2)), (0, 1))
        marks.append(Mark(random.uniform(0.3, 0.7) * moved, 1 - shade))
    rests = int(random.integers(0, 8))
    if rests:
        places = centre + random.normal(0, 0.5 * radius, (rests, 2))
        left = specks(random, size, radius * random.uniform(0.04, 0.2, rests), np.ones(rests), places)
        whole = whole * (1 - left)
    marks.append(Mark(whole * random.uniform(0.75, 1.0), shade, grain=random.uniform(0.02, 0.06)))
    return marks


def cracks(random: Random, size: Size, zoom: float) -> list[Mark]:
    """Jagged lines that branch, ragged in width where the emulsion flaked off beside them."""
    radius = zoom * (0.2 + 0.8 * random.random() ** 2)
    shade = random.uniform(0.75, 1.15) if random.random() < 0.8 else random.uniform(-0.1, 0.25)
    length = random.uniform(20, 160) * zoom
    return _torn(random, size, _inside(random, size), random.uniform(0, 2 * np.pi), length, radius, shade, zoom)


def fold(random: Random, size: Size, zoom: float) -> list[Mark]:
    """A crease across the picture: a light core where the emulsion broke, one side in shadow, cracks that leave it."""
    start, heading = _inside(random, size), random.uniform(0, np.pi)
    across = np.array([np.cos(heading), -np.sin(heading)])
    start = start - 1.2 * max(size) * np.array([np.sin(heading), np.cos(heading)]) * random.uniform(0.3, 1)
    path = walk(random, start, heading, 2.4 * max(size), jags=0.12, bend=0.01)
    radius = zoom * random.uniform(0.3, 1.2)
    side = path + random.choice((-1, 1)) * across * (radius + 0.8 * zoom)
    shadow = stroke(size, side, np.full(len(path), radius + 0.7 * zoom), 0.6 * _worn(random, len(path), 0.3), soft=2.5)
    marks = [Mark(shadow * random.uniform(0.2, 0.7), random.choice((-0.05, 0.1, 0.9), p=(0.5, 0.3, 0.2)))]
    widths = radius * _flaked(random, len(path))
    core = random.uniform(0.5, 1.0) * _worn(random, len(path), random.uniform(0, 0.6))
    shade = random.uniform(0.8, 1.15)
    marks.append(Mark(ragged(random, stroke(size, path, widths, core, soft=2)), shade, grain=0.05))
    for place in path[random.integers(0, len(path), random.integers(0, 7))]:
        away = heading + random.choice((-1, 1)) * random.uniform(0.4, 2.2)
        marks += _torn(random, size, place, away, random.uniform(5, 50) * zoom, 0.6 * radius, shade, zoom, depth=1)
    return marks


def craquelure(random: Random, size: Size, zoom: float) -> list[Mark]:
    """A net of fine cracks: the surface splits again and again, each crack ending at those before it."""
    middle, half = _inside(random, size), random.uniform(0.25, 0.8) * max(size)
    corners = middle + half * np.array([[-1, -1], [-1, 1], [1, 1], [1, -1]]) @ _turned(random.uniform(0, np.pi))
    cells, paths = [corners + random.normal(0, 0.15 * half, (4, 2))], []
    wanted = int(np.clip((2 * half / (zoom * random.uniform(8, 25))) ** 2, 4, 60))
    while len(cells) < wanted:
        cell = cells.pop(int(random.integers(0, max(len(cells) // 2, 1))))
        sides = np.hypot(*(np.roll(cell, -1, 0) - cell).T)
        first = int(sides.argmax())
        second = (first + len(cell) // 2) % len(cell)
        ends = [cell[i] + random.uniform(0.3, 0.7) * (cell[(i + 1) % len(cell)] - cell[i]) for i in (first, second)]
        paths.append(_jagged(random, *ends))
        low, high = sorted((first, second))
        a, b = ends if first < second else ends[::-1]
        cells.append(np.array([a, *cell[low + 1 : high + 1], b]))
        cells.append(np.array([*cell[high + 1 :], *cell[: low + 1], a, b])[: len(cell) + 2])
    path = np.concatenate(paths)
    fading = np.clip(1.6 - np.hypot(*(path - middle).T) / half, 0, 1)
    opacity = random.uniform(0.25, 0.9) * fading * _worn(random, len(path), random.uniform(0.1, 0.6))
    radius = zoom * random.uniform(0.2, 0.5) * np.exp(0.3 * profile(random, len(path), 8))
    return [Mark(stroke(size, path, radius, opacity), _shade(random))]


def torn(random: Random, size: Size, zoom: float) -> list[Mark]:
    """An edge or a corner that is gone: what lies behind it, a ragged border, the white fibres of the paper."""
    rows, columns = np.ogrid[: size[0], : size[1]]
    upright = random.integers(0, 4) * np.pi / 2
    heading = upright + (np.pi / 4 if random.random() < 0.6 else 0) + random.normal(0, 0.15)
    away = (rows - size[0] / 2) * np.sin(heading) + (columns - size[1] / 2) * np.cos(heading)
    along = (rows - size[0] / 2) * np.cos(heading) - (columns - size[1] / 2) * np.sin(heading)
    reach = int(np.hypot(*size)) + 2
    depth = away.max() - random.uniform(0.03, 0.3) * max(size)
    ragged = sum(
        height * zoom * profile(random, 2 * reach, every)
        for height, every in ((random.uniform(0, 8), 60), (random.uniform(0, 2), 14), (random.uniform(0, 0.8), 3))
    )
    places = np.arange(2 * reach) - reach
    beyond = away - depth + np.interp(along, places, ragged)
    outside = random.choice((1.1, 0.97, -0.1, 0.05, 0.5), p=(0.35, 0.2, 0.25, 0.1, 0.1))
    marks = []
    if random.random() < 0.7:
        fibres = zoom * np.abs(random.uniform(0.5, 4) + random.uniform(0.3, 2) * profile(random, 2 * reach, 6))
        fringe = (beyond + np.interp(along, places, fibres) + 0.5).clip(0, 1)
        marks.append(Mark(fringe.astype(np.float32) * random.uniform(0.6, 1), random.uniform(0.85, 1.15), grain=0.06))
    marks.append(Mark((beyond + 0.5).clip(0, 1).astype(np.float32), outside, grain=random.uniform(0, 0.04)))
    return marks


# Each kind with how often a damaged photograph has it.
KINDS: dict[str, tuple[float, Callable[[Random, Size, float], list[Mark]]]] = {
    "craquelure": (0.07, craquelure),
    "spots": (0.25, spots),
    "fold": (0.16, fold),
    "cracks": (0.25, cracks),
    "peeled": (0.18, peeled),
    "scratches": (0.55, scratches),
    "nicks": (0.30, nicks),
    "hairs": (0.15, hairs),
    "dust": (0.45, dust),
    "torn": (0.10, torn),
}


def _torn(
    random: Random,
    size: Size,
    start: np.ndarray,
    heading: float,
    length: float,
    radius: float,
    shade: float,
    zoom: float,
    depth: int = 0,
) -> list[Mark]:
    """A crack and its branches, which are shorter and thinner; beside a wide one, often a dark edge."""
    path = walk(random, start, heading, length, jags=0.55, bend=0.3)
    count = len(path)
    widths = radius * _flaked(random, count) * _tapered(count)
    opacity = random.uniform(0.6, 1.0) * _worn(random, count, random.uniform(0, 0.4))
    marks = []
    if radius > 0.5 and random.random() < 0.5:
        side = path + random.normal(0, 0.8, 2)
        dark = stroke(size, side, widths + 0.5, random.uniform(0.3, 0.8) * opacity)
        marks.append(Mark(dark, random.uniform(-0.1, 0.2)))
    line = stroke(size, path, widths, opacity, soft=2) if radius > 0.5 else stroke(size, path, widths, opacity)
    marks.append(Mark(ragged(random, line) if radius > 0.5 else line, shade, grain=0.05))
    if depth < 2:
        for place in random.integers(0, count, random.integers(0, 4)):
            away = heading + random.choice((-1, 1)) * random.uniform(0.4, 1.5)
            shorter, thinner = length * random.uniform(0.15, 0.6), radius * random.uniform(0.4, 0.9)
            marks += _torn(random, size, path[place], away, shorter, thinner, shade, zoom, depth + 1)
    return marks


def _jagged(random: Random, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Points from one place to another, bent a little on the way."""
    length = float(np.hypot(*(end - start)))
    count = max(int(length / STEP), 2)
    share = np.linspace(0, 1, count)
    sideways = (profile(random, count, 10) + 0.04 * length * profile(random, count, 40)) * np.sin(np.pi * share)
    across = (end - start)[::-1] * (1, -1) / max(length, 1e-6)
    return start + share[:, None] * (end - start) + sideways[:, None] * across


def _turned(angle: float) -> np.ndarray:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def _inside(random: Random, size: Size) -> np.ndarray:
    return random.uniform(0, 1, 2) * size


def _shade(random: Random) -> float:
    """White more often than black, as paper shows where the emulsion is gone; seldom between."""
    kind = random.random()
    if kind < 0.62:
        return float(random.uniform(0.75, 1.2))
    return float(random.uniform(-0.15, 0.2) if kind < 0.9 else random.uniform(0.2, 0.75))


def _worn(random: Random, count: int, wear: float) -> np.ndarray:
    """Opacity along a line, 0 to 1: whole for no `wear`, with gaps and faint stretches for much."""
    coarse, fine = profile(random, count, 60), profile(random, count, 7)
    return (1 - wear * (0.5 - 0.6 * coarse - 0.4 * fine)).clip(0, 1)


def _flaked(random: Random, count: int) -> np.ndarray:
    """Width along a crack, about 1: wider where emulsion fell off beside it."""
    return np.exp(0.45 * profile(random, count, 5) + 0.35 * profile(random, count, 30)).clip(0.3, 2.0)


def _tapered(count: int) -> np.ndarray:
    """Thin at both ends."""
    share = np.linspace(0, 1, count)
    return (6 * np.minimum(share, 1 - share) + 0.3).clip(0, 1)
