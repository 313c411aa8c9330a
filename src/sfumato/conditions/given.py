"""What a generator is given besides noise and classes: captions, sounds and outlines, as its inputs take them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError, Option, UsageError
from ..models.card import Card, Input
from ..models.ports import port_of
from .audio import NUM_VALUES, read_sound
from .layout import LayoutSource, read_layout, read_picture
from .silhouette import read_silhouette
from .text import read_text

Array = NDArray[np.float32]
Source = str | Path | bytes

# What each is called in a sentence, by its option.
NAMES = {"text": "a caption", "audio": "a recording", "layout": "a layout", "picture": "a picture to start from"}


@dataclass(frozen=True)
class Given:
    """Conditions of one picture. values: by the kinds of the card's inputs. notes: sentences on what was left out."""

    values: dict[str, Array]
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.values)

    @property
    def names_it(self) -> bool:
        """Whether words or a sound say what is shown, so that no class need be taken by chance."""
        return "text" in self.values or "audio" in self.values

    def rows(self, count: int) -> dict[str, Array]:
        """The same for each of so many pictures."""
        return {kind: np.broadcast_to(value, (count, *value.shape)) for kind, value in self.values.items()}


NOTHING = Given({})


def read_given(
    card: Card,
    entry: str,
    size: tuple[int, int],
    *,
    text: str | None = None,
    audio: Source | None = None,
    layout: LayoutSource | None = None,
    picture: LayoutSource | None = None,
) -> Given:
    """What is given, read for the entry of a model that makes pictures of `size`, height and width.

    Raises UsageError for what the model does not know, and the errors of the readers.
    """
    values: dict[str, Array] = {}
    notes: tuple[str, ...] = ()
    if text is not None:
        read = read_text(text, _port(card, entry, "text", "text").channels)
        values["text"], notes = read.values, notes + read.notes
    if audio is not None:
        port = _port(card, entry, "audio", "audio")
        if port.channels != NUM_VALUES:
            raise ModelError(f"{card.name!r} takes sounds of {port.channels} values, this version has {NUM_VALUES}.")
        sound = read_sound(audio)
        values["audio"], notes = sound.values, notes + sound.notes
    if layout is not None:
        if _port(card, entry, "layout", "silhouette", "layout").kind == "layout":
            labels = read_layout(layout, card.config["palette"], size, card.config.get("labels", ()))
            values["layout"], notes = labels.values, notes + labels.notes
        else:
            values["silhouette"] = read_silhouette(layout, size)
    if picture is not None:
        _port(card, entry, "picture", *(("picture",) if entry == "sample" else ()))  # what others move is noise
        start = read_picture(picture, size)
        values["picture"], notes = start.values, notes + start.notes
    return Given(values, notes)


def check_complete(card: Card, entry: str, given: Given) -> None:
    """Raises UsageError where a model makes pictures of a label map, or of another picture, and there is none."""
    if entry != "sample":
        return
    for kind in ("layout", "picture"):
        if port_of(card, kind, entry=entry) is not None and kind not in given.values:
            raise UsageError(Option(kind), f" is missing: {card.name!r} makes pictures of one.")


def _port(card: Card, entry: str, option: str, *kinds: str) -> Input:
    port = port_of(card, *kinds, entry=entry)
    if port is None:
        raise UsageError(Option(option), f" is {NAMES[option]}; {card.name!r} was trained without any: leave it out.")
    return port
