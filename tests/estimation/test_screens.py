"""Printed screens and dither are told from photographs, noise and compression, and left alone."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage import data

from sfumato import restore
from sfumato.estimation.cells import windows
from sfumato.estimation.screens import find_screen, has_two_tones, is_dithered
from sfumato.pictures.picture import Picture
from sfumato.restoration.diagnosis import Diagnosis

SCENE = data.camera()[:320, :320].astype(np.float32) / 255


def windows_of(pixels):
    return list(windows(Picture.from_array(pixels[..., None] if pixels.ndim == 2 else pixels, depth=8)))


def printed(scene, pitch, angle, sharpness):
    down, right = np.mgrid[: scene.shape[0], : scene.shape[1]].astype(np.float32)
    turn = np.radians(angle)
    across = 2 * np.pi * (right * np.cos(turn) + down * np.sin(turn)) / pitch
    along = 2 * np.pi * (down * np.cos(turn) - right * np.sin(turn)) / pitch
    return (sharpness * (scene - 0.5 - 0.25 * (np.cos(across) + np.cos(along))) + 0.5).clip(0, 1)


def compressed(pixels, quality):
    picture = Picture.from_array(pixels[..., None], depth=8)
    return Picture.open(picture.to_bytes("jpeg", quality=quality)).array()


def ordered(scene, size):
    pattern = np.zeros((1, 1))
    while len(pattern) < size:
        pattern = np.block([[4 * pattern, 4 * pattern + 2], [4 * pattern + 3, 4 * pattern + 1]])
    tiled = np.tile((pattern + 0.5) / size**2, [length // size + 1 for length in scene.shape])
    return (scene > tiled[: scene.shape[0], : scene.shape[1]]).astype(np.float32)


@pytest.mark.parametrize("quality", [60, 95])
@pytest.mark.parametrize("pitch", [2.5, 4.0, 5.5, 8.0, 10.0])
@pytest.mark.parametrize("angle", [0, 15, 45, 70])
def test_a_screen_is_found_with_its_pitch_and_angle(pitch, angle, quality):
    found = find_screen(windows_of(compressed(printed(SCENE, pitch, angle, 3), quality)))
    assert found is not None
    assert found.pitch == pytest.approx(pitch, rel=0.1)
    assert min(abs(found.angle - angle), 90 - abs(found.angle - angle)) < 8


@pytest.mark.parametrize("angle", range(0, 180, 20))
@pytest.mark.parametrize("pitch", [4.5, 5.5, 9.0])
def test_a_screen_of_lines_is_found_at_any_angle(pitch, angle):
    down, right = np.mgrid[: SCENE.shape[0], : SCENE.shape[1]].astype(np.float32)
    turn = np.radians(angle)
    wave = np.cos(2 * np.pi * (down * np.cos(turn) - right * np.sin(turn)) / pitch)
    found = find_screen(windows_of(compressed((1.5 * (SCENE - 0.5 - 0.5 * wave) + 0.5).clip(0, 1), 75)))
    assert found is not None
    assert found.lines
    assert found.has_tones
    assert found.pitch == pytest.approx(pitch, rel=0.1)
    assert min(abs(found.angle - angle), 180 - abs(found.angle - angle)) < 12


def chequered(side, random):
    return np.kron(np.indices((400 // side, 400 // side)).sum(0) % 2, np.ones((side, side)))


def coded(side, random):
    return np.pad(np.kron(random.random((40, 40)) < 0.5, np.ones((side, side))), 3 * side)


def barred(side, random):
    row = np.repeat(np.arange(60) % 2, side * random.integers(1, 5, 60))
    return np.tile(np.pad(row, 8 * side), (300, 1))


def woven(side, random):
    uneven = [gaussian_filter(random.normal(0, 60, (320, 320)), 30) for _ in range(3)]
    down, right = (place + part * side / 3 for place, part in zip(np.mgrid[:320, :320], uneven, strict=False))
    threads = np.where((down // side + right // side) % 2, np.sin(np.pi * down / side), np.sin(np.pi * right / side))
    return ((0.6 + 0.1 * uneven[2]) * (0.6 + 0.4 * np.abs(threads))).clip(0, 1)


@pytest.mark.parametrize("drawn", [chequered, coded, barred, woven])
@pytest.mark.parametrize("side", [2, 4, 6, 8])
@pytest.mark.parametrize("stored", [False, True])
def test_patterns_are_not_said_to_be_printed(drawn, side, stored):
    pixels = drawn(side, np.random.default_rng(side)).astype(np.float32)
    picture = Picture.from_array((compressed(pixels, 80) if stored else pixels[..., None]).astype(np.float32), depth=8)
    assert not Diagnosis(picture).is_screened


def test_dither_is_told_from_codes_and_letters():
    random = np.random.default_rng(0)
    assert all(is_dithered(windows_of(y)) for y in (ordered(SCENE, 4), (random.random(SCENE.shape) < SCENE) * 1.0))
    assert not any(is_dithered(windows_of(y)) for y in (coded(3, random), (data.page() > 120) * 1.0))


@pytest.mark.parametrize("size", [2, 4, 8])
def test_ordered_dither_is_a_screen_of_two_tones(size):
    pixels = ordered(SCENE, size)
    assert find_screen(windows_of(pixels)) is not None
    assert has_two_tones(windows_of(pixels))


@pytest.mark.parametrize("picture", ["camera", "astronaut", "brick", "coffee", "text", "page", "grass", "gravel"])
@pytest.mark.parametrize("damage", ["none", "noise", "jpeg"])
def test_no_photograph_is_taken_for_a_screen(picture, damage):
    pixels = getattr(data, picture)().astype(np.float32)[:384, :384] / 255
    if damage == "noise":
        pixels = (pixels + 0.1 * np.random.default_rng(0).standard_normal(pixels.shape)).clip(0, 1)
    if damage == "jpeg":
        depth = Picture.from_array(pixels if pixels.ndim == 3 else pixels[..., None], depth=8)
        pixels = Picture.open(depth.to_bytes("jpeg", quality=5)).array()
    assert find_screen(windows_of(pixels)) is None
    assert not has_two_tones(windows_of(pixels))


def test_auto_leaves_dots_alone_and_says_what_they_are():
    screened = Picture.from_array(compressed(printed(SCENE, 5, 45, 4), 80), depth=8)
    diffused = Picture.from_array((np.random.default_rng(0).random(SCENE.shape) < SCENE)[..., None] * 1.0, depth=8)
    for picture, words in ((screened, "a screen of dots, 5.0 pixels apart at 45 degrees"), (diffused, "two tones")):
        assert Diagnosis(picture).tasks == ()
        restored = restore(picture)
        np.testing.assert_array_equal(restored.picture.array(), picture.array())
        assert any(words in note for note in restored.notes)
        assert restored.advice == "The task descreen makes continuous tones of the dots."


def test_flat_small_and_odd_pictures_hold_no_dots():
    for shape in ((1, 1, 1), (9, 7, 3), (64, 64, 1), (200, 3, 3), (130, 300, 3)):
        for value in (0.0, 0.5, 1.0):
            flat = np.full(shape, value, np.float32)
            assert find_screen(windows_of(flat)) is None
            assert not has_two_tones(windows_of(flat))
    assert find_screen([np.full((64, 256, 1), np.nan, np.float32)]) is None
    line = np.zeros((200, 200, 1), np.float32)
    line[:, 90:110] = 1
    assert not has_two_tones(windows_of(line))  # two tones, and no dots
