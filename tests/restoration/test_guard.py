"""Restoring never changes what a picture looks like from afar: flat pictures, patterns of single pixels."""

from itertools import pairwise

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
ROWS, COLUMNS = np.mgrid[0:96, 0:96]
PATTERNS = {
    "checkerboard": (ROWS + COLUMNS) % 2,
    "checkerboard of two": (ROWS // 2 + COLUMNS // 2) % 2,
    "upright stripes": COLUMNS % 2,
    "level stripes": ROWS % 2,
    "slanted stripes": (ROWS + COLUMNS) // 2 % 2,
    "stripes of three": ROWS // 3 % 2,
}
RESTORERS = ("denoise-fast", "denoise-best", "clean", "dejpeg", "deblur", "descreen", "upscale-2x", "upscale-2x-robust")
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


@pytest.mark.parametrize("name", RESTORERS)
@pytest.mark.parametrize("ground", ["flat", "photograph"])
def test_patterns_of_single_pixels_keep_their_means(name: str, ground: str) -> None:
    options = {"noise": 5} if name.startswith("denoise") else {"jpeg_quality": 60} if name == "dejpeg" else {}
    for pattern in PATTERNS.values():
        x = np.full((192, 192, 3), 0.5, np.float32)
        if ground == "photograph":
            x = astronaut()[150:342, 150:342].astype(np.float32) / 255
        x[48:144, 48:144] = np.float32(0.5) + np.float32(120 / 255) * (2 * pattern[..., None] - 1)
        x_hat = restore(Picture.from_array(x), model=engine(name), **options).picture.array()
        scale = len(x_hat) // len(x)
        x_hat = x_hat.reshape(192, scale, 192, scale, 3).mean(axis=(1, 3))
        inside = slice(48, 144), slice(48, 144)
        # Damage may move the means by so much more: noise of 5 that was stated, or what a robust upscaler, which
        # removes damage, is found to have before it (the estimators take patterns for some).
        slack = 1.5 if name.startswith("denoise") or name.endswith("robust") else 1
        assert 255 * np.abs((x_hat - x)[inside].mean(axis=(0, 1))).max() <= 3 * slack
        # Stripes of three are a screen, whose own means waver in windows that are no multiple of its period.
        window = 48 if name == "descreen" else 16
        assert 255 * np.abs(means(x_hat - x, window)).max() <= 5 * slack


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
