"""What the shipped models make of a small picture, held against stored results.

A changed model, engine or blend shows here first. Renew with one command, and look at the pictures before committing:
SFUMATO_RENEW_GOLDEN=1 python -m pytest tests/golden
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sfumato
from sfumato import Picture
from sfumato.models import zoo

HERE = Path(__file__).parent
NOISY = HERE.parents[1] / "examples" / "astronaut-noisy.png"
WINDOW = (slice(20, 116), slice(170, 298))
HOLES = np.zeros((96, 128), bool)
HOLES[40:60, 30:70] = HOLES[:, 100] = True
TOLERANCE = 2 / 255  # processors add up in other orders, and other kernels round otherwise


def noisy(grey: bool) -> np.ndarray:
    pixels = Picture.open(NOISY).array()[WINDOW]
    return pixels.mean(axis=2) if grey else pixels


CASES: dict[str, tuple[dict[str, Any], bool]] = {
    f"{model}-{noise}{'-grey' * grey}": ({"model": model, "noise": noise}, grey)
    for model in zoo.SHIPPED
    if model.startswith("denoise")
    for noise, grey in (("auto", False), (25, False), (25, True))
}
CASES |= {
    "dejpeg-20": ({"model": "dejpeg", "jpeg_quality": 20}, False),
    "clean": ({"model": "clean"}, False),
    "clean-grey": ({"model": "clean"}, True),
    "upscale-2x": ({"model": "upscale-2x"}, False),
    "upscale-4x": ({"model": "upscale-4x"}, False),
    "upscale-2x-robust": ({"model": "upscale-2x-robust"}, False),
    "upscale-4x-robust": ({"model": "upscale-4x-robust"}, False),
    "upscale-2x-drawn": ({"model": "upscale-2x-drawn"}, False),
    "deblur": ({"model": "deblur"}, False),
    "descreen-grey": ({"model": "descreen"}, True),
    "inpaint": ({"model": "inpaint", "mask": HOLES}, False),
    "inpaint-grey": ({"model": "inpaint", "mask": HOLES}, True),
    "fade": ({"model": "fade"}, False),
    "colorize-grey": ({"model": "colorize"}, True),
}


@pytest.mark.parametrize("name", CASES)
def test_result_is_the_stored_one(name: str) -> None:
    options, grey = CASES[name]
    found = sfumato.restore(noisy(grey), **options).picture.array()
    file = HERE / f"{name}.png"
    if os.environ.get("SFUMATO_RENEW_GOLDEN"):
        Picture.from_array(found).save(file, overwrite=True)
    stored = Picture.open(file).array()
    assert np.abs(found.clip(0, 1) - stored).max() <= TOLERANCE
