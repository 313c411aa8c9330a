"""Brushes: paths, lines, specks and patches with ragged edges, each as a map of opacity `h w` in [0, 1].

Places are (row, column) in pixels, a pixel's centre being at whole numbers; `size` is height and width of the map.
"""

import numpy as np

Random = np.random.Generator
Size = tuple[int, int]

STEP = 0.6  # pixels between the points of a path: strokes look whole


def walk(
    random: Random,
    start: np.ndarray,
    heading: float,
    length: float,
    *,
    bend: float = 0.0,
    curl: float = 0.0,
    jags: float = 0.0,
) -> np.ndarray:
    """Points `n 2` of a line of `length` pixels: `bend` wavers in direction, `curl` adds up, `jags` are turns."""
    count = max(int(length / STEP), 2)
    headings = np.full(count, heading)
    if bend:
        headings += bend * profile(random, count, 80)
    if curl:
        headings += np.cumsum(curl * STEP * profile(random, count, 40))
    if jags:
        turns = random.normal(0, jags, count // 3 + 1)  # of three steps at least, so that they suffice
        headings += np.repeat(turns, random.integers(3, 20, len(turns)))[:count]
    steps = STEP * np.stack([np.sin(headings), np.cos(headings)], 1)
    return start + np.cumsum(steps, 0)


def stroke(size: Size, path: np.ndarray, radius: np.ndarray, opacity: np.ndarray, *, soft: float = 1.0) -> np.ndarray:
    """A brush drawn along the points `n 2`: opacity `h w`, the most of what any point gives; edges `soft` pixels wide.

    Radius and opacity are those at each point, `n`. Lines below a pixel are as much fainter as they are thinner.
    """
    height, width = size
    reach = int(np.ceil(min(float(radius.max()), 24) + 0.5 * soft))
    near = ((path > -reach - 1) & (path < np.array(size) + reach)).all(1) & (opacity > 0.01)
    if radius.min() > 2:  # a wide brush needs fewer points
        near &= np.arange(len(path)) % 3 == 0
    path, radius, opacity = path[near], radius[near, None, None], opacity[near, None, None]
    side = np.arange(-reach, reach + 1)
    cells = np.rint(path).astype(np.int64)
    rows, columns = cells[:, 0, None, None] + side[:, None], cells[:, 1, None, None] + side
    distance = np.hypot(rows - path[:, 0, None, None], columns - path[:, 1, None, None])
    cover = ((radius + 0.5 * soft - distance) / soft).clip(0, np.minimum(2 * radius, 1)) * opacity
    kept = (cover > 0.004) & (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    drawn = np.zeros(height * width, np.float32)
    np.maximum.at(drawn, (rows * width + columns)[kept], cover[kept].astype(np.float32))
    return drawn.reshape(size)


def specks(
    random: Random, size: Size, radius: np.ndarray, opacity: np.ndarray, places: np.ndarray | None = None
) -> np.ndarray:
    """Small lopsided ellipses of `radius` (n) and `opacity` (n), at `places` (n 2) or anywhere: opacity `h w`."""
    count = len(radius)
    if places is None:
        places = random.uniform(0, 1, (count, 2)) * size
    reach = int(np.ceil(1.8 * radius.max() + 1))
    side = np.arange(-reach, reach + 1)
    cells = np.rint(places).astype(np.int64)
    rows, columns = cells[:, 0, None, None] + side[:, None], cells[:, 1, None, None] + side
    down, right = rows - places[:, 0, None, None], columns - places[:, 1, None, None]
    turn, long, phase = (random.uniform(*ends, (count, 1, 1)) for ends in ((0, 3.2), (0, 0.35), (0, 6.3)))
    angle, distance = np.arctan2(down, right), np.hypot(down, right)
    outline = radius[:, None, None] * (1 + long * np.cos(2 * (angle - turn)) + 0.12 * np.cos(3 * angle + phase))
    cover = (outline + 0.5 - distance).clip(0, np.minimum(2 * radius, 1)[:, None, None]) * opacity[:, None, None]
    kept = (cover > 0.004) & (rows >= 0) & (rows < size[0]) & (columns >= 0) & (columns < size[1])
    drawn = np.zeros(size[0] * size[1], np.float32)
    np.maximum.at(drawn, (rows * size[1] + columns)[kept], cover[kept].astype(np.float32))
    return drawn.reshape(size)


def blob(
    random: Random,
    size: Size,
    centre: np.ndarray,
    radius: float,
    rough: float,
    *,
    harmonics: int = 12,
    soft: float = 1.0,
) -> np.ndarray:
    """A patch whose outline is a circle bent by harmonics of falling height: opacity `h w`."""
    angles = np.linspace(-np.pi, np.pi, 181)
    orders = np.arange(2, harmonics + 2)[:, None]
    heights = random.normal(0, 1, orders.shape) / orders**1.6
    waves = np.cos(orders * angles + random.uniform(0, 6.3, orders.shape)) * heights
    outline = radius * np.exp(rough * waves.sum(0)).clip(0.3, 2.5)
    reach = float(outline.max()) + soft
    top, left = (max(int(c - reach), 0) for c in centre)
    bottom, right = (min(int(c + reach) + 2, n) for c, n in zip(centre, size, strict=True))
    drawn = np.zeros(size, np.float32)
    if top < bottom and left < right:
        rows, columns = np.ogrid[top:bottom, left:right]
        down, across = rows - centre[0], columns - centre[1]
        edge = np.interp(np.arctan2(down, across), angles, outline)
        drawn[top:bottom, left:right] = ((edge - np.hypot(down, across)) / soft + 0.5).clip(0, 1)
    return drawn


def ragged(random: Random, opacity: np.ndarray) -> np.ndarray:
    """A soft edge made a hard one that is torn by a pixel or so, here and there."""
    noise = random.integers(0, 256, opacity.shape, np.uint8).astype(np.float32)
    noise = (noise + np.roll(noise, 1, 0) + np.roll(noise, 1, 1)) / 382.5 - 1
    edge = 4 * opacity * (1 - opacity)
    return (opacity + edge * (0.8 * noise + opacity - 0.5)).clip(0, 1)


def profile(random: Random, count: int, every: float) -> np.ndarray:
    """`count` numbers that change smoothly, of unit height at knots `every` so many of them."""
    knots = max(int(count / every), 1) + 2
    return np.interp(np.arange(count) * ((knots - 1) / max(count - 1, 1)), np.arange(knots), random.normal(0, 1, knots))
