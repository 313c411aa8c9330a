"""Every picture of a data set decoded once into a memory-mapped store."""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from sfumato.conditions.layout import nearest_cover
from sfumato.errors import TrainingError
from sfumato.pictures.channels import resize_and_center_crop

from ..cache import cache_folder
from .folders import Listing, decode, plain_name
from .seeds import sample_seed

PIXELS, INDEX = "pixels.u8", "index.json"
MONTH = 30 * 24 * 3600.0
Fitting = Callable[[np.ndarray, str], np.ndarray]  # what is kept of the pixels of the picture with that name


@dataclass(frozen=True)
class _Window:
    """A window of at most `share` bytes (never under 256x256), placed by the name, of a picture that has more."""

    share: int

    def __str__(self) -> str:
        return str(self.share)

    def __call__(self, pixels: np.ndarray, name: str) -> np.ndarray:
        h, w = pixels.shape[:2]
        shrink = (self.share / pixels.size) ** 0.5
        if shrink >= 1:
            return pixels
        rows, columns = max(min(h, 256), int(h * shrink)), max(min(w, 256), int(w * shrink))
        place = np.random.default_rng(sample_seed(0, plain_name(name)))
        top, left = place.integers(0, h - rows + 1), place.integers(0, w - columns + 1)
        return pixels[top : top + rows, left : left + columns]


@dataclass(frozen=True)
class _Cover:
    """The middle of the picture, scaled to cover height and width exactly."""

    size: tuple[int, ...]

    def __str__(self) -> str:
        return "x".join(map(str, self.size))

    def __call__(self, pixels: np.ndarray, name: str) -> np.ndarray:
        if pixels.shape[:2] == self.size:
            return pixels
        return np.round(255 * resize_and_center_crop(pixels.astype(np.float32) / 255, self.size)).astype(np.uint8)


@dataclass(frozen=True)
class _NearestCover:
    """The same without mixing any pixels, for label maps."""

    size: tuple[int, ...]

    def __str__(self) -> str:
        return f"{'x'.join(map(str, self.size))}-nearest"

    def __call__(self, pixels: np.ndarray, name: str) -> np.ndarray:
        return nearest_cover(pixels, self.size)


@dataclass(frozen=True)
class PictureStore:
    """Decoded pictures in one memory-mapped file: `store[i]` is uint8 `h w c`, and costs no decoding."""

    file: Path
    offsets: tuple[int, ...]
    shapes: tuple[tuple[int, int, int], ...]
    names: tuple[str, ...]
    unreadable: tuple[str, ...]

    @cached_property
    def pixels(self) -> np.ndarray:
        return np.memmap(self.file, dtype=np.uint8, mode="r")

    def __getstate__(self) -> dict[str, Any]:
        """What goes to a worker process: the file's name, not the gigabytes in it."""
        return {name: value for name, value in self.__dict__.items() if name != "pixels"}

    def __len__(self) -> int:
        return len(self.shapes)

    def __getitem__(self, i: int) -> np.ndarray:
        h, w, c = self.shapes[i]
        return self.pixels[self.offsets[i] : self.offsets[i] + h * w * c].reshape(h, w, c)

    @property
    def fingerprint(self) -> str:
        """A text that differs where other pictures are in the store, wherever they lie."""
        names = [plain_name(name) for name in self.names]
        return hashlib.blake2b(repr((names, self.shapes)).encode(errors="surrogateescape"), digest_size=12).hexdigest()

    def sample(self, count: int) -> "PictureStore":
        """At most `count` of the pictures, evenly spaced."""
        return self.take([i * len(self) // count for i in range(count)] if count < len(self) else range(len(self)))

    def take(self, numbers: Iterable[int]) -> "PictureStore":
        """The pictures of these numbers, in this order."""
        taken = list(numbers)
        return replace(
            self,
            offsets=tuple(self.offsets[i] for i in taken),
            shapes=tuple(self.shapes[i] for i in taken),
            names=tuple(self.names[i] for i in taken),
        )

    def split(
        self, share: float = 0.05, *, at_least: int = 1, at_most: int = 64
    ) -> "tuple[PictureStore, PictureStore | None]":
        """Pictures to train on and about `share` of them held out; None where there is only one picture.

        The name alone decides, so that pictures that are added move none from the first part to the second, but where
        all would be held out and one has to be trained on.
        """
        if len(self) < 2:
            return self, None
        places = [sample_seed(0, plain_name(name)) / 2**63 for name in self.names]
        order = sorted(range(len(self)), key=lambda i: places[i])
        wanted = sum(place < share for place in places)
        held = set(order[: max(at_least, min(wanted, at_most, len(self) - 1))])
        numbers = range(len(self))
        return self.take(i for i in numbers if i not in held), replace(self.take(sorted(held)), unreadable=())

    @classmethod
    def build(
        cls,
        listing: Listing,
        *,
        channels: int = 3,
        size: tuple[int, ...] = (),
        nearest: bool = False,
        max_bytes: int = 8 * 2**30,
        folder: Path | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> "PictureStore":
        """Decode what `listing` names, or find it decoded. Broken files are skipped and listed.

        With `size`, height and width, every picture is scaled to cover it, and its middle is kept; `nearest`: with no
        colours mixed. Without, each gets
        at most its share of `max_bytes`: of a larger one a window is kept, whose place follows from its name. Raises
        TrainingError where no file can be read, or where the decoded pictures cannot be kept.
        """
        cover = _NearestCover if nearest else _Cover
        kept: Fitting = cover(size) if size else _Window(max_bytes // len(listing.names))
        folder = (folder or cache_folder("pictures")) / f"{listing.key}-{channels}-{kept}"
        try:
            facts = _facts(folder)
            if facts is None:
                _decode_all(listing, channels, kept, folder, progress)
                facts = _facts(folder)
            assert facts is not None, f"{folder} was written and cannot be read"
            os.utime(folder / INDEX)
        except OSError as full:
            raise TrainingError(
                f"{folder.parent} cannot keep the decoded pictures ({full.strerror or full}); "
                "make room there, or name another place in the variable XDG_CACHE_HOME."
            ) from full
        if not facts["shapes"]:
            raise TrainingError(
                f"None of the {len(listing.names)} picture files in {listing.source} can be read; "
                f"the first: {facts['unreadable'][0]}."
            )
        shapes = tuple((int(h), int(w), int(c)) for h, w, c in facts["shapes"])
        return cls(folder / PIXELS, tuple(facts["offsets"]), shapes, tuple(facts["names"]), tuple(facts["unreadable"]))


def _facts(folder: Path) -> dict[str, list] | None:
    """The index of a store that is there, whole; None otherwise."""
    try:
        facts = json.loads((folder / INDEX).read_text())
        size = sum(h * w * c for h, w, c in facts["shapes"])
        return facts if (folder / PIXELS).stat().st_size == max(size, 1) else None
    except (FileNotFoundError, ValueError, KeyError):
        return None


def _decode_all(
    listing: Listing, channels: int, kept: Fitting, folder: Path, progress: Callable[[int, int], None] | None
) -> None:
    """Write the store `folder`, unless another process is quicker: it appears whole or not at all."""

    def decoded(name: str, stored: bytes | np.ndarray) -> np.ndarray | str:
        try:
            return np.ascontiguousarray(kept(decode(stored, channels), name))
        except ValueError as broken:
            return f"{name}: {broken}"

    folder.parent.mkdir(parents=True, exist_ok=True)
    _remove_unused(folder.parent)
    partial = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", suffix=".part", dir=folder.parent))
    places: dict[str, tuple[int, tuple[int, ...]]] = {}
    unreadable: dict[str, str] = {}
    offset = done = 0
    threads = min(os.cpu_count() or 1, 8)
    try:
        with open(partial / PIXELS, "wb") as out, ThreadPoolExecutor(threads) as pool:
            files = listing.read()
            while several := list(islice(files, threads)):
                for (name, _), pixels in zip(several, pool.map(decoded, *zip(*several, strict=True)), strict=True):
                    if isinstance(pixels, str):
                        unreadable[name] = pixels
                    else:
                        out.write(pixels.data)
                        places[name] = offset, pixels.shape
                        offset += pixels.size
                done += len(several)
                if progress:
                    progress(done, len(listing.names))
            if offset == 0:
                out.write(b"\0")
        names = [name for name in listing.names if name in places]
        facts = {
            "offsets": [places[name][0] for name in names],
            "shapes": [places[name][1] for name in names],
            "names": names,
            "unreadable": [unreadable[name] for name in listing.names if name in unreadable],
        }
        (partial / INDEX).write_text(json.dumps(facts))
        if folder.exists() and _facts(folder) is None:  # one is there whole or was damaged since, never half written
            damaged = partial.with_suffix(".damaged")
            folder.rename(damaged)
            shutil.rmtree(damaged, ignore_errors=True)
        with contextlib.suppress(OSError):  # another process was quicker, with the same result
            partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _remove_unused(cache: Path) -> None:
    """Stores that no run has opened for a month, and what was left by builds that were cut off, take gigabytes."""
    for entry in cache.iterdir():
        with contextlib.suppress(OSError):
            used = next(file for file in (entry / INDEX, entry / PIXELS, entry) if file.exists()).stat().st_mtime
            if time.time() - used > MONTH:
                shutil.rmtree(entry, ignore_errors=True)
