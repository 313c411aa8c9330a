"""The two looks of enlarging and filling in: `python benchmarks/bench_look.py DATA`.

DATA holds benchmarks/set5 and photos2/val: 16 large colour-rich photographs, of which the middle 512x512 is
taken. PSNR in dB over RGB (of holes: over what was missing), the perceptual distance, and FID of crops, results rounded
to 8 bits. Crops are 128x128, without overlap; of holes they lie about each. FID of few pictures is biased upwards, by
the same for both looks. Features of EfficientNet-Lite0, which no training of these models saw (theirs was Lite1).

x4: reduced by the bicubic kernel. small x4: the middle 640x640 (what is smaller passes for an icon when it is reduced)
in the same way, then noise of sigma 5 and JPEG 60. Holes: squares of 32, 64 and 96 pixels, four a picture, one in each
quarter, placed with the seed of its number. Each difference of the distance is of the same pictures, with a 95 %
bootstrap interval.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from bootstrap import described

from sfumato.learn.evaluation.protocols import Protocol
from sfumato.learn.evaluation.restoration import clean_pictures, degraded
from sfumato.learn.metrics.distribution import fid
from sfumato.learn.metrics.features import lite0
from sfumato.learn.metrics.perceptual import perceptual_distance
from sfumato.measures import psnr
from sfumato.restoration.options import LOOKS
from sfumato.restoration.restore import restore

CROP, MIDDLE, WIDER = 128, 512, 640
HOLES = (32, 64, 96)
Named = list[tuple[str, np.ndarray]]


class Measured:
    """PSNR and distance of each picture, and crops of the results and of the originals."""

    def __init__(self) -> None:
        self.figures: list[tuple[float, float]] = []
        self.results: list[np.ndarray] = []
        self.originals: list[np.ndarray] = []

    def add(self, x_hat: np.ndarray, x: np.ndarray, crops: list[tuple[int, int]], mask: np.ndarray | None) -> None:
        x_hat = (x_hat.clip(0, 1) * 255).round().astype(np.float32) / 255
        where = None if mask is None else _planes(mask[..., None].astype(np.float32))
        distance = float(perceptual_distance(_planes(x_hat), _planes(x), mask=where))
        self.figures.append((psnr(x_hat, x, where=mask), distance))
        for top, left in crops:
            window = slice(top, top + CROP), slice(left, left + CROP)
            self.results.append(x_hat[window])
            self.originals.append(x[window])

    def row(self, name: str) -> str:
        value, distance = np.mean(self.figures, axis=0)
        real, made = (np.stack(crops).transpose(0, 3, 1, 2) for crops in (self.originals, self.results))
        apart = fid(lite0()(real), lite0()(made))
        return f"| {name} | {value:.2f} | {distance:.4f} | {apart:.1f} |"


def _planes(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))[None]


def tiles(height: int, width: int) -> list[tuple[int, int]]:
    return [(top, left) for top in range(0, height - CROP + 1, CROP) for left in range(0, width - CROP + 1, CROP)]


def holes(height: int, width: int, side: int, seed: int) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """A mask `h w` with a square in each quarter, and the crops about them."""
    draw, mask, crops = np.random.default_rng(seed), np.zeros((height, width), bool), []
    for row in range(2):
        for column in range(2):
            top = row * (height // 2) + int(draw.integers(0, height // 2 - side))
            left = column * (width // 2) + int(draw.integers(0, width // 2 - side))
            mask[top : top + side, left : left + side] = True
            about = (min(max(p + side // 2 - CROP // 2, 0), n - CROP) for p, n in ((top, height), (left, width)))
            crops.append((next(about), next(about)))
    return mask, crops


def enlarged(pictures: Named, protocol: str) -> Iterator[tuple[np.ndarray, np.ndarray, list, None, dict]]:
    for number, (_, x) in enumerate(pictures):
        x = x[: len(x) // 32 * 32, : x.shape[1] // 32 * 32]
        y = degraded(x, Protocol.parse(protocol).degradation(), number)
        yield x, y, tiles(*x.shape[:2]), None, {"task": "upscale", "scale": 4}


def with_holes(pictures: Named, side: int) -> Iterator[tuple[np.ndarray, np.ndarray, list, np.ndarray, dict]]:
    for number, (_, x) in enumerate(pictures):
        mask, crops = holes(*x.shape[:2], side, number)
        yield x, np.where(mask[..., None], np.float32(0.5), x), crops, mask, {"task": "inpaint", "mask": mask}


def table(title: str, samples: Callable[[], Iterator]) -> None:
    found = {look: Measured() for look in LOOKS}
    for x, y, crops, mask, options in samples():
        for look, measured in found.items():
            measured.add(restore(y, look=look, **options).picture.array(), x, crops, mask)
    print(
        f"\n| {title} | PSNR | perceptual distance | FID, {len(found[LOOKS[0]].results)} crops |\n|---|---:|---:|---:|"
    )
    for look, measured in found.items():
        print(measured.row(look))
    faithful, sharp = (np.array(measured.figures)[:, 1] for measured in found.values())
    print(f"\nfaithful - sharp, perceptual distance: {described(faithful - sharp)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", choices=("x4", "small", "holes"), help="one kind of them")
    given = parser.parse_args()
    set5 = clean_pictures(given.data / "benchmarks" / "set5", 3)
    whole = [(name, x) for name, x in clean_pictures(given.data / "photos2" / "val", 3) if min(x.shape[:2]) >= WIDER]
    large = [(name, _middle(x, MIDDLE)) for name, x in whole]
    if given.only in (None, "x4"):
        table("Set5, x4", lambda: enlarged(set5, "bicubic:4"))
        table("photos2/val, x4", lambda: enlarged(large, "bicubic:4"))
    if given.only in (None, "small"):
        wider = [(name, _middle(x, WIDER)) for name, x in whole]
        table("photos2/val, small x4", lambda: enlarged(wider, "small:4"))
    if given.only in (None, "holes"):
        for side in HOLES:
            table(f"photos2/val, holes of {side}x{side}", lambda side=side: with_holes(large, side))


def _middle(x: np.ndarray, side: int) -> np.ndarray:
    top, left = ((length - side) // 2 for length in x.shape[:2])
    return x[top : top + side, left : left + side]


if __name__ == "__main__":
    main()
