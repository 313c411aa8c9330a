"""What generating gives back: the pictures, and how they are shown and saved."""

from dataclasses import dataclass
from pathlib import Path

from ..conditions.classes import outermost
from ..pictures import grid
from ..pictures.picture import Picture
from ..pictures.xmp import made_up

MAX_COLUMNS = 20


@dataclass(frozen=True)
class Generated:
    """What `generate` and its relatives give back.

    pictures: in order, each with a note in its XMP that it was made up, by which model and seed. labels: the class of
    each, "" for none. model: its name. steps: of the solver, 1 where a model takes one call. sources: pictures that
    went in, as the model saw them. seconds: how long it took. notes: sentences about what was decided on the way.
    """

    pictures: tuple[Picture, ...]
    labels: tuple[str, ...]
    model: str
    seed: int
    steps: int
    seconds: float
    sources: tuple[Picture, ...] = ()
    notes: tuple[str, ...] = ()

    def sheet(self, columns: int | None = None) -> Picture:
        """Sources and pictures in rows: a column for each class or group, or about as wide as high, or `columns`."""
        kinds_of = tuple(map(outermost, self.labels))
        kinds = len(set(kinds_of))
        in_turn = kinds_of == (kinds_of[:kinds] * len(kinds_of))[: len(kinds_of)]
        if columns is None and 1 < kinds <= MAX_COLUMNS and in_turn and not self.sources:
            columns = kinds
        return grid.sheet((*self.sources, *self.pictures), columns, xmp=made_up(f"Sheet of pictures by {self.model}"))

    def save(self, folder: str | Path, *, overwrite: bool = False, first: int = 0) -> tuple[Path, ...]:
        """Write the pictures as 0000.png, or 0000-LABEL.png, and so on from `first`; the folder is made.

        Raises PictureError where a file is there and `overwrite` is not given.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        numbered = enumerate(zip(self.pictures, self.labels, strict=True), first)
        return tuple(
            picture.save(folder / file_name(number, label), overwrite=overwrite)
            for number, (picture, label) in numbered
        )


def file_name(number: int, label: str) -> str:
    """ "0007.png", or "0007-maple-leaf.png"; what no file system minds."""
    kind = "-".join("".join(letter if letter.isalnum() else " " for letter in label).split())
    return f"{number:04d}-{kind}.png" if kind else f"{number:04d}.png"
