"""How much of the damage is found, and how much is found that is none: `python benchmarks/bench_scratches.py DATA`.

DATA holds benchmarks/cbsd68 (CBSD68: pictures of BSDS500's validation part) and old_photos, with two photographs that
are really scratched; what is damaged there was written down by eye in old_photo_scratches.json, as polylines, spots and
areas (x and y in pixels), beside what may be or may not be damage ("unclear": the scanner's lid around the print, faint
specks), which counts neither way. The pictures of CBSD68 are damaged by damage_drawn_otherwise.py, which no training
used. A found pixel is right within 2 pixels of damage, a damaged one found within 2 pixels of a found one; found is
what `sfumato restore --task scratches` fills in, without the pixel around. Pixels of all pictures of a row are counted
together.
"""

import argparse
import json
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from damage_drawn_otherwise import chord, damaged

from sfumato import Picture
from sfumato.learn.data.folders import decode
from sfumato.learn.evaluation.restoration import clean_pictures
from sfumato.models.engine import Engine, load
from sfumato.restoration import scratches

TOLERANCE = 2  # pixels
UNDAMAGED = "undamaged CBSD68"
NOTES = Path(__file__).with_name("old_photo_scratches.json")


@dataclass
class Counts:
    """Pixels: damaged, of these found; found, of these right; and all."""

    damaged: int = 0
    recalled: int = 0
    found: int = 0
    right: int = 0
    all: int = 0

    def add(self, found: np.ndarray, damage: np.ndarray, unclear: np.ndarray | None = None) -> None:
        """Three masks `h w`; what is found at an unclear place and away from damage isn't counted."""
        near = dilate(damage)
        counted = found if unclear is None else found & (near | ~dilate(unclear))
        self.damaged += int(damage.sum())
        self.recalled += int((damage & dilate(found)).sum())
        self.found += int(counted.sum())
        self.right += int((counted & near).sum())
        self.all += found.size

    def row(self, name: str) -> str:
        return f"| {name} | {100 * self.damaged / self.all:.1f} % | {self.recall:.3f} | {self.precision:.3f} |"

    @property
    def recall(self) -> float:
        return self.recalled / max(self.damaged, 1)

    @property
    def precision(self) -> float:
        return self.right / max(self.found, 1)


def dilate(mask: np.ndarray, by: int = TOLERANCE) -> np.ndarray:
    """All pixels within `by` pixels of the mask."""
    padded, result = np.pad(mask, by), np.zeros_like(mask)
    for down in range(-by, by + 1):
        for right in range(-by, by + 1):
            if down**2 + right**2 <= by**2:
                rows, columns = (
                    slice(by + down, by + down + mask.shape[0]),
                    slice(by + right, by + right + mask.shape[1]),
                )
                result |= padded[rows, columns]
    return result


def find(engine: Engine, picture: np.ndarray) -> np.ndarray:
    """`h w 3` in [0, 1] -> mask `h w`, as `sfumato restore --task scratches` fills it in, without the pixel around."""
    shown = Picture.from_array(picture.astype(np.float32), depth=32, format="tiff")
    found = scratches.find(shown, engine)
    return found if scratches.judge(shown, engine).is_sure else np.zeros_like(found)


def noted(marks: dict[str, list], size: tuple[int, int]) -> np.ndarray:
    """Lines (points and width), spots (x, y, diameter) and areas (corners) as a mask `h w`."""
    drawn = np.zeros(size, np.float32)
    for line in marks["lines"]:
        points = np.array(line["points"])[:, ::-1]
        for a, b in pairwise(points):
            chord(drawn, a, b, max(line["width"] / 2, 0.5))
    for x, y, diameter in marks["spots"]:
        chord(drawn, np.array([y, x]), np.array([y, x]), max(diameter / 2, 0.5))
    inside = drawn >= 0.5
    for corners in marks["areas"]:
        inside |= within(np.array(corners), size)
    return inside


def within(corners: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The pixels in a polygon of corners (x, y), by counting the edges to the right of each: a mask `h w`."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    inside = np.zeros(size, bool)
    for (x, y), (next_x, next_y) in zip(corners, np.roll(corners, -1, 0), strict=True):
        if y != next_y:
            crosses = (rows < y) != (rows < next_y)
            inside ^= crosses & (columns < x + (rows - y) * (next_x - x) / (next_y - y))
    return inside


def measured(engine: Engine, data: Path) -> dict[str, Counts]:
    """What is found in each set: pictures with drawn damage, the same without any, and the really scratched ones."""
    pictures = clean_pictures(data / "benchmarks" / "cbsd68", 3)
    drawn, whole = Counts(), Counts()
    for number, (_, x) in enumerate(pictures):
        made = damaged(x, np.random.default_rng(number))
        drawn.add(find(engine, made.y), made.mask)
        whole.add(find(engine, x), np.zeros(x.shape[:2], bool))
    counts = {f"CBSD68 ({len(pictures)}), damage drawn otherwise": drawn}
    for name, notes in json.loads(NOTES.read_text()).items():
        picture = decode((data / "old_photos" / name).read_bytes(), 3).astype(np.float32) / 255
        size = picture.shape[:2]
        assert list(size[::-1]) == notes["size"], f"{name} has another size than when it was looked at"
        counts[f"{name}, really scratched"] = real = Counts()
        real.add(find(engine, picture), noted(notes["damage"], size), noted(notes["unclear"], size))
    return counts | {UNDAMAGED: whole}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="scratches", help="a model file or the name of a shipped model")
    given = parser.parse_args()
    engine = load(given.model)
    if [port.kind for port in engine.card.outputs] != ["mask"]:
        sys.exit(f"{given.model} finds no damage: its task is {engine.card.task!r}.")
    print(f"\n{engine.card.name}: damage found, within {TOLERANCE} pixels\n")
    print("| pictures | damaged | recall | precision |\n|---|---|---|---|")
    counts = measured(engine, given.data)
    whole = counts.pop(UNDAMAGED)
    for name, counted in counts.items():
        print(counted.row(name))
    print(f"\nOf the pixels of undamaged CBSD68, {100 * whole.found / whole.all:.2f} % are found to be damaged.")


if __name__ == "__main__":
    main()
