"""Sfumato makes pictures out of noise, by convolutional networks: it restores damaged ones and generates new ones."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .estimation.answers import ask
    from .generation.generate import generate, interpolate, reconstruct, vary
    from .models.engine import load
    from .pictures.picture import Picture
    from .restoration.merge import merge
    from .restoration.restore import restore
    from .restoration.samples import sample
    from .video.restore import restore_video

__version__ = "0.1.0"
__all__ = [
    "Picture",
    "ask",
    "generate",
    "interpolate",
    "load",
    "merge",
    "reconstruct",
    "restore",
    "restore_video",
    "sample",
    "vary",
]

_HOMES = {
    "Picture": "pictures.picture",
    "ask": "estimation.answers",
    "generate": "generation.generate",
    "interpolate": "generation.generate",
    "load": "models.engine",
    "merge": "restoration.merge",
    "reconstruct": "generation.generate",
    "restore": "restoration.restore",
    "restore_video": "video.restore",
    "sample": "restoration.samples",
    "vary": "generation.generate",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
