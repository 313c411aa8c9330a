"""How fast model files draw: `python benchmarks/bench_drawing.py MODEL... [--threads N]`.

Through `sfumato.generate`, in batches as it chooses and with each file's own steps and solver: from the latents to
pictures in memory ("drawn"), and written as PNG files besides ("written"). Best of several runs of at least a second,
the models in turn. None that draws is shipped, so files are named.
"""

import argparse
import tempfile
import time
from pathlib import Path

from sfumato.generation.generate import generate
from sfumato.models.engine import Engine, load, physical_cores

LEAST_SECONDS, REPETITIONS = 1.0, 3


def enough(engine: Engine) -> int:
    """How many pictures take about a second, of which a batch is the least."""
    num = 8
    while True:
        drawn = generate(engine, num)
        if drawn.seconds > LEAST_SECONDS / 4 or num >= 16384:
            return max(8, int(num * LEAST_SECONDS / drawn.seconds))
        num *= 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", type=Path, metavar="MODEL")
    parser.add_argument("--threads", type=int, default=physical_cores())
    options = parser.parse_args()
    engines = {path: load(path, threads=options.threads) for path in options.models}
    counts = {path: enough(engine) for path, engine in engines.items()}
    drawn, written = dict.fromkeys(engines, 0.0), dict.fromkeys(engines, 0.0)
    steps = dict.fromkeys(engines, 1)
    for _ in range(REPETITIONS):
        for path, engine in engines.items():
            made = generate(engine, counts[path])
            with tempfile.TemporaryDirectory() as folder:
                started = time.perf_counter()
                made.save(folder)
                seconds = made.seconds + time.perf_counter() - started
            drawn[path] = max(drawn[path], counts[path] / made.seconds)
            written[path] = max(written[path], counts[path] / seconds)
            steps[path] = made.steps
    print(f"\n{options.threads} threads\n\n| model | pixels | parameters | steps | drawn, a second | and written |")
    print("|---|---|---:|---:|---:|---:|")
    for path, engine in engines.items():
        card = engine.card
        name = f"{card.name} ({path.parent.name})" if path.name == "model.onnx" else card.name
        channels = next(port.channels for port in card.outputs if port.kind == "picture")
        pixels = f"{card.size[0]}x{card.size[1]}x{channels}"
        rates = (
            f"{drawn[path]:,.0f} | {written[path]:,.0f}"
            if drawn[path] >= 10
            else f"{drawn[path]:.2f} | {written[path]:.2f}"
        )
        print(f"| {name} | {pixels} | {(card.num_parameters or 0) / 1e6:.2f} M | {steps[path]} | {rates} |", flush=True)


if __name__ == "__main__":
    main()
