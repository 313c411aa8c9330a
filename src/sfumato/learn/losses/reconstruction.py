"""How far an estimate is from the truth, pixel by pixel."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


def charbonnier(x_hat: Tensor, x: Tensor, *, epsilon: float = 1e-3) -> Tensor:
    """Mean of sqrt(d^2 + epsilon^2): absolute error that is smooth at zero (Lai et al. 2017, arXiv:1704.03915)."""
    return torch.sqrt((x_hat - x).square() + epsilon**2).mean()


RECONSTRUCTION: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "l1": F.l1_loss,
    "l2": F.mse_loss,
    "charbonnier": charbonnier,
}
