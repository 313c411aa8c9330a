"""Holes filled from what is around them, without weights: the widest partial convolution there is."""

import torch
import torch.nn.functional as F
from torch import Tensor

LEVELS = 4  # halvings of the pyramid
SPREADS = 5  # times that the coarsest level is spread by one cell


def filled(y: Tensor, known: Tensor) -> Tensor:
    """y `b c h w` where `known` `b 1 h w` is 1, and smoothly continued from there where it is 0; h and w divide by 16.

    Pull-push (Gortler, The Lumigraph, 1996): means of the known pixels on coarser and coarser grids, as partial
    convolutions (arXiv:1804.07723) with a fixed kernel would take them, and back down into the holes only. What no
    known pixel reaches gets the mean of all.
    """
    values, masses = [y * known], [known]
    for _ in range(LEVELS):
        mass = F.avg_pool2d(masses[-1], 2)
        values.append(F.avg_pool2d(values[-1], 2) / mass.clamp(min=1e-6) * (4 * mass).clamp(max=1))
        masses.append((4 * mass).clamp(max=1))
    value, mass = values.pop(), masses.pop()
    middle = value.sum((2, 3), keepdim=True) / mass.sum((2, 3), keepdim=True).clamp(min=1e-6)
    for _ in range(SPREADS):
        near = _neighbourhood(mass)
        spread = _neighbourhood(value) / near.clamp(min=1e-6)
        value, mass = value + (1 - mass) * (near > 0) * spread, torch.maximum(mass, (near > 0).to(mass.dtype))
    value = value + (1 - mass) * middle
    while values:
        finer, mass = values.pop(), masses.pop()
        value = finer + (1 - mass) * F.interpolate(value, scale_factor=2.0, mode="bilinear")
    return value


def _neighbourhood(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 3, stride=1, padding=1)
