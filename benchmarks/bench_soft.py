"""Whether what is soft passes for compressed: `python benchmarks/bench_soft.py DATA [FOLDER ...] [--num N]`.

Middles of 256x256 of N photographs each of DATA/photos/val, reduced by 0.6 (these are JPEG files themselves),
DATA/photos2/val and DATA/benchmarks/cbsd68, or of the pictures of FOLDER: enlarged by kernels, by the shipped networks
and, in grey on black, as scanners of magnetic resonance leave it, by a spectrum filled up with zeros; blurred, turned,
smoothed by a median, in a mosaic of squares. None of them was compressed. Printed is how many are restored all the
same, and the least PSNR of what comes of one against itself. Then JPEG, WebP and AVIF, some made larger or smaller
afterwards, all in files without loss: how many are restored, and the dB gained on average over all.
"""

import argparse
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageFilter
from PIL.Image import Resampling

from sfumato import Picture
from sfumato.learn.degradations.resampling import enlarged_by
from sfumato.learn.evaluation.restoration import clean_pictures
from sfumato.measures import psnr
from sfumato.restoration.diagnosis import Diagnosis
from sfumato.restoration.restore import restore

SIDE = 256
REDUCED = {"photos/val": 0.6, "photos2/val": 1.0, "benchmarks/cbsd68": 1.0}
Made = Callable[[Image.Image], Image.Image]


def scaled(by: float, kernel: Resampling) -> Made:
    return lambda x: x if by == 1 else x.resize((round(by * x.width), round(by * x.height)), kernel)


def middle(x: Image.Image, wide: int, high: int) -> Image.Image:
    left, top = (x.width - wide) // 2, (x.height - high) // 2
    return x.crop((left, top, left + wide, top + high))


def of_middle(by: float, made: Made) -> Made:
    """Of so much of it that the size of the whole comes out."""
    return lambda x: made(middle(x, round(x.width / by), round(x.height / by)))


def photographs(folder: Path, by: float, num: int) -> list[Image.Image]:
    """The middles of so many pictures of a folder, spread over it, scaled first."""
    found = clean_pictures(folder, 3)
    whole = [scaled(by, Resampling.LANCZOS)(image(x)) for _, x in found[:: max(len(found) // num, 1)][:num]]
    return [middle(x, min(SIDE, x.width), min(SIDE, x.height)) for x in whole]


def of_network(name: str) -> Made:
    return lambda x: restored(x, model=name)


def mosaic(side: int) -> Made:
    """Of whole squares: what is left over is cut off."""
    return lambda x: scaled(side, Resampling.NEAREST)(
        middle(x, x.width // side * side, x.height // side * side).reduce(side)
    )


def slice_on_black(by: float) -> Made:
    def made(x: Image.Image) -> Image.Image:
        grey = ((np.asarray(x.convert("L"), np.float32) / 255 - 0.4) * 1.6).clip(0, 1)
        size = round(by * x.height), round(by * x.width)
        return image(enlarged_by(torch.from_numpy(grey)[None], size, "fourier")[0].numpy())

    return made


SOFT: dict[str, Made] = {
    "as they are": lambda x: x,
    **{
        f"enlarged by {by:g}, {kernel.name.lower()}": of_middle(by, scaled(by, kernel))
        for by in (1.5, 2, 3)
        for kernel in (Resampling.BILINEAR, Resampling.BICUBIC, Resampling.LANCZOS)
    },
    "enlarged by upscale-2x": of_middle(2, of_network("upscale-2x")),
    "enlarged by upscale-2x-robust": of_middle(2, of_network("upscale-2x-robust")),
    "enlarged by upscale-4x": of_middle(4, of_network("upscale-4x")),
    "slice on black, Fourier, 1.3": of_middle(1.3, slice_on_black(1.3)),
    "slice on black, Fourier, 2": of_middle(2, slice_on_black(2)),
    "Gaussian blur of 2": lambda x: x.filter(ImageFilter.GaussianBlur(2)),
    "box of 7": lambda x: x.filter(ImageFilter.BoxBlur(3)),
    "mosaic of 4": mosaic(4),
    "mosaic of 8": mosaic(8),
    "nearest pixels, 1/3.9": lambda x: scaled(3.9, Resampling.NEAREST)(scaled(1 / 3.9, Resampling.BOX)(x)),
    "median of 3": lambda x: x.filter(ImageFilter.MedianFilter(3)),
    "turned by 3 degrees, bilinear": lambda x: x.rotate(3, Resampling.BILINEAR),
}
COMPRESSED: dict[str, tuple[str, int, float]] = {  # the file's format, its quality, and by how much it is scaled after
    "JPEG 30": ("jpeg", 30, 1),
    "JPEG 80": ("jpeg", 80, 1),
    "JPEG 30, then 0.7": ("jpeg", 30, 0.7),
    "JPEG 60, then 0.9": ("jpeg", 60, 0.9),
    "JPEG 70, then 1.2": ("jpeg", 70, 1.2),
    "JPEG 40, then 1.5": ("jpeg", 40, 1.5),
    "WebP 30": ("webp", 30, 1),
    "WebP 75": ("webp", 75, 1),
    "AVIF 30": ("avif", 30, 1),
    "AVIF 60": ("avif", 60, 1),
}


def image(x: np.ndarray) -> Image.Image:
    return Image.fromarray((255 * x.clip(0, 1)).round().astype(np.uint8).squeeze())


def pixels(x: Image.Image) -> np.ndarray:
    values = np.asarray(x, np.float32) / 255
    return values if values.ndim == 3 else values[..., None]


def restored(x: Image.Image, **how: str) -> Image.Image:
    return image(restore(Picture.from_array(pixels(x), depth=8), **how).picture.array())


def tasks_of(x: Image.Image) -> tuple[str, ...]:
    return Diagnosis(Picture.from_array(pixels(x), depth=8)).tasks


def stored(x: Image.Image, codec: str, quality: int) -> Image.Image:
    file = io.BytesIO()
    x.save(file, codec, quality=quality)
    return Image.open(file).convert("RGB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--num", type=int, default=12)
    given = parser.parse_args()
    sets = [(folder, 1.0) for folder in given.folders] or [(given.data / name, by) for name, by in REDUCED.items()]
    whole = [x for folder, by in sets for x in photographs(folder, by, given.num)]
    print(f"| {len(whole)} photographs, never compressed | restored | least PSNR against itself |\n|---|---:|---:|")
    for name, made in SOFT.items():
        shown = [made(x) for x in whole]
        found = [(x, tasks) for x in shown if (tasks := tasks_of(x))]
        least = min((psnr(pixels(restored(x)), pixels(x)) for x, _ in found), default=np.inf)
        print(f"| {name} | {len(found)} | {'' if np.isinf(least) else f'{least:.1f}'} |", flush=True)
    print("\n| compressed, stored without loss | restored | gained, dB |\n|---|---:|---:|")
    for name, (codec, quality, by) in COMPRESSED.items():
        after = scaled(by, Resampling.LANCZOS)
        pairs = [(after(x), after(stored(x, codec, quality))) for x in whole]
        count = sum(bool(tasks_of(y)) for _, y in pairs)
        gained = np.mean([psnr(pixels(restored(y)), pixels(x)) - psnr(pixels(y), pixels(x)) for x, y in pairs])
        print(f"| {name} | {count} | {gained:.2f} |", flush=True)


if __name__ == "__main__":
    main()
