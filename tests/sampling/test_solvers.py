"""Samplers against what is known exactly: the velocity whose end is a normal distribution."""

import numpy as np
import pytest

from sfumato.sampling import solvers
from sfumato.sampling import velocity as samplers
from sfumato.sampling.noise import noise, slerp

MEAN, DEVIATION = 0.3, 0.4
NOISE_7_3 = [0.7677344, -0.8897923, 1.280984, -0.3982373]


def gaussian_velocity(x, t):
    """E[data - noise | x_t] for normal data, exactly."""
    variance = (1 - t) ** 2 + t**2 * DEVIATION**2
    data = MEAN + t * DEVIATION**2 / variance * (x - t * MEAN)
    return data - (1 - t) / variance * (x - t * MEAN)


def drawn(count=2000, seed=0):
    return np.random.default_rng(seed).standard_normal((count, 1, 1, 1))


def error(solver, steps, shift=1.0):
    """Mean distance from where the exact flow ends, which keeps the order of two normal distributions."""
    start = drawn()
    return np.abs(
        solvers.SOLVERS[solver](gaussian_velocity, start, solvers.times(steps, shift=shift))
        - (MEAN + DEVIATION * start)
    ).mean()


@pytest.mark.parametrize("solver", solvers.SOLVERS)
def test_a_solver_carries_noise_to_the_distribution_that_the_velocity_is_of(solver):
    found = solvers.SOLVERS[solver](gaussian_velocity, drawn(), solvers.times(200))
    assert found.mean() == pytest.approx(MEAN + DEVIATION * drawn().mean(), abs=2e-3)
    assert found.std() == pytest.approx(DEVIATION * drawn().std(), rel=1e-2)
    assert error(solver, 200) < 5e-3


@pytest.mark.parametrize("solver", solvers.SOLVERS)
def test_a_way_that_begins_in_the_middle_ends_where_the_whole_one_does(solver):
    asked = []

    def velocity(x, t):
        asked.append(t)
        return gaussian_velocity(x, t)

    start = drawn(50)
    middle = solvers.SOLVERS[solver](lambda x, t: gaussian_velocity(x, t / 2) / 2, start, solvers.times(400))
    found = solvers.SOLVERS[solver](velocity, middle, solvers.times(400, start=0.5))
    assert np.abs(found - (MEAN + DEVIATION * start)).max() < 1e-2
    assert min(asked) == 0.5
    still = solvers.SOLVERS[solver](velocity, start, solvers.times(3, start=1.0))
    assert np.array_equal(still, start), "at the end there is no way left"


@pytest.mark.parametrize(("solver", "order"), [("euler", 1), ("heun", 2)])
def test_the_error_falls_with_the_order_of_the_solver(solver, order):
    assert error(solver, 40) / error(solver, 80) == pytest.approx(2**order, rel=0.25)


@pytest.mark.parametrize("shift", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("start", [0.0, 0.4])
def test_shifted_steps_end_at_the_picture_and_are_shorter_near_the_noise(shift, start):
    found = np.array(solvers.times(8, shift=shift, start=start))
    assert (found[0], found[-1]) == (pytest.approx(start), pytest.approx(1))
    lengths = np.diff(found)
    assert np.all(lengths > 0)
    assert np.all(np.sign(np.round(np.diff(lengths), 12)) == np.sign(shift - 1))
    # what a scheduler of the field computes, whose sigma is 1 - t: sigma' = shift sigma / (1 + (shift - 1) sigma)
    sigma = 1 - np.array(solvers.times(8))
    np.testing.assert_allclose(1 - np.array(solvers.times(8, shift=shift)), shift * sigma / (1 + (shift - 1) * sigma))


@pytest.mark.parametrize("solver", solvers.SOLVERS)
def test_shifted_steps_lead_to_the_same_end(solver):
    assert error(solver, 400, shift=3.0) < 5e-3


def churned(solver, amount, steps, scale=1.0):
    """What standard normal noise, times `scale`, is carried to."""
    fresh = np.random.default_rng(1).standard_normal((steps - 1, *drawn().shape))
    churn = solvers.churning(amount, fresh)
    return solvers.SOLVERS[solver](gaussian_velocity, scale * drawn(), solvers.times(steps), None, churn)


@pytest.mark.parametrize("solver", solvers.SOLVERS)
def test_churn_keeps_the_distribution_and_forgets_errors_of_the_steps_before(solver):
    found = churned(solver, 20, 200)
    assert found.mean() == pytest.approx(MEAN, abs=0.03)
    assert found.std() == pytest.approx(DEVIATION, rel=0.05)
    wrong = {amount: churned(solver, amount, 200, scale=1.5).std() / DEVIATION for amount in (0, 20)}
    assert wrong[0] == pytest.approx(1.5 * drawn().std(), rel=0.02)
    assert wrong[20] == pytest.approx(1, abs=0.05)


def test_no_churn_is_none_and_much_of_it_is_bounded():
    plain = solvers.heun(gaussian_velocity, drawn(), solvers.times(20))
    np.testing.assert_allclose(churned("heun", 0, 20), plain, atol=1e-12)
    x, back = solvers.churning(1e6, np.zeros((1, 1)))(np.ones((1, 1)), 0.5)
    assert (1 - back) / back == pytest.approx(2**0.5), "the noise over the picture: at most 41 % more"
    assert x == pytest.approx(back / 0.5)


def test_heun_is_nearer_than_euler_at_equal_cost():
    assert error("heun", 10) < 0.7 * error("euler", 20)


@pytest.mark.parametrize("solver", solvers.SOLVERS)
def test_every_step_is_told(solver):
    told = []
    solvers.SOLVERS[solver](
        gaussian_velocity, drawn(2), solvers.times(3), lambda done, total: told.append((done, total))
    )
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_guidance_of_one_asks_once_and_more_moves_away_from_no_class():
    asked = []

    def free(x, t):
        asked.append(t)
        return np.zeros_like(x)

    x = np.ones((1, 1, 1, 1), np.float32)
    assert samplers.guided(lambda x, t: x, free, 1.0)(x, 0.5) == 1
    assert not asked
    assert samplers.guided(lambda x, t: x, free, 2.5)(x, 0.5) == 2.5


@pytest.mark.parametrize("sigma", [0.0, 0.05, 0.5, 2.0])
def test_denoising_by_a_flow_is_the_posterior_mean(sigma):
    y = MEAN + DEVIATION * drawn() + sigma * drawn(seed=1)
    expected = MEAN + DEVIATION**2 / (DEVIATION**2 + sigma**2) * (y - MEAN)
    np.testing.assert_allclose(samplers.denoised(gaussian_velocity, y, sigma), expected, atol=1e-6)


def test_each_picture_of_a_batch_is_denoised_at_its_own_level():
    y, sigma = drawn(2), np.array([0.1, 0.7]).reshape(2, 1, 1, 1)
    alone = [samplers.denoised(gaussian_velocity, y[i : i + 1], sigma[i].item()) for i in range(2)]
    np.testing.assert_allclose(samplers.denoised(gaussian_velocity, y, sigma), np.concatenate(alone), atol=1e-12)


def test_noise_is_the_same_for_ever():
    """These numbers are in pictures that people have kept the seeds of."""
    np.testing.assert_allclose(noise(7, 3, (4,)), NOISE_7_3, atol=1e-6)
    assert not np.array_equal(noise(7, 4, (4,)), noise(7, 3, (4,)))
    many = noise(1, 0, (40_000,))
    assert many.dtype == np.float32
    assert abs(many.mean()) < 0.02
    assert many.std() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_an_arc_keeps_the_length_and_its_ends(share):
    a, b = np.random.default_rng(0).standard_normal((2, 50)).astype(np.float32)
    found = slerp(a, b, share)
    lengths = np.linalg.norm(a), np.linalg.norm(b)
    assert np.linalg.norm(found) == pytest.approx((1 - share) * lengths[0] + share * lengths[1], rel=1e-4)
    if share in (0.0, 1.0):
        np.testing.assert_allclose(found, a if share == 0 else b, atol=1e-5)


def test_an_arc_between_points_without_one_is_a_line():
    a = np.float32([1, 2])
    for b in (a, -a, 0 * a):
        np.testing.assert_allclose(slerp(a, b, 0.25), 0.75 * a + 0.25 * b, atol=1e-5)
