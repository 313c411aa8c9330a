"""Imported models beside PyTorch: seconds for one tile, what tiles of a large picture cost on top, and memory.

Weights are random, of the published sizes: speed does not depend on them. Both run in this process, in turns, and the
best of several runs of each counts. With --memory a picture of 12 megapixels is restored as well, in a process of its
own, whose largest resident size is printed (Linux; DRUNet takes minutes). Needs spandrel.

    python benchmarks/bench_foreign.py DATA [--threads 2] [--only Compact,SPAN] [--memory]      (DATA is not used)
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

import sfumato
from sfumato.learn.foreign.checkpoints import known_network
from sfumato.learn.foreign.importing import import_model
from sfumato.learn.foreign.probing import sample_map, sample_picture
from sfumato.models.engine import Engine
from sfumato.tiling import tiles, windows

SIDE = 128  # of the tile
LARGE = 3000, 4000  # 12 megapixels
REPEATS = 5
PROGRAM = (
    "import sys, time, sfumato\n"
    "started = time.perf_counter()\n"
    "model = sfumato.load(sys.argv[2], threads=int(sys.argv[3]))\n"
    "restored = sfumato.restore(sys.argv[1], model=model, **({'noise': 25} if model.card.task == 'denoise' else {}))\n"
    "restored.save(sys.argv[1].replace('.png', '.tif'), overwrite=True)\n"
    "peak = next(l.split()[1] for l in open('/proc/self/status') if l.startswith('VmHWM'))\n"
    "print(int(peak) / 1024, time.perf_counter() - started)\n"
)
NETWORKS = {
    "Compact": {"num_feat": 64, "num_conv": 16, "upscale": 4},
    "SPAN": {"num_in_ch": 3, "num_out_ch": 3, "feature_channels": 48, "upscale": 4},
    "DRUNet": {"in_nc": 4, "out_nc": 3, "nc": [64, 128, 256, 512], "nb": 4},
    "ESRGAN": {"num_filters": 64, "num_blocks": 23, "scale": 4},
    "RCAN": {"scale": 4, "n_resgroups": 10, "n_resblocks": 20, "n_feats": 64},
}


def best_of_each(*runs: Callable[[], object]) -> list[float]:
    """Seconds of the quickest of several runs of each, in turns, after one of each that does not count."""
    found: list[list[float]] = [[] for _ in runs]
    for _ in range(1 + REPEATS):
        for run, seconds in zip(runs, found, strict=True):
            started = time.perf_counter()
            run()
            seconds.append(time.perf_counter() - started)
    return [min(seconds[1:]) for seconds in found]


def pieces(engine: Engine) -> str:
    """How a picture of 12 megapixels is cut, and by how much the pieces are more pixels than it has."""
    card = engine.card
    if card.halo is None:
        window = windows.window_of(card, *LARGE, tiles.DEFAULT_MEMORY)
        lengths = [len(windows.starts(side, part)) * part for side, part in zip(LARGE, window, strict=True)]
        how = "blended windows"
    else:
        plan = tiles.plan_for(card, *LARGE)
        lengths = [sum(span.stop - span.start for span in spans) for spans in (plan.rows, plan.columns)]
        how = f"halo {card.halo}, tiles"
    return f"{how} +{100 * (lengths[0] * lengths[1] / (LARGE[0] * LARGE[1]) - 1):.0f} %"


def memory(model: Path, threads: int, folder: Path) -> str:
    picture = np.random.default_rng(0).random((*(side // 8 for side in LARGE), 3), np.float32)
    sfumato.Picture.from_array(picture.repeat(8, 0).repeat(8, 1)).save(folder / "large.png", overwrite=True)
    command = [sys.executable, "-c", PROGRAM, str(folder / "large.png"), str(model), str(threads)]
    peak, seconds = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return f"; 12 megapixels in {float(seconds):.0f} s and {float(peak):.0f} MB"


@torch.no_grad()
def measure(name: str, threads: int, folder: Path, with_memory: bool) -> str:
    torch.manual_seed(0)
    options = NETWORKS[name]
    torch.save(known_network(name, **options).state_dict(), folder / f"{name}.pth")
    started = time.perf_counter()
    import_model(folder / f"{name}.pth", folder / f"{name}.onnx", threads=threads)
    importing = time.perf_counter() - started
    engine = Engine(folder / f"{name}.onnx", threads=threads)
    network = known_network(name, **options).eval()
    y = sample_picture(3, SIDE, SIDE)
    level = sample_map("sigma", y)
    inputs = torch.from_numpy(y[None]), torch.from_numpy(level[None])
    given = torch.cat(inputs, dim=1) if name == "DRUNet" else inputs[0]
    feed = {"y": y[None]} | ({"sigma": level[None]} if name == "DRUNet" else {})
    ours, theirs = best_of_each(lambda: engine(**feed), lambda: network(given))
    line = (
        f"{name}: {1000 * ours:.0f} ms, PyTorch {1000 * theirs:.0f} ms ({theirs / ours:.2f} times); "
        f"12 megapixels: {pieces(engine)}; imported in {importing:.0f} s"
    )
    return line + (memory(folder / f"{name}.onnx", threads, folder) if with_memory else "")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--only", default=",".join(NETWORKS))
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"one tile of {SIDE}x{SIDE}, {arguments.threads} threads, best of {REPEATS}, random weights")
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.only.split(","):
            print(measure(name, arguments.threads, Path(folder), arguments.memory), flush=True)


if __name__ == "__main__":
    main()
