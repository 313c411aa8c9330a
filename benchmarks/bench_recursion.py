"""The same weights again and again, beside networks without recurrence: `python benchmarks/bench_recursion.py DATA`.

The three files are of runs with as many steps on the same patches: a block that is applied eight times, the same block
once (as many weights), and eight blocks of their own (as much work); a fourth learned with any number of times:

    sfumato train denoise-recursive --data DATA/photos/train,DATA/photos2/train --val DATA/photos/val \\
        --set steps=3000 --set patch=64 --run again
    sfumato train denoise-recursive ... --run once --set model.times=1
    sfumato train denoise-recursive ... --run own --set model.shared=false
    sfumato train denoise-recursive ... --run any --set model.any_times=true
    sfumato train denoise-fast ... --run unet                  (for the text's question Q3: with skips and without)
    sfumato train denoise-autoencoder ... --run autoencoder

    python benchmarks/bench_recursion.py DATA --runs FOLDER    (which holds the run directories)

PSNR in dB over CBSD68 with noise of sigma 25 (seed 0, level stated, RGB, neither clipped nor rounded), the paired
difference to the block applied eight times with its 95 % bootstrap interval over the pictures, and thousands of
multiply-adds a pixel. Then what the weights of the first and the fourth give when they are applied less or more often.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from bench_attention import scores
from bootstrap import interval

from sfumato.learn.catalog import create
from sfumato.learn.export import export, rebuild
from sfumato.models.engine import Engine, load

RUNS = {
    "one block, eight times": "again",
    "one block, once": "once",
    "eight blocks": "own",
    "one block, any number, eight times": "any",
    "U-Net": "unet",
    "autoencoder": "autoencoder",
}
TIMES = (1, 2, 4, 6, 8, 12, 16)


def applied(file: Path, times: int, folder: Path) -> Engine:
    """The model of a file with its block applied another number of times."""
    trained = rebuild(file)
    network = create("recursive-net", vars(trained.config) | {"times": times, "any_times": False})
    network.load_state_dict(trained.state_dict())
    export(network, folder / f"{times}.onnx", name=f"times-{times}", family="recursive-net", half=False)
    return Engine(folder / f"{times}.onnx")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--runs", type=Path, required=True)
    options = parser.parse_args()
    pictures = options.data / "benchmarks" / "cbsd68"
    print("| network | weights | 1000 multiply-adds a pixel | PSNR | difference | 95 % interval |")
    print("|---|---:|---:|---:|---:|---:|")
    base: np.ndarray | None = None
    for name, run in RUNS.items():
        engine = load(options.runs / run / "model.onnx")
        found = scores(engine, pictures)
        base = found if base is None else base
        low, high = interval(found - base) if found is not base else (0.0, 0.0)
        card = engine.card
        print(
            f"| {name} | {card.num_parameters:,} | {card.macs_per_pixel / 1000:.1f} | {found.mean():.3f} | "
            f"{(found - base).mean():+.3f} | {low:+.3f} to {high:+.3f} |",
            flush=True,
        )
    print(f"\n| times | {' | '.join(map(str, TIMES))} |\n|---|{'---:|' * len(TIMES)}")
    with tempfile.TemporaryDirectory() as folder:
        for run in ("again", "any"):
            file = options.runs / run / "model.onnx"
            row = [scores(applied(file, times, Path(folder)), pictures).mean() for times in TIMES]
            print(f"| {run} | {' | '.join(f'{psnr:.2f}' for psnr in row)} |", flush=True)


if __name__ == "__main__":
    main()
