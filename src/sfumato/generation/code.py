"""A point of a model's latent space as a file: what `sfumato invert` finds, and `vary` and `interpolate` take."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from ..errors import OVERWRITE, ModelError, UsageError, exists_already
from ..files import written_whole
from ..models.card import Card
from ..models.ports import port_of

SUFFIX = ".npz"


@dataclass(frozen=True)
class Code:
    """values: (k), as the model's entry ("decode" or "sample") takes it. model: its name. label: the class that goes
    with it, "" for none."""

    values: NDArray[np.float32]
    entry: str
    model: str
    label: str = ""

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write it as a .npz file; raises UsageError for one that exists, unless it may be replaced."""
        path = Path(path)
        if path.exists() and not overwrite:
            raise UsageError(exists_already(path), *OVERWRITE)
        with written_whole(path) as partial, open(partial, "wb") as file:
            np.savez(file, values=self.values, entry=self.entry, model=self.model, label=self.label)
        return path

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Read it; raises ModelError for a file that holds none."""
        try:
            with np.load(path, allow_pickle=False) as stored:
                texts = {name: str(stored[name]) for name in ("entry", "model", "label")}
                values = stored["values"].astype(np.float32)
        except FileNotFoundError:
            raise ModelError(f"{path} does not exist.") from None
        except (OSError, BadZipFile, KeyError, ValueError, EOFError):
            raise ModelError(f"{path} holds no code of `sfumato invert`.") from None
        return cls(values, **texts)

    def check_fits(self, card: Card) -> None:
        """Raises UsageError where it is a code of another model."""
        port = port_of(card, "latent", entry=self.entry) if self.entry in card.entries else None
        if port is None or self.values.shape != (port.channels,):
            raise UsageError(f"The code is one of {self.model}, and {card.name} takes no such code.")
        if not np.isfinite(self.values).all():
            raise UsageError("The code has values that are no numbers.")
