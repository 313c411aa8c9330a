"""What tests of the command line work with: the outcome of a command, and small picture files."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sfumato import Picture


@dataclass(frozen=True)
class Ran:
    status: int
    out: str
    err: str


Run = Callable[..., Ran]


def make_picture(path: Path, *, seed: int = 0, size: tuple[int, int] = (24, 33)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).uniform(0.2, 0.8, (*size, 3)).astype(np.float32)
    return Picture.from_array(pixels).save(path)
