"""How likely a network finds the colours that a photograph has."""

import torch
from torch import Tensor

from ..layers.bins import bins_of


def chroma_cross_entropy(logits: Tensor, chroma: Tensor) -> Tensor:
    """Mean cross-entropy of logits `b bins h w` and the colours `b 2 h w`, each shared by the four bins around it."""
    numbers, shares = bins_of(chroma)
    return -(torch.log_softmax(logits, dim=1).gather(1, numbers) * shares).sum(1).mean()
