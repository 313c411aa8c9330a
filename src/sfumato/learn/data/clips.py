"""Clips to learn from: windows of frames of real sequences, and motion drawn over single pictures, which is endless."""

import re
from collections import defaultdict
from pathlib import PurePosixPath

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import Dataset

from ..degradations.clips import on_clip
from ..degradations.degradation import Degradation, in_8_bits
from .motion import drawn_motion
from .seeds import sample_seed
from .store import PictureStore


def sequences(store: PictureStore, frames: int = 2) -> list[tuple[int, ...]]:
    """The numbers of the pictures of each sequence, in the order of their names.

    A sequence is a folder of at least `frames` pictures of one size whose names end in a number.
    """
    folders: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for i, name in enumerate(store.names):
        path = PurePosixPath(name)
        if number := re.search(r"\d+$", path.stem):
            folders[f"{path.parent}/{path.stem[: number.start()]}"].append((int(number[0]), i))
    ordered = (tuple(i for _, i in sorted(entries)) for entries in folders.values())
    return [one for one in ordered if len(one) >= frames and len({store.shapes[i] for i in one}) == 1]


class Clips(Dataset):
    """Sample `index` of a run: x, y `t c patch patch` and level `t 1 patch patch`, a function of (seed, index).

    real: the share of windows of real sequences, forwards or backwards, now and then every second frame; the others
    are motion drawn over the pictures that belong to none. Every clip is turned by one of eight flips.
    """

    def __init__(
        self,
        store: PictureStore,
        degradation: Degradation,
        *,
        frames: int,
        patch: int,
        seed: int,
        real: float = 0.5,
    ) -> None:
        self.store, self.degradation, self.frames, self.patch, self.seed = store, degradation, frames, patch, seed
        self.sequences = [one for one in sequences(store, frames) if min(store.shapes[one[0]][:2]) >= patch]
        taken = {i for one in self.sequences for i in one}
        self.stills = [i for i in range(len(store)) if i not in taken]
        self.real = (real if self.stills else 1.0) if self.sequences else 0.0
        areas = np.array([store.shapes[i][0] * store.shapes[i][1] for i in self.stills], dtype=np.float64)
        self.chances = np.cumsum(areas / areas.sum()) if len(areas) else areas

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        seed = sample_seed(self.seed, index)
        rng = np.random.default_rng(seed)
        frames = self._real(rng) if rng.random() < self.real else self._drawn(rng)
        frames = torch.rot90(frames, int(rng.integers(4)), (2, 3))
        frames = frames.flip(3) if rng.integers(2) else frames
        degraded = on_clip(self.degradation, frames.contiguous(), torch.Generator().manual_seed(seed))
        return {"x": degraded.x, "y": degraded.y, "level": degraded.level}

    def _real(self, rng: np.random.Generator) -> Tensor:
        one = self.sequences[int(rng.integers(len(self.sequences)))]
        longest = (len(one) - 1) // (self.frames - 1) if self.frames > 1 else 1
        step = 2 if longest > 1 and rng.random() < 0.15 else 1
        first = int(rng.integers(len(one) - step * (self.frames - 1)))
        numbers = one[first : first + step * self.frames : step]
        numbers = numbers[::-1] if rng.integers(2) else numbers
        height, width = self.store.shapes[one[0]][:2]
        top, left = int(rng.integers(height - self.patch + 1)), int(rng.integers(width - self.patch + 1))
        window = (slice(top, top + self.patch), slice(left, left + self.patch))
        pixels = np.stack([self.store[i][window] for i in numbers])
        return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255

    def _drawn(self, rng: np.random.Generator) -> Tensor:
        pictures = [self._still(rng) for _ in range(2)]
        return in_8_bits(drawn_motion(pictures[0], pictures[1], self.frames, self.patch, rng))

    def _still(self, rng: np.random.Generator) -> Tensor:
        """A window of a picture, twice the size of a patch where it is as large; some are reduced to it."""
        picture = self.store[self.stills[min(int(np.searchsorted(self.chances, rng.random())), len(self.stills) - 1)]]
        side = round(2 * self.patch * (2 ** rng.random() if rng.random() < 0.5 else 1))
        height, width = (min(side, length) for length in picture.shape[:2])
        top, left = (int(rng.integers(a - b + 1)) for a, b in zip(picture.shape[:2], (height, width), strict=True))
        pixels = picture[top : top + height, left : left + width].copy()
        still = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
        return F.interpolate(still, (2 * self.patch,) * 2, mode="bicubic", antialias=True).clamp(0, 1)[0]
