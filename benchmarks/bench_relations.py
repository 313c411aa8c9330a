"""Questions about six objects, with and without a module of relations: `python benchmarks/bench_relations.py OUT`.

After Sort-of-CLEVR (arXiv:1706.01427): each picture of 64x64 pixels has six objects, one of each colour, circle or
square, that do not overlap. Plain questions are about one object (its shape, whether it is left, whether above),
relational ones about one and the others (the shape of the nearest and of the farthest, how many have its shape). OUT
gets questions-train.zip (8,000 pictures) and questions-test.zip (500), drawn here, each with 18 plain and 18 relational
questions; both models are then trained on the former, unless OUT holds them already, with equal parameters and time:

    sfumato train answers --data OUT/questions-train.zip --time TIME [the settings SMALL]
    sfumato train answers --data OUT/questions-train.zip --time TIME [the same] --set model.hops=0 \\
        --set model.hidden=166

Printed is the share of the test pictures' questions that is answered rightly by the model files, kind by kind. A model
that guesses the most frequent answer of each kind stands beside.
"""

import argparse
import io
import json
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from sfumato.conditions.text import read_text
from sfumato.models.engine import Engine, load

SIDE, RADIUS, SCALE = 64, 5, 4
COLOURS = {
    "red": (220, 30, 30),
    "green": (30, 160, 50),
    "blue": (40, 60, 220),
    "orange": (245, 150, 20),
    "grey": (120, 120, 120),
    "yellow": (240, 225, 40),
}
PLAIN = {
    "shape": "what shape is the {} object?",
    "left": "is the {} object on the left?",
    "above": "is the {} object in the upper half?",
}
RELATIONAL = {
    "nearest": "what shape is nearest to the {} object?",
    "farthest": "what shape is farthest from the {} object?",
    "count": "how many objects have the shape of the {} object?",
}
COUNTS = {"train": 8000, "test": 500}
SMALL = ("model.patch=2", "model.widths=[16,32,64]", "model.text=[16,32]", "batch=16", "threads=1")
MODELS = {"with relations": (), "without": ("model.hops=0", "model.hidden=166")}


def scene(rng: np.random.Generator) -> tuple[Image.Image, dict[str, str]]:
    """A picture, and its questions with their answers."""
    centres: list[np.ndarray] = []
    while len(centres) < len(COLOURS):
        centre = rng.integers(RADIUS + 1, SIDE - RADIUS - 1, 2)
        if all(np.abs(centre - other).max() > 2 * RADIUS + 1 for other in centres):
            centres.append(centre)
    round_ones = rng.integers(2, size=len(COLOURS)).astype(bool)
    large = Image.new("RGB", (SIDE * SCALE, SIDE * SCALE), (245, 245, 240))
    draw = ImageDraw.Draw(large)
    for colour, (x, y), is_round in zip(COLOURS.values(), centres, round_ones, strict=True):
        box = [(x - RADIUS) * SCALE, (y - RADIUS) * SCALE, (x + RADIUS) * SCALE, (y + RADIUS) * SCALE]
        (draw.ellipse if is_round else draw.rectangle)(box, fill=colour)
    shapes = ["circle" if is_round else "square" for is_round in round_ones]
    asked = {}
    for i, colour in enumerate(COLOURS):
        distances = [float(np.hypot(*(centre - centres[i]))) for centre in centres]
        others = [j for j in range(len(centres)) if j != i]
        answers = {
            "shape": shapes[i],
            "left": "yes" if centres[i][0] < SIDE / 2 else "no",
            "above": "yes" if centres[i][1] < SIDE / 2 else "no",
            "nearest": shapes[min(others, key=distances.__getitem__)],
            "farthest": shapes[max(others, key=distances.__getitem__)],
            "count": str(shapes.count(shapes[i])),
        }
        asked |= {question.format(colour): answers[kind] for kind, question in (PLAIN | RELATIONAL).items()}
    return large.resize((SIDE, SIDE), Image.Resampling.BOX), asked


def make(out: Path, part: str) -> Path:
    path = out / f"questions-{part}.zip"
    if not path.exists():
        rng, rows = np.random.default_rng(list(COUNTS).index(part)), []
        with zipfile.ZipFile(path, "w") as archive:
            for number in range(COUNTS[part]):
                picture, asked = scene(rng)
                stored = io.BytesIO()
                picture.save(stored, "PNG")
                archive.writestr(f"{number:05d}.png", stored.getvalue())
                rows.append(json.dumps({"file_name": f"{number:05d}.png", "questions": asked}))
            archive.writestr("metadata.jsonl", "\n".join(rows))
    return path


def trained(out: Path, name: str, data: Path, time: str) -> Path:
    run = out / name.replace(" ", "-")
    if not (run / "model.onnx").exists():
        command = [sys.executable, "-m", "sfumato", "train", "answers", "--data", str(data), "--time", time]
        settings = [part for setting in (*SMALL, *MODELS[name]) for part in ("--set", setting)]
        subprocess.run([*command, *settings, "--run", str(run)], check=True)
    return run / "model.onnx"


def answered(engine: Engine, data: Path) -> dict[str, list[bool]]:
    """Whether each question of each kind is answered rightly."""
    kinds = {q.format(colour): kind for kind, q in (PLAIN | RELATIONAL).items() for colour in COLOURS}
    right: dict[str, list[bool]] = {kind: [] for kind in PLAIN | RELATIONAL}
    for pixels, asked in scenes(data):
        text = np.stack([read_text(question).values for question in asked])
        x = np.repeat(pixels[None], len(text), axis=0)
        chosen = engine.run({"x": x, "text": text})["probabilities"].argmax(1)
        for place, (question, answer) in zip(chosen, asked.items(), strict=True):
            right[kinds[question]].append(engine.card.classes[place] == answer)
    return right


def scenes(data: Path) -> list[tuple[np.ndarray, dict[str, str]]]:
    found = []
    with zipfile.ZipFile(data) as archive:
        for line in archive.read("metadata.jsonl").decode().splitlines():
            row = json.loads(line)
            pixels = np.asarray(Image.open(io.BytesIO(archive.read(row["file_name"]))))
            found.append((pixels.transpose(2, 0, 1).astype(np.float32) / 255, row["questions"]))
    return found


def guessed(train: Path, test: Path) -> dict[str, list[bool]]:
    """The same for the most frequent answer of each kind among the training pictures."""
    kinds = {q.format(colour): kind for kind, q in (PLAIN | RELATIONAL).items() for colour in COLOURS}
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in PLAIN | RELATIONAL}
    for _, asked in scenes(train):
        for question, answer in asked.items():
            counts[kinds[question]][answer] += 1
    right: dict[str, list[bool]] = {kind: [] for kind in counts}
    for _, asked in scenes(test):
        for question, answer in asked.items():
            right[kinds[question]].append(answer == counts[kinds[question]].most_common(1)[0][0])
    return right


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--time", default="15m", help="for each training")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    parts = {part: make(options.out, part) for part in COUNTS}
    rows = {"most frequent answer": (0, guessed(parts["train"], parts["test"]))}
    for name in MODELS:
        engine = load(trained(options.out, name, parts["train"], options.time))
        rows[name] = engine.card.num_parameters, answered(engine, parts["test"])
    kinds = [*PLAIN, *RELATIONAL]
    print("| model | parameters | plain | relational | " + " | ".join(kinds) + " |")
    print("|---" + "|---:" * (3 + len(kinds)) + "|")
    for name, (parameters, right) in rows.items():
        groups = [list(PLAIN), list(RELATIONAL), *([kind] for kind in kinds)]
        shares = (100 * np.mean([one for kind in group for one in right[kind]]) for group in groups)
        print(f"| {name} | {parameters:,} | " + " | ".join(f"{share:.1f} %" for share in shares) + " |")


if __name__ == "__main__":
    main()
