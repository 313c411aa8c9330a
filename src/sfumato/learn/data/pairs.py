"""Pairs of pictures: each with the label map, or the other picture, of the same name that it is to be made from."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from sfumato.conditions.layout import (
    MAX_LABELS,
    STRANGE,
    check_palette,
    labels_of,
    numbers_of,
    palette_in,
    unknown_places,
)
from sfumato.errors import TrainingError

from .fitted import order_of, picture
from .folders import Listing, decode, list_pictures
from .seeds import sample_seed
from .store import PictureStore

PALETTE = "palette.json"  # beside the label maps: the name of each colour, {"#rrggbb": "window", ...}
FEWEST = 0.001  # share of the maps in which a colour must appear that no palette.json names
READ = 500  # label maps, evenly spaced, that the colours are looked up in


def palette_of(source: str | Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The colours of the label maps in a folder or archive, and their names, () where no palette.json gives them.

    Raises TrainingError for more than 64 colours, which are no labels.
    """
    file = Path(source).expanduser() / PALETTE
    if file.is_file():
        return _named(file)
    listing = list_pictures(source)
    chosen = {listing.names[i * len(listing.names) // READ] for i in range(READ)}
    seen: Counter[str] = Counter()
    for name, stored in listing.read():
        if name not in chosen:
            continue
        try:
            found = palette_in(decode(stored, 3))
        except ValueError as broken:
            raise TrainingError(f"{source}: {name} cannot be read ({broken}).") from broken
        seen.update(found)
        if len(found) > MAX_LABELS:
            raise TrainingError(
                f"{source}: {name} has more than {MAX_LABELS} colours, so it is no label map; these are PNG files with "
                "one flat colour for each label. Pictures to start from are given as paired=FOLDER."
            )
    palette = tuple(sorted(color for color, count in seen.items() if count >= FEWEST * len(chosen)))
    if not 2 <= len(palette) <= MAX_LABELS:
        raise TrainingError(f"{source}: the label maps have {len(palette)} colours; 2 to {MAX_LABELS} can be learned.")
    return palette, ()


def _named(file: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    try:
        names = {str(colour).lower(): str(name) for colour, name in dict(json.loads(file.read_text())).items()}
    except (ValueError, TypeError) as broken:
        raise TrainingError(f'{file} is no JSON object such as {{"#0000ff": "sky"}} ({broken}).') from broken
    palette, labels = tuple(names), tuple(names.values())
    check_palette(palette, labels)
    return palette, labels


def partners(store: PictureStore, source: str, size: tuple[int, ...], *, labels: bool) -> PictureStore:
    """The pictures of `source` with the names of those in the store (without suffix), in its order, in this size.

    labels: they are label maps, whose colours are not to be mixed. Raises TrainingError where one is missing.
    """
    listing = list_pictures(source)
    found = PictureStore.build(listing, channels=3, size=size, nearest=labels)
    places = _by_name(listing, found)
    missing = [name for name in store.names if _key(name) not in places]
    if missing:
        raise TrainingError(f"{source} holds nothing by the name of {missing[0]} ({len(missing)} such).")
    return found.take(places[_key(name)] for name in store.names)


def _by_name(listing: Listing, found: PictureStore) -> dict[str, int]:
    places: dict[str, int] = {}
    for number, name in enumerate(found.names):
        if places.setdefault(_key(name), number) != number:
            raise TrainingError(f"{listing.source} holds two pictures by the name of {_key(name)}.")
    return places


def _key(name: str) -> str:
    """The path without its suffix, and without the number that several sources put before it."""
    path = PurePosixPath(name).with_suffix("")
    return str(path.relative_to(path.parts[0])) if path.parts[0].isdecimal() and len(path.parts) > 1 else str(path)


def check_labels(given: PictureStore, palette: Sequence[str], source: str) -> None:
    """Raises TrainingError for a label map with colours that are not in the palette."""
    for number, name in enumerate(given.names):
        _, off = numbers_of(given[number], palette)
        if unknown_places(given[number], off)[1] > STRANGE:
            raise TrainingError(f"{source}: {name} has other colours than the palette {', '.join(palette)}.")


def given_of(given: PictureStore, number: int, palette: Sequence[str]) -> Tensor:
    """A label map as `n h w`, one-hot, or without a palette a picture `3 h w` in [0, 1]."""
    if not palette:
        return picture(given, number)
    numbers = labels_of(given[number], palette)
    return torch.from_numpy(numbers[None] == np.arange(len(palette), dtype=np.uint8)[:, None, None]).float()


class FittedPairs(Dataset):
    """Sample `index` of a run: x `3 h w` in [0, 1] and what is given `k h w`, each pair once an epoch.

    With `flips` every other pair is mirrored left to right. The same (seed, index) gives the same sample.
    """

    def __init__(
        self, store: PictureStore, given: PictureStore, palette: Sequence[str], *, seed: int, flips: bool = False
    ) -> None:
        self.store, self.given, self.palette, self.seed, self.flips = store, given, palette, seed, flips
        self._epoch, self._order = -1, np.empty(0, int)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        epoch, place = divmod(index, len(self.store))
        if epoch != self._epoch:
            self._order = order_of(len(self.store), sample_seed(self.seed, f"epoch {epoch}"))
            self._epoch = epoch
        number = int(self._order[place])
        x, given = picture(self.store, number), given_of(self.given, number, self.palette)
        if self.flips and sample_seed(self.seed, index) % 2:
            x, given = x.flip(2), given.flip(2)
        return {"x": x, "given": given}
