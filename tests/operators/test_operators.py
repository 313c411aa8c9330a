"""Operators over their catalogue: linear, with a true adjoint, of the shapes they say, undone as far as they can be."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sfumato.errors import PictureError, UsageError
from sfumato.learn.degradations import blur as torch_blur
from sfumato.learn.layers.measuring import measured
from sfumato.operators import (
    Blur,
    ColourMix,
    Downsample,
    Identity,
    Mask,
    Mosaic,
    Operator,
    RegionBlur,
    add_noise,
    disc,
    gaussian,
    kernels,
    motion,
)

SIZE = (22, 31)  # of what is measured
RANDOM = np.random.default_rng(0)
KNOWN = RANDOM.random(SIZE) < 0.4
SHARES = np.stack([np.linspace(0, 1, SIZE[1])[None].repeat(SIZE[0], axis=0)] * 2)
SHARES[1] = 1 - SHARES[0]
UNEVEN = np.array([[0, 0.1], [0.5, 0.4]])  # even sides, no symmetry
CATALOGUE: dict[str, Operator] = {
    "identity": Identity(),
    "motion": Blur(motion(6, 30, 40)),
    "even kernel": Blur(UNEVEN),
    "periodic": Blur(disc(2), "periodic"),
    "by regions": RegionBlur([motion(5, 0), gaussian(1)], SHARES),
    "bicubic 2": Downsample(2),
    "bicubic 1.7": Downsample(1.7),
    "box 3": Downsample(3, "box"),
    "bilinear 8": Downsample(8, "bilinear"),
    "gaussian 3": Downsample(3, gaussian(1.6)),
    "mask": Mask(KNOWN),
    "mosaic": Mosaic("GRBG"),
    "grey": ColourMix(),
    "two channels": ColourMix(RANDOM.normal(size=(2, 3))),
    "masked blur": Mask(KNOWN) @ Blur(disc(1.5)),
    "mosaic of a blur": Mosaic() @ Blur(gaussian(0.8)),
    "reduced grey": Downsample(2.5, "box") @ ColourMix(),
    "blur, then reduced": Downsample(2) @ Blur(disc(1.2)),
}
each = pytest.mark.parametrize("operator", CATALOGUE.values(), ids=list(CATALOGUE))


def shapes(operator: Operator) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Of x and y."""
    for channels in (3, 1, 2):
        try:
            return operator.input_shape((*SIZE, channels)), (*SIZE, channels)
        except PictureError:
            continue
    raise AssertionError("no number of channels fits")


@each
def test_the_adjoint_is_that(operator: Operator) -> None:
    before, after = shapes(operator)
    x, y = RANDOM.normal(size=before).astype(np.float32), RANDOM.normal(size=after).astype(np.float32)
    assert operator.apply(x).shape == after
    assert operator.adjoint(y).shape == before
    assert operator.output_shape(before) == after
    there, back = float(np.vdot(operator.apply(x), y)), float(np.vdot(x, operator.adjoint(y)))
    assert there == pytest.approx(back, abs=1e-5 * float(np.linalg.norm(x) * np.linalg.norm(y)))


@each
def test_as_a_layer_it_gives_the_same_and_its_adjoint_is_the_gradient(operator: Operator) -> None:
    before, after = shapes(operator)
    x = torch.from_numpy(RANDOM.normal(size=(2, before[2], *before[:2])).astype(np.float32)).requires_grad_(True)
    y = torch.from_numpy(RANDOM.normal(size=(2, after[2], *after[:2])).astype(np.float32))
    found = measured(x, operator)
    found.backward(y)
    assert x.grad is not None
    for i in range(2):
        one, again, gradient, after_it = (t[i].detach().permute(1, 2, 0).numpy() for t in (x, found, x.grad, y))
        np.testing.assert_array_equal(again, operator.apply(one))
        np.testing.assert_array_equal(gradient, operator.adjoint(after_it))


@each
def test_it_is_linear(operator: Operator) -> None:
    before, _ = shapes(operator)
    a, b = RANDOM.normal(size=before).astype(np.float32), RANDOM.normal(size=before).astype(np.float32)
    np.testing.assert_allclose(operator.apply(2 * a - b), 2 * operator.apply(a) - operator.apply(b), atol=2e-5)


@each
def test_brightness_stays_and_the_place_is_kept(operator: Operator) -> None:
    """A flat picture stays flat where all is measured, and a ramp lies where `inside` says."""
    before, after = shapes(operator)
    rows, columns = operator.inside(after)
    assert rows.start >= 0
    assert rows.stop <= before[0]
    assert columns.stop - columns.start == round(after[1] * operator.scale)
    if any(isinstance(part, Mask | Mosaic | ColourMix) for part in (operator, getattr(operator, "outer", None))):
        return
    np.testing.assert_allclose(operator.apply(np.ones(before, np.float32)), 1, atol=1e-5)
    if operator is CATALOGUE["even kernel"] or operator is CATALOGUE["periodic"]:
        return  # the one moves the picture, the other sees the ramp's end at its beginning
    ramp = np.broadcast_to(np.arange(before[1], dtype=np.float32)[None, :, None], before)
    middle = slice(3, -3)
    seen = operator.apply(ramp)[middle, middle, 0].mean()
    assert seen == pytest.approx(
        ramp[:, columns][:, round(3 * operator.scale) : -round(3 * operator.scale)].mean(), abs=0.3
    )


@each
def test_the_proximal_step_is_where_the_gradient_vanishes(operator: Operator) -> None:
    before, after = shapes(operator)
    z, y = RANDOM.random(before).astype(np.float32), RANDOM.random(after).astype(np.float32)
    weights = RANDOM.integers(0, 2, (*after[:2], 1)).astype(np.float32)
    for used in (None, weights):
        x = operator.proximal(y, z, 0.05, weights=used, tolerance=1e-6)
        share = 1 if used is None else used
        gradient = operator.adjoint(share * (operator.apply(x) - y)) + 0.05 * (x - z)
        assert np.abs(gradient).max() < 1e-4


@each
def test_the_smooth_estimate_of_a_flat_picture_agrees_with_it(operator: Operator) -> None:
    before, after = shapes(operator)
    y = operator.apply(np.full(before, 0.7, np.float32))
    estimate = operator.smooth_estimate(y)
    assert np.abs(operator.apply(estimate) - y).max() < 0.01
    if before[2] == after[2]:  # else the colours are free
        assert np.ptp(estimate) < 0.05


def test_a_periodic_blur_is_undone_in_closed_form_as_by_conjugate_gradients() -> None:
    operator = CATALOGUE["periodic"]
    before, after = shapes(operator)
    z, y = RANDOM.random(before).astype(np.float32), RANDOM.random(after).astype(np.float32)
    closed = operator.proximal(y, z, 0.01)
    np.testing.assert_allclose(closed, Operator.proximal(operator, y, z, 0.01, tolerance=1e-7), atol=1e-3)


@settings(max_examples=15, deadline=None)
@given(st.floats(1.1, 8), st.integers(1, 40), st.integers(1, 40))
def test_any_size_can_be_reduced_by_any_factor(factor: float, height: int, width: int) -> None:
    operator = Downsample(factor)
    x = np.ones(operator.input_shape((height, width, 1)), np.float32)
    np.testing.assert_allclose(operator.apply(x), np.ones((height, width, 1)), atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(st.floats(1, 15), st.floats(0, 180), st.floats(-60, 60))
def test_motion_is_that_of_the_learn_half(length: float, angle: float, bend: float) -> None:
    twin = torch_blur.motion_kernel(length, np.radians(angle), np.radians(bend)).numpy()
    np.testing.assert_allclose(motion(length, angle, bend), twin, atol=2e-4)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.5, 9))
def test_a_disc_is_that_of_the_learn_half(radius: float) -> None:
    np.testing.assert_allclose(disc(radius), torch_blur.disc_kernel(radius).numpy(), atol=1e-6)


def test_blur_is_that_of_the_learn_half() -> None:
    x, kernel = RANDOM.random((40, 50, 3)).astype(np.float32), motion(7, 25, 30)
    spread = torch_blur.spread(torch.from_numpy(x).permute(2, 0, 1), torch.from_numpy(kernel)).permute(1, 2, 0).numpy()
    reach = kernel.shape[0] // 2
    np.testing.assert_allclose(Blur(kernel).apply(x), spread[reach:-reach, reach:-reach], atol=1e-5)


def test_noise_has_its_level_and_is_that_of_its_seed() -> None:
    y = np.zeros((100, 100, 3), np.float32)
    assert add_noise(y, 0.1, 3).std() == pytest.approx(0.1, rel=0.05)
    assert (add_noise(y, 0.1, 3) == add_noise(y, 0.1, 3)).all()
    assert (add_noise(y, 0.1, 3) != add_noise(y, 0.1, 4)).any()


def test_a_kernel_is_found_wherever_and_how_bright_it_is_drawn() -> None:
    drawn = np.zeros((60, 70), np.float32)
    kernel = motion(9, 30)
    drawn[8 : 8 + len(kernel), 41 : 41 + len(kernel)] = 0.7 * kernel / kernel.max()
    found = kernels.from_picture(drawn, "psf.png")
    assert found.sum() == pytest.approx(1)
    inner = kernel[np.ix_(kernel.any(1), kernel.any(0))]
    np.testing.assert_allclose(found[np.ix_(found.any(1), found.any(0))], inner, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "shape"), [("motion:12@30", (15, 15)), ("disc:2.5", (9, 9)), ("gaussian:1.8", (15, 15)), ("psf.png", None)]
)
def test_words_name_kernels(text: str, shape: tuple[int, int] | None) -> None:
    found = kernels.parse(text)
    assert (found is None) == (shape is None)
    if found is not None:
        assert found.sum() == pytest.approx(1, abs=1e-5)
        assert abs(found.shape[0] - shape[0]) <= 2


@pytest.mark.parametrize(
    "text", ["motion:12", "motion:x@3", "disc:0", "disc:-1", "gaussian:1@2", "disc:9999", "disc:nan"]
)
def test_words_that_name_no_kernel_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"motion:LENGTH@ANGLE"):
        kernels.parse(text)


@pytest.mark.parametrize(
    ("kernel", "said"),
    [
        (np.zeros((3, 3)), "zero everywhere"),
        (np.ones((3, 3)), "the sum 9"),
        (np.array([[-0.5, 1.5]]), "negative"),
        (np.array([[np.nan]]), "negative or no numbers"),
        (np.ones(3), "shape"),
        (np.full((1, 999), 1 / 999), "513 is the most"),
    ],
)
def test_what_is_no_kernel_is_refused(kernel: np.ndarray, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Blur(kernel)


@pytest.mark.parametrize(
    ("pixels", "said"),
    [
        (np.zeros((9, 9)), "all black"),
        (1 - 0.9 * np.pad(np.eye(7), 1), "dark on a bright ground"),
        (-np.eye(9), "negative"),
    ],
)
def test_a_picture_that_shows_no_kernel_is_refused(pixels: np.ndarray, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        kernels.from_picture(pixels, "psf.png")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Downsample(9), "1 to 8"),
        (lambda: Downsample(2, "sinc"), "bicubic"),
        (lambda: Mask(np.full((3, 3), 0.5)), "0 and 1"),
        (lambda: Mosaic("RGB"), "RGGB"),
        (lambda: ColourMix(np.zeros((1, 3))), "matrix"),
        (lambda: RegionBlur([disc(1)], np.ones((2, 3, 3))), "one for each kernel"),
        (lambda: RegionBlur([disc(1)], np.zeros((1, 3, 3))), "every pixel"),
        (lambda: Blur(disc(1), "mirrored"), "periodic"),
    ],
)
def test_an_operator_that_cannot_be_is_refused(make, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        make()


@pytest.mark.parametrize(
    ("operator", "shape", "said"),
    [
        (Blur(disc(9)), (10, 40, 3), "larger than the picture"),
        (Mask(KNOWN), (5, 5, 3), "22x31"),
        (Mosaic(), (8, 8, 3), "grey picture"),
        (ColourMix(), (8, 8, 3), "channels"),
        (RegionBlur([disc(1), disc(1)], SHARES), (9, 9, 1), "22x31"),
    ],
)
def test_a_picture_that_an_operator_does_not_fit_is_refused(operator: Operator, shape: tuple, said: str) -> None:
    with pytest.raises(PictureError, match=said):
        operator.input_shape(shape)
