"""How far an estimate is from the truth, pixel by pixel."""

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor


def charbonnier(x_hat: Tensor, x: Tensor, *, epsilon: float = 1e-3) -> Tensor:
    """Mean of sqrt(d^2 + epsilon^2): absolute error that is smooth at zero (Lai et al. 2017, arXiv:1704.03915)."""
    return torch.sqrt((x_hat - x).square() + epsilon**2).mean()


def log_mse(x_hat: Tensor, x: Tensor, *, epsilon: float = 1e-4) -> Tensor:
    """A hundredth of the mean over pictures of log(MSE + epsilon), so a dB counts alike at every noise level.

    The PSNR loss of NAFNet (arXiv:2204.04676); epsilon, the MSE of noise of 2.5/255, keeps clean pictures from ruling.
    The factor brings the gradient's size near that of the absolute error.
    """
    return ((x_hat - x).square().flatten(1).mean(1) + epsilon).log().mean() / 100


RECONSTRUCTION: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "l1": F.l1_loss,
    "l2": F.mse_loss,
    "charbonnier": charbonnier,
    "log_mse": log_mse,
    "log_mse_fine": partial(log_mse, epsilon=1e-5),  # also for pictures that are all but clean
}
