"""Kernels found in pictures: windows, distances between kernels, and what the shipped network and the spectrum say."""

import numpy as np
import pytest
from skimage import data

from sfumato import Picture
from sfumato.estimation.blur import (
    AT_ONCE,
    CLASSES,
    SHARP,
    WINDOW,
    FoundBlur,
    KernelClasses,
    find_blur,
    side_by_side,
    textured_windows,
)
from sfumato.estimation.spectra import Spectrum, mean_power
from sfumato.models.engine import load
from sfumato.operators import Blur, add_noise, disc, motion
from sfumato.operators.kernels import parse

PHOTO = (data.astronaut()[64:416, 96:448] / 255).astype(np.float32)


def blurred(kernel: np.ndarray) -> Picture:
    y = add_noise(Blur(kernel).apply(PHOTO), 2 / 255, seed=0).clip(0, 1)
    return Picture.from_array(((255 * y).round() / 255).astype(np.float32))


@pytest.mark.parametrize("size", [(64, 64), (20, 33), (130, 257), (97, 64)])
def test_windows_are_parts_of_the_picture(size: tuple[int, int]) -> None:
    y = np.random.default_rng(0).random((*size, 3), np.float32)
    found = textured_windows(y)
    assert found.shape[1:] == (WINDOW, WINDOW, 3)
    assert 1 <= len(found) <= AT_ONCE
    assert np.isin(found, y).all()
    shown = side_by_side(found)
    np.testing.assert_array_equal(shown[:WINDOW, :WINDOW], found[0])
    assert shown.shape == (4 * WINDOW, 4 * WINDOW, 3)


def test_texture_goes_before_plain_parts_and_white_ones_come_last() -> None:
    y = np.full((192, 192, 1), 0.5, np.float32)
    y[:64, :64] += 0.3 * np.kron(np.indices((8, 8)).sum(axis=0) % 2, np.ones((8, 8)))[..., None]
    y[128:, 128:] = 1
    np.testing.assert_array_equal(textured_windows(y, 1)[0], y[:64, :64])
    assert textured_windows(y, 100)[-1].max() == 1


@pytest.mark.parametrize("name", [CLASSES[1], CLASSES[100], "disc:3", "gaussian:1.7"])
def test_a_class_is_nearest_to_itself_and_named_by_what_it_is(name: str) -> None:
    classes = KernelClasses(CLASSES)
    found = classes.likeliest(np.array([own == name for own in CLASSES], np.float32))
    assert str(found) == name
    assert found.certainty == pytest.approx(1)
    kernel = parse(name)
    assert kernel is not None
    np.testing.assert_array_equal(found.kernel(), kernel)
    assert load("blur-kernel", threads=1).card.classes == CLASSES


def test_paths_have_no_direction() -> None:
    classes = KernelClasses(("motion:6@0", "motion:6@170", SHARP))
    np.testing.assert_allclose(classes.paths_apart(6, 180), [0, 6 * np.sin(np.radians(5)), np.inf], atol=1e-9)
    assert FoundBlur(SHARP).kernel().tolist() == [[1.0]]


@pytest.mark.parametrize("angle", [20, 115])
def test_a_path_is_found(angle: int) -> None:
    found = find_blur(blurred(motion(8, angle, 20))).whole
    assert found.kind == "motion"
    assert found.size == pytest.approx(8, abs=0.5)
    assert found.angle == pytest.approx(angle, abs=4)
    assert found.certainty > 0.5


def test_a_disc_is_found_and_a_sharp_picture_is_called_that() -> None:
    found = find_blur(blurred(disc(2.7))).whole
    assert found.kind == "disc"
    assert found.size == pytest.approx(2.7, abs=0.15)
    assert find_blur(Picture.from_array(PHOTO)).whole.kind == SHARP


@pytest.mark.parametrize("length", [5, 11])
def test_the_right_kernel_explains_the_spectrum_best(length: int) -> None:
    power = mean_power(blurred(motion(length, 30)).array())
    assert power is not None
    spectrum = Spectrum(power)
    right = spectrum.likelihood(motion(length, 30))
    for other in (motion(length + 1.5, 30), motion(length - 1.5, 30), motion(length, 45), disc(length / 3)):
        assert spectrum.likelihood(other) < right
    assert mean_power(np.zeros((40, 200, 3), np.float32)) is None
    assert spectrum.likelihood(np.ones((101, 101), np.float32) / 101**2) == -np.inf
