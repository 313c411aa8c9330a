"""Denoising quality beside published networks: `python benchmarks/bench_denoising.py DATA [--photos FOLDER]`.

DATA holds benchmarks/cbsd68, benchmarks/bsd68 and benchmarks/set12 (the standard copies: CBSD68 and BSD68 are pictures
of BSDS500's validation part, Set12 comes with DnCNN) and peers/ (see peers.py). Protocol: white Gaussian noise, not
clipped, not rounded, seed 0, the same noise for every model; PSNR over RGB (or grey), whole picture, mean of pictures.
`--photos FOLDER` measures on other photographs instead, in colour (photographs.py). `--classical N` adds BM3D
(`pip install bm3d`) and OpenCV's non-local means (`pip install opencv-python-headless`) on the first N pictures of
CBSD68, beside the networks on the same pictures.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import peers
from photographs import middles

from sfumato.learn.degradations.noise import GaussianNoise
from sfumato.learn.evaluation.restoration import clean_pictures, degraded
from sfumato.measures import psnr
from sfumato.models.engine import Engine, load
from sfumato.restoration.restore import restore

SIGMAS = (15, 25, 50)
Denoiser = Callable[[np.ndarray, float], np.ndarray]


def ours(name: str) -> Denoiser:
    engine = load(name)
    return lambda y, sigma: restore(y, model=engine, noise=sigma).picture.array()


def peer(engine: Engine) -> Denoiser:
    """The network on the picture padded to its stride; a level map where it takes one."""

    def run(y: np.ndarray, sigma: float) -> np.ndarray:
        missing = [(-length) % engine.card.stride for length in y.shape[:2]]
        padded = np.pad(y, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="edge")
        inputs = {"y": padded.transpose(2, 0, 1)[None]}
        if len(engine.card.inputs) == 2:
            inputs["sigma"] = np.full((1, 1, *padded.shape[:2]), sigma / 255, np.float32)
        return engine(**inputs)[0].transpose(1, 2, 0)[: y.shape[0], : y.shape[1]]

    return run


def bm3d(y: np.ndarray, sigma: float) -> np.ndarray:
    from bm3d import bm3d_rgb

    return bm3d_rgb(y, sigma / 255)


def non_local_means(y: np.ndarray, sigma: float) -> np.ndarray:
    """OpenCV works on 8 bits; its strength is set to the noise level, as its documentation advises."""
    import cv2

    stored = (y.clip(0, 1) * 255).round().astype(np.uint8)
    return cv2.fastNlMeansDenoisingColored(stored, None, sigma, sigma, 7, 21).astype(np.float32) / 255


def measure(denoise: Denoiser, data: Path, sigma: float, channels: int, count: int | None = None) -> float:
    pictures = clean_pictures(data, channels)[:count]
    noise = GaussianNoise((sigma, sigma))
    scores = [psnr(denoise(degraded(x, noise, i), sigma), x) for i, (_, x) in enumerate(pictures)]
    return float(np.mean(scores))


def table(title: str, rows: dict[str, tuple[Denoiser, tuple[int, ...]]], data: Path, channels: int, count=None) -> None:
    print(f"\n{title}, PSNR in dB\n\n| model | " + " | ".join(f"sigma {s}" for s in SIGMAS) + " |\n|---|" + "---|" * 3)
    for name, (denoise, sigmas) in rows.items():
        cells = [f"{measure(denoise, data, s, channels, count):.2f}" if s in sigmas else "" for s in SIGMAS]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--classical", type=int, default=0, metavar="N")
    parser.add_argument("--photos", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    sets, weights = options.data / "benchmarks", options.data / "peers"
    our_rows = {name: (ours(name), SIGMAS) for name in ("denoise-fast", "denoise-best")}
    with tempfile.TemporaryDirectory() as work:
        theirs = {name: peer(peers.engine(name, weights, Path(work))) for name in peers.PEERS}
    colour = our_rows | {
        "FFDNet colour": (theirs["FFDNet colour"], SIGMAS),
        "DnCNN colour, one net for sigma 25": (theirs["DnCNN colour, sigma 25"], (25,)),
    }
    grey = our_rows | {
        "FFDNet grey": (theirs["FFDNet grey"], SIGMAS),
        "DnCNN grey, one net for sigma 25": (theirs["DnCNN grey, sigma 25"], (25,)),
    }
    if options.photos:
        with tempfile.TemporaryDirectory() as work:
            table("Photographs, colour", colour, middles(options.photos, Path(work)), 3)
        return
    table("CBSD68, colour", colour, sets / "cbsd68", 3)
    table("Set12, grey", grey, sets / "set12", 1)
    table("BSD68, grey", grey, sets / "bsd68", 1)
    if options.classical:
        classical = {"BM3D (bm3d 4, colour)": (bm3d, SIGMAS), "OpenCV non-local means": (non_local_means, SIGMAS)}
        title = f"CBSD68, colour, first {options.classical} pictures"
        table(title, colour | classical, sets / "cbsd68", 3, options.classical)


if __name__ == "__main__":
    main()
