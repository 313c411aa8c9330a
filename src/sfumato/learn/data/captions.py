"""Captions of pictures: read from what lies beside them, and changed at random, as people write."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import torch
from torch import Tensor

from sfumato.conditions.text import LONGEST, plain_text, stored_text, text_values
from sfumato.errors import Setting, TrainingError

from .folders import Listing, plain_name

KEYS = ("text", "caption", "description", "prompt", "title")  # in metadata.jsonl or a CSV; of several the first
FILES = ("file_name", "filename", "file", "image", "path")  # columns of a CSV that name the picture
Parts = tuple[str, ...]

PART_KEPT = 0.6  # of a caption of several parts, each on its own, but one always
MISSPELT = 0.3  # of the captions have one letter wrong, a tenth as many two, and so on
GIBBERISH = 0.02  # say nothing that was ever learned: letters and bytes at random
MOVED = 4  # spaces at most before a caption: its pieces begin anywhere


@dataclass(frozen=True)
class Captions:
    """The caption of each picture of a store, as parts, such as name and kind; () where a picture has none."""

    parts: tuple[Parts, ...]

    @classmethod
    def of(cls, names: Sequence[str], captions: dict[str, Parts]) -> "Captions":
        return cls(tuple(captions.get(plain_name(name), ()) for name in names))

    def __len__(self) -> int:
        return len(self.parts)

    def whole(self, number: int) -> str:
        return joined(self.parts[number])

    def values(self) -> Tensor:
        """All of them as they are, `n LONGEST`."""
        stored = (stored_text(self.whole(number)) for number in range(len(self)))
        return torch.from_numpy(np.stack([text_values(one) for one in stored]))

    def sample(self, number: int, seed: int) -> Tensor:
        """One of them, `LONGEST`, in a form that follows from the seed: some of its parts, in any order, misspelt.

        Now and then it is gibberish: so that what nobody taught says nothing, instead of anything.
        """
        parts, rng = self.parts[number], np.random.default_rng(seed)
        if not parts:
            return torch.zeros(LONGEST)
        if rng.random() < GIBBERISH:
            return torch.from_numpy(text_values(_gibberish(rng)))
        kept = [part for part in parts if rng.random() < PART_KEPT] or [parts[int(rng.integers(len(parts)))]]
        stored = stored_text(joined([kept[i] for i in rng.permutation(len(kept))]))
        while rng.random() < MISSPELT and stored:
            stored = _misspelt(stored, rng)
        stored = b" " * int(rng.integers(MOVED)) + stored
        return torch.from_numpy(text_values(stored[:LONGEST]))


def joined(parts: Sequence[str]) -> str:
    """Parts of a caption as one."""
    return ", ".join(parts)


def captions_of(listing: Listing, by: str = "") -> dict[str, Parts]:
    """The captions of the pictures that have one, by their plain names.

    by: keys of metadata.jsonl or columns of a CSV with commas between them, each a part of the caption; "" for what is
    found, first of: a text file beside the picture with its name, one of KEYS in metadata.jsonl, or in a CSV that names
    the picture in one of FILES. Raises TrainingError where no picture has any.
    """
    keys = tuple(key.strip() for key in by.split(",")) if by else ()
    rows = listing.metadata()
    tables = rows if any(key in row for row in rows.values() for key in keys or KEYS) else _tables(listing)
    found = {} if by else _beside(listing)
    if not found:
        keys = keys or next(((key,) for key in KEYS if any(row.get(key) for row in tables.values())), ())
        for name in map(plain_name, listing.names):
            row = tables.get(name, {})
            parts = (plain_text(str(row[key])) for key in keys if row.get(key) not in (None, ""))
            found[name] = tuple(part for part in parts if part)
    if not any(found.values()):
        where = f"under {by!r}" if by else "in a text file of its name, or under one of " + ", ".join(KEYS)
        raise TrainingError(
            f"{listing.source}: no picture has a caption ({where} in metadata.jsonl or a CSV were looked for); name "
            "the keys, such as ",
            Setting("caption", "name,category"),
            ".",
        )
    return {name: parts for name, parts in found.items() if parts}


def _beside(listing: Listing) -> dict[str, Parts]:
    """Texts in files of the pictures' names."""
    stems = {str(PurePosixPath(plain_name(name)).with_suffix("")): plain_name(name) for name in listing.names}

    def wanted(name: str) -> bool:
        path = PurePosixPath(plain_name(name))
        return path.suffix.lower() in (".txt", ".caption") and str(path.with_suffix("")) in stems

    found: dict[str, Parts] = {}
    for name, stored in listing.texts(wanted):
        text = plain_text(stored.decode(errors="replace").removeprefix("\ufeff"))
        if text:
            found[stems[str(PurePosixPath(plain_name(name)).with_suffix(""))]] = (text,)
    return found


def _tables(listing: Listing) -> dict[str, dict[str, str]]:
    """The rows of CSV files, by the picture that they speak of; columns also by their names in small letters.

    Cells are parted by what the heading has most of: commas, semicolons or tabs.
    """
    rows: dict[str, dict[str, str]] = {}
    for name, stored in listing.texts(lambda name: name.lower().endswith((".csv", ".tsv"))):
        text = stored.decode(errors="replace").removeprefix("\ufeff")
        try:
            between = max(",;\t", key=text.partition("\n")[0].count)
            table = csv.DictReader(io.StringIO(text, newline=""), delimiter=between)
            columns = {key.strip().lower(): key for key in table.fieldnames or ()}
            column = next((key for key in FILES if key in columns), None)
            for row in table if column else ():
                if None in row:
                    raise TrainingError(
                        f"{listing.source}: {name}, line {table.line_num}: more cells than the heading has; a caption "
                        f"with {between!r} in it goes into quotation marks."
                    )
                row |= {plain: row[key] for plain, key in columns.items()}
                rows[plain_name(str(PurePosixPath(name).parent / (row[column] or "")))] = row
        except csv.Error as broken:
            raise TrainingError(f"{listing.source}: {name} is no table of captions ({broken}).") from None
    return rows


def _misspelt(stored: bytes, rng: np.random.Generator) -> bytes:
    """One letter left out, doubled, exchanged with the next, or another; within ASCII, so that letters stay whole."""
    place, way = int(rng.integers(len(stored))), int(rng.integers(4))
    before, here, after = stored[:place], stored[place : place + 1], stored[place + 1 :]
    if max(here + after[:1]) > 127:
        return stored
    if way == 0:
        return before + after if len(stored) > 3 else stored
    if way == 1:
        return before + here + here + after
    if way == 2:
        return before + after[:1] + here + after[1:]
    return before + bytes([int(rng.integers(97, 123))]) + after


def _gibberish(rng: np.random.Generator) -> bytes:
    """Half of the time letters, half of the time any bytes."""
    low, high = ((97, 123), (1, 256))[int(rng.integers(2))]
    return bytes(rng.integers(low, high, int(rng.integers(3, 24))).tolist())
