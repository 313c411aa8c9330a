"""Facades made of label maps: `PYTHONPATH=tools python benchmarks/bench_layout.py DATA MODEL [BASELINE]`.

Protocol: of each of the 106 test label maps (CMP Facades, 128x128) one picture, seed 0, its number the map's place
among the sorted names. A segmenter that was trained on real facades (facade_data.py) reads them; its mean IoU over the
12 labels, and on the real test photographs. KID x 1000 in Lite0's features (224x224) against the 106 real ones, with
the 95 % interval of 1,000 bootstrap samples of the pictures; with BASELINE, of the difference, on the same samples.
Locality: in each test map, the windows that a rectangle around the middle holds become wall; how much the picture
changes within 8 pixels of what changed in the map, and elsewhere, mean absolute, of 255.

--sheet FILE writes label map, real, MODEL's and BASELINE's pictures of some.
"""

import argparse
from pathlib import Path
from typing import Any

import model_tables
import numpy as np
from facade_data import PALETTE, mean_iou, pairs, read_as, reader

from sfumato import Picture
from sfumato.conditions.layout import colours_of
from sfumato.generation.generate import generate
from sfumato.learn.evaluation.generation import bytes_of
from sfumato.learn.metrics.features import lite0
from sfumato.models.engine import Engine, load
from sfumato.pictures import grid
from sfumato.restoration.masks import dilate

NAME = "facades"
TITLE = "CMP Facades, 106 test label maps"
SAMPLES, NEAR = 1000, 8
Row = dict[str, Any]


def made_of(engine: Engine, labels: np.ndarray) -> np.ndarray:
    """One picture of each map `n h w`, uint8 `n h w 3`."""
    maps = colours_of(tuple(PALETTE)).astype(np.uint8)[labels]
    made = (generate(engine, 1, first=number, layout=one) for number, one in enumerate(maps))
    return np.stack([bytes_of(found.pictures[0]) for found in made])


def features(photos: np.ndarray) -> np.ndarray:
    return lite0()(photos.transpose(0, 3, 1, 2)).astype(np.float64)


def distances(real: np.ndarray, *others: np.ndarray) -> list[tuple[float, float, float, np.ndarray]]:
    """Of each set: KID x 1000 of all, ends of its bootstrap interval, and the bootstrap samples, the same for all."""
    rng, count = np.random.default_rng(0), len(real)
    chosen = [(rng.integers(count, size=count), rng.integers(count, size=count)) for _ in range(SAMPLES)]
    found = []
    for other in others:
        kernels = [(a @ b.T / a.shape[1] + 1) ** 3 for a, b in ((real, real), (other, other), (real, other))]
        samples = np.array([_kid(kernels, first, second) for first, second in chosen])
        whole = _kid(kernels, np.arange(count), np.arange(count))
        found.append((whole, *np.quantile(samples, (0.025, 0.975)), samples))
    return found


def _kid(kernels: list[np.ndarray], first: np.ndarray, second: np.ndarray) -> float:
    """From the kernels of pairs; a picture that was taken twice is no pair of its own."""
    own = [kernels[0][np.ix_(first, first)], kernels[1][np.ix_(second, second)]]
    apart = [one[:, None] != one[None] for one in (first, second)]
    means = [float((kernel * pair).sum() / pair.sum()) for kernel, pair in zip(own, apart, strict=True)]
    return 1000 * (sum(means) - 2 * float(kernels[2][np.ix_(first, second)].mean()))


def locality(engine: Engine, labels: np.ndarray) -> tuple[float, float]:
    """Mean absolute change, of 255, near to what changed in the map and elsewhere."""
    names = list(PALETTE.values())
    window, wall = names.index("window"), names.index("facade")
    other = labels.copy()
    part = (slice(None), slice(40, 88), slice(40, 88))
    other[part] = np.where(labels[part] == window, wall, labels[part])
    change = np.abs(made_of(engine, other).astype(int) - made_of(engine, labels)).mean(axis=3)
    near = np.stack([dilate(one, NEAR) for one in other != labels])
    kept = near.any((1, 2))
    return float(change[kept][near[kept]].mean()), float(change[kept][~near[kept]].mean())


def rows(data: Path, engine: Engine, baseline: Engine | None = None) -> list[Row]:
    """What the card of `facades` says of itself; with a baseline, of both."""
    photos, labels = pairs(data, "test")
    network = reader(data)
    engines = [engine] if baseline is None else [engine, baseline]
    made = [made_of(one, labels) for one in engines]
    real = mean_iou(read_as(network, photos), labels)
    found = [row("real photographs; segmenter of facade_data.py", "mean IoU", real, 3)]
    kids = distances(features(photos), *(features(pictures) for pictures in made))
    for one, pictures, (whole, low, high, _) in zip(engines, made, kids, strict=True):
        name = one.card.name
        iou = mean_iou(read_as(network, pictures), labels)
        found.append(row(f"{name}, seed 0; the same segmenter", "mean IoU", iou, 3))
        found.append(row(f"{name}, of that on real ones", "mean IoU, %", 100 * iou / real, 1))
        found.append(row(f"{name}, 106 and 106, Lite0; 95 % {low:.0f} to {high:.0f}", "KID x 1000", whole, 1))
        near, far = locality(one, labels)
        found.append(row(f"{name}, windows in the middle made wall, near them", "change, of 255", near, 2))
        found.append(row(f"{name}, windows in the middle made wall, elsewhere", "change, of 255", far, 2))
    if baseline is not None:
        low, high = np.quantile(kids[0][3] - kids[1][3], (0.025, 0.975))
        protocol = f"{engine.card.name} less {baseline.card.name}; 95 % {low:.0f} to {high:.0f}"
        found.append(row(protocol, "KID x 1000", kids[0][0] - kids[1][0], 1))
    return found


def row(protocol: str, metric: str, value: float, digits: int) -> Row:
    return model_tables.row(TITLE, protocol, metric, value, digits)


def sheet(data: Path, target: Path, *engines: Engine, count: int = 8, every: int = 13) -> None:
    """A column for each of some test maps: the map, the photograph, and what each model makes of the map."""
    photos, labels = (part[3::every][:count] for part in pairs(data, "test"))
    maps = colours_of(tuple(PALETTE)).astype(np.uint8)[labels]
    cells = [maps, photos, *(made_of(engine, labels) for engine in engines)]
    pictures = [Picture.from_array(one / np.float32(255)) for line in cells for one in line]
    grid.sheet(pictures, count).save(target, overwrite=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("model")
    parser.add_argument("baseline", nargs="?")
    parser.add_argument("--sheet", type=Path)
    options = parser.parse_args()
    engines = [load(name) for name in (options.model, options.baseline) if name]
    if options.sheet:
        sheet(options.data, options.sheet, *engines)
        return
    for found in rows(options.data, *engines):
        print(f"{found['data']} | {found['protocol']} | {found['metric']} | {found['value']}")


if __name__ == "__main__":
    main()
