"""Put a run's model file into the package: `python benchmarks/ship.py RUN DATA [--name NAME]`.

Exports the best state of RUN to src/sfumato/zoo (or, where it is there to be compared with only, to benchmarks/models)
with a complete card: what it is, what it was trained on, and the scores that are measured here on the exported file.
Writes its page beside it, and the tables of README and docs. NAME is the recipe's unless told otherwise.
"""

import argparse
import dataclasses
from pathlib import Path
from typing import Any

import bench_generation
import generation_page
import model_tables
import numpy as np
from bench_noise_level import estimates
from bench_speed import best_of

from sfumato import zoo
from sfumato.card import Card
from sfumato.engine import Engine, physical_cores
from sfumato.learn.evaluate import evaluate_restorer
from sfumato.learn.protocols import Protocol
from sfumato.learn.training.launch import export_run
from sfumato.model_file import seal

SUMMARIES = {
    "denoise-fast": "Removes noise of sigma 0-75 from colour and grey pictures; made for two cores.",
    "denoise-best": "Removes noise of sigma 0-75 from colour and grey pictures; for those who can wait.",
    "noise-level": "Tells how noisy a picture is, in cells of 8x8 pixels, and how sure that is.",
    "mnist-gan": "Draws handwritten digits in one step, by class: the GAN of today.",
    "mnist-flow": "Draws handwritten digits in steps, by class, and removes noise from them.",
    "mnist-vae": "Draws handwritten digits, varies and reconstructs them: the variational autoencoder.",
    "mnist-autoencoder": "Draws handwritten digits by class, varies and reconstructs them: the autoencoder.",
    "mnist-gan-classic": "Draws handwritten digits: DCGAN, to compare with.",
    "mnist-vae-classic": "Draws handwritten digits from two latent numbers: dense layers, to compare with.",
    "mnist-autoencoder-classic": "Draws handwritten digits: 32, 64, 128 channels and batch norm, to compare with.",
    "mnist-classifier": "Reads handwritten digits: the judge of the generators.",
}
# How pictures are drawn, where it is not the family's way. mnist-flow's guidance is the least of 1, 2, 3, 4 and 6 at
# which mnist-classifier reads at least 97 % of its digits as those asked for.
SAMPLING = {"mnist-flow": {"steps": 10, "solver": "heun", "guidance": 3.0}}
PHOTOGRAPHS = (
    "513 photographs: 400 of BSDS500 (its train and test parts), 80 of Sun-Hays80, 33 wallpapers of Debian packages "
    "(mate-backgrounds, plasma-workspace-wallpapers, lomiri-wallpapers)"
)
PHOTOGRAPHS_LICENCE = (
    "BSDS500 and Sun-Hays80: for research; the wallpapers: CC BY-SA and GPL. Whether such terms reach weights is "
    "unsettled law: for commercial use, train on pictures of your own (`sfumato train`)."
)
MNIST = "60,000 handwritten digits of MNIST (LeCun, Cortes, Burges), 28x28"
MNIST_LICENCE = "MNIST: CC BY-SA 3.0, as its makers are mostly understood"
PROCESSOR = "AMD EPYC (Zen 4, 2.6 GHz)"
LICENCE = "Apache-2.0 for the file; see what its training pictures allow"


def scores(path: Path, name: str, sets: Path) -> list[dict[str, Any]]:
    """What the exported file measures on the benchmark sets."""
    if name in bench_generation.MEASURED:
        return bench_generation.MEASURED[name](name, sets.parent)
    if name == "noise-level":
        rows = []
        for text in ("clean", "gaussian:15", "gaussian:25", "gaussian:50"):
            protocol = Protocol.parse(text)
            error = float(np.abs(estimates(sets / "cbsd68", protocol) - protocol.level).mean())
            rows.append(_row("CBSD68", protocol.damage(), "mean absolute error of the level, of 255", error))
        return rows
    engine, rows = Engine(path), []
    wanted = [("cbsd68", "CBSD68", f"gaussian:{s}") for s in (15, 25, 50)] + [("cbsd68", "CBSD68", "gaussian:25:auto")]
    wanted += [("set12", "Set12", f"grey:{s}") for s in (15, 25, 50)]
    wanted += [("cbsd68", "CBSD68", "gaussian:75"), ("cbsd68", "CBSD68", "correlated-jpeg85:15:auto")]
    for folder, title, protocol in wanted:
        score = evaluate_restorer(engine, sets / folder, protocol)
        rows.append(_row(title, score.protocol, "PSNR, dB", score.psnr))
    draw = np.random.default_rng(0)
    inputs = {port.name: draw.random((1, port.channels, 512, 512), np.float32) for port in engine.card.inputs}
    protocol = f"one piece, {physical_cores()} cores of an {PROCESSOR}"
    rows.append(_row("512x512", protocol, "megapixels a second", 0.512**2 / best_of(lambda: engine.run(inputs))))
    return rows


def _row(data: str, protocol: str, metric: str, value: float) -> dict[str, Any]:
    return {"data": data, "protocol": protocol, "metric": metric, "value": round(value, 2)}


def page(card: Card) -> str:
    """The model's own page: its facts and its scores."""
    rows = [f"| {r['data']} | {r['protocol']} | {r['metric']} | {r['value']} |" for r in card.scores]
    table = ["| data | protocol | measure | value |", "|---|---|---|---:|", *rows]
    return "\n".join([model_tables.details(card).removeprefix("#"), "", *table, ""])


def origin(name: str) -> dict[str, str]:
    """What a model was trained on, and what its licence is."""
    if name.startswith("mnist"):
        return {"data": MNIST, "data_licence": MNIST_LICENCE}
    return {"data": PHOTOGRAPHS, "data_licence": PHOTOGRAPHS_LICENCE}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--name", help="of the model; default: of its recipe")
    options = parser.parse_args()
    exported = Engine(export_run(options.run, options.run / "model.onnx")).card
    name = options.name or exported.name
    card = dataclasses.replace(
        exported, name=name, summary=SUMMARIES[name], licence=LICENCE, training=exported.training | origin(name)
    )
    card = dataclasses.replace(card, sampling=SAMPLING.get(name, card.sampling))
    path = bench_generation.path_of(name)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(seal((options.run / "model.onnx").read_bytes(), card))
    card = dataclasses.replace(card, scores=tuple(scores(path, name, options.data / "benchmarks")))
    path.write_bytes(seal(path.read_bytes(), card))
    path.with_suffix(".md").write_text(page(card), encoding="utf-8")
    print(page(card))
    if all((zoo.FOLDER / f"{name}.onnx").is_file() for name in zoo.SHIPPED):
        model_tables.main()
    if all(bench_generation.path_of(name).is_file() for name in bench_generation.MEASURED):
        generation_page.main()


if __name__ == "__main__":
    main()
