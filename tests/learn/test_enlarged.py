"""Pictures that were enlarged, which those who look for compression must tell from compressed ones."""

import numpy as np
import pytest
import torch
from torch import Tensor

from sfumato.learn.degradations.degradation import Degraded
from sfumato.learn.degradations.jpeg import Compression
from sfumato.learn.degradations.resampling import KERNELS, Enlarged


def of(kernel: str, x: Tensor, factor: float = 2.0) -> Degraded:
    """`x` enlarged by the kernel: the first of the seeds that draws it."""
    for seed in range(100):
        done = Enlarged((factor, factor))(x, torch.Generator().manual_seed(seed))
        if done.parameters["kernel"] == kernel:
            return done
    raise AssertionError(f"{kernel} is never drawn")


def test_a_ramp_rises_by_a_part_of_a_step_and_what_is_even_stays() -> None:
    ramp = (torch.arange(64) * 4 / 255).expand(3, 40, 64)
    for kernel in ("bilinear", "bicubic", "lanczos"):
        assert ((255 * of(kernel, ramp).y.diff(dim=2)).round() - 2).abs().max() <= 1
    squares = of("nearest", torch.rand(3, 40, 64, generator=torch.Generator().manual_seed(0)))
    even = float((squares.y.diff(dim=2) == 0).float().mean())
    assert even == pytest.approx(1 - 1 / squares.parameters["enlarged"], abs=0.1)
    for kernel in (*KERNELS, "fourier"):
        plain = of(kernel, torch.full((3, 40, 64), 0.4)).y
        np.testing.assert_allclose(plain, 102 / 255, atol=1e-6)


def test_fouriers_kernel_has_nothing_finer_than_the_small_pixels_and_rings() -> None:
    step = torch.zeros(1, 48, 48)
    step[..., 24:] = 0.5
    y = of("fourier", step + 0.25).y
    assert float(y.max()) > 0.78
    assert float(y.min()) < 0.22
    assert float((of("bilinear", step + 0.25).y - 0.5).abs().max()) <= 0.251


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (8, 8), (17, 40), (64, 64)])
def test_any_size_stays_as_it_is_and_keeps_the_level_of_what_was_done_before(size: tuple[int, int]) -> None:
    x = torch.rand(3, *size, generator=torch.Generator().manual_seed(1))
    for seed in range(10):
        done = Enlarged(before=Compression((50, 50)))(x, torch.Generator().manual_seed(seed))
        assert done.x.shape == done.y.shape == x.shape
        assert done.level.unique().tolist() == pytest.approx([0.1])
        assert done.parameters["jpeg"] == 50
        assert not Enlarged()(x, torch.Generator().manual_seed(seed)).level.any()
