"""Restoring never changes what a picture looks like from afar: flat pictures, patterns of single pixels."""

from itertools import pairwise

import imageio.v3 as imageio
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from skimage.data import astronaut

from sfumato import Picture, restore
from sfumato.estimation.noise import NoiseCurve, estimate_noise
from sfumato.models.engine import Engine, load
from sfumato.restoration.guard import ChangeMeter, pull_back

COLOURS = st.tuples(*[st.integers(0, 255)] * 3)
RESTORERS = (
    "denoise-fast",
    "denoise-best",
    "clean",
    "dejpeg",
    "deblur",
    "descreen",
    "upscale-2x",
    "upscale-2x-robust",
    "upscale-4x",
    "upscale-4x-robust",
)
SIDE, EDGE = 160, 32  # of a picture, and of the ground around its pattern
INSIDE = slice(EDGE, SIDE - EDGE), slice(EDGE, SIDE - EDGE)
BAYER = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]])
ENGINES: dict[str, Engine] = {}


def engine(name: str) -> Engine:
    if name not in ENGINES:
        ENGINES[name] = load(name)
    return ENGINES[name]


def means(pixels: np.ndarray, window: int = 16) -> np.ndarray:
    rows, columns = (length // window for length in pixels.shape[:2])
    whole = pixels[: rows * window, : columns * window]
    return whole.reshape(rows, window, columns, window, pixels.shape[2]).mean(axis=(1, 3))


@settings(deadline=None, max_examples=20)
@given(
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    first=COLOURS,
    second=COLOURS,
    kind=st.sampled_from(["flat", "two", "gradient"]),
)
@example(height=64, width=64, first=(200, 30, 30), second=(0, 0, 0), kind="flat")
@example(height=60, width=60, first=(255, 255, 255), second=(20, 40, 200), kind="two")
def test_pictures_without_texture_are_left_as_they_are(
    height: int, width: int, first: tuple[int, ...], second: tuple[int, ...], kind: str
) -> None:
    a, b = np.float32(first) / 255, np.float32(second) / 255
    share = np.zeros((height, width, 1), np.float32)
    if kind == "two":
        share[height // 3 : 1 + height // 2, width // 4 : 1 + width // 2] = 1
    elif kind == "gradient":
        share += np.linspace(0, 1, width, dtype=np.float32)[None, :, None]
    picture = Picture.from_array(a + share * (b - a))
    change = 255 * (restore(picture).picture.array() - picture.array())
    assert min(height, width) < 16 or np.abs(change.mean(axis=(0, 1))).max() <= 3


def test_ranges_of_brightness_that_lie_on_one_another_share_a_knot() -> None:
    curve = estimate_noise(Picture.from_array(np.full((256, 256, 3), 0.4, np.float32)))
    assert isinstance(curve, NoiseCurve)
    assert len(curve.brightness) == 1
    assert curve.typical < 1 / 255


def pattern(rng: np.random.Generator) -> np.ndarray:
    """0 and 1, (SIDE - 2 EDGE)^2: a checkerboard, stripes, an ordered dither or a halftone, of any phase."""
    rows, columns = np.mgrid[0 : SIDE - 2 * EDGE, 0 : SIDE - 2 * EDGE] + rng.integers(0, 16, (2, 1, 1))
    kind, pitch = rng.integers(5), int(rng.integers(1, 5))
    if kind == 0:
        return (rows // pitch + columns // pitch) % 2
    if kind in (1, 2):
        angle = np.deg2rad(rng.choice([0, 5, 17, 30, 45, 63, 90, 135]))
        return np.floor((columns * np.cos(angle) + rows * np.sin(angle)) / pitch) % 2
    if kind == 3:
        return BAYER[rows % 4, columns % 4] < rng.integers(2, 15)
    turned = 2 * np.pi * (columns + 1j * rows) * np.exp(1j * rng.uniform(0, 2 * np.pi)) / rng.uniform(2.5, 6)
    return (np.cos(turned.real) + np.cos(turned.imag)) / 4 + 0.5 < rng.uniform(0.3, 0.7)


def patterned(rng: np.random.Generator) -> np.ndarray:
    """A pattern of any contrast and colours on a flat ground or in a photograph, uint8 (SIDE, SIDE, 3)."""
    top, left = rng.integers(0, 512 - SIDE, 2)
    x = astronaut()[top : top + SIDE, left : left + SIDE].astype(float)
    if rng.random() < 0.5:
        x[:] = rng.uniform(40, 210)
    contrast = rng.choice([25, 60, 120])
    middle = rng.uniform(contrast / 2, 255 - contrast / 2, 3)
    signs = np.ones(3) if rng.random() < 0.6 else rng.choice([-1, 1, 0], 3)
    x[INSIDE] = middle + contrast * signs * (pattern(rng)[..., None] - 0.5)
    return x.round().clip(0, 255).astype(np.uint8)


def compressed(x: np.ndarray, quality: int) -> np.ndarray:
    return imageio.imread(imageio.imwrite("<bytes>", x, extension=".jpg", quality=quality))


def noisy(x: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    return (x + rng.normal(0, sigma, x.shape)).round().clip(0, 255).astype(np.uint8)


def off_after(name: str, clean: np.ndarray, y: np.ndarray) -> np.ndarray:
    """By how much each pixel of the pattern is off, of 255, after what enlarges by means over the pixels of y."""
    x_hat = 255 * restore(Picture.from_array(y.astype(np.float32) / 255), model=engine(name)).picture.array()
    scale = len(x_hat) // SIDE
    return (x_hat.reshape(SIDE, scale, SIDE, scale, 3).mean(axis=(1, 3)) - clean)[INSIDE]


@pytest.mark.parametrize("name", RESTORERS)
def test_patterns_keep_their_means(name: str) -> None:
    rng = np.random.default_rng(list(RESTORERS).index(name))
    windows = []
    for _ in range(5):
        clean = patterned(rng)
        off = off_after(name, clean, clean)
        assert np.abs(off.mean(axis=(0, 1))).max() <= 3
        windows.append(np.abs(means(off)))
    # Of the dots that descreen takes away, no whole number falls into a window, and their own means waver.
    if name != "descreen":
        assert np.mean(np.array(windows) > 3) <= 0.03  # where the estimators take a pattern for noise or compression
        assert np.max(windows) <= 7.5


@pytest.mark.parametrize("name", RESTORERS)
@pytest.mark.parametrize("damage", ["noise", "JPEG"])
def test_patterns_that_are_damaged_keep_their_means(name: str, damage: str) -> None:
    rng = np.random.default_rng(list(RESTORERS).index(name))
    windows = []
    for _ in range(2):
        clean = patterned(rng)
        off = off_after(name, clean, noisy(clean, 15, rng) if damage == "noise" else compressed(clean, 50))
        # By as much as the damage itself moves the means, which is measured by how far they scatter.
        assert np.abs(off.mean(axis=(0, 1))).max() <= 8
        windows.append(np.abs(means(off)))
    assert np.mean(np.array(windows) > 3) <= 0.3


def test_nothing_is_measured_of_the_damage_where_nothing_was_changed() -> None:
    meter, y = ChangeMeter(), np.random.default_rng(0).random((50, 40, 3), np.float32)
    list(meter.watch([y], [y + np.float32(0.5 / 255)]))

    def never() -> tuple[float, float]:
        raise AssertionError

    assert meter.shares(never) is None


@given(strips=st.lists(st.integers(1, 40), min_size=1, max_size=5), scale=st.sampled_from([1, 2]))
@settings(deadline=None, max_examples=20)
def test_strips_of_any_height_give_what_the_whole_gives(strips: list[int], scale: int) -> None:
    height, width = sum(strips), 37
    draw = np.random.default_rng(0)
    y = draw.random((height, width, 3), np.float32)
    x_hat = y.repeat(scale, axis=0).repeat(scale, axis=1)
    x_hat[: 20 * scale, : 20 * scale] *= np.float32(0.5)
    edges = np.cumsum([0, *strips])
    pieces = [y[a:b] for a, b in pairwise(edges)]
    whole, part = ChangeMeter(scale), ChangeMeter(scale)
    assert np.array_equal(np.concatenate(list(whole.watch([y], [x_hat]))), x_hat)
    list(part.watch(pieces, [x_hat]))
    found, expected = part.shares(lambda: (0.0, 0.0)), whole.shares(lambda: (0.0, 0.0))
    assert found is not None
    assert expected is not None
    assert np.array_equal(found, expected)
    before = y.repeat(scale, axis=0).repeat(scale, axis=1)
    at_once = np.concatenate(list(pull_back([before], [x_hat], expected, scale)))
    cut = [(before[a:b], x_hat[a:b]) for a, b in ((0, scale), (scale, len(x_hat))) if a < b]
    in_strips = np.concatenate(list(pull_back([b for b, _ in cut], [a for _, a in cut], expected, scale)))
    assert np.allclose(at_once, in_strips, atol=1e-6)
    small = at_once.reshape(height, scale, width, scale, 3).mean(axis=(1, 3))
    assert np.abs(means(small - y)).max(initial=0) <= 2 / 255 + 1e-5
