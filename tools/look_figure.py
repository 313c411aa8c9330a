"""The picture of the two looks in docs/restoration.md: `python tools/look_figure.py`.

An eye enlarged four times, and holes in a cheek and in a jacket, of scikit-image's pictures: as they came in, faithful
and sharp.
"""

from pathlib import Path

import numpy as np
import torch
from skimage import data

from sfumato import Picture, restore
from sfumato.learn.degradations.resampling import Reduced
from sfumato.restoration.options import LOOKS

OUT = Path(__file__).parents[1] / "docs" / "images" / "look.webp"
SIDE, HOLE, GAP = 192, 56, 6


def window(picture: np.ndarray, top: int, left: int) -> np.ndarray:
    return np.ascontiguousarray(picture[top : top + SIDE, left : left + SIDE]).astype(np.float32) / 255


def enlarged(x: np.ndarray) -> list[np.ndarray]:
    small = Reduced(4)(torch.from_numpy(x).permute(2, 0, 1), torch.Generator().manual_seed(0)).y
    y = small.permute(1, 2, 0).numpy()
    looks = [restore(y, task="upscale", scale=4, look=look).picture.array() for look in LOOKS]
    return [y.repeat(4, 0).repeat(4, 1), *looks]


def filled(x: np.ndarray, top: int, left: int) -> list[np.ndarray]:
    mask = np.zeros(x.shape[:2], np.float32)
    mask[top : top + HOLE, left : left + HOLE] = 1
    y = np.where(mask[..., None] > 0, np.float32(0.5), x)
    return [y, *(restore(y, task="inpaint", mask=mask, look=look).picture.array() for look in LOOKS)]


def joined(parts: list[np.ndarray], axis: int) -> np.ndarray:
    shape = list(parts[0].shape)
    shape[axis] = GAP
    gap = np.ones(shape, np.float32)
    return np.concatenate([part for each in parts for part in (gap, each)][1:], axis)


def main() -> None:
    cat, jacket = data.chelsea(), data.astronaut()
    rows = [
        enlarged(window(cat, 60, 90)),
        filled(window(cat, 100, 230), 70, 70),
        filled(window(jacket, 300, 20), 50, 60),
    ]
    shown = joined([joined(row, 1) for row in rows], 0)
    Picture.from_array(shown.clip(0, 1).astype(np.float32)).save(OUT, quality=90, overwrite=True)
    print(f"{OUT.name}: {OUT.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
