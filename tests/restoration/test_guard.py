"""Restoring never changes what a picture looks like from afar: flat pictures, patterns of single pixels."""

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pytest
from bench_patterns import DAMAGES, RESTORERS, means, off_after
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from sfumato import Picture, restore
from sfumato.estimation.noise import NoiseCurve, estimate_noise
from sfumato.restoration.guard import ChangeMeter, Held, pull_back, without_excess

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
    return x_hat - np.concatenate(list(_without(meter.held(lambda: (sigma / 255, 0.0)), [y], [x_hat])))


def _without(
    held: Held | None, y: Iterable[np.ndarray], x_hat: Iterable[np.ndarray], scale: int = 1
) -> Iterable[np.ndarray]:
    if held is not None and held.shares is not None:
        x_hat = pull_back(y, x_hat, held.shares, scale)
    if held is not None and held.excess is not None:
        x_hat = without_excess(x_hat, held.excess, scale)
    return x_hat


def test_noise_that_was_removed_stays_removed_where_means_are_held() -> None:
    """A denoiser that is told too strong a noise makes the light part of a picture brighter."""
    noise = np.random.default_rng(0).normal(0, 14 / 255, (256, 256, 3)).astype(np.float32)
    x = np.full_like(noise, 0.4)
    x[:, 128:] = 0.7
    x_hat = x.copy()
    x_hat[:, 128:] += 7 / 255
    taken = 255 * _held(x + noise, x_hat, 25)
    assert np.abs(taken[:, :96]).max() < 0.5
    assert np.abs(7 - taken[:, 160:]).max() <= 3
    assert max(np.abs(np.diff(taken, axis=axis)).max() for axis in (0, 1)) < 0.5


def test_a_pattern_that_came_out_black_comes_back() -> None:
    """It would not by making the black brighter."""
    y = np.full((160, 160, 3), 0.5, np.float32)
    y[32:128, 32:128] += np.where(np.indices((96, 96)).sum(axis=0) % 2, 0.2, -0.2)[..., None].astype(np.float32)
    x_hat = y.copy()
    x_hat[32:128, 32:128] = 0
    left = x_hat - _held(y, x_hat, 0)
    assert left[40:120, 40:120].std() > 0.19
    assert np.abs(means(left - y)).max() <= 1.1 / 255


def test_nothing_is_measured_of_the_damage_where_nothing_was_changed() -> None:
    meter, y = ChangeMeter(), np.random.default_rng(0).random((50, 40, 3), np.float32)
    list(meter.watch([y], [y + np.float32(0.5 / 255)]))

    def never() -> tuple[float, float]:
        raise AssertionError

    assert meter.held(never) is None


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
    found, expected = part.held(lambda: (0.0, 0.0)), whole.held(lambda: (0.0, 0.0))
    assert found is not None
    assert expected is not None
    assert np.array_equal(found.shares, expected.shares)
    assert (found.excess is None) == (expected.excess is None)
    assert found.excess is None or np.array_equal(found.excess, expected.excess)
    before = y.repeat(scale, axis=0).repeat(scale, axis=1)
    at_once = np.concatenate(list(_without(expected, [before], [x_hat], scale)))
    cut = [(before[a:b], x_hat[a:b]) for a, b in ((0, scale), (scale, len(x_hat))) if a < b]
    in_strips = np.concatenate(list(_without(expected, [b for b, _ in cut], [a for _, a in cut], scale)))
    assert np.allclose(at_once, in_strips, atol=1e-6)
    small = at_once.reshape(height, scale, width, scale, 3).mean(axis=(1, 3))
    assert np.abs(means(small - y)).max(initial=0) <= 2 / 255 + 1e-5
