"""What is taken for scratches where nothing is scratched: `python benchmarks/bench_hints.py DATA [--model FILE]`.

DATA holds photos/val, photos2/val (with small.zip) and benchmarks/cbsd68, undamaged photographs, and old_photos, of
which the eight named old_*.png are not scratched. Of each set: how many pictures are said to look scratched ("Perhaps
scratches": a share of SCRATCHED or more surely is), how much of their pixels `--task scratches` would fill in, on
average and in the worst picture, and how much it would if it filled in what is doubtful as well. The old ones are
listed one by one. --save FOLDER keeps what is found in red.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sfumato import Picture
from sfumato.learn.data.folders import decode, list_pictures
from sfumato.models.engine import Engine, load
from sfumato.restoration import scratches
from sfumato.restoration.diagnosis import SCRATCHED

SETS = ("photos/val", "photos2/val", "photos2/val/small.zip", "benchmarks/cbsd68")
OLD = "old_photos"


def pictures(data: Path, folder: str) -> Iterator[tuple[str, Picture]]:
    """Names and pictures of a folder or a zip, in the order of their names."""
    for name, stored in sorted(list_pictures(data / folder).read(), key=lambda item: item[0]):
        array = decode(stored, 3) if isinstance(stored, bytes) else stored
        yield Path(name).stem, Picture.from_array(array.astype(np.float32) / 255, depth=32, format="tiff")


def marked(picture: Picture, damaged: np.ndarray, file: Path) -> None:
    """The picture with what was found in red, half its brightness elsewhere."""
    array = 0.3 + 0.6 * picture.array()
    array[damaged] = (1, 0, 0)
    file.parent.mkdir(parents=True, exist_ok=True)
    Picture.from_array(array.astype(np.float32)).save(file, overwrite=True)


@dataclass(frozen=True)
class Shares:
    """Of a picture: what surely is damage, by which hints are given; what is filled in; what is found, doubts too."""

    sure: float
    filled: float
    found: float


def measured(engine: Engine, data: Path, folder: str, save: Path | None) -> dict[str, Shares]:
    shares = {}
    for name, picture in pictures(data, folder):
        if folder == OLD and not name.startswith("old_"):
            continue
        finds = scratches.judge(picture, engine)
        sure = float(scratches.find(picture, engine, threshold=scratches.SURE).mean()) if finds.is_sure else 0.0
        found = float(finds.damaged.mean())
        shares[name] = Shares(sure, found if finds.is_sure else 0.0, found)
        if save is not None and finds.damaged.any():
            marked(picture, finds.damaged, save / folder.replace("/", "-") / f"{name}.png")
    return shares


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="scratches", help="a model file or the name of a shipped model")
    parser.add_argument("--save", type=Path, help="a folder for pictures of what is found")
    given = parser.parse_args()
    engine = load(given.model)
    print(f"\n{engine.card.name}: found where nothing is scratched\n")
    print("| pictures | hinted | filled in | most in one | and what is left as doubtful |\n|---|---:|---:|---|---:|")
    for folder in SETS:
        shares = measured(engine, given.data, folder, given.save)
        hinted = [name for name, share in shares.items() if share.sure >= SCRATCHED]
        worst = max(shares, key=lambda name: shares[name].filled)
        filled = float(np.mean([share.filled for share in shares.values()]))
        found = float(np.mean([share.found for share in shares.values()]))
        print(
            f"| {folder} ({len(shares)}) | {len(hinted)} | {100 * filled:.2f} % | "
            f"{100 * shares[worst].filled:.1f} % of {worst} | {100 * found:.2f} % |",
            flush=True,
        )
        print(f"<!-- hinted: {', '.join(hinted)} -->", flush=True)
    old = measured(engine, given.data, OLD, given.save)
    for name, share in old.items():
        hint = "yes" if share.sure >= SCRATCHED else "no"
        print(f"| {name} | {hint} | {100 * share.filled:.2f} % | | {100 * share.found:.2f} % |", flush=True)


if __name__ == "__main__":
    main()
