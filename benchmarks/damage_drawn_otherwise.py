"""Old photographs damaged by other means than those that `sfumato train scratches` learns from: for measuring only.

Where training draws brushes along paths, this thresholds fractal noise (stains, dust), strokes Bezier curves by the
distance to them (scratches, hairs), takes the borders of warped Voronoi cells (cracks) and ridges of a plane (folds).
"""

from dataclasses import dataclass

import numpy as np

Random = np.random.Generator

VISIBLE = 5 / 255  # a change that is counted as damage, as in training


@dataclass(frozen=True)
class Damaged:
    """y `h w 3` in [0, 1], the mask `h w` of what is damaged, and what was drawn."""

    y: np.ndarray
    mask: np.ndarray
    kinds: tuple[str, ...]


def damaged(x: np.ndarray, random: Random) -> Damaged:
    """x `h w 3` in [0, 1], printed long ago, kept badly, scanned and compressed."""
    import pyvips

    printed = _printed(x, random)
    y = printed.copy()
    kinds = [name for name, (chance, _) in KINDS.items() if random.random() < chance] or ["scratches"]
    for name in kinds:
        opacity, value = KINDS[name][1](random, x.shape[:2])
        y = y + opacity[..., None] * (value - y)
    mask = np.abs(y.clip(0, 1) - printed).max(2) > VISIBLE
    grain = fractal(random, x.shape[:2], 0.4) * random.uniform(0, 7) / 255
    pixels = ((y + grain[..., None]).clip(0, 1) * 255).round().astype(np.uint8)
    file = pyvips.Image.new_from_array(pixels).jpegsave_buffer(Q=int(random.integers(70, 96)))
    scanned = np.asarray(pyvips.Image.new_from_buffer(file, "").numpy(), np.float32) / 255
    return Damaged(scanned, mask, tuple(kinds))


def fractal(random: Random, size: tuple[int, int], slope: float, longest: float = np.inf) -> np.ndarray:
    """Noise `h w` of mean 0 and deviation 1 whose amplitude falls as 1/f^slope; no waves above `longest` pixels."""
    frequency = np.hypot(np.fft.fftfreq(size[0])[:, None], np.fft.rfftfreq(size[1])[None])
    amplitude = np.where(frequency > max(1 / longest, 1e-9), 1 / np.maximum(frequency, 1e-9) ** slope, 0)
    noise = np.fft.irfft2(np.fft.rfft2(random.standard_normal(size)) * amplitude, size)
    return ((noise - noise.mean()) / noise.std()).astype(np.float32)


def _printed(x: np.ndarray, random: Random) -> np.ndarray:
    """Silver print, sepia by the usual matrix, or a colour print whose dyes have faded; darker to its corners."""
    kind = random.choice(("silver", "sepia", "dyes"), p=(0.4, 0.35, 0.25))
    if kind == "dyes":
        print_ = 1 - (1 - x) * random.uniform((0.65, 0.75, 0.65), (0.85, 0.95, 0.95))
    else:
        matrix = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])
        print_ = (x @ matrix.T).clip(0, 1) if kind == "sepia" else np.repeat(x.mean(2, keepdims=True), 3, 2)
    curve = random.uniform(0.75, 1.3)
    print_ = random.uniform(0, 0.12) + random.uniform(0.75, 0.88) * print_**curve
    rows, columns = (np.linspace(-1, 1, length) for length in x.shape[:2])
    corner = (rows[:, None] ** 2 + columns[None] ** 2) / 2
    return (print_ * (1 - random.uniform(0, 0.35) * corner**2)[..., None]).astype(np.float32)


def _value(random: Random) -> np.ndarray:
    """Paper or dirt: three values."""
    return random.uniform(0.8, 1.0) - np.array([0, 0.02, 0.07]) if random.random() < 0.7 else random.uniform(0, 0.15, 3)


def _stains(random: Random, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    noise = fractal(random, size, random.uniform(1.3, 1.8), longest=random.uniform(60, 200))
    level = np.quantile(noise, random.uniform(0.975, 0.997))
    return ((noise - level) * random.uniform(6, 25)).clip(0, 1) * random.uniform(0.5, 1), _value(random)


def _dust(random: Random, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    noise = fractal(random, size, random.uniform(1.0, 1.6), longest=random.uniform(6, 16))
    level = np.quantile(noise, random.uniform(0.994, 0.9993))
    return ((noise - level) * 4).clip(0, 1) * random.uniform(0.6, 1), _value(random)


def _curves(random: Random, size: tuple[int, int], *, bend: float, length: float) -> tuple[np.ndarray, np.ndarray]:
    """Cubic Bezier curves, pressed hardest somewhere along them; the distance of every pixel to 60 chords."""
    opacity = np.zeros(size, np.float32)
    for _ in range(random.integers(2, 9)):
        start = random.uniform(0, 1, 2) * size
        way = np.array([np.sin(angle := random.uniform(0, 2 * np.pi)), np.cos(angle)]) * length * random.uniform(0.2, 1)
        shares, turned = np.array([0, 1 / 3, 2 / 3, 1])[:, None], way[::-1] * (1, -1)
        corners = start + shares * way + random.normal(0, bend, (4, 1)) * turned
        t = np.linspace(0, 1, 61)[:, None]
        points = sum(
            weight * (1 - t) ** (3 - power) * t**power * corner
            for power, (weight, corner) in enumerate(zip((1, 3, 3, 1), corners, strict=True))
        )
        peak, width, strength = random.uniform(0, 1), random.uniform(0.4, 2.2), random.uniform(0.35, 1)
        pressure = np.exp(-(((t[:-1, 0] - peak) / random.uniform(0.2, 0.8)) ** 2))
        for a, b, pressed in zip(points[:-1], points[1:], pressure, strict=True):
            chord(opacity, a, b, 0.5 * width * (0.4 + 0.6 * pressed), strength * pressed)
    return opacity, _value(random)


def chord(onto: np.ndarray, a: np.ndarray, b: np.ndarray, radius: float, strength: float = 1.0) -> None:
    """Draw the straight line from a to b (row, column), `radius` pixels to either side, onto `h w`, in place."""
    low = np.maximum(np.floor(np.minimum(a, b) - radius - 1), 0).astype(int)
    high = np.minimum(np.ceil(np.maximum(a, b) + radius + 2), onto.shape).astype(int)
    if (low >= high).any():
        return
    rows, columns = np.mgrid[low[0] : high[0], low[1] : high[1]]
    way = b - a
    along = ((rows - a[0]) * way[0] + (columns - a[1]) * way[1]) / max(float(way @ way), 1e-9)
    along = along.clip(0, 1)
    distance = np.hypot(rows - a[0] - along * way[0], columns - a[1] - along * way[1])
    part = onto[low[0] : high[0], low[1] : high[1]]
    np.maximum(part, strength * (radius + 0.5 - distance).clip(0, min(2 * radius, 1)), out=part)


def _scratches(random: Random, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    return _curves(random, size, bend=random.uniform(0, 0.03), length=1.2 * max(size))


def _hairs(random: Random, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    return _curves(random, size, bend=random.uniform(0.2, 0.6), length=random.uniform(20, 120))


def _cracks(random: Random, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Borders of Voronoi cells, bent by noise, where a second noise is high."""
    sites = random.uniform(0, 1, (int(random.integers(8, 50)), 2)) * size
    rows, columns = np.mgrid[: size[0], : size[1]].astype(np.float32)
    bent = random.uniform(2, 6)
    rows += bent * fractal(random, size, 2.0, longest=60)
    columns += bent * fractal(random, size, 2.0, longest=60)
    first, second = np.full(size, np.inf, np.float32), np.full(size, np.inf, np.float32)
    for row, column in sites:
        distance = np.hypot(rows - row, columns - column)
        second = np.minimum(second, np.maximum(first, distance))
        first = np.minimum(first, distance)
    width = random.uniform(0.6, 1.6) * (1 + 0.4 * fractal(random, size, 1.0, longest=20))
    line = (width - (second - first) / 2 + 0.5).clip(0, 1)
    place = (2 * fractal(random, size, 2.2) - random.uniform(0, 1.5)).clip(0, 1)
    return line * place * random.uniform(0.6, 1), _value(random)


def _fold(random: Random, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """A ridge across the whole picture, its height and its broken surface from noise."""
    angle, centre = random.uniform(0, np.pi), random.uniform(0.2, 0.8, 2) * size
    rows, columns = np.mgrid[: size[0], : size[1]]
    away = (rows - centre[0]) * np.cos(angle) + (columns - centre[1]) * np.sin(angle)
    away = away + 1.2 * fractal(random, size, 1.0, longest=30)
    width = random.uniform(0.8, 2.5)
    broken = (0.7 + 0.5 * fractal(random, size, 0.9, longest=25)).clip(0, 1)
    return np.exp(-((away / width) ** 2)) * broken, random.uniform(0.8, 1.0, 1).repeat(3)


# Each kind with how often a picture has it.
KINDS = {
    "stains": (0.35, _stains),
    "dust": (0.6, _dust),
    "scratches": (0.7, _scratches),
    "hairs": (0.3, _hairs),
    "cracks": (0.35, _cracks),
    "fold": (0.3, _fold),
}
