"""Whether one can be sure that a picture is scratched or faded: `python benchmarks/bench_certainty.py DATA`.

Scratches: a pixel is surely scratched where the shipped finder gives it a probability of 0.98 in the picture as it is,
and to it or to a neighbour in the picture at half the resolution: noise and rims of a pixel or two do not pass. The
pictures are those of hint_sets.py: without scratches (scikit-image's are taken grey and with noise of 20 as well) and
with (scratched_*.png; the photographs of photos/val, small.zip and every second of CBSD68 damaged by
damage_drawn_otherwise.py, those of photos/val also as training draws damage). Of each set: the largest share in a
picture, the largest in a window of 192x192, which somebody may have cut out, and how many pictures a limit would have
mended. The limit is the least that spares every second of the undamaged pictures, as they are or in any such window;
the others tell what it is worth. --save FOLDER keeps what is sure, in red, of undamaged pictures with 1 % in a window.

Fading: how far the tones are from what `fade` would make of them, as the hint goes by it; of the undamaged pictures,
and of the photographs faded as training fades them.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from hint_sets import Members, carried, drawn_over, faded, marked, picture_of, really_scratched, trained_on, undamaged

from sfumato.models.engine import Engine, load
from sfumato.restoration import masks, scratches
from sfumato.restoration.diagnosis import Diagnosis
from sfumato.tiling.resize import downsample

WINDOW, STEP = 192, 64  # pixels
NOISE = 20 / 255
SEEN = 0.01  # of a window, for --save


@dataclass(frozen=True)
class Share:
    """Of surely scratched pixels in one picture, and the largest in a window of it."""

    name: str
    whole: float
    window: float


def sure(x: np.ndarray, engine: Engine) -> np.ndarray:
    """x `h w 3` in [0, 1] -> the pixels `h w` that surely look scratched at both resolutions."""
    fine, coarse = (scratches.find(picture_of(y), engine, threshold=scratches.SURE) for y in (x, downsample([x], 2)))
    near = masks.dilate(coarse, 1).repeat(2, axis=0).repeat(2, axis=1)
    return fine & near[: len(fine), : fine.shape[1]]


def largest_in_a_window(mask: np.ndarray) -> float:
    tops, lefts = (range(0, max(length - WINDOW, 0) + 1, STEP) for length in mask.shape)
    return max(float(mask[top : top + WINDOW, left : left + WINDOW].mean()) for top in tops for left in lefts)


def unscratched(data: Path) -> Iterator[tuple[str, Members]]:
    yield from undamaged(data)
    yield "scikit-image, grey, noise of 20", carried(NOISE)


def scratched(data: Path) -> Iterator[tuple[str, Members]]:
    for folder, every in (("photos/val", 1), ("photos2/val/small.zip", 1), ("benchmarks/cbsd68", 2)):
        yield f"{folder}, damaged otherwise", drawn_over(data, folder, every)
    yield "photos/val, damaged as trained on", trained_on(data)
    yield "really scratched", really_scratched(data)


def measured(sets: Iterator[tuple[str, Members]], engine: Engine, save: Path | None) -> dict[str, list[Share]]:
    """By set the share of each picture."""
    shares: dict[str, list[Share]] = {}
    for title, members in sets:
        shares[title] = []
        for name, x in members:
            mask = sure(x, engine)
            share = Share(name, float(mask.mean()), largest_in_a_window(mask))
            shares[title].append(share)
            if save is not None and share.window >= SEEN:
                marked(x, mask, save / f"{title.replace('/', '-')}-{name}.png")
        print(f"<!-- {title}: {', '.join(f'{s.name} {100 * s.whole:.2f}' for s in shares[title])} -->", flush=True)
    return shares


def print_scratches(data: Path, save: Path | None) -> None:
    engine = load("scratches")
    whole, damage = measured(unscratched(data), engine, save), measured(scratched(data), engine, None)
    chosen_by = [share for members in whole.values() for share in members[::2]]
    limits = max(share.whole for share in chosen_by), max(share.window for share in chosen_by)
    print(f"\nA limit of {100 * limits[0]:.2f} % spares every second undamaged picture; {100 * limits[1]:.2f} % spares")
    print(
        "all that can be cut out of these.\n\n| pictures | most, whole | most, window | mended | by the higher limit |"
    )
    print("|---|---|---|---:|---:|")
    for title, members in (whole | damage).items():
        counted = members[1::2] if title in whole else members
        most = max(members, key=lambda share: share.whole), max(members, key=lambda share: share.window)
        cells = (f"{100 * most[0].whole:.2f} % ({most[0].name})", f"{100 * most[1].window:.2f} % ({most[1].name})")
        mended = (f"{sum(share.whole > limit for share in counted)} of {len(counted)}" for limit in limits)
        print(f"| {title} | {' | '.join((*cells, *mended))} |", flush=True)


def print_fading(data: Path) -> None:
    print("\n| pictures | half have at least | a tenth | most |\n|---|---:|---:|---|")
    for sets in (unscratched(data), faded(data)):
        for title, members in sets:
            far = {name: Diagnosis(picture_of(x)).faded for name, x in members}
            half, tenth, most = np.quantile(list(far.values()), (0.5, 0.9, 1))
            farthest = max(far, key=lambda name: far[name])
            print(f"| {title} ({len(far)}) | {half:.3f} | {tenth:.3f} | {most:.3f} ({farthest}) |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", choices=("scratches", "fade"))
    parser.add_argument("--save", type=Path, help="a folder for pictures of what is found where nothing is scratched")
    given = parser.parse_args()
    if given.only != "fade":
        print_scratches(given.data, given.save)
    if given.only != "scratches":
        print_fading(given.data)


if __name__ == "__main__":
    main()
