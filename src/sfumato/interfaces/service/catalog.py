"""The models of a service: those of the package, and those in the operator's folder; clients name them."""

from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from ...errors import ModelError, Option, UsageError
from ...estimation.answers import answers_questions
from ...generation.generate import generates
from ...models import model_file, own, zoo
from ...models.card import Card
from ...models.engine import Engine
from ...restoration.roles import restores


@dataclass(frozen=True)
class Catalog:
    """Files by name. A name of the package cannot be taken by a file of the folder."""

    paths: dict[str, Path]

    @classmethod
    def of(cls, folder: Path | None) -> "Catalog":
        """folder: of the operator; that of SFUMATO_MODELS unless given."""
        # Work is done in a folder of its own, from where relative paths would lead elsewhere.
        owned = {name: path.resolve() for name, path in own.files(folder or own.folder()).items()}
        return cls(owned | {name: zoo.path(name) for name in zoo.installed()})

    def path(self, name: str) -> Path:
        """Raises UsageError for a name that is unknown."""
        if name not in self.paths:
            near = get_close_matches(name, self.paths, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(self.paths)}."
            raise UsageError(Option("model"), f": there is no model {name[:60]!r} here; {hint}")
        return self.paths[name]

    def card(self, name: str) -> Card:
        """Raises ModelError for a damaged file."""
        return _card(self.path(name))

    def cards(self) -> dict[str, Card]:
        """By name, of all that can be read."""
        found = {}
        for name in self.paths:
            with suppress(ModelError):
                found[name] = self.card(name)
        return found


@cache
def _card(path: Path) -> Card:
    return model_file.read(path.read_bytes(), where=path.name).card


@cache
def engine_of(path: Path, device: str, threads: int) -> Engine:
    """Loaded once in each worker."""
    return Engine(path, device=device, threads=threads)


def uses_of(card: Card) -> tuple[str, ...]:
    """What a model can be asked for here: "restore", "generate", "encode" (then also vary and reconstruct), "ask"."""
    uses: tuple[str, ...] = ("generate",) if generates(card) else ()
    uses += ("encode",) if generates(card) and "encode" in card.entries else ()
    uses += ("restore",) if restores(card) else ()
    return uses + (("ask",) if answers_questions(card) else ())
