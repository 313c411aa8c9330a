"""What a folder of pictures is like, as far as it decides how to train on it."""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from sfumato.errors import TrainingError
from sfumato.pictures.channels import premultiply

from ..data.captions import captions_of
from ..data.folders import Listing, decode, list_pictures
from ..data.idx import find_idx

MOST_EXAMINED = 20_000
MOST_COMPARED = 1000  # pictures whose mirror images are looked for among the others
FEWEST_COMPARED = 50
REDUCED = 16  # pixels a side, in which they are looked for
SPLITS = {"train", "training", "test", "val", "valid", "validation", "images", "pictures"}
MAX_CLASSES = 100


@dataclass(frozen=True)
class Examination:
    """What `examine` saw of `source`.

    num_pictures: files listed; num_examined: of these decoded, evenly spaced, and so the counts below. num_distinct:
    readable ones without copies, scaled up to all files. sizes: (height, width) of each. num_grey: without colour;
    num_transparent: with a pixel that is not opaque. classes: what can label every picture ("folder" or a key of
    metadata.jsonl), and how many pictures each class has. copies: (name, name of the first with the same pixels).
    broken: (name, why). num_captioned: with a caption where
    `captions_of` finds them. mirrored: how much farther a mirrored picture is from the others than the picture itself,
    1 where mirror images belong to the set; None where there are too few to say.
    """

    source: str
    num_pictures: int
    num_examined: int
    num_distinct: int
    sizes: tuple[tuple[int, int], ...]
    num_grey: int
    num_transparent: int
    classes: dict[str, dict[str, int]] = field(default_factory=dict)
    copies: tuple[tuple[str, str], ...] = ()
    broken: tuple[tuple[str, str], ...] = ()
    mirrored: float | None = None
    num_captioned: int = 0

    def facts(self) -> dict[str, str | list[str]]:
        """The same in words, by heading; empty ones are of no matter."""
        heights, widths = zip(*self.sizes, strict=True)
        part = "" if self.num_examined == self.num_pictures else f" ({self.num_examined:,} of them looked at)"
        kinds = {"grey": self.num_grey, "transparent": self.num_transparent}
        return {
            "pictures": f"{self.num_pictures:,}{part}, about {self.num_distinct:,} different ones",
            "sizes": f"{_range(widths)} wide, {_range(heights)} high",
            "kinds": ", ".join(f"{count:,} {name}" for name, count in kinds.items() if count)
            or "all opaque, in colour",
            "classes": [f"by {by}: {_shares(counts)}" for by, counts in self.classes.items()],
            "captions": f"of {self.num_captioned:,}" if self.num_captioned else "",
            "copies": [f"{name} is {first}" for name, first in self.copies[:3]] + _more(len(self.copies) - 3),
            "unreadable": [f"{name}: {why}" for name, why in self.broken[:3]] + _more(len(self.broken) - 3),
        }


def examine(data: str, progress: Callable[[int, int], None] | None = None) -> Examination:
    """Decode the pictures of a folder, zip, tar or IDX file, at most 20,000 of them, and say what they are like.

    Raises TrainingError where there are none, or none that can be read.
    """
    listing = list_pictures(data)
    names = _evenly(listing.names, MOST_EXAMINED)
    compared = set(_evenly(names, MOST_COMPARED))
    firsts: dict[bytes, str] = {}
    sizes, copies, broken, reduced = [], [], [], []
    num_grey = num_transparent = 0
    for done, (name, pixels) in enumerate(_decoded(listing, names), 1):
        if progress:
            progress(done, len(names))
        if isinstance(pixels, str):
            broken.append((name, pixels))
            continue
        sizes.append((pixels.shape[0], pixels.shape[1]))
        num_grey += bool((pixels[..., :1] == pixels[..., 1:3]).all())
        num_transparent += bool((pixels[..., 3] < 255).any())
        digest = hashlib.blake2b(repr(pixels.shape).encode() + pixels.tobytes(), digest_size=16).digest()
        if digest in firsts:
            copies.append((name, firsts[digest]))
        else:
            firsts[digest] = name
            if name in compared:
                reduced.append(_reduced(pixels))
    if not sizes:
        raise TrainingError(
            f"None of the {len(names)} picture files in {data} can be read; the first: {broken[0][0]}: {broken[0][1]}."
        )
    return Examination(
        source=str(data),
        num_pictures=len(listing.names),
        num_examined=len(names),
        num_distinct=round(len(firsts) * len(listing.names) / len(names)),
        sizes=tuple(sizes),
        num_grey=num_grey,
        num_transparent=num_transparent,
        classes=_classes(listing),
        copies=tuple(copies),
        broken=tuple(broken),
        mirrored=_mirrored(np.stack(reduced)) if len(reduced) >= FEWEST_COMPARED else None,
        num_captioned=_captioned(listing),
    )


def _captioned(listing: Listing) -> int:
    """How many pictures have a caption that is found without being told where."""
    try:
        return len(captions_of(listing))
    except TrainingError:
        return 0


def _decoded(listing: Listing, names: tuple[str, ...]) -> Iterator[tuple[str, NDArray[np.uint8] | str]]:
    """Name and RGBA pixels, or why there are none, of the pictures of these names."""

    def pixels(name: str, stored: bytes | NDArray) -> NDArray[np.uint8] | str:
        try:
            return decode(stored, 4)
        except ValueError as why:
            return str(why)

    wanted = set(names)
    # All of an IDX file are in memory anyway; of the others only what is asked for is read.
    files = (listing if find_idx(listing.source) else replace(listing, names=names)).read()
    chosen = ((name, stored) for name, stored in files if name in wanted)
    threads = min(os.cpu_count() or 1, 8)
    with ThreadPoolExecutor(threads) as pool:
        while several := list(islice(chosen, threads)):
            yield from zip((name for name, _ in several), pool.map(pixels, *zip(*several, strict=True)), strict=True)


def _classes(listing: Listing) -> dict[str, dict[str, int]]:
    """Everything that gives each picture one of 2 to 100 labels, and how many pictures have each."""
    # A metadata.jsonl that cannot be read is no reason not to train; asking for its labels then says what is wrong.
    try:
        rows = listing.metadata()
    except TrainingError:
        rows = {}
    keys = sorted({key for row in rows.values() for key in row} - {"file_name"})
    counted = {}
    for by in ("folder", *keys):
        try:
            counts = Counter(listing.labels(by).values())
        except TrainingError:
            continue
        if 2 <= len(counts) <= MAX_CLASSES and not (by == "folder" and set(counts) <= SPLITS):
            counted[by] = dict(sorted(counts.items()))
    return counted


def _mirrored(pictures: NDArray[np.float32]) -> float:
    """How much farther mirrored pictures `n c h w` are from the others than they are themselves: a ratio of means."""
    x = torch.from_numpy(pictures)

    def to_others(asked: torch.Tensor) -> float:
        distance = torch.cdist(asked.flatten(1), x.flatten(1)).fill_diagonal_(torch.inf)
        return float(distance.amin(1).double().mean())

    return to_others(x.flip(3)) / max(to_others(x), 1e-9)


def _reduced(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """RGBA as a few pixels, premultiplied, `4 h w`; the shape of the picture is lost."""
    x = torch.from_numpy(premultiply(pixels.astype(np.float32) / 255)).permute(2, 0, 1)
    return functional.adaptive_avg_pool2d(x, REDUCED).numpy()


def _evenly(names: tuple[str, ...], count: int) -> tuple[str, ...]:
    return names if len(names) <= count else tuple(names[i * len(names) // count] for i in range(count))


def _range(lengths: tuple[int, ...]) -> str:
    low, middle, high = min(lengths), int(np.median(lengths)), max(lengths)
    return f"{low} px" if low == high else f"{low} to {high} px (half of them up to {middle})"


def _shares(counts: dict[str, int]) -> str:
    shown = [f"{name} {count:,}" for name, count in list(counts.items())[:8]]
    return f"{len(counts)} classes ({', '.join(shown)}{', ...' if len(counts) > 8 else ''})"


def _more(count: int) -> list[str]:
    return [f"and {count:,} more"] if count > 0 else []
