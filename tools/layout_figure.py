"""Make the picture of docs/layouts.md: `python tools/layout_figure.py`.

The label maps are drawn here, so that nobody's photographs and maps are shown; below each is what `facades` makes of
it.
"""

from pathlib import Path

import numpy as np

import sfumato
from sfumato import Picture
from sfumato.conditions.layout import colours_of
from sfumato.pictures import grid

TARGET = Path(__file__).parents[1] / "docs" / "images" / "facades.png"
LABELS = ("background", "facade", "window", "door", "cornice", "sill", "balcony", "blind", "deco", "molding", "pillar")
SIDE, COUNT = 128, 8


def house(seed: int) -> np.ndarray:
    """A label map uint8 `h w 3`: floors of windows with sills, a door, cornices, now and then balconies and shops."""
    rng, place = np.random.default_rng(seed), {name: number for number, name in enumerate((*LABELS, "shop"))}
    labels = np.zeros((SIDE, SIDE), int)
    top, left = int(rng.integers(8, 26)), int(rng.integers(0, 14))
    labels[top:, left : SIDE - left] = place["facade"]
    labels[top : top + 5, left : SIDE - left] = place["cornice"]
    floors, columns = int(rng.integers(3, 6)), int(rng.integers(3, 7))
    high, wide = (SIDE - top - 8) // floors, (SIDE - 2 * left) // columns
    door, has_shop = int(rng.integers(columns)), bool(rng.random() < 0.4)
    for floor in range(floors):
        row = top + 8 + floor * high
        is_ground = floor == floors - 1
        if is_ground and has_shop:
            labels[row + 2 :, left + 3 : SIDE - left - 3] = place["shop"]
            continue
        for column in range(columns):
            middle = left + column * wide + wide // 2
            across = slice(middle - wide // 4, middle + wide // 4 + 1)
            if is_ground and column == door:
                labels[row + 2 :, across] = place["door"]
                continue
            labels[row + 2 : row + 2 + high * 3 // 5, across] = place["window"]
            labels[row + 2 + high * 3 // 5 : row + 4 + high * 3 // 5, across] = place["sill"]
            if not is_ground and rng.random() < 0.15:
                labels[row + high // 2 : row + high - 2, middle - wide // 3 : middle + wide // 3 + 1] = place["balcony"]
        labels[row + high - 2 : row + high, left : SIDE - left] = place["molding"] if floor == 0 else place["facade"]
    card = sfumato.load("facades").card
    colour = dict(zip(card.config["labels"], colours_of(card.config["palette"]), strict=True))
    return np.stack([colour[name] for name in place]).astype(np.uint8)[labels]


def main() -> None:
    maps = [house(seed) for seed in range(COUNT)]
    painted = [sfumato.generate("facades", 1, first=i, layout=one).pictures[0] for i, one in enumerate(maps)]
    shown = [Picture.from_array(one / np.float32(255)) for one in maps]
    grid.sheet([*shown, *painted], COUNT).save(TARGET, overwrite=True)


if __name__ == "__main__":
    main()
