"""Sfumato makes pictures out of noise, by convolutional networks: it restores damaged ones and generates new ones."""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .engine import load
    from .generate import generate
    from .picture import Picture
    from .restore import restore

__version__ = "0.1.0"
__all__ = ["Picture", "generate", "load", "restore"]

_HOMES = {"Picture": "picture", "generate": "generate", "load": "engine", "restore": "restore"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


class _Face(ModuleType):
    """Python binds a submodule to its package on import; where a function has the same name, the function is meant."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _HOMES and isinstance(value, ModuleType):
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Face
