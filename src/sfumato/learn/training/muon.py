"""Muon: momentum whose singular values are made equal, for the weights that are matrices (Jordan et al. 2024).

https://kellerjordan.github.io/posts/muon; the scale of the step is that of arXiv:2502.16982, with which the learning
rate means what it means to Adam. torch's own takes matrices only; here a convolution counts as a matrix of its output
channels, and what is none (biases, norms) is stepped by Adam.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

STEPS = 5
A, B, C = 3.4445, -4.7750, 2.0315  # the quintic that brings singular values from (0, 1] near 1 in five steps


class Muon(torch.optim.Optimizer):
    """`lr` as for Adam; `momentum` for the matrices, `betas` for the others; weight decay is decoupled.

    dtype: of the steps that make the singular values equal; bfloat16 does where the network is trained in it.
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        lr: float,
        *,
        dtype: torch.dtype = torch.float32,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
    ) -> None:
        self.dtype = dtype
        super().__init__(params, {"lr": lr, "momentum": momentum, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        assert closure is None, "the loop computes the loss itself"
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    move = self._matrix if parameter.ndim > 1 else self._vector
                    move(parameter, parameter.grad, self.state[parameter], group)

    def _matrix(self, parameter: Tensor, gradient: Tensor, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        state["momentum"].lerp_(gradient, 1 - group["momentum"])
        ahead = gradient.lerp(state["momentum"], group["momentum"])
        step = orthogonal(ahead.flatten(1), self.dtype)
        parameter.add_(step.view_as(parameter), alpha=-group["lr"] * 0.2 * max(step.shape) ** 0.5)

    def _vector(self, parameter: Tensor, gradient: Tensor, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        if not state:
            state |= {
                "step": torch.zeros(()),
                "mean": torch.zeros_like(parameter),
                "square": torch.zeros_like(parameter),
            }
        first, second = group["betas"]
        state["step"] += 1
        state["mean"].lerp_(gradient, 1 - first)
        state["square"].lerp_(gradient.square(), 1 - second)
        count = float(state["step"])
        deviation = (state["square"] / (1 - second**count)).sqrt() + 1e-8
        parameter.addcdiv_(state["mean"], deviation, value=-group["lr"] / (1 - first**count))


def orthogonal(matrix: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Nearly the nearest matrix `m n` with orthonormal rows or columns, by Newton-Schulz steps in `dtype`."""
    x = matrix.to(dtype)
    tall = x.shape[0] > x.shape[1]
    x = x.mT if tall else x
    x = x / (x.norm() + 1e-7)
    for _ in range(STEPS):
        squares = x @ x.mT
        x = A * x + (B * squares + C * squares @ squares) @ x
    return (x.mT if tall else x).to(matrix.dtype)
