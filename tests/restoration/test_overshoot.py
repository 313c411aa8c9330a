"""An upscaler draws no bright lines along the hard edges of drawings, and photographs stay as they were."""

import numpy as np
import pytest
from skimage.data import astronaut

from sfumato import restore
from sfumato.restoration.overshoot import FREE, SLACK, limited


def strips(pixels, rows):
    return [pixels[top : top + rows] for top in range(0, len(pixels), rows)]


@pytest.mark.parametrize("rows", [1, 7, 64, 200])
@pytest.mark.parametrize("scale", [2, 4])
def test_strips_of_any_height_give_the_same(rows, scale):
    rng = np.random.default_rng(0)
    y = rng.random((150, 20, 3), np.float32)
    x_hat = rng.random((150 * scale, 20 * scale, 3), np.float32) * 3 - 1
    whole = np.concatenate(list(limited([y], [x_hat], scale)))
    parts = np.concatenate(list(limited(strips(y, rows), strips(x_hat, rows * scale), scale)))
    np.testing.assert_array_equal(parts, whole)
    assert whole.shape == x_hat.shape
    assert whole.max() <= 1 + FREE + SLACK
    assert np.isfinite(np.concatenate(list(limited([np.where(y > 0.9, np.nan, y)], [x_hat], scale)))).all()


@pytest.mark.parametrize("scale", [2, 4])
def test_two_tones_stay_two_and_what_is_near_the_values_stays(scale):
    drawing = np.full((48, 48, 3), 0.2, np.float32)
    drawing[12:30, 8:40], drawing[35:37] = 0.8, 0.5
    result = restore(drawing, task="upscale", scale=scale).picture.array()
    assert result.min() > 0.2 - 0.05 * 0.6 - 2 * SLACK
    assert result.max() < 0.8 + 0.05 * 0.6 + 2 * SLACK
    y = drawing
    near = y.repeat(scale, 0).repeat(scale, 1)
    np.testing.assert_array_equal(np.concatenate(list(limited([y], [near], scale))), near)


def test_of_a_photograph_little_is_changed():
    y = astronaut()[100:228, 150:278].astype(np.float32) / 255
    sharp = np.array(y.repeat(2, 0).repeat(2, 1))
    sharp += 0.15 * (sharp - np.roll(sharp, 1, 1))
    kept = np.concatenate(list(limited([y], [sharp], 2)))
    assert (np.abs(kept - sharp) > 1e-3).mean() < 0.01
