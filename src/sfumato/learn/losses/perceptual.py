"""How different an estimate looks from the truth, as a loss beside one that compares pixels (arXiv:1603.08155)."""

import torch
from torch import Tensor, nn

# Of 24 and 40 channels: they see edges and textures, and what lies deeper would cost as much again.
SHALLOW = ("1/4", "1/8")


def perceptual(x_hat: Tensor, x: Tensor, stages: nn.Module) -> Tensor:
    """Mean squared distance of the features of x_hat and x, `b 1|3 h w` in [0, 1]; gradients reach x_hat only.

    stages: `pretrained.Stages`, which gives vectors of length 1; so the loss lies between 0 and 4. Alone it leaves
    colour and brightness loose, which the network was trained to overlook.
    """
    with torch.no_grad():
        wanted = stages(x)
    terms = [(own - other).square().sum(1).mean() for own, other in zip(stages(x_hat), wanted, strict=True)]
    return torch.stack(terms).mean()
