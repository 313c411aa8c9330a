"""Networks that are called by their uses (`encode`, `decode`, ...) instead of whole: compiled, and on many processes.

What wraps a network for either sees its `forward` alone.
"""

from typing import cast

import torch
from accelerate import Accelerator
from torch import Tensor, nn


def has_several(network: nn.Module) -> bool:
    return len(getattr(network, "entries", {})) > 1


def compiled(network: nn.Module) -> nn.Module:
    """The network, compiled: as a whole, and each of its uses."""
    for use in getattr(network, "entries", {}):
        setattr(network, use, torch.compile(getattr(network, use)))
    return cast(nn.Module, torch.compile(network))


def share_gradients(network: nn.Module, accelerator: Accelerator) -> None:
    """Put their mean over the processes in their place, all at once; what no use touched in this step has none."""
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    together = cast(Tensor, accelerator.reduce(torch.cat([gradient.flatten() for gradient in gradients]), "mean"))
    for gradient, mean in zip(gradients, together.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))
