"""One file from a folder of pictures: `PYTHONPATH=tools python benchmarks/bench_folder.py DATA [OWN] [BASELINE]`.

The folder: 300 of the 506 photographs of CMP Facades (train and test), chosen with seed 0 and reduced to 128x128; the
206 others are held out. Without OWN both folders are written and the commands printed that train OWN, by `train auto`,
and BASELINE, a `gan-classic` with as much time, of pictures of the same size.

Restoring, on the held-out pictures: PSNR in RGB of noise of sigma 15, 25 and 50, the level given, nothing clipped or
rounded; and, on every sixteenth of them, beside `denoise-fast` alone, of known damage that a denoiser undoes as the
prior: a straight path of 6 pixels (noise of sigma 1), and half of the pixels missing; rounded to 8 bits. Differences
per picture, with the 95 % interval of their mean (10,000 bootstrap samples).

Generating: as many pictures as are held out, seed 0; KID x 1000 in Lite0's features (224x224) with the 95 % interval
of 1,000 bootstrap samples of the pictures, and of the difference on the same samples; near-copies as `sfumato evaluate`
counts them.

--sheet FILE writes samples of OWN and BASELINE below each other; --crops FILE held-out pictures with noise of sigma 50
as the shipped denoiser and OWN restore them.
"""

import argparse
from functools import partial
from pathlib import Path

import numpy as np
from bench_layout import distances, features
from bootstrap import described
from PIL import Image

from sfumato import Picture, generate, restore
from sfumato.learn.cache import cache_folder
from sfumato.learn.data.folders import list_pictures
from sfumato.learn.data.store import PictureStore
from sfumato.learn.evaluation.generation import bytes_of, evaluate_generator
from sfumato.learn.evaluation.protocols import Protocol
from sfumato.learn.evaluation.restoration import clean_pictures, degraded
from sfumato.measures import psnr
from sfumato.models.engine import Engine, load
from sfumato.operators import Blur, add_noise
from sfumato.operators.kernels import parse
from sfumato.pictures import grid

SIDE, NUM, TIME = 128, 300, "24m"
LEVELS, SHIPPED, BLURRED = (15, 25, 50), ("denoise-fast", "denoise-best"), "motion:6@30"
SHOWN = 8


def folders(data: Path) -> tuple[Path, Path]:
    """The folder to train on and that of the pictures held out."""
    place = cache_folder("one-folder")
    own, held_out = place / "own", place / "held-out"
    if not held_out.is_dir():
        photos = [
            file for part in ("train", "test") for file in sorted((data / "generation/facades" / part).glob("*.jpg"))
        ]
        order = np.random.default_rng(0).permutation(len(photos))
        for folder, numbers in ((own, order[:NUM]), (held_out, order[NUM:])):
            folder.mkdir(parents=True)
            for number in numbers:
                photo = Image.open(photos[number]).convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
                photo.save(folder / f"{photos[number].parent.name}-{photos[number].stem}.png")
    return own, held_out


def denoised(engine: Engine, pictures: list[np.ndarray], level: int) -> np.ndarray:
    """PSNR of each, noise of the level removed."""
    noise = Protocol.parse(f"gaussian:{level}").degradation()
    return np.array(
        [
            psnr(restore(degraded(x, noise, number), model=engine, noise=level).picture.array(), x)
            for number, x in enumerate(pictures)
        ]
    )


def undone(engine: Engine, pictures: list[np.ndarray], task: str) -> np.ndarray:
    """PSNR of each, a known damage undone with the model as the prior."""
    return np.array([_undone(engine, x, task, number) for number, x in enumerate(pictures)])


def _undone(engine: Engine, x: np.ndarray, task: str, number: int) -> float:
    if task == "inpaint":
        missing = np.random.default_rng(number).random(x.shape[:2]) < 0.5
        y = Picture.from_array(np.where(missing[..., None], np.float32(0), x))
        return psnr(restore(y, task=task, model=engine, mask=missing, prior=True).picture.array(), x)
    kernel = parse(BLURRED)
    assert kernel is not None, "a kernel by its name"
    operator = Blur(kernel)
    y = add_noise(operator.apply(x), 1 / 255, seed=number).clip(0, 1)
    rows, columns = operator.inside(y.shape)
    x_hat = restore(Picture.from_array(y), task=task, model=engine, kernel=BLURRED).picture.array()
    return psnr(x_hat[8:-8, 8:-8], x[rows, columns][8:-8, 8:-8])


def compare_restoring(own: Engine, held_out: Path) -> None:
    pictures = [x for _, x in clean_pictures(held_out, 3)]
    kinds = {f"sigma {level}": (partial(denoised, level=level), pictures, SHIPPED) for level in LEVELS}
    kinds["half of the pixels missing"] = (partial(undone, task="inpaint"), pictures[::16], SHIPPED[:1])
    kinds["a path of 6 pixels"] = (partial(undone, task="deblur"), pictures[::16], SHIPPED[:1])
    for kind, (measure, chosen, others) in kinds.items():
        ours = measure(own, chosen)
        print(f"{kind}, {len(chosen)} pictures: OWN {ours.mean():.2f} dB")
        for name in others:
            theirs = measure(load(name, threads=1), chosen)
            print(f"  {name} {theirs.mean():.2f} dB; OWN is ahead by {described(ours - theirs)}", flush=True)


def compare_samples(models: list[Engine], own: Path, held_out: Path, sheet: Path | None) -> None:
    store = PictureStore.build(list_pictures(held_out), channels=3, size=(SIDE, SIDE))
    real = np.stack([store[number] for number in range(len(store))])
    made = [np.stack([bytes_of(one) for one in generate(engine, len(real)).pictures]) for engine in models]
    kids = distances(features(real), *(features(pictures) for pictures in made))
    for engine, (whole, low, high, _) in zip(models, kids, strict=True):
        found = evaluate_generator(engine, str(own), held_out=str(held_out), num=len(real))
        print(f"{engine.card.name}: KID x 1000 {whole:.0f} ({low:.0f} to {high:.0f})")
        print("\n".join(f"  {line}" for line in found.lines()[2:]), flush=True)
    if len(models) == 2:
        low, high = np.quantile(kids[0][3] - kids[1][3], (0.025, 0.975))
        print(f"difference of KID x 1000: {kids[0][0] - kids[1][0]:.0f} ({low:.0f} to {high:.0f})")
    if sheet is not None:
        shown = [Picture.from_array(picture.astype(np.float32) / 255) for one in made for picture in one[: 2 * SHOWN]]
        grid.sheet(shown, columns=SHOWN).save(sheet, overwrite=True)


def crops(own: Engine, held_out: Path, file: Path) -> None:
    pictures = [x for _, x in clean_pictures(held_out, 3)][::26][:SHOWN]
    noise = Protocol.parse("gaussian:50").degradation()
    noisy = [degraded(x, noise, number) for number, x in enumerate(pictures)]
    rows = [noisy, *([restore(y, model=one, noise=50).picture.array() for y in noisy] for one in (SHIPPED[0], own))]
    shown = [Picture.from_array(x.clip(0, 1).astype(np.float32)) for row in (*rows, pictures) for x in row]
    grid.sheet(shown, columns=len(pictures)).save(file, overwrite=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--crops", type=Path)
    arguments = parser.parse_args()
    own, held_out = folders(arguments.data)
    if not arguments.models:
        print(f"sfumato train auto --data {own} --time {TIME} --run runs/own")
        # Validated twice only: by the rules of its alarms it would be sent back to its first step again and again.
        size = f"--set model.size=[{SIDE},{SIDE}] --set flips=true --set num_drawn=128 --set validate_every=750"
        print(f"sfumato train gan-classic --data {own} --time {TIME} {size} --run runs/baseline")
        return
    models = [load(name, threads=1) for name in arguments.models]
    compare_samples(models, own, held_out, arguments.sheet)
    compare_restoring(models[0], held_out)
    if arguments.crops is not None:
        crops(models[0], held_out, arguments.crops)


if __name__ == "__main__":
    main()
