"""Drawing pictures: samplers against what is known exactly, and every generating family through its model file."""

import numpy as np
import pytest
import torch

import sfumato
from sfumato import samplers
from sfumato.engine import Engine
from sfumato.errors import ModelError, UsageError
from sfumato.generate import generate, interpolate, reconstruct, slerp, vary
from sfumato.learn.catalog import FAMILIES, create
from sfumato.learn.export import export
from sfumato.picture import Picture

DRAWING = [name for name, family in FAMILIES.items() if family.network.task == "generate"]
MEAN, DEVIATION = 0.3, 0.4


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A model file of every generating family, untrained."""
    folder = tmp_path_factory.mktemp("generators")
    for name in DRAWING:
        torch.manual_seed(0)
        network = create(name, FAMILIES[name].tiny).eval()
        with torch.no_grad():
            for parameter in network.parameters():
                # The textbook's initial weights give pictures without contrast.
                parameter.mul_(8 if name == "gan-classic" and parameter.ndim > 1 else 1)
        export(network, folder / f"{name}.onnx", name=f"tiny-{name}", family=name)
    return {name: Engine(folder / f"{name}.onnx", threads=1) for name in DRAWING}


def gaussian_velocity(x, t):
    """The velocity whose end is a normal distribution: E[data - noise | x_t], exactly."""
    variance = (1 - t) ** 2 + t**2 * DEVIATION**2
    data = MEAN + t * DEVIATION**2 / variance * (x - t * MEAN)
    noise = (1 - t) / variance * (x - t * MEAN)
    return data - noise


def end_of_gaussian(noise):
    """Where that velocity carries noise: the map between the two normal distributions that keeps the order."""
    return MEAN + DEVIATION * noise


@pytest.mark.parametrize("solver", samplers.SOLVERS)
def test_a_solver_carries_noise_to_the_distribution_that_the_velocity_is_of(solver):
    noise = np.random.default_rng(0).standard_normal((2000, 1, 1, 1))
    found = samplers.SOLVERS[solver](gaussian_velocity, noise, 200, None)
    np.testing.assert_allclose(found, end_of_gaussian(noise), atol=0.02)


def test_the_error_of_euler_falls_with_the_number_of_steps():
    noise = np.random.default_rng(0).standard_normal((200, 1, 1, 1))
    few, many = (np.abs(samplers.euler(gaussian_velocity, noise, n) - end_of_gaussian(noise)).mean() for n in (20, 80))
    assert few / many == pytest.approx(4, rel=0.3)


def test_heun_is_nearer_than_euler_at_equal_cost():
    noise = np.random.default_rng(0).standard_normal((500, 1, 1, 1))
    by_euler = np.abs(samplers.euler(gaussian_velocity, noise, 20) - end_of_gaussian(noise)).mean()
    by_heun = np.abs(samplers.heun(gaussian_velocity, noise, 10) - end_of_gaussian(noise)).mean()
    assert by_heun < 0.7 * by_euler


def test_denoising_by_a_flow_is_the_posterior_mean():
    draw = np.random.default_rng(1)
    x = MEAN + DEVIATION * draw.standard_normal((5000, 1, 1, 1))
    sigma = 0.5
    y = x + sigma * draw.standard_normal(x.shape)
    expected = MEAN + DEVIATION**2 / (DEVIATION**2 + sigma**2) * (y - MEAN)
    np.testing.assert_allclose(samplers.denoised(gaussian_velocity, y, sigma), expected, atol=1e-5)


def test_guidance_of_one_asks_once_and_more_moves_away_from_no_class():
    asked = []

    def free(x, t):
        asked.append(t)
        return np.zeros_like(x)

    x = np.ones((1, 1, 1, 1), np.float32)
    assert samplers.guided(lambda x, t: x, free, 1.0)(x, 0.5) == 1
    assert not asked
    assert samplers.guided(lambda x, t: x, free, 2.5)(x, 0.5) == 2.5


@pytest.mark.parametrize("name", DRAWING)
def test_a_picture_depends_on_model_seed_and_number_only(files, name):
    steps = {"steps": 3} if name == "flow" else {}
    many = generate(files[name], 5, seed=7, **steps).pictures
    few = generate(files[name], 3, seed=7, **steps).pictures
    other = generate(files[name], 3, seed=8, **steps).pictures
    for a, b, c in zip(many, few, other, strict=False):
        np.testing.assert_allclose(a.array(), b.array(), atol=1 / 255 + 1e-3)
        assert not np.array_equal(a.array(), c.array()) or not np.array_equal(a.alpha(), c.alpha())


@pytest.mark.parametrize("name", DRAWING)
def test_pictures_have_the_models_size_channels_and_alpha(files, name):
    drawn = generate(files[name], 4, label="mix")
    assert drawn.labels == ("cat", "dog", "newt", "cat")
    assert all((p.height, p.width, p.num_channels, p.has_alpha) == (8, 12, 3, True) for p in drawn.pictures)
    sheet = drawn.sheet(columns=2)
    assert (sheet.height, sheet.width) == (2 * 8 + 2, 2 * 12 + 2)


def test_a_flow_draws_other_sizes_and_says_which_it_cannot(files):
    assert generate(files["flow"], 1, size=(16, 20), steps=2).pictures[0].height == 16
    with pytest.raises(UsageError, match="multiples of 4"):
        generate(files["flow"], 1, size=(15, 20))
    with pytest.raises(UsageError, match="8x12 only"):
        generate(files["gan"], 1, size=(16, 24))


def test_wishes_that_a_family_does_not_have_are_refused(files):
    with pytest.raises(UsageError, match="for flows"):
        generate(files["gan"], 1, steps=3)
    with pytest.raises(UsageError, match="did you mean 'newt'"):
        generate(files["gan"], 1, label="newts")
    with pytest.raises(UsageError, match="no encoder"):
        reconstruct(files["gan"], Picture.from_array(np.zeros((8, 12, 3), np.float32)))
    with pytest.raises(ModelError, match="sfumato restore"):
        generate("denoise-fast", 1)
    with pytest.raises(UsageError, match="at least one"):
        generate(files["gan"], 0)


@pytest.mark.parametrize("name", [name for name in DRAWING if "autoencoder" in name or "vae" in name])
def test_a_picture_is_reconstructed_varied_and_left_behind(files, name):
    picture = Picture.from_array(np.random.default_rng(0).random((20, 20, 3), np.float32))
    again = reconstruct(files[name], picture)
    assert "scaled and cropped" in again.notes[0]
    unchanged = vary(files[name], picture, 2, amount=0.0).pictures
    np.testing.assert_allclose(unchanged[0].array(), again.pictures[0].array(), atol=2 / 255)
    way = interpolate(files[name], picture, 3, frames=5).pictures
    np.testing.assert_allclose(way[0].array(), again.pictures[0].array(), atol=2 / 255)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_an_arc_keeps_the_length_and_its_ends(share):
    draw = np.random.default_rng(0)
    a, b = draw.standard_normal((2, 50)).astype(np.float32)
    found = slerp(a, b, share)
    lengths = np.linalg.norm(a), np.linalg.norm(b)
    assert np.linalg.norm(found) == pytest.approx((1 - share) * lengths[0] + share * lengths[1], rel=1e-4)
    if share in (0.0, 1.0):
        np.testing.assert_allclose(found, a if share == 0 else b, atol=1e-5)


def test_a_flow_restores_a_noisy_picture_of_another_size(files):
    y = np.random.default_rng(0).random((19, 23, 3), np.float32)
    for pixels in (y, y[..., :1]):
        restored = sfumato.restore(pixels, model=files["flow"], noise=25).picture.array()
        assert restored.shape == pixels.shape
        assert np.isfinite(restored).all()
    np.testing.assert_array_equal(sfumato.restore(y, model=files["flow"], noise=25, strength=0).picture.array(), y)
    with pytest.raises(ModelError, match="sfumato generate"):
        sfumato.restore(y, model=files["gan"], noise=25)
