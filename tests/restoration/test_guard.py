"""Restoring never changes what a picture looks like from afar: flat pictures, patterns of single pixels."""

from itertools import pairwise

import numpy as np
import pytest
from bench_patterns import DAMAGES, RESTORERS, means, off_after
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from sfumato import Picture, restore
from sfumato.estimation.noise import NoiseCurve, estimate_noise
from sfumato.restoration.guard import ChangeMeter, pull_back

COLOURS = st.tuples(*[st.integers(0, 255)] * 3)


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
def test_patterns_keep_their_means(name: str) -> None:
    (whole, windows), _ = off_after(name, "undamaged", 5)
    assert whole.max() <= 3
    # Of the dots that descreen takes away, no whole number falls into a window, and their own means waver.
    if name != "descreen":
        # Where the estimators take a pattern for noise, or for compression.
        assert (windows > 3).mean() <= 0.03
        assert windows.max() <= (7.5 if name.startswith("denoise") else 5)


@pytest.mark.parametrize("name", RESTORERS)
@pytest.mark.parametrize("damage", [damage for damage in DAMAGES if damage != "undamaged"])
def test_patterns_that_are_damaged_keep_their_means(name: str, damage: str) -> None:
    """But for what the damage itself does to means, which is measured by how far they scatter."""
    (whole, windows), _ = off_after(name, damage, 2)
    assert whole.max() <= 8
    assert (windows > 3).mean() <= 0.3


def test_small_windows_at_the_ends_may_change_as_their_noise_does() -> None:
    """In blotches, of which a window of a row or two holds as few as one, its mean is farther off than those of all."""
    blotches = gaussian_filter(np.random.default_rng(0).standard_normal((257, 258, 3)), (1, 1, 0))
    y = np.float32(0.5 + 20 / 255 * blotches / blotches.std())
    assert np.abs(_held(y, np.full_like(y, 0.5), 20)).max() < 1e-6


def _held(y: np.ndarray, x_hat: np.ndarray, sigma: float) -> np.ndarray:
    """How much of the change is taken back, pixel by pixel."""
    meter = ChangeMeter()
    list(meter.watch([y], [x_hat]))
    shares = meter.shares(lambda: (sigma / 255, 0.0))
    if shares is None:
        return np.zeros_like(y)
    return x_hat - np.concatenate(list(pull_back([y], [x_hat], shares)))


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
