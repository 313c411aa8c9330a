"""A result has the very size that is asked for, whichever upscalers lead there."""

from pathlib import Path

import numpy as np
import pytest

from sfumato.errors import UsageError
from sfumato.operators import Blur
from sfumato.pictures.picture import Picture
from sfumato.restoration.options import RestoreOptions
from sfumato.restoration.restore import dry_run, restore
from sfumato.restoration.sizes import target_size, whole_factor

ROWS, COLUMNS = np.mgrid[:40, :60] / 60
Y = np.stack([0.2 + 0.6 * (ROWS > 0.3), 0.3 + 0.4 * COLUMNS, 0.7 - 0.5 * ROWS], axis=2).astype(np.float32)


@pytest.mark.parametrize(
    ("options", "size", "models"),
    [
        ({"scale": 1.5}, (60, 90), "upscale-2x"),
        ({"scale": 2.0}, (80, 120), "upscale-2x"),
        ({"scale": 3}, (120, 180), "upscale-4x"),
        ({"scale": 8}, (320, 480), "upscale-4x, upscale-2x"),
        ({"width": 100}, (67, 100), "upscale-2x"),
        ({"height": 81}, (81, 122), "upscale-4x"),
        ({"megapixels": 0.0096}, (80, 120), "upscale-2x"),
        ({"width": 45}, (30, 45), ""),
        ({"scale": 1.5, "model": "upscale-4x"}, (60, 90), "upscale-4x"),
    ],
)
def test_the_size_is_the_one_asked_for(options: dict, size: tuple[int, int], models: str) -> None:
    task = {} if "model" in options else {"task": "upscale"}
    restored = restore(Y, **task, **options)
    assert (restored.picture.height, restored.picture.width) == size
    assert restored.model.replace("-robust", "") == models
    change = restored.change_map()
    assert (change.height, change.width) == size


def test_a_width_adds_the_task_where_the_picture_has_to_grow() -> None:
    assert [step.task for step in restore(Y, width=90, noise=20).steps] == ["denoise", "upscale"]
    reduced = restore(Y, width=30, noise=20)
    assert [step.task for step in reduced.steps] == ["denoise"]
    assert "Reduced to 30x20." in reduced.notes
    preview = [dry_run(Picture.from_array(Y), RestoreOptions(width=width, noise=20)).tasks for width in (90, 30)]
    assert preview == [("denoise", "upscale"), ("denoise",)]


def test_whole_factors_are_not_resized() -> None:
    given, twice = restore(Y, task="upscale", scale=2), restore(Y, task="upscale")
    np.testing.assert_array_equal(given.picture.array(), twice.picture.array())


@pytest.mark.parametrize("depth", [8, 16])
def test_reducing_keeps_flat_colour_and_transparency(depth: int) -> None:
    alpha = np.ones((40, 60), np.float32)
    alpha[:20] = 0
    flat = Picture.from_array(np.full((40, 60, 3), 0.6, np.float32), depth=depth, format="png", alpha=alpha)
    reduced = flat.reduced(27, 41)
    assert (reduced.height, reduced.width, reduced.depth) == (27, 41, depth)
    np.testing.assert_allclose(reduced.array()[20:], 0.6, atol=1 / 255)
    np.testing.assert_array_equal(reduced.alpha()[[0, -1]], [np.zeros(41), np.ones(41)])


def test_a_large_transparent_file_is_reduced_in_one_pass(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    pixels, alpha = draw.random((1900, 40, 3), np.float32), draw.random((1900, 40), np.float32)
    Picture.from_array(pixels, alpha=alpha).save(tmp_path / "a.png")
    for picture in (Picture.open(tmp_path / "a.png"), restore(tmp_path / "a.png", task="denoise", noise=9).picture):
        reduced = picture.reduced(950, 20)
        assert reduced.alpha().shape == reduced.array().shape[:2] == (950, 20)


def test_reducing_moves_nothing() -> None:
    ramp = Picture.from_array(np.tile(np.linspace(0, 1, 160, dtype=np.float32), (20, 1)), depth=32, format="tiff")
    for width in (159, 107, 80, 33):
        places = (np.arange(width) + 0.5) * 160 / width - 0.5
        reduced = ramp.reduced(20, width).array()[10, 8:-8, 0]
        np.testing.assert_allclose(reduced, places[8:-8] / 159, atol=2e-4)


def test_a_part_that_was_filled_in_is_marked_where_it_came_to_lie() -> None:
    mask = np.zeros((40, 60), np.float32)
    mask[10:20, 30:45] = 1
    restored = restore(Y, task="inpaint", mask=mask, width=90)
    marked = restored.made_up
    assert marked.shape == (60, 90)
    rows, columns = np.nonzero(marked)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (15, 29, 45, 67)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"scale": 1}, "above 1, to 8"),
        ({"width": 0}, "whole number of pixels"),
        ({"height": 2.5}, "whole number of pixels"),
        ({"megapixels": -1}, "above 0"),
        ({"scale": 2, "width": 50}, "both say how large"),
        ({"width": 50, "height": 50}, "both say how large"),
        ({"width": 5000}, "asks for 83.3 times the size; pictures are enlarged 16 times"),
        ({"width": 200, "model": "upscale-2x"}, "asks for 3.33 times the size, but upscale-2x enlarges 2 times"),
        ({"width": 200, "model": "denoise-fast"}, "nothing is enlarged"),
        ({"width": 200, "task": "upscale", "kernel": "box"}, "width goes without kernel"),
        ({"width": 200, "operator": Blur(np.ones((3, 3)) / 9)}, "width goes without operator"),
    ],
)
def test_sizes_that_are_none_are_refused(options: dict, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        restore(Y, **options)


def test_the_least_factor_that_leads_there_is_taken() -> None:
    picture = Picture.from_array(np.zeros((100, 333, 3), np.float32))
    for width in range(100, 5300, 97):
        options = RestoreOptions(width=width)
        factor, size = whole_factor(options, picture), target_size(options, picture)
        assert factor * 333 >= width
        assert factor == 1 or factor // 2 * 333 < width
        assert size == (round(100 * width / 333), width)
