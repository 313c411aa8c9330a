"""Chroma as a choice among bins (arXiv:1603.08511): a grid over Cb and Cr, finer near grey, where most colours lie."""

from functools import lru_cache

import torch
from torch import Tensor

KNOTS = (-0.5, -0.36, -0.26, -0.18, -0.12, -0.07, -0.03, 0.0, 0.03, 0.07, 0.12, 0.18, 0.26, 0.36, 0.5)
NUM_BINS = len(KNOTS) ** 2


@lru_cache(maxsize=1)
def bin_centres() -> Tensor:
    """Cb and Cr of each bin, `bins 2`."""
    knots = torch.tensor(KNOTS)
    return torch.cartesian_prod(knots, knots)


def bins_of(chroma: Tensor) -> tuple[Tensor, Tensor]:
    """The four bins around each colour of `b 2 h w`, `b 4 h w`, and their shares, by which their mean is the colour."""
    knots = torch.tensor(KNOTS, device=chroma.device)
    below = torch.bucketize(chroma.contiguous(), knots[1:-1], right=True)
    start, end = knots[below], knots[below + 1]
    share = ((chroma - start) / (end - start)).clamp(0, 1)
    numbers, shares = [], []
    for i in (0, 1):
        for j in (0, 1):
            numbers.append((below[:, 0] + i) * len(KNOTS) + below[:, 1] + j)
            first = share[:, 0] if i else 1 - share[:, 0]
            second = share[:, 1] if j else 1 - share[:, 1]
            shares.append(first * second)
    return torch.stack(numbers, 1), torch.stack(shares, 1)
