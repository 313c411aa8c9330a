"""Dots of print and dither back to tones: `python benchmarks/bench_descreen.py DATA [--model FILE] [--save FOLDER]`.

DATA holds benchmarks/cbsd68 (CBSD68: pictures of BSDS500's validation part) and photos2/val. Four pictures of each, cut
to 480x480, are put into dots by Ghostscript and Pillow (screens_made_otherwise.py); no training saw either. PSNR in dB
of the output, neither rounded nor clipped, grey or RGB; beside it a Gaussian whose width is the best one for that very
picture, which nobody knows who has no original. "least gain" is that of the worst picture over the
Gaussian. Then what is done to photographs without dots, and to means over windows of 64x64 pixels.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter
from screens_made_otherwise import Pixels, Print, blue, diffused, diffused_colours

from sfumato import Picture, restore
from sfumato.learn.evaluation.restoration import clean_pictures
from sfumato.measures import psnr
from sfumato.models.engine import Engine, load

Dots = Callable[[Pixels, np.random.Generator], Pixels]
# Whether in colour, and how the dots are made.
CASES: dict[str, tuple[bool, Dots]] = {
    "euclidean, 6 pixels, 45 degrees, 1 bit": (False, Print("euclidean", 6, 45)),
    "cosine, 4 pixels, 18 degrees, 1 bit": (False, Print("cosine", 4, 18)),
    "euclidean, 5 pixels, 30 degrees, scanned": (False, Print("euclidean", 5, 30, 4, 0.5, 2)),
    "rhomboid, 8 pixels, 22 degrees, scanned, JPEG 80": (False, Print("rhomboid", 8, 22, 4, 0.7, 2, 80)),
    "lines, 4.5 pixels, 60 degrees, scanned": (False, Print("line", 4.5, 60, 4, 0.5, 3)),
    "ellipse, 3 pixels, 45 degrees, scanned, JPEG 70": (False, Print("ellipse", 3, 45, 4, 0.4, 2, 70)),
    "crosses, 10 pixels, 75 degrees, scanned, JPEG 60": (False, Print("cross", 10, 75, 4, 0.8, 2, 60)),
    "four inks, 5 pixels, scanned, JPEG 90": (True, Print("euclidean", 5, 0, 4, 0.5, 2, 90, inks=True)),
    "error diffusion (Pillow), 1 bit": (False, diffused),
    "error diffusion (Pillow), 8 colours": (True, diffused_colours),
    "blue noise (void and cluster), 1 bit": (False, blue),
}
WIDTHS = np.arange(0.3, 6.0, 0.3)
SIDE, EACH, WINDOW = 480, 4, 64


def photographs(data: Path, folder: str) -> Iterator[Pixels]:
    """The middles of some pictures, evenly spaced over the folder."""
    pictures = clean_pictures(data / folder, 3)
    for _, x in pictures[:: len(pictures) // EACH][:EACH]:
        top, left = (max(length - SIDE, 0) // 2 for length in x.shape[:2])
        yield x[top : top + SIDE, left : left + SIDE]


def best_gaussian(y: Pixels, x: Pixels) -> float:
    """PSNR by the width that is best for this picture."""

    def score(width: float) -> float:
        return psnr(gaussian_filter(y, (width, width, 0)), x)

    near = max(WIDTHS, key=score)
    return max(score(width) for width in near + np.arange(-0.2, 0.21, 0.05))


def mean_change(x_hat: Pixels, y: Pixels) -> float:
    """The largest change of a mean over windows of 64x64 pixels, of 255."""
    rows, columns = (length // WINDOW for length in y.shape[:2])
    change = (x_hat - y)[: rows * WINDOW, : columns * WINDOW].reshape(rows, WINDOW, columns, WINDOW, -1)
    return 255 * float(np.abs(change.mean((1, 3))).max())


def save(folder: Path, name: str, *pixels: Pixels) -> None:
    """Side by side, in full size."""
    folder.mkdir(parents=True, exist_ok=True)
    beside = np.concatenate([part.clip(0, 1) for part in pixels], axis=1)
    Picture.from_array(beside).save(folder / f"{name.replace(', ', '-').replace(' ', '_')}.png", overwrite=True)


def compare(name: str, engine: Engine, pictures: list[Pixels], folder: Path | None) -> str:
    """A row of the table."""
    in_colour, dots = CASES[name]
    scores, moved = [], []
    for number, picture in enumerate(pictures):
        x = picture if in_colour else picture.mean(2, keepdims=True)
        y = dots(x, np.random.default_rng(number))
        x_hat = restore(Picture.from_array(y), model=engine).picture.array()
        scores.append([psnr(y, x), best_gaussian(y, x), psnr(x_hat, x)])
        moved.append(mean_change(x_hat, y))
        if folder is not None:
            save(folder, f"{name} {number}", y, x_hat, x)
    table = np.array(scores)
    gains = table[:, -1] - table[:, 1]
    figures = [*table.mean(0), gains.mean(), gains.min()]
    return f"| {name} | {' | '.join(f'{figure:.2f}' for figure in figures)} | {max(moved):.1f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="descreen", help="a model file or the name of a shipped model")
    parser.add_argument("--save", type=Path, help="a folder for dots, result and original side by side")
    given = parser.parse_args()
    engine = load(given.model)
    pictures = [x for folder in ("benchmarks/cbsd68", "photos2/val") for x in photographs(given.data, folder)]
    name = engine.card.name
    print(f"\n{len(pictures)} pictures, PSNR in dB\n")
    print(f"| dots | as they are | best Gaussian | `{name}` | gain | least gain | means moved |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for case in CASES:
        print(compare(case, engine, pictures, given.save), flush=True)
    for folder in ("benchmarks/cbsd68", "photos/val", "photos2/val"):
        kept = [
            psnr(restore(Picture.from_array(x), model=engine).picture.array(), x)
            for x in photographs(given.data, folder)
        ]
        print(f"\nWithout dots, {folder}: {np.mean(kept):.1f} dB to the picture as it was, least {min(kept):.1f}")


if __name__ == "__main__":
    main()
