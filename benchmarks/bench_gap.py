"""What the shipped restorers gain on pictures unlike those they learned from: `python benchmarks/bench_gap.py DATA`.

One kind of damage for each, of the middle of what it was trained on, over 32 pictures, in even steps, of four sets:
photographs that it was trained on (of photos/train those of BSDS500, as the next two are), held-out ones that
checkpoints were chosen by (photos/val), a benchmark (CBSD68), and facades of houses, straightened, which none of the
others are like (generation/facades/test: JPEGs, taken as they are). Gain: mean PSNR after less mean PSNR before; of
holes, which have none before, the PSNR after. `--write` puts the figures into the models' files and their pages.
"""

import argparse
import dataclasses
import tempfile
from pathlib import Path
from typing import Any

import model_tables

from sfumato.learn.evaluation.restoration import evaluate_restorer
from sfumato.models import zoo
from sfumato.models.engine import Engine, load

PROTOCOLS = {
    "denoise-fast": "gaussian:25",
    "denoise-best": "gaussian:25",
    "denoise-autoencoder": "gaussian:25",
    "dejpeg": "jpeg:30",
    "clean": "gaussian-jpeg50:15",
    "deblur": "defocus:1.5",
    "upscale-2x": "bicubic:2",
    "upscale-4x": "bicubic:4",
    "upscale-2x-robust": "small:2",
    "upscale-4x-robust": "small:4",
    "inpaint": "holes:15",
    "fade": "faded",
}
SETS = {
    "photographs of BSDS500 it was trained on (32)": "photos/train/bsds_*.jpg",
    "held-out photographs of BSDS500 (32)": "photos/val/*",
    "CBSD68 (32)": "benchmarks/cbsd68/*.png",
    "facades (32)": "generation/facades/test/*.jpg",
}
COUNT = 32


def rows(engine: Engine, name: str, data: Path) -> list[dict[str, Any]]:
    """The card's lines for one model."""
    found = []
    for title, pattern in SETS.items():
        with tempfile.TemporaryDirectory() as folder:
            for file in chosen(data, pattern):
                (Path(folder) / file.name).symlink_to(file.resolve())
            score = evaluate_restorer(engine, folder, PROTOCOLS[name])
        metric, value = "PSNR gained, dB", score.psnr - score.psnr_before
        if name == "inpaint":
            metric, value = "PSNR, dB", score.psnr
        found.append(model_tables.row(title, score.protocol, metric, value))
    return found


def chosen(data: Path, pattern: str) -> list[Path]:
    """COUNT of the files, in even steps."""
    files = sorted(data.glob(pattern))
    assert len(files) >= COUNT, f"{data / pattern} is {len(files)} pictures, {COUNT} are needed"
    return [files[i * len(files) // COUNT] for i in range(COUNT)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--write", action="store_true", help="into the models' files and pages")
    options = parser.parse_args()
    print("| model | damage | " + " | ".join(SETS) + " |\n|---|---|" + "---:|" * len(SETS))
    for name in (name for name in zoo.SHIPPED if name in PROTOCOLS):
        engine = load(name)
        found = rows(engine, name, options.data)
        print(f"| `{name}` | {PROTOCOLS[name]} | " + " | ".join(f"{r['value']:.2f}" for r in found) + " |", flush=True)
        if options.write:
            kept = tuple(row for row in engine.card.scores if row["data"] not in SETS)
            model_tables.write(dataclasses.replace(engine.card, scores=(*kept, *found)), zoo.path(name))
    if options.write:
        model_tables.main()


if __name__ == "__main__":
    main()
