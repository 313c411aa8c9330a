"""The perceptual distance: what it must be as a distance, what it must see, and what it must overlook."""

import sys

import numpy as np
import pytest
import pyvips
import torch
from scipy.ndimage import gaussian_filter
from skimage.data import astronaut
from torch import Tensor, nn

from sfumato.errors import MissingExtra
from sfumato.learn import pretrained
from sfumato.learn.losses.perceptual import SHALLOW, perceptual
from sfumato.learn.metrics.perceptual import PerceptualDistance, perceptual_distance

CLEAN = astronaut()[:128, 160:288].astype(np.float32) / 255
NOISE = np.random.default_rng(0).normal(0, 1, CLEAN.shape).astype(np.float32)


def tensor(picture: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(picture, np.float32)).permute(2, 0, 1)[None]


def distance(x: np.ndarray, y: np.ndarray = CLEAN) -> float:
    with torch.no_grad():
        return float(perceptual_distance(tensor(x), tensor(y)))


def blurred(sigma: float) -> np.ndarray:
    return gaussian_filter(CLEAN, (sigma, sigma, 0))


def compressed(quality: int) -> np.ndarray:
    stored = pyvips.Image.new_from_array((CLEAN * 255).round().astype(np.uint8)).jpegsave_buffer(Q=quality)
    return pyvips.Image.new_from_buffer(stored, "").numpy().astype(np.float32) / 255


def test_it_is_the_definition_on_the_network_of_the_package() -> None:
    """Slowly and plainly: batch norms as they are, stages picked by their resolution."""
    x, y = tensor(CLEAN), tensor(blurred(1))
    network = pretrained.efficientnet()

    def stages(z: Tensor) -> list[Tensor]:
        z = network._swish(network._bn0(network._conv_stem((z * 255 - 127) / 128)))
        found = [z]
        for number, block in enumerate(network._blocks[:11]):
            z = block(z)
            if number in (0, 2, 4, 10):
                found.append(z)
        assert [128 // part.shape[2] for part in found] == [2, 2, 4, 8, 16]
        return [part / part.norm(dim=1, keepdim=True) for part in found]

    with torch.no_grad():
        expected = [
            float((one - other).square().sum(1).mean()) for one, other in zip(stages(x), stages(y), strict=True)
        ]
        assert float(perceptual_distance(x, y)) == pytest.approx(np.mean(expected), rel=1e-3)
        shallow = perceptual(y, x, pretrained.Stages(SHALLOW))
    assert float(shallow) == pytest.approx(np.mean(expected[2:4]), rel=1e-3)


def test_equal_pictures_are_not_apart_and_either_may_come_first() -> None:
    assert distance(CLEAN) == 0
    assert distance(blurred(1)) == pytest.approx(distance(CLEAN, blurred(1)), rel=1e-5)


@pytest.mark.parametrize(
    "pictures",
    [
        [blurred(sigma) for sigma in (0.5, 1, 2, 4)],
        [CLEAN + NOISE * sigma / 255 for sigma in (2, 5, 15, 25, 50)],
        [compressed(quality) for quality in (90, 50, 30, 10)],
    ],
    ids=["blur", "noise", "JPEG"],
)
def test_it_grows_with_the_damage(pictures: list[np.ndarray]) -> None:
    found = [distance(picture) for picture in pictures]
    assert found == sorted(found)
    assert found[-1] > 4 * found[0] > 0


def test_at_equal_squared_error_blur_looks_worse_than_brightness_or_contrast() -> None:
    error = float(np.sqrt(np.square(blurred(2) - CLEAN).mean()))
    spread = float(np.sqrt(np.square(CLEAN - 0.5).mean()))
    for other in (CLEAN + error, CLEAN - error, CLEAN + (0.5 - CLEAN) * error / spread):
        assert np.sqrt(np.square(other - CLEAN).mean()) == pytest.approx(error, rel=1e-3)
        assert distance(blurred(2)) > 5 * distance(other)


def test_gradients_reach_the_pictures_and_not_the_network() -> None:
    judge = PerceptualDistance().train()
    assert not any(module.training for module in judge.modules() if module is not judge)
    assert not [parameter for parameter in judge.parameters() if parameter.requires_grad]
    x, y = tensor(blurred(1)).requires_grad_(), tensor(CLEAN).requires_grad_()
    judge(x, y).sum().backward()
    for picture in (x, y):
        assert picture.grad is not None
        assert bool(picture.grad.isfinite().all())
        assert float(picture.grad.abs().max()) > 0


@pytest.mark.parametrize("shade", [0.0, 0.5, 1.0])
def test_gradients_are_numbers_also_where_pictures_are_flat_and_equal(shade: float) -> None:
    x = torch.full((1, 3, 32, 32), shade, requires_grad=True)
    perceptual(x, x.detach().clone(), pretrained.Stages(SHALLOW)).backward()
    assert x.grad is not None
    assert bool(x.grad.isfinite().all())


def test_steps_along_the_gradient_bring_pictures_nearer() -> None:
    x, y = tensor(CLEAN + NOISE * 15 / 255), tensor(CLEAN)
    before = distance(x[0].permute(1, 2, 0).numpy())
    for _ in range(5):
        x = x.detach().requires_grad_()
        perceptual_distance(x, y).sum().backward()
        assert x.grad is not None
        x = x.detach() - 0.02 * x.grad / x.grad.abs().mean() / 10
    assert distance(x[0].permute(1, 2, 0).numpy()) < 0.9 * before


def test_pictures_of_a_batch_do_not_judge_one_another() -> None:
    x, y = torch.cat([tensor(blurred(1)), tensor(compressed(10))]), tensor(CLEAN).expand(2, -1, -1, -1)
    with torch.no_grad():
        found = perceptual_distance(x, y)
        alone = torch.cat([perceptual_distance(x[i : i + 1], y[i : i + 1]) for i in range(2)])
    assert found.shape == (2,)
    assert torch.allclose(found, alone, rtol=1e-4)


def test_a_mask_says_what_counts() -> None:
    whole = astronaut()[:272, :272].astype(np.float32) / 255
    mask = torch.zeros(1, 1, 272, 272)
    mask[..., 4:30, 4:30] = 1
    x, inside, outside = (whole.copy() for _ in range(3))
    inside[4:30, 4:30] = 0.5
    outside[210:, 210:] = 0.5
    with torch.no_grad():
        far = perceptual_distance(tensor(outside), tensor(x), mask)
        near = perceptual_distance(tensor(inside), tensor(x), mask)
        everywhere = perceptual_distance(tensor(inside), tensor(x))
        nowhere = perceptual_distance(tensor(inside), tensor(x), torch.zeros_like(mask))
        all_of_it = perceptual_distance(tensor(inside), tensor(x), torch.ones_like(mask))
    assert float(far) == pytest.approx(0, abs=1e-6)
    assert float(near) > 5 * float(everywhere) > 0
    assert float(nowhere) == 0
    assert float(all_of_it) == pytest.approx(float(everywhere), rel=1e-5)


def test_grey_is_repeated_odd_sizes_go_and_small_ones_are_refused() -> None:
    x = tensor(CLEAN[:53, :47].mean(2, keepdims=True))
    y = tensor(blurred(2)[:53, :47].mean(2, keepdims=True))
    mask = torch.zeros(1, 1, 53, 47)
    mask[..., 52, 46] = 1
    with torch.no_grad():
        found = perceptual_distance(x, y)
        assert float(found) == pytest.approx(float(perceptual_distance(x.repeat(1, 3, 1, 1), y.repeat(1, 3, 1, 1))))
        assert float(perceptual_distance(x, y, mask)) > 0
    assert float(found) > 0
    with pytest.raises(ValueError, match="16 x 16 pixels or more, not 47 x 15"):
        perceptual_distance(x[:, :, :15], y[:, :, :15])


def test_half_precision_around_it_changes_nothing() -> None:
    x, y = tensor(blurred(1)), tensor(CLEAN)
    with torch.no_grad():
        plain = perceptual_distance(x, y)
        with torch.autocast("cpu", torch.bfloat16):
            assert torch.equal(perceptual_distance(x, y), plain)


def test_without_its_packages_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(MissingExtra, match=r"efficientnet_lite_pytorch is missing.*sfumato\[train\]"):
        pretrained.Stages()


class Doubles(nn.Module):
    """Stands for features: the picture itself."""

    def forward(self, x: Tensor) -> list[Tensor]:
        return [x, 2 * x]


def test_the_loss_is_the_mean_over_stages_and_positions() -> None:
    x_hat, x = torch.zeros(2, 3, 16, 16), torch.ones(2, 3, 16, 16)
    assert float(perceptual(x_hat, x, Doubles())) == pytest.approx((3 + 12) / 2)
