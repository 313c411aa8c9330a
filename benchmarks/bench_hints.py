"""What is taken for scratches and for fading: `python benchmarks/bench_hints.py DATA [FOLDER ...] [--only TABLE]`.

Of each set of hint_sets.py without damage: how many pictures are told "Perhaps scratches" and "faded tones" by
`restore` and `--dry-run`; how much of their pixels `--task scratches` would fill in, on average and in the worst
picture; and how much it would if it filled in what is doubtful as well. The old ones are listed one by one. Then of
photographs with drawn damage, and of faded ones: how many are told so; "at full resolution alone": how many would be if
a share at half of it were not asked for as well. The third thing that is proposed, a small size, goes by the file's
format and size alone.

FOLDER: drawings by others, such as Debian's /usr/share/openclipart/png (openclipart-png) and
/usr/share/icons/Adwaita/512x512 (adwaita-icon-theme); about --most of each, of 129 to 900 pixels, laid on white. How
many are told of scratches or fading, how many would be if drawings were not known, how many are taken for compressed,
and of how many that is found when they are stored as JPEG of quality 60 and then without loss. --model tries another
finder of scratches, --save keeps what is found in red, --only makes one of the tables.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import numpy as np
from bench_drawn import others, stored
from hint_sets import SMALL, Members, drawn_over, faded, marked, picture_of, undamaged
from PIL import Image

from sfumato import Picture
from sfumato.models import zoo
from sfumato.models.engine import Engine, load
from sfumato.restoration import scratches
from sfumato.restoration.diagnosis import SCRATCHED, Diagnosis

QUALITY = 60  # of JPEG, of drawings


@dataclass(frozen=True)
class Found:
    """In a picture: what is proposed; the shares that are filled in and that are found, doubts too."""

    proposed: tuple[str, ...]
    filled: float
    found: float


def measured(engine: Engine, title: str, members: Members, save: Path | None) -> dict[str, Found]:
    found = {}
    for name, x in members:
        picture = picture_of(x)
        finds = scratches.judge(picture, engine)
        share = float(finds.damaged.mean())
        found[name] = Found(Diagnosis(picture).proposed, share if finds.is_sure else 0.0, share)
        if save is not None and finds.damaged.any():
            marked(x, finds.damaged, save / title.replace("/", "-") / f"{name}.png")
    return found


def print_undamaged(data: Path, engine: Engine, save: Path | None) -> None:
    print("| without damage | told of scratches | of fading | filled in | most in one | and what is doubtful |")
    print("|---|---:|---:|---:|---|---:|", flush=True)
    for title, members in undamaged(data):
        found = measured(engine, title, members, save)
        told = {task: [name for name, one in found.items() if task in one.proposed] for task in ("scratches", "fade")}
        worst = max(found, key=lambda name: found[name].filled)
        filled, doubtful = (np.mean([getattr(one, name) for one in found.values()]) for name in ("filled", "found"))
        cells = f"{len(told['scratches'])} | {len(told['fade'])} | {filled:.2%}"
        print(
            f"| {title} ({len(found)}) | {cells} | {found[worst].filled:.1%} of {worst} | {doubtful:.2%} |", flush=True
        )
        print(f"<!-- {told} -->", flush=True)
        if title.startswith("old"):
            for name, one in found.items():
                told_of = ("yes" if task in one.proposed else "no" for task in ("scratches", "fade"))
                print(f"| {name} | {' | '.join(told_of)} | {one.filled:.2%} | | {one.found:.2%} |", flush=True)


def print_damaged(data: Path) -> None:
    print("\n| damaged | told of scratches | at full resolution alone |\n|---|---:|---:|", flush=True)
    for title in SMALL:
        counts = np.zeros(3, int)
        for _, x in drawn_over(data, title):
            one = Diagnosis(picture_of(x))
            counts += ["scratches" in one.proposed, 1, one.scratched >= SCRATCHED]
        print(f"| {title} | {counts[0]} of {counts[1]} | {counts[2]} |", flush=True)
    print("\n| faded | told of fading |\n|---|---:|", flush=True)
    for title, members in faded(data):
        told = ["fade" in Diagnosis(picture_of(x)).proposed for _, x in members]
        print(f"| {title} | {sum(told)} of {len(told)} |", flush=True)


def print_drawings(folders: list[Path], most: int) -> None:
    print("\n| drawings | told of scratches | of fading | if drawings were not known | compressed | as JPEG |")
    print("|---|---:|---:|---:|---:|---:|", flush=True)
    for folder in folders:
        counts = np.zeros(6, int)
        for name, x in others(folder, most):
            one, file = (Diagnosis(whole(y)) for y in (x, stored(x, QUALITY, "4:2:0")))
            told = ["scratches" in one.proposed, "fade" in one.proposed]
            unknown = not one.is_dotted and not one.is_of_palette and (one.is_scratched or one.is_faded)
            counts += [1, *told, unknown, one.is_compressed and bool(one.tasks), file.is_compressed]
            if any(told) or one.is_compressed:
                print(f"<!-- {name}: {one.proposed}, {one.describe()} -->", flush=True)
        print(f"| {folder} ({counts[0]}) | " + " | ".join(str(count) for count in counts[1:]) + " |", flush=True)


def whole(x: Image.Image) -> Picture:
    return Picture.from_array(np.asarray(x, np.float32) / 255, depth=8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("folders", type=Path, nargs="*", metavar="FOLDER")
    parser.add_argument(
        "--model", default=zoo.FOR_TASK["scratches"], help="a model file or the name of a shipped model"
    )
    parser.add_argument("--save", type=Path, help="a folder for pictures of what is found")
    parser.add_argument("--only", choices=("undamaged", "damaged", "drawings"))
    parser.add_argument("--most", type=int, default=120, help="pictures of a FOLDER")
    given = parser.parse_args()
    engine = load(given.model)
    print(f"<!-- scratches by {engine.card.name} -->\n")
    with patch.dict(zoo.FOR_TASK, scratches=given.model):  # what the hint goes by
        if given.only in (None, "undamaged"):
            print_undamaged(given.data, engine, given.save)
        if given.only in (None, "damaged"):
            print_damaged(given.data)
        if given.folders and given.only in (None, "drawings"):
            print_drawings(given.folders, given.most)


if __name__ == "__main__":
    main()
