"""Training patches: every picture decoded once into a memory-mapped store, every sample a function of (seed, index)."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from ..degradations.degradation import Degradation, Degraded, in_8_bits
from ..degradations.resampling import resized
from .seeds import sample_seed
from .store import PictureStore


class DegradedPatches(Dataset):
    """Sample `index` of a run: a square patch (pictures chosen by area), one of its eight flips, degraded.

    Gives x, y `c patch patch` and level `1 patch patch`, float32. The same (seed, index) gives the same sample on
    any machine and in any order, which is what makes resuming exact and worker processes free of state. With `shrink`
    above 1, half of the patches are windows of up to so many times the size, reduced to it and rounded to 8 bits.
    """

    def __init__(
        self, store: PictureStore, degradation: Degradation, *, patch: int, seed: int, shrink: float = 1.0
    ) -> None:
        self.store, self.degradation, self.patch, self.seed, self.shrink = store, degradation, patch, seed, shrink
        areas = np.array([h * w for h, w, _ in store.shapes], dtype=np.float64)
        self.chances = np.cumsum(areas / areas.sum())

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        done = self.degraded(index)
        return {"x": done.x, "y": done.y, "level": done.level}

    def degraded(self, index: int) -> Degraded:
        """All that is known of what was done to sample `index`."""
        seed = sample_seed(self.seed, index)
        rng = np.random.default_rng(seed)
        picture = self.store[min(int(np.searchsorted(self.chances, rng.random())), len(self.store) - 1)]
        patch = crop(picture, self._window(picture, rng), rng)
        patch = np.rot90(patch, int(rng.integers(4)))
        patch = patch[:, ::-1] if rng.integers(2) else patch
        x = torch.from_numpy(np.array(patch, order="C")).permute(2, 0, 1).float() / 255
        if x.shape[1] != self.patch:
            x = in_8_bits(resized(x, (self.patch, self.patch)))
        return self.degradation(x.contiguous(), torch.Generator().manual_seed(seed))

    def _window(self, picture: np.ndarray, rng: np.random.Generator) -> int:
        """The side of the window that becomes a patch: no more than the picture has, where it has a patch at all."""
        if self.shrink == 1 or rng.random() < 0.5:
            return self.patch
        wanted = round(self.patch * self.shrink ** rng.random())
        return max(min(wanted, *picture.shape[:2]), self.patch)


class KeptPatches(Dataset):
    """The first `count` samples of a set, repeated in random order, each with its `number` and a `turn`, 0-7."""

    def __init__(self, samples: Dataset, count: int, *, seed: int) -> None:
        self.samples, self.count, self.seed = samples, count, seed

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        rng = np.random.default_rng(sample_seed(self.seed, f"kept {index}"))
        number, turn = int(rng.integers(self.count)), int(rng.integers(8))
        return self.samples[number] | {"number": torch.tensor(number), "turn": torch.tensor(turn)}


def crop(picture: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """A random `size size c` window; a smaller picture is mirrored outwards first."""
    missing = [max(size - length, 0) for length in picture.shape[:2]]
    if any(missing):
        picture = np.pad(picture, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="symmetric")
    top, left = (int(rng.integers(0, length - size + 1)) for length in picture.shape[:2])
    return picture[top : top + size, left : left + size]


class StepSampler(Sampler[int]):
    """Sample indices for the steps from `start` on: process `rank` of `processes` takes its share of each batch."""

    def __init__(self, start: int, batch: int, rank: int, processes: int) -> None:
        self.start, self.batch, self.rank, self.processes = start, batch, rank, processes

    def __iter__(self) -> Iterator[int]:
        share = self.batch // self.processes
        step = self.start
        while True:
            first = step * self.batch + self.rank * share
            yield from range(first, first + share)
            step += 1
