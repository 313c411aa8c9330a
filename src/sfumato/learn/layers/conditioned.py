"""Blocks conditioned on a time: the residual block of diffusion networks, and attention over positions and words."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .activation import activation
from .normalization import normalization


class TimeEmbedding(nn.Module):
    """t `b 1` in [0, 1] -> `b width`: sines and cosines of 1 to 1000 periods, then two dense layers."""

    frequencies: Tensor

    def __init__(self, width: int, *, waves: int = 32) -> None:
        super().__init__()
        self.register_buffer("frequencies", torch.logspace(0, 3, waves), persistent=False)
        self.body = nn.Sequential(nn.Linear(2 * waves, width), activation("silu"), nn.Linear(width, width))

    def forward(self, t: Tensor) -> Tensor:
        angles = t * self.frequencies
        return self.body(torch.cat([angles.sin(), angles.cos()], dim=1))


class ConditionedBlock(nn.Module):
    """Residual block conditioned on a vector: `b in h w` and `b condition` -> `b out h w` (ADM, arXiv:2105.05233).

    Group norm, SiLU, 3x3 convolution, twice; the condition scales and shifts between them. The last convolution
    starts at a tenth of its usual size, so that a deep network begins near the identity.
    """

    def __init__(self, before: int, after: int, condition: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm1, self.norm2 = normalization("group", before), normalization("group", after)
        self.conv1 = nn.Conv2d(before, after, 3, padding=1)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1)
        self.told = nn.Linear(condition, 2 * after)  # the name that model files have
        self.dropout = nn.Dropout(dropout)
        self.skip = nn.Conv2d(before, after, 1) if before != after else nn.Identity()
        with torch.no_grad():
            self.conv2.weight.mul_(0.1)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        scale, shift = self.told(condition)[:, :, None, None].chunk(2, dim=1)
        inner = self.conv1(F.silu(self.norm1(x)))
        inner = self.norm2(inner) * (1 + scale) + shift
        return self.skip(x) + self.conv2(self.dropout(F.silu(inner)))


class SelfAttention(nn.Module):
    """Every position looks at every other (arXiv:1706.03762): `b c h w` -> `b c h w`, residual."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.heads = num_heads(channels)
        self.norm = normalization("group", channels)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.last = nn.Conv2d(channels, channels, 1)
        with torch.no_grad():
            self.last.weight.mul_(0.1)

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(b, 3, self.heads, c // self.heads, h * w).unbind(1)
        weights = torch.softmax(q.mT @ k / math.sqrt(c // self.heads), dim=-1)
        return x + self.last((v @ weights.mT).reshape(b, c, h, w))


class CrossAttention(nn.Module):
    """Every position looks at every word (arXiv:2112.10752): `b c h w`, words `b n width`, there `b n` -> `b c h w`.

    there: 1 for words that there are, 0 for others, which are not looked at. Beside them stands a word that always is
    there, so that a position can look away, and something is to be seen where no word is. Residual.
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.heads = num_heads(channels)
        self.norm = normalization("group", channels)
        self.q = nn.Conv2d(channels, channels, 1)
        self.kv = nn.Linear(width, 2 * channels, bias=False)
        self.nothing = nn.Parameter(torch.randn(1, 1, width))
        self.last = nn.Conv2d(channels, channels, 1)
        with torch.no_grad():
            self.last.weight.mul_(0.1)

    def forward(self, x: Tensor, words: Tensor, there: Tensor) -> Tensor:
        b, c, h, w = x.shape
        words = torch.cat([self.nothing.expand(b, 1, -1).to(words.dtype), words], dim=1)
        away = F.pad(1 - there, (1, 0))[:, None, None]  # b 1 1 n
        q = self.q(self.norm(x)).reshape(b, self.heads, c // self.heads, h * w)
        k, v = self.kv(words).transpose(1, 2).reshape(b, 2, self.heads, c // self.heads, -1).unbind(1)
        weights = torch.softmax((q.mT @ k).float() / math.sqrt(c // self.heads) - 1e4 * away, dim=-1)
        return x + self.last((v @ weights.to(v.dtype).mT).reshape(b, c, h, w))


def num_heads(channels: int) -> int:
    """Heads of about 32 channels each, as many as go into the channels."""
    return max(n for n in range(1, max(channels // 32, 1) + 1) if channels % n == 0)
