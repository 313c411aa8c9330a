"""Printed dots and dither become continuous tones; what has none stays as it was."""

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage import data

from sfumato import Picture, restore
from sfumato.measures import psnr
from sfumato.restoration.options import RestoreOptions
from sfumato.restoration.restore import dry_run

SCENE = data.astronaut()[20:212, 120:312].astype(np.float32) / 255
GREY = SCENE.mean(2, keepdims=True)
WINDOW = 64


def lattice(pitch: float, angle: float) -> np.ndarray:
    """Thresholds of round dots, not quite evenly between 0 and 1."""
    down, right = np.mgrid[: SCENE.shape[0], : SCENE.shape[1]]
    turn = np.radians(angle)
    across = 2 * np.pi * (right * np.cos(turn) + down * np.sin(turn)) / pitch
    along = 2 * np.pi * (down * np.cos(turn) - right * np.sin(turn)) / pitch
    values = np.cos(across) + np.cos(along)
    return ((values.ravel().argsort().argsort().reshape(values.shape) + 0.5) / values.size)[..., None]


def scanned(dots: np.ndarray) -> np.ndarray:
    return gaussian_filter(dots.astype(np.float32), (0.5, 0.5, 0))


def inked(turn: float) -> np.ndarray:
    """Of each colour with a screen of its own, at another angle."""
    limits = np.concatenate([lattice(4.5, turn + angle) for angle in (15, 75, 0)], axis=2)
    return scanned(limits < SCENE)


KINDS = {
    "dots at 20 degrees": (GREY, scanned(lattice(5, 20) < GREY)),
    "dots at 45 degrees, not scanned": (GREY, (lattice(4, 45) < GREY).astype(np.float32)),
    "wide dots": (GREY, scanned(lattice(9, 70) < GREY)),
    "three inks": (SCENE, inked(5)),
    "error diffusion": (
        GREY,
        np.asarray(Image.fromarray((255 * GREY[..., 0]).astype(np.uint8)).convert("1"), np.float32)[..., None],
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_dots_become_tones_better_than_by_any_blur_and_keep_their_means(kind: str) -> None:
    x, y = KINDS[kind]
    result = restore(y, task="descreen")
    x_hat = result.picture.array()
    blurred = max(psnr(gaussian_filter(y, (width, width, 0)), x) for width in np.arange(0.5, 5, 0.25))
    assert result.model == "descreen"
    assert psnr(x_hat, x) > blurred + 0.5
    change = (x_hat - y).reshape(3, WINDOW, 3, WINDOW, -1).mean(axis=(1, 3))
    assert 255 * np.abs(change).max() < 4


def test_auto_leaves_dots_alone_and_names_the_task_for_them() -> None:
    x, y = KINDS["dots at 20 degrees"]
    result = restore(Picture.from_array(np.tile(y, (2, 2, 1)), depth=8))
    assert result.untouched
    assert "The task descreen" in result.advice
    preview = dry_run(Picture.from_array(np.tile(y, (2, 2, 1)), depth=8), RestoreOptions())
    assert preview.tasks == ()
    assert preview.advice == result.advice
    assert psnr(y, x) < 15


@pytest.mark.parametrize("name", ["coffee", "rocket", "page", "text", "chelsea"])
def test_a_picture_without_dots_hardly_changes_and_it_is_said(name: str) -> None:
    x = np.atleast_3d(getattr(data, name)())[:192, :192].astype(np.float32) / 255
    result = restore(x, task="descreen")
    assert psnr(result.picture.array(), x) > 36
    assert any("No regular dots" in note for note in result.notes)


def test_half_the_strength_is_half_the_change() -> None:
    _, y = KINDS["wide dots"]
    whole, half = (restore(y, task="descreen", strength=strength).picture.array() for strength in (1, 0.5))
    np.testing.assert_allclose(half - y, (whole - y) / 2, atol=1e-5)
