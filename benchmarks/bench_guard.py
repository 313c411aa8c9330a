"""What it costs that restoring never changes a picture from afar: `python benchmarks/bench_guard.py DATA [--every N]`.

DATA holds benchmarks/cbsd68 (CBSD68: pictures of BSDS500's validation part), of which every Nth is taken. Each row is a
damage and a model, PSNR in dB (RGB, border 0, not rounded) without the guard and with it, the largest loss of a
picture, and in how many the change was held back somewhere. Then the CPU time of a picture of 1.5 megapixels with the
guard over that without.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from sfumato.learn.degradations.jpeg import compressed
from sfumato.learn.evaluation.protocols import BLOTCHES
from sfumato.learn.evaluation.restoration import clean_pictures, degraded
from sfumato.measures import psnr
from sfumato.models.engine import load
from sfumato.pictures.picture import Picture
from sfumato.restoration import steps
from sfumato.restoration.restore import restore

Pixels = NDArray[np.float32]


def white(x: Pixels, draw: np.random.Generator, sigma: float) -> Pixels:
    return (x + draw.standard_normal(x.shape) * sigma / 255).astype(np.float32)


def blotches(x: Pixels, draw: np.random.Generator, sigma: float, width: float) -> Pixels:
    noise = gaussian_filter(draw.standard_normal(x.shape), (width, width, 0))
    return (x + noise / noise.std() * sigma / 255).astype(np.float32)


def coloured(x: Pixels, draw: np.random.Generator) -> Pixels:
    return degraded(x, replace(BLOTCHES, sigma=(12, 12)), int(draw.integers(2**31)))


def jpeg(x: Pixels, quality: int) -> Pixels:
    import torch

    planes = torch.from_numpy(x.transpose(2, 0, 1).copy())
    return compressed(planes, quality).numpy().transpose(1, 2, 0)


CASES: dict[str, tuple[str, Callable[[Pixels, np.random.Generator], Pixels], dict[str, Any]]] = {
    "white noise of 50, level known": ("denoise-fast", lambda x, draw: white(x, draw, 50), {"noise": 50}),
    "noise of 20 in blotches of 1, level known": ("denoise-fast", lambda x, d: blotches(x, d, 20, 1), {"noise": 20}),
    "noise of 25, clipped": ("clean", lambda x, draw: white(x, draw, 25).clip(0, 1), {}),
    "noise of 12 in blotches of 2.5": ("clean", lambda x, draw: blotches(x, draw, 12, 2.5), {}),
    "noise of 12, fine in luma, in blotches of 2.5 in colour": ("denoise-fast", coloured, {}),
    "noise of 15, then JPEG 50": ("clean", lambda x, draw: jpeg(white(x, draw, 15).clip(0, 1), 50), {}),
    "JPEG 10, quality known": ("dejpeg", lambda x, draw: jpeg(x, 10), {"jpeg_quality": 10}),
    "JPEG 30, quality known": ("dejpeg", lambda x, draw: jpeg(x, 30), {"jpeg_quality": 30}),
    "undamaged": ("clean", lambda x, draw: x, {}),
    "undamaged ": ("deblur", lambda x, draw: x, {}),
}


@contextmanager
def without_guard() -> Iterator[None]:
    guarded, steps.GUARDED = steps.GUARDED, ()
    try:
        yield
    finally:
        steps.GUARDED = guarded


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--every", type=int, default=6)
    options = parser.parse_args()
    pictures = [x for _, x in clean_pictures(options.data / "benchmarks" / "cbsd68", 3)][:: options.every]
    print(f"CBSD68, {len(pictures)} pictures, PSNR in dB, RGB, border 0, not rounded, seed 0")
    for name, (model, damage, stated) in CASES.items():
        engine, draw = load(model), np.random.default_rng(0)
        gains, without, held = [], [], 0
        for x in pictures:
            y = damage(x, draw)
            with without_guard():
                plain = psnr(restore(y, model=engine, **stated).picture.array(), x)
            guarded = restore(y, model=engine, **stated)
            held += any("held back" in note for note in guarded.notes)
            without.append(plain)
            gains.append(psnr(guarded.picture.array(), x) - plain)
        print(
            f"{name.strip()}, {model}: {np.mean(without):.3f}, with the guard {np.mean(gains):+.4f}, least "
            f"{min(gains):+.3f}, held back somewhere in {held} of {len(pictures)}"
        )
    print(
        f"CPU time with the guard: {time_ratio():.3f} of that without (denoise-fast, 1.5 megapixels, JPEG, one thread)"
    )


def time_ratio() -> float:
    engine = load("denoise-fast", threads=1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "noise.jpg"
        Picture.from_array(np.random.default_rng(0).normal(0.5, 0.1, (1000, 1500, 3)).clip(0, 1)).save(path)

        def seconds() -> float:
            start = time.process_time()
            restore(path, model=engine, noise=25)
            return time.process_time() - start

        ratios = []
        for _ in range(5):
            guarded = seconds()
            with without_guard():
                ratios.append(guarded / seconds())
    return float(np.median(ratios[1:]))


if __name__ == "__main__":
    main()
