"""Attention that convolutional networks use: which channels matter, and where (CBAM, arXiv:1807.06521)."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sfumato.errors import UsageError

from .pooling import DenseHead, GlobalPool


class ChannelAttention(nn.Module):
    """Squeeze and excitation (arXiv:1709.01507): every channel times a weight in (0, 1) from its global mean.

    `b c h w` -> `b c h w`. A global operation: a model that holds it is not tiled.
    """

    def __init__(self, channels: int, *, reduction: int = 4) -> None:
        super().__init__()
        self.pool = GlobalPool()
        self.head = DenseHead(channels, (max(channels // reduction, 1),), channels)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.head(self.pool(x)))[:, :, None, None]


class SpatialAttention(nn.Module):
    """Every position times a weight in (0, 1) from the mean and maximum over channels: `b c h w` -> `b c h w`."""

    def __init__(self, *, kernel: int = 7) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, kernel, padding=kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        summary = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], dim=1)
        return x * torch.sigmoid(self.conv(summary))


ATTENTIONS: dict[str, Callable[[int], nn.Module]] = {
    "": lambda channels: nn.Identity(),
    "channel": ChannelAttention,
    "spatial": lambda channels: SpatialAttention(),
}


def attending(name: str, channels: int) -> nn.Module:
    """`b c h w` -> `b c h w`: attention by name, "" for none. Unknown names raise UsageError."""
    if name not in ATTENTIONS:
        raise UsageError(f"There is no attention {name!r}; choose among {', '.join(filter(None, ATTENTIONS))}.")
    return ATTENTIONS[name](channels)


class ContextualAttention(nn.Module):
    """What is missing, gathered from known places that look alike (contextual attention, arXiv:1801.07892).

    x `b c h w` and known `b 1 h w`, the share of each cell that is known -> `b c h w`. Every position asks all
    positions, as far as these are known, by the cosine of their features; what they answer is added where pixels are
    missing. A global operation, whose memory grows with the square of h * w.
    """

    def __init__(self, channels: int, *, keys: int = 32) -> None:
        super().__init__()
        self.ask = nn.Conv2d(channels, keys, 3, padding=1)
        self.answer = nn.Conv2d(channels, channels, 1)
        self.out = nn.Conv2d(channels, channels, 1)
        self.sharpness = nn.Parameter(torch.tensor(2.3))  # its logarithm
        with torch.no_grad():
            self.out.weight.mul_(0.1)

    def forward(self, x: Tensor, known: Tensor) -> Tensor:
        keys = F.normalize(self.ask(x).flatten(2).float(), dim=1)
        weights = self.sharpness.exp() * keys.transpose(1, 2) @ keys
        weights = (weights + (known.flatten(2) + 1e-4).log()).softmax(dim=2)
        filled = self.answer(x).flatten(2) @ weights.transpose(1, 2).to(x.dtype)
        return x + (1 - known) * self.out(filled.view_as(x))
