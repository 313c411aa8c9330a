"""Speed on this machine: `python benchmarks/bench_speed.py DATA [--threads N]`.

Every network runs on the same engine, threads and picture: 512x512 in one piece, five rounds in which each has three
calls after one another, so that a machine whose rate drifts is as fast for all, and the best call counts; then 12
megapixels in tiles through `sfumato.restore`, once. The share is of the rate of a 2048x2048 matrix product in float32,
measured on the same engine and threads. DATA holds peers/ (see peers.py).
"""

import argparse
import functools
import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import peers
from numpy.typing import NDArray
from onnx import TensorProto, helper

from sfumato.models.engine import Engine, load, physical_cores
from sfumato.restoration.restore import restore

ROUNDS, CALLS = 5, 3


def best_of(run: Callable[[], object], times: int = 7) -> float:
    run()
    found = []
    for _ in range(times):
        started = time.perf_counter()
        run()
        found.append(time.perf_counter() - started)
    return min(found)


def matrix_product_rate(threads: int, side: int = 2048) -> float:
    """Multiply-adds a second of a float32 matrix product on ONNX Runtime."""
    ports = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [side, side]) for n in "abc"]
    graph = helper.make_graph([helper.make_node("MatMul", ["a", "b"], ["c"])], "product", ports[:2], ports[2:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    a, b = np.random.default_rng(0).random((2, side, side), np.float32)
    return side**3 / best_of(lambda: session.run(None, {"a": a, "b": b}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--threads", type=int, default=physical_cores())
    options = parser.parse_args()
    peak = matrix_product_rate(options.threads)
    print(f"\n{options.threads} threads, matrix product {2 * peak / 1e9:.0f} GFLOP/s\n")
    print(
        "| model | GMACs at 256x256 | 512x512, MP/s | share of matrix product | 12 MP tiled, MP/s |\n"
        "|---|---|---|---|---|"
    )
    large = np.random.default_rng(0).random((3000, 4000, 3), np.float32)
    names = ("denoise-fast", "denoise-best", "FFDNet colour", "DnCNN colour, sigma 25")
    with tempfile.TemporaryDirectory() as work:
        engines = {
            name: peers.engine(name, options.data / "peers", Path(work), threads=options.threads)
            if name in peers.PEERS
            else load(name, threads=options.threads)
            for name in names
        }
        best = dict.fromkeys(names, math.inf)
        for _ in range(ROUNDS):
            for name, engine in engines.items():
                best[name] = min(best[name], best_of(functools.partial(engine.run, noisy(engine)), CALLS))
        for name, engine in engines.items():
            report(name, engine, 512 * 512 / best[name], peak, large)


def noisy(engine: Engine) -> dict[str, NDArray[np.float32]]:
    """512x512 pixels of noise for every input."""
    draw = np.random.default_rng(0)
    return {port.name: draw.random((1, port.channels, 512, 512), np.float32) for port in engine.card.inputs}


def report(name: str, engine: Engine, rate: float, peak: float, large: np.ndarray) -> None:
    macs = engine.card.macs_per_pixel
    started = time.perf_counter()
    restore(large, model=engine, noise=25)
    tiled = large.shape[0] * large.shape[1] / (time.perf_counter() - started)
    cells = (f"{macs * 65536 / 1e9:.2f}", f"{rate / 1e6:.2f}", f"{rate * macs / peak:.0%}", f"{tiled / 1e6:.2f}")
    print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
