"""The perceptual distance of restored pictures beside their PSNR: `python benchmarks/bench_perceptual.py DATA`.

DATA holds benchmarks/set5 and cbsd68 (the standard copies). White noise of sigma 25 with seed 0, level stated; PSNR in
dB over RGB, nothing clipped or rounded; `metrics.perceptual` of the same pictures. Printed besides: the distance under
damages of one squared error.

What the perceptual loss does is shown by two models that were trained on for as many steps on DATA/photos/train, one
without it, one with it, and differ in nothing else:

    sfumato train denoise-fast --from denoise-fast --data DATA/photos/train --val DATA/photos/val --set steps=200 \\
        --set batch=4 --set threads=1 --set lr=3e-4 --set 'val_protocols=["gaussian:25"]' --run runs/without
    ... the same with --set options.perceptual=0.003 --run runs/with

A run exports its best state, which of one so short may be its first: then both files are the model begun with.
`--without runs/without/model.onnx --with runs/with/model.onnx` then adds their rows, and the difference on the first
20 pictures of CBSD68, picture by picture, with a 95 % interval (10,000 bootstrap samples of the pictures, seed 0).
"""

import argparse
from pathlib import Path

import numpy as np
import pyvips
from bootstrap import described
from scipy.ndimage import gaussian_filter

from sfumato.learn.evaluation.protocols import Protocol
from sfumato.learn.evaluation.restoration import apart, clean_pictures, degraded
from sfumato.measures import psnr
from sfumato.models.engine import Engine, load
from sfumato.restoration.restore import restore

NOISE = Protocol("gaussian", 25)
FEW = 20


def measured(engine: Engine | None, data: Path, count: int | None = None) -> np.ndarray:
    """PSNR and perceptual distance, `n 2`, of the first `count` pictures after the model; without one, when noisy."""
    found = []
    for number, (_, x) in enumerate(clean_pictures(data, 3)[:count]):
        y = degraded(x, NOISE.degradation(), number)
        x_hat = y if engine is None else restore(y, model=engine, noise=NOISE.level).picture.array()
        found.append((psnr(x_hat, x), apart(x_hat, x)))
    return np.array(found)


def damages(x: np.ndarray, sigma: float) -> dict[str, np.ndarray]:
    """x (h, w, c) damaged in several ways with the mean squared error that a blur of `sigma` pixels has."""
    blurred = gaussian_filter(x, (sigma, sigma, 0))
    error = float(np.sqrt(np.square(blurred - x).mean()))
    white = np.random.default_rng(0).normal(0, 1, x.shape).astype(np.float32)
    blotched = gaussian_filter(white, (3, 3, 0))
    grey = np.sqrt(np.square(x - 0.5).mean())
    return {
        f"blur of sigma {sigma:g}": blurred,
        "JPEG": _compressed(x, error),
        "white noise": x + error * white,
        "blotched noise": x + error * blotched / blotched.std(),
        "less contrast": x + (0.5 - x) * error / grey,
        "brighter": x + error,
    }


def _compressed(x: np.ndarray, error: float) -> np.ndarray:
    """x at the quality whose error is nearest."""
    stored = pyvips.Image.new_from_array((x * 255).round().astype(np.uint8))
    found = []
    for quality in range(2, 96):
        buffer = stored.jpegsave_buffer(Q=quality)
        found.append(pyvips.Image.new_from_buffer(buffer, "").numpy().astype(np.float32) / 255)
    return min(found, key=lambda y: abs(float(np.sqrt(np.square(y - x).mean())) - error))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--without", metavar="FILE", help="trained on without the perceptual loss")
    parser.add_argument("--with", dest="with_it", metavar="FILE", help="trained on with it")
    options = parser.parse_args()
    set5, cbsd68 = (options.data / "benchmarks" / name for name in ("set5", "cbsd68"))

    print("\n| Set5, damage of one squared error | PSNR | perceptual distance |\n|---|---:|---:|")
    rows: dict[str, list[tuple[float, float]]] = {}
    for _, x in clean_pictures(set5, 3):
        for name, y in damages(x, 1.0).items():
            rows.setdefault(name, []).append((psnr(y, x), apart(y, x)))
    for name, found in rows.items():
        print(f"| {name} | {np.mean(found, axis=0)[0]:.2f} | {np.mean(found, axis=0)[1]:.4f} |")

    print("\n| Set5, RGB, sigma 25 | PSNR | perceptual distance |\n|---|---:|---:|")
    models: dict[str, str | None] = {"noisy": None, "`denoise-fast`": "denoise-fast", "`denoise-best`": "denoise-best"}
    models |= {"trained on, without the term": options.without} if options.without else {}
    models |= {"trained on, with it": options.with_it} if options.with_it else {}
    for name, model in models.items():
        mean = measured(None if model is None else load(model), set5).mean(0)
        print(f"| {name} | {mean[0]:.2f} | {mean[1]:.4f} |", flush=True)

    if options.without and options.with_it:
        without, with_it = (measured(load(file), cbsd68, FEW) for file in (options.without, options.with_it))
        print(f"\nFirst {FEW} pictures of CBSD68: without {without.mean(0).round(4)}, with {with_it.mean(0).round(4)}")
        print(f"PSNR, with minus without: {described(with_it[:, 0] - without[:, 0])} dB")
        print(f"perceptual distance, with minus without: {described(with_it[:, 1] - without[:, 1])}")


if __name__ == "__main__":
    main()
