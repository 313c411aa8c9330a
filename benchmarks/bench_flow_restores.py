"""How a flow restores beside a denoiser: `python benchmarks/bench_flow_restores.py FLOW DENOISER DATA [--num N]`.

White Gaussian noise of known levels on N pictures of DATA, evenly spaced, as they are (whose size should be the
flow's): a folder, a zip, a tar or an IDX file that neither was trained on. Both by `sfumato.restore`, in the same
noise; grey pictures in grey where the flow draws grey. PSNR in dB over the whole picture, mean of the pictures, nothing
clipped or rounded. A level that a file does not take is left out.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from sfumato.errors import UsageError
from sfumato.learn.data.folders import decode, list_pictures
from sfumato.learn.evaluation.protocols import Protocol
from sfumato.learn.evaluation.restoration import Score, described, evaluate_restorer
from sfumato.models.engine import Engine, load
from sfumato.pictures.picture import Picture

LEVELS = (15, 25, 50, 100)


def subset(data: Path, num: int, channels: int, folder: Path) -> Path:
    """`num` pictures, or all if there are fewer, as PNG files."""
    listing = list_pictures(data)
    kept = {listing.names[i * len(listing.names) // num] for i in range(num)}
    chosen = [(name, stored) for name, stored in listing.read() if name in kept]
    for number, (_, stored) in enumerate(chosen):
        Picture.from_array(decode(stored, channels).astype(np.float32) / 255).save(folder / f"{number:05d}.png")
    return folder


def score(engine: Engine, data: Path, protocol: Protocol) -> Score | None:
    try:
        return evaluate_restorer(engine, data, protocol)
    except UsageError:  # which levels a model takes is the product's to say
        return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("flow")
    parser.add_argument("denoiser", help="a model file, or a shipped model's name")
    parser.add_argument("data", type=Path)
    parser.add_argument("--num", type=int, default=100)
    options = parser.parse_args()
    engines = [load(options.flow), load(options.denoiser)]
    drawn = next(port.channels for port in engines[0].card.inputs if port.kind == "picture")
    channels = 1 if drawn == 1 else 3
    kind = "grey" if channels == 1 else "gaussian"
    with tempfile.TemporaryDirectory() as work:
        data = subset(options.data, options.num, channels, Path(work))
        num = len(list(data.iterdir()))
        protocol = described(Protocol(kind, 0.0)).replace("sigma 0, ", "")
        print(f"\n{num} pictures of {options.data.name}; {protocol}\n")
        print("| model | " + " | ".join(f"sigma {level}" for level in LEVELS) + " | MP/s |")
        print("|---|" + "---:|" * (len(LEVELS) + 1), flush=True)
        before: list[str] = []
        for engine in engines:
            found = [score(engine, data, Protocol(kind, level)) for level in LEVELS]
            before = before or [f"{one.psnr_before:.2f}" if one else "" for one in found]
            speed = max(one.megapixels_per_second for one in found if one)
            cells = " | ".join(f"{one.psnr:.2f}" if one else "" for one in found)
            name = f"`{engine.card.name}` ({engine.card.family})"
            print(f"| {name} | {cells} | {speed:.3f} |", flush=True)
        print(f"| (before) | {' | '.join(before)} | |")


if __name__ == "__main__":
    main()
