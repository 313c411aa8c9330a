"""Muon: momentum whose singular values are made equal, for the weights that are matrices (Jordan et al. 2024).

https://kellerjordan.github.io/posts/muon; the scale of the step is that of arXiv:2502.16982, with which the learning
rate means what it means to Adam. torch's own takes matrices only; here a convolution counts as a matrix of its output
channels, and what is none (biases, norms) is stepped by Adam.
"""

from collections.abc import Callable, Iterable
from typing import Any, cast

import torch
from torch import Tensor, nn

STEPS = 5
A, B, C = 3.4445, -4.7750, 2.0315  # the quintic that brings singular values from (0, 1] near 1 in five steps


class Muon(torch.optim.Optimizer):
    """`lr` as for Adam; `momentum` for the matrices, `betas` for the others; weight decay is decoupled.

    by_adam: matrices that are stepped as the others are.
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
        by_adam: Iterable[nn.Parameter] = (),
    ) -> None:
        self.dtype = dtype
        self.by_adam = {id(parameter) for parameter in by_adam}
        super().__init__(params, {"lr": lr, "momentum": momentum, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Matrices of one shape are stepped at once: on an accelerator the calls take longer than the arithmetic."""
        assert closure is None, "the loop computes the loss itself"
        for group in self.param_groups:
            parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
            if parameters and group["weight_decay"]:
                torch._foreach_mul_(parameters, 1 - group["lr"] * group["weight_decay"])
            alike: dict[torch.Size, list[nn.Parameter]] = {}
            for parameter in parameters:
                is_matrix = parameter.ndim > 1 and id(parameter) not in self.by_adam
                alike.setdefault(parameter.shape if is_matrix else torch.Size(), []).append(parameter)
            for shape, several in alike.items():
                (self._matrices if shape else self._vectors)(several, group)

    def _matrices(self, parameters: list[nn.Parameter], group: dict[str, Any]) -> None:
        """One step of matrices of one shape."""
        for parameter in parameters:
            if not self.state[parameter]:
                self.state[parameter]["momentum"] = torch.zeros_like(parameter)
        momenta = [self.state[parameter]["momentum"] for parameter in parameters]
        gradients = [cast(Tensor, parameter.grad) for parameter in parameters]
        torch._foreach_lerp_(momenta, gradients, 1 - group["momentum"])
        ahead = torch._foreach_lerp(gradients, momenta, group["momentum"])
        steps = orthogonal(torch.stack([one.flatten(1) for one in ahead]), self.dtype)
        factor = -group["lr"] * 0.2 * max(steps.shape[1:]) ** 0.5
        for parameter, step in zip(parameters, steps, strict=True):
            parameter.add_(step.view_as(parameter), alpha=factor)

    def _vectors(self, parameters: list[nn.Parameter], group: dict[str, Any]) -> None:
        """One step of Adam."""
        for parameter in parameters:
            if not self.state[parameter]:
                self.state[parameter] |= {
                    "step": torch.zeros(()),
                    "mean": torch.zeros_like(parameter),
                    "square": torch.zeros_like(parameter),
                }
        states = [self.state[parameter] for parameter in parameters]
        gradients = [cast(Tensor, parameter.grad) for parameter in parameters]
        means, squares = [state["mean"] for state in states], [state["square"] for state in states]
        first, second = group["betas"]
        for state in states:
            state["step"] += 1
        counts = [float(state["step"]) for state in states]
        torch._foreach_lerp_(means, gradients, 1 - first)
        torch._foreach_mul_(squares, second)
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - second)
        deviations = torch._foreach_sqrt(torch._foreach_div(squares, [1 - second**count for count in counts]))
        torch._foreach_add_(deviations, 1e-8)
        factors = [-group["lr"] / (1 - first**count) for count in counts]
        torch._foreach_addcdiv_(list[Tensor](parameters), means, deviations, factors)


def orthogonal(matrices: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Nearly the nearest matrices `... m n` with orthonormal rows or columns, by Newton-Schulz steps in `dtype`."""
    x = matrices.to(dtype)
    tall = x.shape[-2] > x.shape[-1]
    x = x.mT if tall else x
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(STEPS):
        squares = x @ x.mT
        x = A * x + (B * squares + C * squares @ squares) @ x
    return (x.mT if tall else x).to(matrices.dtype)
