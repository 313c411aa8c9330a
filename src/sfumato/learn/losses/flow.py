"""Flow matching: regress the velocity of straight lines from noise to pictures (arXiv:2210.02747, arXiv:2209.03003)."""

from typing import NamedTuple

import torch
from torch import Tensor


class Path(NamedTuple):
    """A point of each line: x_t like x, t `b 1` (0 noise, 1 picture), and the velocity there."""

    x_t: Tensor
    t: Tensor
    velocity: Tensor


def linear_path(x: Tensor, noise: Tensor, t: Tensor) -> Path:
    """x_t = (1 - t) noise + t x, whose velocity is x - noise; x and noise `b ...`, t `b 1`."""
    share = t.reshape(-1, *(1,) * (x.ndim - 1))
    return Path((1 - share) * noise + share * x, t, x - noise)


def logit_normal(count: int, *, device: torch.device | str = "cpu") -> Tensor:
    """Times `count 1` in (0, 1), sampled more often in the middle, where the velocity is hardest (arXiv:2403.03206)."""
    return torch.sigmoid(torch.randn(count, 1, device=device))
