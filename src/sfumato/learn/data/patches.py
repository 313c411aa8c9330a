"""Training patches: every picture decoded once into a memory-mapped store, every sample a function of (seed, index)."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from sfumato.errors import TrainingError

from ..degradations.degradation import Degradation
from .folders import Listing, decode


def cache_folder() -> Path:
    """Where decoded pictures are kept between runs: below $XDG_CACHE_HOME, or ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sfumato" / "pictures"


@dataclass(frozen=True)
class PictureStore:
    """Decoded pictures in one memory-mapped file: `store[i]` is uint8 `h w c`, and costs no decoding."""

    pixels: np.ndarray
    offsets: tuple[int, ...]
    shapes: tuple[tuple[int, int, int], ...]
    names: tuple[str, ...]
    unreadable: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.shapes)

    def __getitem__(self, i: int) -> np.ndarray:
        h, w, c = self.shapes[i]
        return self.pixels[self.offsets[i] : self.offsets[i] + h * w * c].reshape(h, w, c)

    def sample(self, count: int) -> "PictureStore":
        """At most `count` of the pictures, evenly spaced."""
        taken = [i * len(self) // count for i in range(count)] if count < len(self) else range(len(self))
        return replace(
            self,
            offsets=tuple(self.offsets[i] for i in taken),
            shapes=tuple(self.shapes[i] for i in taken),
            names=tuple(self.names[i] for i in taken),
        )

    @classmethod
    def build(
        cls,
        listing: Listing,
        *,
        channels: int = 3,
        max_bytes: int = 8 * 2**30,
        folder: Path | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> "PictureStore":
        """Decode what `listing` names, or find it decoded. Each picture gets at most its share of `max_bytes`:

        of a larger one a window is kept, whose place follows from its name. Broken files are skipped and listed.
        """
        folder = (folder or cache_folder()) / f"{listing.key}-{channels}-{max_bytes}"
        index = folder / "index.json"
        if not index.exists():
            cls._decode_all(listing, channels, max_bytes // max(len(listing.names), 1), folder, progress)
        facts = json.loads(index.read_text())
        if not facts["shapes"]:
            raise TrainingError(f"None of the {len(listing.names)} picture files in {listing.source} can be read.")
        pixels = np.memmap(folder / "pixels.u8", dtype=np.uint8, mode="r")
        shapes = tuple((int(h), int(w), int(c)) for h, w, c in facts["shapes"])
        return cls(pixels, tuple(facts["offsets"]), shapes, tuple(facts["names"]), tuple(facts["unreadable"]))

    @staticmethod
    def _decode_all(
        listing: Listing, channels: int, share: int, folder: Path, progress: Callable[[int, int], None] | None
    ) -> None:
        partial = folder.with_name(f"{folder.name}.{os.getpid()}.part")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        facts: dict[str, list] = {"offsets": [], "shapes": [], "names": [], "unreadable": []}
        offset = 0
        with open(partial / "pixels.u8", "wb") as out:
            for done, (name, stored) in enumerate(listing.read(), 1):
                try:
                    pixels = _window(decode(stored, channels), share, name)
                except ValueError as broken:
                    facts["unreadable"].append(f"{name}: {broken}")
                    continue
                out.write(np.ascontiguousarray(pixels).tobytes())
                facts["offsets"].append(offset)
                facts["shapes"].append(pixels.shape)
                facts["names"].append(name)
                offset += pixels.size
                if progress:
                    progress(done, len(listing.names))
            if offset == 0:
                out.write(b"\0")
        (partial / "index.json").write_text(json.dumps(facts))
        try:
            partial.rename(folder)
        except OSError:  # another process was quicker, with the same result
            shutil.rmtree(partial, ignore_errors=True)


def _window(pixels: np.ndarray, share: int, name: str) -> np.ndarray:
    """`pixels`, or a window of it of at most `share` bytes (never under 256x256), placed by the name."""
    h, w = pixels.shape[:2]
    shrink = (share / pixels.size) ** 0.5
    if shrink >= 1:
        return pixels
    rows, columns = max(min(h, 256), int(h * shrink)), max(min(w, 256), int(w * shrink))
    place = np.random.default_rng(sample_seed(0, name))
    top, left = place.integers(0, h - rows + 1), place.integers(0, w - columns + 1)
    return pixels[top : top + rows, left : left + columns]


def sample_seed(seed: int, index: int | str) -> int:
    """63 bits that follow from the run's seed and the sample's index, and nothing else."""
    return int.from_bytes(hashlib.blake2b(f"{seed}:{index}".encode(), digest_size=8).digest(), "big") >> 1


class DegradedPatches(Dataset):
    """Sample `index` of a run: a square patch (pictures drawn by area), one of its eight flips, degraded.

    Gives x, y `c patch patch` and sigma `1 patch patch`, float32. The same (seed, index) gives the same sample on
    any machine and in any order, which is what makes resuming exact and worker processes free of state.
    """

    def __init__(self, store: PictureStore, degradation: Degradation, *, patch: int, seed: int) -> None:
        self.store, self.degradation, self.patch, self.seed = store, degradation, patch, seed
        areas = np.array([h * w for h, w, _ in store.shapes], dtype=np.float64)
        self.chances = np.cumsum(areas / areas.sum())

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        seed = sample_seed(self.seed, index)
        draw = np.random.default_rng(seed)
        picture = self.store[min(int(np.searchsorted(self.chances, draw.random())), len(self.store) - 1)]
        patch = crop(picture, self.patch, draw)
        patch = np.rot90(patch, int(draw.integers(4)))
        patch = patch[:, ::-1] if draw.integers(2) else patch
        x = torch.from_numpy(np.ascontiguousarray(patch)).permute(2, 0, 1).float() / 255
        degraded = self.degradation(x.contiguous(), torch.Generator().manual_seed(seed))
        return {"x": degraded.x, "y": degraded.y, "sigma": degraded.sigma}


def crop(picture: np.ndarray, size: int, draw: np.random.Generator) -> np.ndarray:
    """A random `size size c` window; a smaller picture is mirrored outwards first."""
    missing = [max(size - length, 0) for length in picture.shape[:2]]
    if any(missing):
        picture = np.pad(picture, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="symmetric")
    top, left = (int(draw.integers(0, length - size + 1)) for length in picture.shape[:2])
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
