"""Whether printed dots and lines are told from patterns that are none: `python benchmarks/bench_screens.py DATA`.

DATA holds photos/val, photos2/val, benchmarks/cbsd68 and generation/emoji64.zip. Screens are drawn by this program:
round, elliptic and line dots, 2.3 to 11 pixels apart, at all angles in steps of 7 degrees and at 33, of crops of
photographs and of two flat greys, in black and white, and scanned (soft, with noise) and stored as JPEG. Patterns are
drawn or are scikit-image's textures. Of each kind: how many are left alone by "auto", and of how many it says that
`descreen` is for them. --misses prints which are wrong.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from screens_made_otherwise import stored
from skimage import data as textures

from sfumato import Picture
from sfumato.learn.data.folders import decode, list_pictures
from sfumato.learn.evaluation.restoration import clean_pictures
from sfumato.restoration.diagnosis import Diagnosis

Pixels = NDArray[np.float32]
SIDE = 320
PITCHES, EACH = (2.3, 3.0, 4.0, 5.5, 7.5, 9.0, 11.0), 3  # all pitches, and of how many each angle is drawn
ANGLES = (*range(0, 180, 7), 33)
SHAPES = ("round", "ellipse", "line")
PHOTOGRAPHS = ("photos/val", "photos2/val", "benchmarks/cbsd68")


def printed(scene: Pixels, shape: str, pitch: float, angle: float, fine: int) -> Pixels:
    """Tones (h, w) in black and white dots of a shape, drawn `fine` times finer and averaged, where that is over 1."""
    wide = scene.repeat(fine, 0).repeat(fine, 1)
    down, right = np.mgrid[: wide.shape[0], : wide.shape[1]].astype(np.float32) / fine
    turn = np.radians(angle)
    across = np.cos(2 * np.pi * (right * np.cos(turn) + down * np.sin(turn)) / pitch)
    along = np.cos(2 * np.pi * (down * np.cos(turn) - right * np.sin(turn)) / pitch)
    share = {"round": 0.5, "ellipse": 0.35, "line": 0.0}[shape]
    height = (1 - share) * across + share * along
    ranks = np.linspace(0, 1, 1025)  # thresholds of even distribution, so that tones are kept
    limits = np.interp(height, np.quantile(height[::7, ::5], ranks), ranks)
    dots = (wide > limits).astype(np.float32)
    return dots.reshape(len(scene), fine, scene.shape[1], fine).mean((1, 3))


def scanned(y: Pixels, random: np.random.Generator, quality: int) -> Pixels:
    """Soft, a little noisy, ink and paper neither black nor white, as a JPEG file."""
    soft = gaussian_filter(0.08 + 0.84 * y, 0.5) + random.normal(0, 2 / 255, y.shape)
    return stored(soft.astype(np.float32)[..., None], quality)


def screens(scenes: list[Pixels]) -> Iterator[tuple[str, str, Pixels]]:
    """Kind, name and pixels (h, w, 1) of what is printed."""
    number = 0
    for shape in SHAPES:
        for angle in ANGLES:
            for pitch in np.roll(PITCHES, number)[:: len(PITCHES) // EACH]:
                random = np.random.default_rng(number)
                number += 1
                name = f"{pitch} pixels, {angle} degrees"
                scene = scenes[number % len(scenes)]
                yield f"{shape} dots, 1 bit", name, printed(scene, shape, pitch, angle, 1)[..., None]
                y = printed(scene, shape, pitch, angle, 4)
                yield f"{shape} dots, scanned", name, scanned(y, random, int(random.choice((60, 75, 90))))
                if number % 5 == 0:
                    flat = np.full((SIDE, SIDE), random.choice((0.25, 0.7)), np.float32)
                    y = printed(flat, shape, pitch, angle, 4)
                    yield f"{shape} dots, one grey", name, scanned(y, random, 80)


def code(random: np.random.Generator, module: int) -> Pixels:
    """Random modules with the three finders of a QR code and a margin."""
    count = int(random.choice((21, 33, 57)))
    bits = random.random((count, count)) < 0.5
    finder = np.zeros((8, 8), bool)
    finder[:7, :7] = True
    finder[1:6, 1:6] = False
    finder[2:5, 2:5] = True
    bits[:8, :8], bits[:8, -8:], bits[-8:, :8] = finder, finder[:, ::-1], finder[::-1]
    return 1 - np.pad(bits, 4).astype(np.float32).repeat(module, 0).repeat(module, 1)


def bars(random: np.random.Generator, module: int) -> Pixels:
    """Bars and gaps of one to four modules, on a margin."""
    widths = random.integers(1, 5, 59)
    row = np.repeat(np.arange(59) % 2 == 0, widths * module)
    return 1 - np.pad(np.tile(row, (SIDE // 2, 1)), 8 * module).astype(np.float32)


def chequers(random: np.random.Generator, side: int, turned: bool = False) -> Pixels:
    """Squares in two tones; turned: by some degrees, with soft edges."""
    down, right = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    if turned:
        angle = np.radians(random.uniform(0, 90))
        down, right = down * np.cos(angle) - right * np.sin(angle), down * np.sin(angle) + right * np.cos(angle)
        waves = np.sin(np.pi * down / side) * np.sin(np.pi * right / side)
        squares = (0.5 + 4 * waves).clip(0, 1)
    else:
        squares = ((down // side + right // side) % 2).astype(np.float32)
    dark, bright = sorted(random.uniform(0, 1, 2)) if random.random() < 0.5 else (0.0, 1.0)
    return np.float32(dark) + np.float32(bright - dark) * squares


def stripes(random: np.random.Generator, width: float) -> Pixels:
    """Straight stripes of one width, at any angle."""
    down, right = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    angle = np.radians(random.uniform(0, 180))
    wave = np.sin(np.pi * (down * np.cos(angle) + right * np.sin(angle)) / width)
    return (0.5 + 3 * wave).clip(0, 1) * np.float32(random.uniform(0.4, 1))


def wall(random: np.random.Generator, brick: int) -> Pixels:
    """Bricks in mortar, each in a tone of its own."""
    high, wide, mortar = brick, 3 * brick, max(brick // 6, 1)
    y = np.full((SIDE, SIDE), 0.75, np.float32)
    for row, top in enumerate(range(0, SIDE, high)):
        for left in range(-wide + (row % 2) * wide // 2, SIDE, wide):
            y[top : top + high - mortar, max(left, 0) : max(left + wide - mortar, 0)] = random.uniform(0.3, 0.5)
    return (y + random.normal(0, 0.01, y.shape)).astype(np.float32)


def cloth(random: np.random.Generator, thread: float) -> Pixels:
    """Plain weave or twill: threads over and under one another, uneven, in folds of light and shadow."""
    down, right = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    uneven = [gaussian_filter(random.normal(0, 1, (SIDE, SIDE)), 12) * 12 * 0.35 for _ in range(2)]
    down, right = down + thread * uneven[0], right + thread * uneven[1]
    row, column = np.floor(down / thread), np.floor(right / thread)
    over = (row + column) % 2 < 1 if random.random() < 0.5 else (row + column) % 4 < 2
    rounded = np.where(over, np.sin(np.pi * (down / thread - row)), np.sin(np.pi * (right / thread - column)))
    folds = gaussian_filter(random.normal(0, 1, (SIDE, SIDE)), 30) * 30 * 0.25
    y = (0.55 + folds) * (0.6 + 0.4 * rounded * np.where(over, 1.0, 0.8))
    return (gaussian_filter(y, 0.6) + random.normal(0, 0.01, y.shape)).clip(0, 1).astype(np.float32)


def sprites(data: Path) -> Iterator[Pixels]:
    """Emoji in 16 pixels and 12 colours, set side by side, each pixel 1, 2, 4 or 8 pixels large."""
    listing = list_pictures(data / "generation" / "emoji64.zip")
    found = [
        decode(stored, 3)
        for (_, stored), _ in zip(listing.read(), range(800), strict=False)
        if isinstance(stored, bytes)
    ]
    for number, each in enumerate((1, 2, 4, 8) * 5):
        across = SIDE // (16 * each)
        rows = []
        for row in range(across):
            tiles = [found[(131 * number + 17 * row + column) % len(found)][::4, ::4] for column in range(across)]
            rows.append(np.concatenate(tiles, 1))
        small = np.concatenate(rows).astype(np.float32) / 255
        yield (np.round(small * 3) / 3).repeat(each, 0).repeat(each, 1)


def patterns(data: Path) -> Iterator[tuple[str, str, Pixels]]:
    """Kind, name and pixels (h, w, c) of what is not printed."""
    for number in range(30):
        random = np.random.default_rng(number)
        size = (2, 3, 4, 5, 6, 7, 8, 10, 12, 16)[number % 10]
        drawn = {
            "QR codes": code(random, size),
            "barcodes": bars(random, max(size // 3, 1)),
            "chequers": chequers(random, size),
            "chequers, turned": chequers(random, size + 1, True),
            "stripes": stripes(random, size),
            "drawn bricks": wall(random, size + 4),
            "woven cloth": cloth(random, 0.7 * size + 2),
        }
        for kind, y in drawn.items():
            yield kind, f"{number}: {size} pixels", y[..., None]
            yield f"{kind}, JPEG", f"{number}: {size} pixels", scanned(y, random, 80)
    for name in ("brick", "grass", "gravel", "page", "text"):
        y = getattr(textures, name)().astype(np.float32) / 255
        for step in (1, 2, 3, 4):
            soft = gaussian_filter(y, 0.4 * (step - 1))[::step, ::step]
            yield "brick, grass, gravel, text", f"{name} in {step}", soft[..., None]
            if name in ("page", "text"):
                yield "text in two tones", f"{name} in {step}", (soft > 0.5).astype(np.float32)[..., None]
    for number, y in enumerate(sprites(data)):
        yield "pixel art", str(number), y
    for folder in PHOTOGRAPHS:
        for name, y in clean_pictures(data / folder, 3):
            yield folder, name, y


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--misses", action="store_true", help="names of screens without the hint, of others with it")
    given = parser.parse_args()
    scenes = [
        x[:SIDE, :SIDE].mean(2) for folder in PHOTOGRAPHS[1:] for _, x in clean_pictures(given.data / folder, 3)[::6]
    ]
    scenes = [scene for scene in scenes if scene.shape == (SIDE, SIDE)]
    for title, is_screen, made in (("screens", True, screens(scenes)), ("others", False, patterns(given.data))):
        counts: dict[str, list[int]] = {}
        for kind, name, pixels in made:
            diagnosis = Diagnosis(Picture.from_array(pixels, depth=8))
            alone, hinted = diagnosis.is_dotted, diagnosis.is_screened
            count = counts.setdefault(kind, [0, 0, 0])
            for place, value in enumerate((1, alone, hinted)):
                count[place] += value
            if given.misses and hinted != is_screen:
                print(f"<!-- {kind}, {name}: {diagnosis.describe() if diagnosis.is_dotted else ''} -->", flush=True)
        print(f"\n| {title} | pictures | left alone | said to be for `descreen` |\n|---|---:|---:|---:|")
        for kind, (number, alone, hinted) in counts.items():
            print(f"| {kind} | {number} | {alone} | {hinted} |", flush=True)


if __name__ == "__main__":
    main()
