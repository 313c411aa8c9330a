"""How far patterns are off from afar after each restorer: `python benchmarks/bench_patterns.py [--num N]`.

A random family: checkerboards, stripes of 1-4 pixels at eight angles, ordered dither and halftone, of any phase,
contrast and colours, 96x96 pixels on a flat ground or in a photograph; N of each for each restorer and damage, nothing
stated. By how much of 255 the means of channels are off the clean pattern's: over the whole pattern in the worst
picture; over windows of 16x16, in the worst one, and in how many by more than 3. After what enlarges, means over the
pixels of the input. In brackets the same of the damaged patterns, before they are restored.
"""

import argparse
from functools import cache
from typing import NamedTuple

import imageio.v3 as imageio
import numpy as np
from skimage.data import astronaut

from sfumato import Picture, restore
from sfumato.models.engine import Engine, load

RESTORERS = (
    "denoise-fast",
    "denoise-best",
    "clean",
    "dejpeg",
    "deblur",
    "descreen",
    "upscale-2x",
    "upscale-2x-robust",
    "upscale-4x",
    "upscale-4x-robust",
)
WINDOW = 16
SIDE, EDGE = 160, 32  # of a picture, and of the ground around its pattern
INSIDE = slice(EDGE, SIDE - EDGE), slice(EDGE, SIDE - EDGE)
BAYER = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]])


@cache
def engine(name: str) -> Engine:
    return load(name)


def pattern(rng: np.random.Generator) -> np.ndarray:
    """0 and 1, (SIDE - 2 EDGE)^2."""
    rows, columns = np.mgrid[0 : SIDE - 2 * EDGE, 0 : SIDE - 2 * EDGE] + rng.integers(0, 16, (2, 1, 1))
    kind, pitch = rng.integers(5), int(rng.integers(1, 5))
    if kind == 0:
        return (rows // pitch + columns // pitch) % 2
    if kind in (1, 2):
        angle = np.deg2rad(rng.choice([0, 5, 17, 30, 45, 63, 90, 135]))
        return np.floor((columns * np.cos(angle) + rows * np.sin(angle)) / pitch) % 2
    if kind == 3:
        return BAYER[rows % 4, columns % 4] < rng.integers(2, 15)
    turned = 2 * np.pi * (columns + 1j * rows) * np.exp(1j * rng.uniform(0, 2 * np.pi)) / rng.uniform(2.5, 6)
    return (np.cos(turned.real) + np.cos(turned.imag)) / 4 + 0.5 < rng.uniform(0.3, 0.7)


def patterned(rng: np.random.Generator) -> np.ndarray:
    """A pattern on its ground, uint8 (SIDE, SIDE, 3)."""
    top, left = rng.integers(0, 512 - SIDE, 2)
    x = astronaut()[top : top + SIDE, left : left + SIDE].astype(float)
    if rng.random() < 0.5:
        x[:] = rng.uniform(40, 210)
    contrast = rng.choice([25, 60, 120])
    middle = rng.uniform(contrast / 2, 255 - contrast / 2, 3)
    signs = np.ones(3) if rng.random() < 0.6 else rng.choice([-1, 1, 0], 3)
    x[INSIDE] = middle + contrast * signs * (pattern(rng)[..., None] - 0.5)
    return x.round().clip(0, 255).astype(np.uint8)


def noisy(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return (x + rng.normal(0, 15, x.shape)).round().clip(0, 255).astype(np.uint8)


def compressed(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return imageio.imread(imageio.imwrite("<bytes>", x, extension=".jpg", quality=50))


DAMAGES = {"undamaged": lambda x, rng: x, "noise of 15": noisy, "JPEG 50": compressed}


def means(pixels: np.ndarray) -> np.ndarray:
    """Over windows, those at the ends left out where they are smaller."""
    rows, columns = (length // WINDOW for length in pixels.shape[:2])
    whole = pixels[: rows * WINDOW, : columns * WINDOW]
    return whole.reshape(rows, WINDOW, columns, WINDOW, pixels.shape[2]).mean(axis=(1, 3))


class Off(NamedTuple):
    """By how much, of 255, means of patterns are off those of the clean ones: over all of each (num,), in the channel
    that is off most, and over windows (num, rows, columns, channels).
    """

    whole: np.ndarray
    windows: np.ndarray

    @classmethod
    def of(cls, x: list[np.ndarray]) -> "Off":
        """Of differences (h, w, c) from the clean patterns."""
        return cls(np.array([np.abs(off.mean(axis=(0, 1))).max() for off in x]), np.abs([means(off) for off in x]))


def off_after(name: str, damage: str, num: int) -> tuple[Off, Off]:
    """By how much the means of `num` patterns are off when restored, and when only damaged."""
    rng, restored, damaged = np.random.default_rng(RESTORERS.index(name)), [], []
    for _ in range(num):
        clean = patterned(rng)
        y = DAMAGES[damage](clean, rng)
        x_hat = 255 * restore(Picture.from_array(y.astype(np.float32) / 255), model=engine(name)).picture.array()
        scale = len(x_hat) // SIDE
        small = x_hat.reshape(SIDE, scale, SIDE, scale, 3).mean(axis=(1, 3))
        restored.append((small - clean)[INSIDE])
        damaged.append((y - clean.astype(float))[INSIDE])
    return Off.of(restored), Off.of(damaged)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--num", type=int, default=12)
    num = parser.parse_args().num
    print("| model | " + " | ".join(f"{damage}: whole | windows | beyond 3" for damage in DAMAGES) + " |")
    print("|---" + "|---:" * 3 * len(DAMAGES) + "|")
    for name in RESTORERS:
        cells = []
        for damage in DAMAGES:
            after, before = (
                (f"{off.whole.max():.1f}", f"{off.windows.max():.1f}", f"{100 * (off.windows > 3).mean():.1f} %")
                for off in off_after(name, damage, num)
            )
            cells += after if damage == "undamaged" else map("{} ({})".format, after, before)
        print(f"| `{name}` | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
