"""The drawings that the enlargers of drawings learn from, large and small."""

import numpy as np
import pytest
import torch

from sfumato.learn.degradations.illustrations import SQUARE, Illustrated

SIZES = {2: (64, 48), 4: (64, 96)}
MANY = 40


def made(scale, channels=3, seed=0, **shares):
    x = torch.rand(channels, *SIZES[scale], generator=torch.Generator().manual_seed(1))
    return Illustrated(scale, **shares)(x, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("scale", SIZES)
def test_large_and_small_are_whole_steps_of_the_same_drawing(scale, channels):
    height, width = SIZES[scale]
    for seed in range(MANY):
        found = made(scale, channels, seed)
        assert found.x.shape == (channels, height, width)
        assert found.y.shape == (channels, height // scale, width // scale)
        assert torch.equal(found.level, torch.zeros(1, *found.y.shape[1:]))
        for picture in (found.x, found.y):
            assert 0 <= picture.min() <= picture.max() <= 1
            assert (255 * picture - (255 * picture).round()).abs().max() < 1e-3
        assert torch.equal(found.y, made(scale, channels, seed).y)


@pytest.mark.parametrize("scale", SIZES)
def test_the_small_drawing_has_the_means_of_the_large_one(scale):
    """Smoothly reduced; single pixels of hard edges are not their square's mean, so those are not asked."""
    for seed in range(MANY):
        found = made(scale, seed=seed, squares=0.0, hard=0.0)
        means = torch.nn.functional.avg_pool2d(found.x[None], scale)[0]
        assert (means.mean((1, 2)) - found.y.mean((1, 2))).abs().max() < 0.01
        if found.parameters["of"] == "means":
            assert (means - found.y).abs().max() < 0.02  # rounded twice


@pytest.mark.parametrize("scale", SIZES)
def test_hard_edges_have_no_colour_that_the_large_drawing_lacks(scale):
    smooth = hard = 0
    for seed in range(MANY):
        found = made(scale, seed=seed, squares=0.0, hard=1.0)
        large, small = (np.unique(p.flatten(1).T.numpy(), axis=0) for p in (found.x, found.y))
        if len(small) < 16:  # else a gradient is part of it
            smooth, hard = smooth + len(large), hard + len(small)
    assert smooth > 2 * hard > 0


def test_patterns_become_squares():
    names = set()
    for seed in range(MANY):
        found = made(4, seed=seed, squares=1.0)
        names.add(found.parameters["of"])
        assert torch.equal(found.x, found.y.repeat_interleave(4, 1).repeat_interleave(4, 2))
    assert names == set(SQUARE)
