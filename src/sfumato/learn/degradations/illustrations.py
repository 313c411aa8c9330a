"""Drawings as programs make them, large and small: what a picture that no camera took looks like when it is enlarged.

Shapes, outlines, curves and lettering are painted several times as large as they are shown and reduced, so that their
edges are smooth. The small picture is the same drawing reduced further, as icons and logos are, or without smooth
edges; or it shows what has no larger original, such as a checkerboard or a dithered picture, whose pixels become
squares.
"""

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Generator, Tensor

from .degradation import Degraded, in_8_bits
from .patterns import PATTERNS
from .resampling import resized

FINER = 3  # how many times as large drawings are painted
SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789&%?!+-=/#@()[]{}<>,.:;*"
SQUARE = tuple(name for name in PATTERNS if name != "graphics")  # patterns whose pixels are what they show
Colour = tuple[int, ...]


@dataclass(frozen=True)
class Illustrated:
    """A drawing of the size of x, and the same `scale` times smaller; the level is zero.

    squares: the share of patterns of single pixels, which become squares. hard: the share of the others whose small
    picture has no smooth edges. Those that are left are reduced by the bicubic kernel, and a third by plain means.
    """

    scale: int
    squares: float = 0.2
    hard: float = 0.2

    def __call__(self, x: Tensor, generator: Generator) -> Degraded:
        random = np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))
        channels, height, width = x.shape
        if random.random() < self.squares:
            kind = SQUARE[int(random.integers(len(SQUARE)))]
            small = PATTERNS[kind](random, x.numpy()[:, :: self.scale, :: self.scale])
            y = in_8_bits(torch.from_numpy(np.ascontiguousarray(small))).float()
            large = y.repeat_interleave(self.scale, 1).repeat_interleave(self.scale, 2)
        else:
            drawing = illustration(random, (height, width)).convert("L" if channels == 1 else "RGB")
            large, step = _pixels(drawing.reduce(FINER)), FINER * self.scale
            if random.random() < self.hard:
                kind, y = "hard edges", _pixels(drawing)[:, step // 2 :: step, step // 2 :: step]
            elif random.random() < 1 / 3:
                kind, y = "means", _pixels(drawing.reduce(step))
            else:
                kind, y = "bicubic", in_8_bits(resized(large, (height // self.scale, width // self.scale)))
        return Degraded(
            large, y, torch.zeros(1, *y.shape[1:]), {"kind": "illustrated", "scale": self.scale, "of": kind}
        )


def _pixels(picture: Image.Image) -> Tensor:
    pixels = np.asarray(picture, np.float32).reshape(picture.height, picture.width, -1) / np.float32(255)
    return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()


def illustration(random: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    """A drawing in RGB with hard edges, `FINER` times as high and wide as `size`."""
    height, width = (FINER * length for length in size)
    palette = [_colour(random) for _ in range(random.integers(2, 7))]
    ground = Image.new("RGB", (width, height), palette[0])
    if random.random() < 0.25:
        ground.paste(_shade(random, (width, height), palette))
    draw = ImageDraw.Draw(ground)
    for _ in range(random.integers(2, 24)):
        paint = PAINTED[int(random.choice(len(PAINTED), p=SHARES))]
        paint(random, draw, (width, height), palette[int(random.integers(len(palette)))])
    return ground


def _colour(random: np.random.Generator) -> Colour:
    kind = random.random()
    if kind < 0.35:
        return ((0,) * 3, (255,) * 3)[int(random.random() < 0.6)]
    if kind < 0.5:
        return (int(random.integers(256)),) * 3
    return tuple(int(value) for value in random.integers(0, 256, 3))


def _shade(random: np.random.Generator, size: tuple[int, int], palette: list[Colour]) -> Image.Image:
    """A gradient from one colour to another, at any angle."""
    side = math.ceil(math.hypot(*size))
    ramp = Image.linear_gradient("L").resize((side, side)).rotate(random.uniform(0, 360))
    left, top = (side - size[0]) // 2, (side - size[1]) // 2
    ends = Image.new("RGB", size, palette[-1]), Image.new("RGB", size, palette[0])
    return Image.composite(*ends, ramp.crop((left, top, left + size[0], top + size[1])))


def _place(random: np.random.Generator, size: tuple[int, int]) -> tuple[np.ndarray, float]:
    """A middle anywhere in the picture, and a radius; small ones are the likeliest."""
    return random.uniform(0, size, 2), FINER * 2 * (max(size) / FINER / 3) ** random.random()


def _line(random: np.random.Generator) -> int:
    """The width of a line, 1 to 10 pixels of the large picture, thin ones the likeliest."""
    return max(1, round(FINER * 10 ** random.uniform(0, 1)))


def _ellipse(random: np.random.Generator, draw: ImageDraw.ImageDraw, size: tuple[int, int], colour: Colour) -> None:
    middle, radius = _place(random, size)
    reach = radius * random.uniform(0.4, 1, 2) if random.random() < 0.5 else np.full(2, radius)
    box = [*(middle - reach), *(middle + reach)]
    draw.ellipse(box, **({"fill": colour} if random.random() < 0.5 else {"outline": colour, "width": _line(random)}))


def _box(random: np.random.Generator, draw: ImageDraw.ImageDraw, size: tuple[int, int], colour: Colour) -> None:
    middle, radius = _place(random, size)
    reach = radius * random.uniform(0.1, 1, 2)
    box = [round(place) for place in (*(middle - reach), *(middle + reach))]
    line = min(_line(random), int(reach.min() / 2))
    filled = {"fill": colour} if random.random() < 0.6 or not line else {"outline": colour, "width": line}
    rounded = round(reach.min() * random.uniform(0, 1)) if random.random() < 0.5 else 0
    draw.rounded_rectangle(box, rounded, **filled)


def _polygon(random: np.random.Generator, draw: ImageDraw.ImageDraw, size: tuple[int, int], colour: Colour) -> None:
    """Of three to eight corners, or a star."""
    middle, radius = _place(random, size)
    angles = np.sort(random.uniform(0, 2 * np.pi, random.integers(3, 9)))
    reach = random.uniform(0.3, 1, len(angles)) if random.random() < 0.5 else np.ones(len(angles))
    corners = middle + radius * reach[:, None] * np.stack([np.cos(angles), np.sin(angles)], 1)
    draw.polygon([tuple(corner) for corner in corners], fill=colour)


def _curve(random: np.random.Generator, draw: ImageDraw.ImageDraw, size: tuple[int, int], colour: Colour) -> None:
    """A stroke along a cubic Bezier curve, with round ends; half of them straight."""
    ends, width = random.uniform(-0.1, 1.1, (4, 2)) * size, _line(random)
    if random.random() < 0.5:
        ends[1:3] = ends[0] + np.array([[1], [2]]) / 3 * (ends[3] - ends[0])
    t = np.linspace(0, 1, 48)[:, None]
    weights = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3
    path = sum(weight * end for weight, end in zip(weights, ends, strict=True))
    draw.line([tuple(place) for place in path], fill=colour, width=width, joint="curve")
    for place in (path[0], path[-1]):
        draw.ellipse([*(place - width / 2), *(place + width / 2)], fill=colour)


def _letters(
    random: np.random.Generator, draw: ImageDraw.ImageDraw, size: tuple[int, int], colour: Colour, *, most: float
) -> None:
    """Lines of lettering, of up to `most` pixels of the large picture in height."""
    height = FINER * 8 * (most / 8) ** random.random()
    font = ImageFont.load_default(height)
    signs = random.choice(list(SIGNS), (int(random.integers(1, 6)), int(random.integers(1, 24))))
    gaps = random.random(signs.shape) < 0.15
    text = "\n".join("".join(line) for line in np.where(gaps, " ", signs))
    place = random.uniform(-0.2, 0.8, 2) * size
    bold = round(FINER * random.uniform(0, 1)) if random.random() < 0.3 else 0
    draw.multiline_text(tuple(place), text, fill=colour, font=font, stroke_width=bold, spacing=height / 4)


PAINTED = (_ellipse, _box, _polygon, _curve, partial(_letters, most=16.0), partial(_letters, most=96.0))
SHARES = (0.2, 0.2, 0.15, 0.2, 0.15, 0.1)
