"""A folder of one's own model files, which are then known by name beside the shipped ones."""

import os
from pathlib import Path

from ..errors import UsageError
from . import zoo

VARIABLE = "SFUMATO_MODELS"  # of the environment: the folder
SUFFIX = ".onnx"
IMPORTED = ".sfumato"  # what `sfumato import` puts before it, which is no part of a name


def folder() -> Path | None:
    """The folder that SFUMATO_MODELS names, None where it names none; UsageError where that is no folder."""
    named = os.environ.get(VARIABLE, "")
    if not named:
        return None
    if not Path(named).is_dir():
        raise UsageError(f"{VARIABLE} is {named!r}, which is no folder.")
    return Path(named)


def files(place: Path | None) -> dict[str, Path]:
    """The model files in a folder by name, sorted; a name of the package cannot be taken by one of them."""
    found = {} if place is None else {name_of(path): path for path in sorted(place.glob(f"*{SUFFIX}"))}
    return {name: path for name, path in found.items() if name not in zoo.SHIPPED}


def name_of(path: Path) -> str:
    """`scans/upscaler.sfumato.onnx` -> `upscaler`."""
    return path.name.removesuffix(SUFFIX).removesuffix(IMPORTED)
