"""Holes filled, beside classical inpainting: `python benchmarks/bench_inpainting.py DATA`.

DATA holds benchmarks/cbsd68 and masks (irregular masks of 512x512, white where pixels are missing). Each mask is
cropped from the centre to the picture's size and only then sorted into bands by how much of the picture it covers.
Picture number i gets mask number i of those in the band, counted in the order of their names and from the start again
after the last; `--assignment` prints who got which. PSNR in dB over the missing pixels only, SSIM over the whole
picture, both on results rounded to 8 bits, and the perceptual distance near what was missing; means of pictures.

Peers: OpenCV's Telea and Navier-Stokes (`pip install opencv-python-headless`), radius 3, and scikit-image's biharmonic
inpainting, which is slow: `--pictures N` takes the first N only. `--model FILE` measures other model files too, and
prints the paired difference to the first with a 95 % bootstrap interval.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from bootstrap import described

from sfumato import Picture
from sfumato.learn.evaluation.restoration import clean_pictures
from sfumato.learn.metrics.perceptual import perceptual_distance
from sfumato.measures import psnr, ssim
from sfumato.models.engine import Engine, load
from sfumato.restoration.restore import restore

BANDS = ((0.01, 0.10), (0.10, 0.20), (0.20, 0.30))
Filler = Callable[[np.ndarray, np.ndarray], np.ndarray]


def read_masks(folder: Path) -> dict[str, np.ndarray]:
    """Masks by name, boolean (512, 512), true where pixels are missing."""
    return {path.name: Picture.open(path).array().mean(axis=2) > 0.5 for path in sorted(folder.glob("*.png"))}


def assigned(masks: dict[str, np.ndarray], size: tuple[int, int], band: tuple[float, float], number: int):
    """Name and cropped mask for picture `number` of this size in the band."""
    cropped = {name: centred(mask, size) for name, mask in masks.items()}
    fitting = [name for name, mask in cropped.items() if band[0] < mask.mean() <= band[1]]
    name = fitting[number % len(fitting)]
    return name, cropped[name]


def centred(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    top, left = ((have - want) // 2 for have, want in zip(mask.shape, size, strict=True))
    return mask[top : top + size[0], left : left + size[1]]


def ours(engine: Engine) -> Filler:
    return lambda y, mask: restore(y, model=engine, mask=mask).picture.array()


def opencv(method: str) -> Filler:
    import cv2

    def run(y: np.ndarray, mask: np.ndarray) -> np.ndarray:
        rounded = (y * 255).round().astype(np.uint8)
        return cv2.inpaint(rounded, mask.astype(np.uint8), 3, getattr(cv2, method)).astype(np.float32) / 255

    return run


def biharmonic(y: np.ndarray, mask: np.ndarray) -> np.ndarray:
    from skimage.restoration import inpaint_biharmonic

    return inpaint_biharmonic(y, mask, channel_axis=-1, split_into_regions=True).astype(np.float32)


def measure(fillers: dict[str, Filler], data: Path, pictures: int, *, assignment: bool) -> dict[str, np.ndarray]:
    """PSNR, SSIM and perceptual distance by filler: (bands, pictures, 3)."""
    masks = read_masks(data / "masks")
    clean = clean_pictures(data / "benchmarks" / "cbsd68", 3)[:pictures]
    found = {name: np.zeros((len(BANDS), len(clean), 3)) for name in fillers}
    for row, band in enumerate(BANDS):
        for number, (title, x) in enumerate(clean):
            name, mask = assigned(masks, x.shape[:2], band, number)
            if assignment:
                print(f"{title}: {name}, {100 * mask.mean():.1f} % missing")
            y = np.where(mask[..., None], np.float32(0.5), x)
            for filler, run in fillers.items():
                x_hat = (run(y, mask).clip(0, 1) * 255).round().astype(np.float32) / 255
                distance = perceptual_distance(*map(_batch, (x_hat, x)), mask=_batch(mask[..., None]))
                found[filler][row, number] = psnr(x_hat, x, where=mask), ssim(x_hat, x), float(distance)
    return found


def _batch(pixels: np.ndarray):
    import torch

    return torch.from_numpy(pixels.astype(np.float32)).permute(2, 0, 1)[None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", action="append", default=[], help="model files; default: the shipped one")
    parser.add_argument("--pictures", type=int, default=68)
    parser.add_argument("--assignment", action="store_true")
    parser.add_argument("--no-peers", action="store_true")
    options = parser.parse_args()
    fillers = {Path(model).stem: ours(load(model)) for model in options.model or ["inpaint"]}
    if not options.no_peers:
        fillers |= {"Telea": opencv("INPAINT_TELEA"), "Navier-Stokes": opencv("INPAINT_NS"), "biharmonic": biharmonic}
    found = measure(fillers, options.data, options.pictures, assignment=options.assignment)
    bands = [f"{100 * low:.0f}-{100 * high:.0f} %" for low, high in BANDS]
    print(
        f"\n| CBSD68, {options.pictures} pictures, PSNR on the holes / SSIM / perceptual distance | "
        + " | ".join(bands)
    )
    print("|---|" + "---:|" * len(BANDS))
    for name, values in found.items():
        cells = ["{:.2f} / {:.4f} / {:.4f}".format(*row.mean(axis=0)) for row in values]
        print(f"| {name} | " + " | ".join(cells) + " |")
    first, *others = list(found)[: len(options.model)] or [""]
    for name in others:
        difference = (found[first] - found[name])[..., 0].mean(axis=0)
        print(f"\n{first} - {name}, dB with its 95 % interval: {described(difference)}")


if __name__ == "__main__":
    main()
