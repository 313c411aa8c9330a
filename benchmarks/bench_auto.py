"""How well `--task auto` chooses among what it may do: `python benchmarks/bench_auto.py DATA [--num N] [--seed S]`.

N random crops of 256x224 of DATA/photos/val and DATA/photos2/val with its small.zip (the rule was chosen on these, with
other seeds, so they are no benchmark), a quarter of them darkened: undamaged, with white, photon or correlated noise or
blotches of colour of 2 to 25, or photographed again by a simulated camera; stored without loss, as JPEG, WebP or AVIF
of quality 20 to 85. With `--photos FOLDER` they are of other photographs (photographs.py), which nothing was chosen on.
Printed for each file format and kind of damage: dB gained by each task, by what auto chooses and by the best choice,
results rounded to 8 bits; what auto loses where it loses, on the mean over all; how often it loses a tenth or more; and
the most. A picture that comes back exactly counts as 60 dB.
"""

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from photographs import middles

from sfumato import Picture
from sfumato.learn.data.folders import list_pictures
from sfumato.learn.data.store import PictureStore
from sfumato.learn.degradations.camera import Camera
from sfumato.learn.degradations.degradation import Degradation
from sfumato.learn.degradations.noise import BlotchyNoise, CorrelatedNoise, GaussianNoise, PoissonGaussianNoise
from sfumato.measures import psnr
from sfumato.restoration.diagnosis import Diagnosis
from sfumato.restoration.restore import restore

FOLDERS = ("photos/val", "photos2/val", "photos2/val/small.zip")
LEVELS, GAINS, QUALITIES = (2, 3, 5, 8, 12, 15, 25), (5e-4, 2e-3, 8e-3), (20, 30, 40, 50, 60, 70, 75, 80, 85)
KINDS = {"undamaged": 0.3, "white noise": 0.12, "photon noise": 0.12, "correlated noise": 0.13, "blotches": 0.13}
KINDS |= {"camera": 0.2}
FORMATS = {"png": 0.5, "jpg": 0.25, "webp": 0.125, "avif": 0.125}
TASKS = ("denoise", "dejpeg", "clean")
EXACT, LOST = 60.0, -0.1  # dB


def damage_of(kind: str, draw: np.random.Generator) -> Degradation | None:
    level, gain = float(draw.choice(LEVELS)), float(draw.choice(GAINS))
    return {
        "undamaged": None,
        "white noise": GaussianNoise((level, level), clip=True),
        "photon noise": PoissonGaussianNoise((1.5 * level, 1.5 * level), (0, 3), clip=True),
        "correlated noise": CorrelatedNoise((level, level), clip=True),
        "blotches": BlotchyNoise((level, level), clip=True),
        "camera": Camera((gain, gain), lens=1.0, compressed=0.0),
    }[kind]


def damaged(folders: list[Path], folder: Path, num: int, seed: int) -> Iterator[tuple[str, str, np.ndarray, Picture]]:
    """Of each crop its kind of damage, the format, what is to come back `h w 3`, and the picture as it was stored."""
    draw = np.random.default_rng(seed)
    stores = [PictureStore.build(list_pictures(path)) for path in folders]
    places = [(store, number) for store in stores for number in range(len(store))]
    for _ in range(num):
        store, number = places[draw.integers(len(places))]
        pixels = store[number]
        height, width = min(224, pixels.shape[0]), min(256, pixels.shape[1])
        top, left = (int(draw.integers(a - b + 1)) for a, b in zip(pixels.shape, (height, width), strict=False))
        x = torch.from_numpy(pixels[top : top + height, left : left + width].copy()).permute(2, 0, 1).float() / 255
        if draw.random() < 0.25:
            x = x * float(draw.uniform(0.3, 0.8))
        kind, suffix = (str(draw.choice(list(of), p=list(of.values()))) for of in (KINDS, FORMATS))
        damage, y = damage_of(kind, draw), x
        if damage is not None:
            found = damage(x, torch.Generator().manual_seed(int(draw.integers(2**31))))
            x, y = found.x, found.y
        file = folder / f"stored.{suffix}"
        options = {} if suffix == "png" else {"quality": int(draw.choice(QUALITIES))}
        stored = Picture.from_array(y.clamp(0, 1).permute(1, 2, 0).contiguous().numpy(), depth=8)
        stored.save(file, overwrite=True, **options)
        yield kind, suffix, x.permute(1, 2, 0).contiguous().numpy(), Picture.open(file)


def gains(x: np.ndarray, y: Picture) -> dict[str, float]:
    """dB gained by each task and by auto."""

    def quality(picture: Picture) -> float:
        return min(psnr(picture.array(), x, rounded=True), EXACT)

    before = quality(y)
    found = {task: quality(restore(y, task=task).picture) - before for task in TASKS}
    chosen = Diagnosis(y).tasks
    return found | {"auto": found.get(chosen[0] if chosen else "", 0.0), "best": max(0.0, *found.values())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--num", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--photos", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    rows: dict[tuple[str, str], list[dict[str, float]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as others:
        folders = [options.data / name for name in FOLDERS]
        if options.photos:
            folders = [middles(options.photos, Path(others))]
        for kind, suffix, x, y in damaged(folders, Path(folder), options.num, options.seed):
            group = kind if kind in ("undamaged", "blotches", "camera") else "noise"
            rows[suffix, group].append(gains(x, y))
    print("| file, damage | crops | denoise | dejpeg | clean | auto | best | auto's losses | lose 0.1 | most |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for (suffix, group), found in sorted(rows.items()):
        auto = np.array([one["auto"] for one in found])
        means = [np.mean([one[name] for one in found]) for name in (*TASKS, "auto", "best")]
        lost = f"{np.minimum(auto, 0).mean():.2f} | {(auto < LOST).sum()} | {min(auto.min(), 0):.1f}"
        print(f"| {suffix}, {group} | {len(found)} | " + " | ".join(f"{mean:.2f}" for mean in means) + f" | {lost} |")


if __name__ == "__main__":
    main()
