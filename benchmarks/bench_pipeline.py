"""What restoring takes beside what its network takes: `python benchmarks/bench_pipeline.py DATA [--threads N]`.

A photograph of DATA/photos2/val is repeated to 640x480 and to 4000x3000 pixels, gets white noise of sigma 25 and is
stored as JPEG of quality 95. Timed are the network alone, in the tiles that the picture is cut into, and the way from
file to file: model and level stated, the level estimated, nothing stated. Rounds take them in turn, so that a machine
whose rate drifts is as fast for all, and the best of each counts. --processor counts the seconds that processors were
at work instead, of all threads together, which other programs on a busy machine hardly change.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from sfumato.learn.evaluation.restoration import clean_pictures
from sfumato.models.engine import load, physical_cores
from sfumato.models.ports import run_by_kind
from sfumato.pictures.picture import Picture
from sfumato.restoration.restore import restore
from sfumato.tiling import tiles

MODEL, SIGMA = "denoise-fast", 25
SIZES = {"640x480": 9, "4000x3000": 3}  # rounds of each


def noisy(x: np.ndarray, height: int, width: int) -> np.ndarray:
    """As much of the photograph (h, w, 3), repeated, with noise."""
    repeated = np.tile(x, (-(-height // x.shape[0]), -(-width // x.shape[1]), 1))[:height, :width]
    noise = np.random.default_rng(0).standard_normal(repeated.shape, np.float32)
    return (repeated + noise * SIGMA / 255).clip(0, 1)


def ways(y: np.ndarray, folder: Path, threads: int) -> dict[str, Callable[[], object]]:
    """What is timed, by name."""
    engine = load(MODEL, threads=threads)
    before, after = folder / "before.jpg", folder / "after.jpg"
    Picture.from_array(y).save(before, quality=95, subsampling="420", overwrite=True)
    with_level = np.concatenate([y, np.full((*y.shape[:2], 1), SIGMA / 255, np.float32)], axis=2)
    plan = tiles.plan_for(engine.card, *y.shape[:2])

    def network(tile: np.ndarray) -> np.ndarray:
        return run_by_kind(engine, {"picture": tile[None, :3], "sigma": tile[None, 3:]})[0]

    def restored(**options: object) -> Path:
        return restore(before, threads=threads, **options).save(after, overwrite=True)

    return {
        "the network alone": lambda: tiles.whole(with_level, plan, network),
        "model and level stated": lambda: restored(model=engine, noise=SIGMA),
        "level estimated": lambda: restored(model=engine),
        "nothing stated, without advice": lambda: restored(advise=False),
        "nothing stated": restored,
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--threads", type=int, default=physical_cores())
    parser.add_argument("--size", choices=SIZES, help="only this one")
    parser.add_argument("--processor", action="store_true", help="processor time instead of time that passes")
    options = parser.parse_args()
    clock = time.process_time if options.processor else time.perf_counter
    _, x = next(iter(clean_pictures(options.data / "photos2" / "val", 3)))
    print(f"{MODEL}, {options.threads} threads, seconds, and times what the network alone takes\n")
    for size in (options.size,) if options.size else SIZES:
        width, height = map(int, size.split("x"))
        best: dict[str, float] = {}
        with tempfile.TemporaryDirectory() as folder:
            timed = ways(noisy(x, height, width), Path(folder), options.threads)
            for _ in range(SIZES[size]):
                for name, run in timed.items():
                    started = clock()
                    run()
                    best[name] = min(clock() - started, best.get(name, np.inf))
        alone = best["the network alone"]
        for name, seconds in best.items():
            print(f"| {size} | {name} | {seconds:.3f} | {seconds / alone:.2f} |")


if __name__ == "__main__":
    main()
