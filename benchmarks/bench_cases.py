"""What `sfumato restore` makes of odd inputs, one row each: `python benchmarks/bench_cases.py CASES`.

CASES holds the files that issue 20 names, made anew after public reports of people who use tools of this kind. "before"
is what came of them when they were reported; "now" is measured by the command line of this checkout: its exit status
and what it says, or what is in the result.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from sfumato import Picture

Look = Callable[[Path, Path, str], str]


def said(source: Path, result: Path, words: str) -> str:
    """What is said, without folders and what is said of every file."""
    line = " ".join(words.replace(f"{source.parent}/", "").replace(f"{result.parent}/", "").split())
    return line.removeprefix("sfumato: ").removeprefix(f"{source.name} -> {result.name} ")


def means(source: Path, result: Path, words: str) -> str:
    """The largest change of a mean over 32x32 pixels of the source, of any channel, of 255."""
    if not result.exists():
        return said(source, result, words)
    x, y = (np.asarray(Image.open(path).convert("RGB"), float) for path in (source, result))
    scale = len(y) // len(x)
    y = y.reshape(len(x), scale, x.shape[1], scale, 3).mean((1, 3))
    rows, columns = (length // 32 for length in x.shape[:2])
    cells = (y - x)[: rows * 32, : columns * 32].reshape(rows, 32, columns, 32, 3).mean((1, 3))
    return f"means over 32x32 move by at most {np.abs(cells).max():.1f} of 255"


def patch(source: Path, result: Path, words: str) -> str:
    """The mean where neighbours differ most in the source, which is the checkerboard, before and after."""
    x, y = (np.asarray(Image.open(path).convert("L"), float) for path in (source, result))
    steps = np.abs(np.diff(x, axis=1, append=x[:, -1:]))
    rows, columns = (length // 16 for length in x.shape)
    busy = steps[: rows * 16, : columns * 16].reshape(rows, 16, columns, 16).mean((1, 3))
    row, column = np.unravel_index(busy.argmax(), busy.shape)
    inside = np.s_[row * 16 : row * 16 + 16, column * 16 : column * 16 + 16]
    return f"mean of the patch {x[inside].mean():.1f}, then {y[inside].mean():.1f}"


def density(source: Path, result: Path, words: str) -> str:
    found = Image.open(result).info.get("dpi")
    return f"{found[0]:.0f} dpi" if found else "no dpi"


def title(source: Path, result: Path, words: str) -> str:
    kept = [Image.open(path).info.get("Title") for path in (source, result)]
    return "the same Title" if kept[0] == kept[1] else f"Title {kept[1]!r}"


def changed(source: Path, result: Path, words: str) -> str:
    x, y = (np.asarray(Image.open(path).convert("L")) for path in (source, result))
    return f"restored where the mask says: {100 * (x != y).mean():.0f} % of the pixels changed"


def claim(source: Path, result: Path, words: str) -> str:
    return "claims a gain map" if b"hdrgm" in result.read_bytes() else "no claim of a gain map"


def values(source: Path, result: Path, words: str) -> str:
    array = Picture.open(result).array()
    return f"values from {array.min():.0f} to {array.max():.0f}"


def centroids(source: Path, result: Path, words: str) -> str:
    """Where colour and transparency lie."""
    pixels = np.asarray(Image.open(result).convert("RGBA"), float)
    columns = np.arange(pixels.shape[1])
    alpha, colour = pixels[..., 3], pixels[..., :3].mean(2) * pixels[..., 3]
    return ", ".join(
        f"{name} {(part.sum(0) @ columns) / part.sum():.2f}" for name, part in (("colour", colour), ("alpha", alpha))
    )


# Of each file: what came of it before, options, the suffix of the result, and what is looked at.
CASES: dict[str, tuple[str, tuple[str, ...], str, Look]] = {
    "flat-one-colour.png": ("`AssertionError`", (), ".png", means),
    "checker-in-noisy-photo.jpg": ("the patch of mean 130 black", (), ".png", patch),
    "checker-in-photo.png": ("`clean`: black", ("--task", "clean"), ".png", patch),
    "bw-stripes-in-colour-photo.jpg": ("blue 25 below red", ("--model", "upscale-2x-robust"), ".png", means),
    "newspaper-halftone.jpg": ('"JPEG 61, noise beneath", face erased', (), ".jpg", said),
    "clean-photo-hint-scratches.png": ('"Perhaps scratches"', (), ".png", said),
    "alpha-half-pixel-disc.png": ("colour 199.5, alpha 200.0", ("--task", "upscale"), ".png", centroids),
    "jfif-300dpi-no-exif.jpg": ("no dpi", (), ".jpg", density),
    "no-dpi.png": ("72 dpi", (), ".png", density),
    "utf8-text.png": ("mojibake", (), ".png", title),
    "animated-4-frames.png": ("first frame, nothing said", (), ".png", said),
    "float-counts.tif": ("pure white", (), ".tif", values),
    "ycbcr-uncompressed.tif": ("blue", (), ".png", said),
    "zstd.tif": ('"damaged"', (), ".png", said),
    "ultrahdr-gainmap.jpg": ("claims a gain map", (), ".jpg", claim),
    "mask-red-on-transparent.png": ('"all black", exit 0', ("--mask",), ".png", changed),
    "mask-0-and-1.png": ('"all black", exit 0', ("--mask",), ".png", changed),
    "bigtiff-wild-offset.tif": ("traceback", (), ".png", said),
    "avif-metadata-not-utf8.avif": ("traceback", (), ".png", said),
}


def row(cases: Path, name: str, folder: Path) -> str:
    """A line of the table."""
    before, options, suffix, look = CASES[name]
    source, result = cases / name, folder / f"{Path(name).stem}{suffix}"
    if options == ("--mask",):  # of a noisy grey square of its size
        options = ("--mask", str(source), "--task", "denoise", "--noise", "10")
        source = folder / f"grey-{name}"
        noisy = np.random.default_rng(0).normal(128, 10, Image.open(cases / name).size[::-1])
        Image.fromarray(noisy.round().astype(np.uint8)).save(source)
    command = [sys.executable, "-m", "sfumato", "restore", str(source), "-o", str(result), *options]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    words = ran.stderr if ran.returncode else ran.stdout + ran.stderr
    if "Traceback" in words:
        now = "traceback"
    elif ran.returncode and look is not said:
        now = said(source, result, words)
    else:
        now = look(source, result, words.replace(f"{cases}/", ""))
    return f"| {name} | {before} | {ran.returncode} | {now.replace('|', '/')} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path)
    given = parser.parse_args()
    print("| file | before | exit status now | now |\n|---|---|---:|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name in CASES:
            print(row(given.cases, name, Path(folder)), flush=True)


if __name__ == "__main__":
    main()
