"""Linear operators of the run half as layers: numpy computes them, and their adjoints are their gradients."""

from typing import Any

import torch
from torch import Tensor

from sfumato.operators import Operator


class _Measured(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, operator: Operator) -> Tensor:
        ctx.operator = operator
        return _each(x, operator.apply)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return _each(gradients[0], ctx.operator.adjoint), None


def measured(x: Tensor, operator: Operator) -> Tensor:
    """What the operator makes of pictures x `b c h w`, `b c' h' w'`; gradients flow through its adjoint."""
    return _Measured.apply(x, operator)


def _each(x: Tensor, function: Any) -> Tensor:
    done = [torch.from_numpy(function(one.permute(1, 2, 0).numpy(force=True))) for one in x]
    return torch.stack(done).permute(0, 3, 1, 2).to(x)
