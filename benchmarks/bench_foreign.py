"""Imported models beside PyTorch: seconds for one tile, and what tiles of a large picture cost on top.

Weights are random, of the published sizes: speed does not depend on them. Both run in this process, one after the
other, and the best of several runs counts. Needs spandrel.

    python benchmarks/bench_foreign.py DATA [--threads 2] [--only Compact,SPAN]      (DATA is not used)
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from sfumato.learn.foreign.checkpoints import known_network
from sfumato.learn.foreign.importing import import_model
from sfumato.learn.foreign.probing import sample_map, sample_picture
from sfumato.models.engine import Engine
from sfumato.tiling import tiles

SIDE = 128  # of the tile
LARGE = 3000, 4000  # 12 megapixels
REPEATS = 5
NETWORKS = {
    "Compact": {"num_feat": 64, "num_conv": 16, "upscale": 4},
    "SPAN": {"num_in_ch": 3, "num_out_ch": 3, "feature_channels": 48, "upscale": 4},
    "DRUNet": {"in_nc": 4, "out_nc": 3, "nc": [64, 128, 256, 512], "nb": 4},
    "ESRGAN": {"num_filters": 64, "num_blocks": 23, "scale": 4},
}


def best(run: Callable[[], object]) -> float:
    """Seconds of the quickest of several runs, after one that does not count."""
    run()
    found = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        run()
        found.append(time.perf_counter() - started)
    return min(found)


def share_on_top(engine: Engine) -> float:
    """By how much the tiles of a picture of 12 megapixels are more pixels than it has."""
    plan = tiles.plan_for(engine.card, *LARGE)
    rows, columns = (sum(span.stop - span.start for span in spans) for spans in (plan.rows, plan.columns))
    return rows * columns / (LARGE[0] * LARGE[1]) - 1


@torch.no_grad()
def measure(name: str, threads: int, folder: Path) -> str:
    torch.manual_seed(0)
    options = NETWORKS[name]
    torch.save(known_network(name, **options).state_dict(), folder / f"{name}.pth")
    started = time.perf_counter()
    card = import_model(folder / f"{name}.pth", folder / f"{name}.onnx", threads=threads).card
    importing = time.perf_counter() - started
    engine = Engine(folder / f"{name}.onnx", threads=threads)
    network = known_network(name, **options).eval()
    y = sample_picture(3, SIDE, SIDE)
    level = sample_map("sigma", y)
    inputs = torch.from_numpy(y[None]), torch.from_numpy(level[None])
    given = torch.cat(inputs, dim=1) if name == "DRUNet" else inputs[0]
    feed = {"y": y[None]} | ({"sigma": level[None]} if name == "DRUNet" else {})
    ours, theirs = best(lambda: engine(**feed)), best(lambda: network(given))
    top = "in blended windows" if card.halo is None else f"halo {card.halo}, tiles +{100 * share_on_top(engine):.0f} %"
    return (
        f"{name}: {1000 * ours:.0f} ms, PyTorch {1000 * theirs:.0f} ms ({theirs / ours:.2f} times); "
        f"12 megapixels: {top}; imported in {importing:.0f} s"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", default=",".join(NETWORKS))
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"one tile of {SIDE}x{SIDE}, {arguments.threads} threads, best of {REPEATS}, random weights")
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.only.split(","):
            print(measure(name, arguments.threads, Path(folder)), flush=True)


if __name__ == "__main__":
    main()
