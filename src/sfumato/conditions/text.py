"""What a caption says, as a network takes it: the bytes of its UTF-8, without a tokenizer or a list of words."""

import re
import unicodedata
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import Option, UsageError

Array = NDArray[np.float32]

LONGEST = 128  # bytes of a caption; what models of this version are trained with


@dataclass(frozen=True)
class Text:
    """A caption as a network takes it.

    values: its bytes, 1 to 255, then zeros. notes: sentences on what was left out.
    """

    values: Array
    notes: tuple[str, ...] = ()


def read_text(caption: str, longest: int = LONGEST) -> Text:
    """A caption of any script as `longest` numbers; what is longer is cut off behind a whole character, with a note.

    Raises UsageError for a caption without a character to be seen.
    """
    plain = plain_text(caption)
    if not plain:
        raise UsageError(Option("text"), " is empty; say what the picture shows, or leave it out.")
    stored = stored_text(plain, longest)
    kept = stored.decode(errors="ignore")
    notes = () if len(kept) == len(plain) else (f"Of the text the first {len(stored)} bytes count: {kept!r}.",)
    return Text(text_values(stored, longest), notes)


def plain_text(caption: str) -> str:
    """In lower case, characters in their composed form, one space between words, none that cannot be seen.

    Compatibility forms such as full-width letters become the usual ones (NFKC).
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", caption).casefold())
    spaced = "".join(" " if unicodedata.category(c)[0] in "ZC" else c for c in folded)
    return " ".join(spaced.split())


def words_of(plain: str) -> list[str]:
    """The words of a plain text, in order, without marks."""
    return re.findall(r"\w+", plain)


def stored_text(plain: str, longest: int = LONGEST) -> bytes:
    """The bytes of a plain text, at most so many, cut behind a whole character."""
    stored = plain.encode(errors="ignore")
    return stored if len(stored) <= longest else stored[:longest].decode(errors="ignore").encode()


def text_values(stored: bytes, longest: int = LONGEST) -> Array:
    """Bytes as numbers, zeros behind them."""
    values = np.zeros(longest, np.float32)
    values[: len(stored)] = np.frombuffer(stored, np.uint8)
    return values
