"""What attention gains or costs: `python benchmarks/bench_attention.py DATA --without FILE --with FILE [--with FILE]`.

The files are of runs with one budget, with and without attention in every block:

    sfumato train denoise-fast --data DATA/photos/train --val DATA/photos/val --time 8m --run without
    sfumato train denoise-fast ... --time 8m --run channel --set model.attention=channel
    sfumato train denoise-fast ... --time 8m --run spatial --set model.attention=spatial

PSNR in dB over CBSD68 with noise of sigma 25 (seed 0, level stated, RGB, neither clipped nor rounded), the paired
difference to the network without over the pictures with its 95 % bootstrap interval, and megapixels a second on
512x512. Contextual attention, which is for holes, has bench_inpainting.py.
"""

import argparse
from pathlib import Path

import numpy as np
from bench_speed import best_of
from bootstrap import interval

from sfumato.learn.evaluation.protocols import Protocol
from sfumato.learn.evaluation.restoration import clean_pictures, degraded
from sfumato.measures import psnr
from sfumato.models.engine import Engine, load
from sfumato.restoration.restore import restore

PROTOCOL = Protocol("gaussian", 25.0)


def scores(engine: Engine, data: Path) -> np.ndarray:
    """PSNR of every picture."""
    found = []
    for number, (_, x) in enumerate(clean_pictures(data, 3)):
        y = degraded(x, PROTOCOL.degradation(), number)
        found.append(psnr(restore(y, model=engine, noise=PROTOCOL.level).picture.array(), x))
    return np.array(found)


def speed(engine: Engine) -> float:
    shapes = {port.name: (1, port.channels, 512, 512) for port in engine.card.inputs}
    inputs = {name: np.full(shape, 0.1, np.float32) for name, shape in shapes.items()}
    return 0.512**2 / best_of(lambda: engine.run(inputs))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--without", required=True)
    parser.add_argument("--with", dest="others", action="append", required=True)
    options = parser.parse_args()
    print("| attention | PSNR | difference | 95 % interval | MP/s | steps |\n|---|---:|---:|---:|---:|---:|")
    base: np.ndarray | None = None
    for file in (options.without, *options.others):
        engine = load(file)
        found = scores(engine, options.data / "benchmarks" / "cbsd68")
        base = found if base is None else base
        low, high = interval(found - base)
        name, steps = engine.card.config.get("attention") or "none", engine.card.training.get("steps", "")
        change = f"{(found - base).mean():+.3f} | {low:+.3f} to {high:+.3f}" if file != options.without else " | "
        print(f"| {name} | {found.mean():.3f} | {change} | {speed(engine):.2f} | {steps} |", flush=True)


if __name__ == "__main__":
    main()
