"""Convolution blocks: plain, residual, and one whose training branches fold into a single 3x3 convolution."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .activation import activation
from .attention import attending


class ConvBlock(nn.Sequential):
    """Convolution, normalization, activation: `b c h w` -> `b out h/stride w/stride`.

    Zero padding keeps the size at stride 1. `norm` is a module made by `normalization`, or None.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        kernel: int = 3,
        stride: int = 1,
        norm: nn.Module | None = None,
        act: str = "relu",
        bias: bool = True,
    ) -> None:
        conv = nn.Conv2d(in_channels, out_channels, kernel, stride, padding=kernel // 2, bias=bias)
        super().__init__(*[part for part in (conv, norm, activation(act)) if part is not None])


class ResidualBlock(nn.Module):
    """x + attention(conv(act(conv(x)))), 3x3, no normalization (EDSR, arXiv:1707.02921): `b c h w` -> `b c h w`.

    attention: by its name in layers/attention.py, "" for none; where RCAN (arXiv:1807.02758) has it.

    The second convolution starts at a tenth of its usual size, so that a deep stack begins near the identity and
    trains at high learning rates without normalization layers, which would break exact tiling.
    """

    def __init__(self, channels: int, *, act: str = "relu", bias: bool = True, attention: str = "") -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1, bias=bias)
        self.act = activation(act)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=bias)
        nn.init.kaiming_normal_(self.first.weight, nonlinearity="relu")
        nn.init.kaiming_normal_(self.second.weight, nonlinearity="relu")
        with torch.no_grad():
            self.second.weight.mul_(0.1)
        self.attend = attending(attention, channels)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.attend(self.second(self.act(self.first(x))))


class GatedBlock(ResidualBlock):
    """x + conv(act(conv(x)) * sigmoid(gate(x))): what a position holds decides what passes (arXiv:1806.03589).

    `b c h w` -> `b c h w`; the gate is a 1x1 convolution (arXiv:2005.09704) and starts open.
    """

    def __init__(self, channels: int, *, act: str = "relu", bias: bool = True) -> None:
        super().__init__(channels, act=act, bias=bias)
        self.gate = nn.Conv2d(channels, channels, 1)
        assert self.gate.bias is not None
        nn.init.constant_(self.gate.bias, 2.0)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(self.act(self.first(x)) * torch.sigmoid(self.gate(x)))


class FoldedConv(nn.Module):
    """A 3x3 convolution trained as 3x3 + 1x1 + identity branches and exported as one (RepVGG, arXiv:2101.03697).

    `b c h w` -> `b c h w`. `fold()` gives the equal plain convolution; the export calls it.
    """

    def __init__(self, channels: int, *, bias: bool = True) -> None:
        super().__init__()
        self.wide = nn.Conv2d(channels, channels, 3, padding=1, bias=bias)
        self.point = nn.Conv2d(channels, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.wide(x) + self.point(x) + x

    @torch.no_grad()
    def fold(self) -> nn.Conv2d:
        channels = self.wide.in_channels
        plain = nn.Conv2d(channels, channels, 3, padding=1, bias=self.wide.bias is not None)
        identity = torch.eye(channels, device=self.wide.weight.device)[:, :, None, None]
        plain.weight.copy_(self.wide.weight + F.pad(self.point.weight + identity, (1, 1, 1, 1)))
        if self.wide.bias is not None and plain.bias is not None:
            plain.bias.copy_(self.wide.bias)
        return plain


def fold(module: nn.Module) -> None:
    """Replace every block below `module` that has training branches by its plain equal, in place."""
    for name, child in module.named_children():
        if isinstance(child, FoldedConv):
            setattr(module, name, child.fold())
        else:
            fold(child)
