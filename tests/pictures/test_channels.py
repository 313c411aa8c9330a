"""Pictures brought to the channels and size of a network: what goes in must be what comes out, or say where it went."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfumato.pictures.channels import premultiply, resize_and_center_crop, unpremultiply, with_channels

draw = np.random.default_rng(0)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("colours", [1, 3])
@pytest.mark.parametrize("has_alpha", [False, True])
def test_channels_are_those_asked_for_and_opaque_colour_stays(channels, colours, has_alpha):
    colour = draw.random((5, 7, colours)).astype(np.float32)
    found = with_channels(colour, np.ones((5, 7), np.float32) if has_alpha else None, channels)
    assert found.shape == (5, 7, channels)
    if channels in (2, 4):
        assert (found[..., -1] == 1).all()
    if (colours == 3) == (channels >= 3):
        np.testing.assert_allclose(found[..., :colours], colour, atol=1e-6)
    elif colours == 1:
        np.testing.assert_allclose(found[..., :3], colour.repeat(3, axis=2), atol=1e-6)


def test_alpha_without_a_channel_is_laid_over_white():
    black, alpha = np.zeros((2, 2, 3), np.float32), np.float32([[0, 0.25], [0.5, 1]])
    np.testing.assert_allclose(with_channels(black, alpha, 3), 1 - alpha[..., None].repeat(3, axis=2))
    np.testing.assert_allclose(with_channels(black, alpha, 1), 1 - alpha[..., None])


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_premultiplying_is_undone(channels):
    pixels = draw.uniform(0.1, 1, (4, 6, channels)).astype(np.float32)
    np.testing.assert_allclose(unpremultiply(premultiply(pixels)), pixels, atol=1e-6)


@given(
    height=st.integers(1, 60),
    width=st.integers(1, 60),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    channels=st.integers(1, 4),
)
def test_any_size_is_covered_and_a_flat_picture_stays_flat(height, width, size, channels):
    flat = np.full((height, width, channels), 0.4, np.float32)
    found = resize_and_center_crop(flat, size)
    assert found.shape == (*size, channels)
    np.testing.assert_allclose(found, 0.4, atol=2e-3)


def test_the_middle_is_kept():
    wide = np.zeros((10, 30, 1), np.float32)
    wide[:, 10:20] = 1
    assert resize_and_center_crop(wide, (10, 10)).min() == 1


def test_colour_behind_what_is_transparent_does_not_bleed():
    pixels = np.zeros((8, 8, 4), np.float32)
    pixels[:, :4] = [1, 0, 0, 1]
    pixels[:, 4:] = [0, 1, 0, 0]
    small = resize_and_center_crop(pixels, (4, 4))
    assert small[..., 1].max() < 1e-3
