"""Commands that need more than the run half: what to install where it is missing."""

from collections.abc import Iterator
from contextlib import contextmanager

from ...errors import MissingExtra

NAMES = {"train": "training", "import": "import"}


@contextmanager
def needs_extra(extra: str) -> Iterator[None]:
    """Around the import of the learn half: says which extra to install where one of its libraries is missing."""
    try:
        yield
    except ModuleNotFoundError as missing:
        if (missing.name or "sfumato").startswith("sfumato"):
            raise
        raise MissingExtra(
            f'This command needs the {NAMES[extra]} extra ({missing.name} is missing): pip install "sfumato[{extra}]".'
        ) from missing
