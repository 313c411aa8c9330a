"""The estimator of blur: the mean spectrum of a picture's windows, and which of many kernels it shows.

Classes of kernels as in arXiv:1503.00593, which looks at patches; here at their spectra, which blur multiplies by that
of its kernel, whatever the picture shows.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from sfumato.errors import UsageError
from sfumato.estimation.blur import CLASSES, WINDOW
from sfumato.models.card import Input, Output

from ..layers.convolution import ConvBlock
from .network import Network

FLOOR = 1e-4  # of the power: a tenth of what rounding to 8 bits leaves


@dataclass(frozen=True, kw_only=True)
class BlurNetConfig:
    """`widths`: channels of the convolutions on the spectrum, all but the first of stride 2. `classes`: kernels in the
    words of `--kernel`, or "sharp"."""

    widths: tuple[int, ...] = (24, 48, 64, 96, 96)
    classes: tuple[str, ...] = CLASSES
    channels: int = 3

    def __post_init__(self) -> None:
        if not 1 <= len(self.widths) <= 6 or min(self.widths) < 1 or self.channels < 1 or len(self.classes) < 2:
            raise UsageError("blur-net: widths needs one to six numbers of at least 1, and classes two names.")


class BlurNet(Network):
    """y `b c h w` in [0, 1], windows of 64x64 pixels side by side -> a probability for each class, `b n`.

    The spectra of all windows are averaged, their logarithms and themselves: the first shows the kernel, and both
    together where noise begins.
    """

    task = "blur-kernel"
    stride = WINDOW

    def __init__(self, config: BlurNetConfig) -> None:
        super().__init__()
        self.config = config
        first, *others = config.widths
        self.body = nn.Sequential(
            ConvBlock(2, first), *(ConvBlock(a, b, stride=2) for a, b in pairwise((first, *others)))
        )
        rows, columns = WINDOW, WINDOW // 2 + 1
        for _ in others:
            rows, columns = -(-rows // 2), -(-columns // 2)
        self.head = nn.Linear(config.widths[-1] * rows * columns, len(config.classes))

    @property
    def inputs(self) -> tuple[Input, ...]:
        return (Input("y", channels=self.config.channels),)

    @property
    def outputs(self) -> tuple[Output, ...]:
        return (Output("probabilities", kind="class", channels=len(self.config.classes)),)

    @property
    def max_pixels(self) -> int:
        return 2**20

    def spectra(self, y: Tensor) -> Tensor:
        """`b c h w` -> `b 2 64 33`: the mean log power of the windows and the log of their mean power."""
        grey = y.float().mean(1)
        batch, height, width = grey.shape
        windows = grey.view(batch, height // WINDOW, WINDOW, width // WINDOW, WINDOW).transpose(2, 3)
        windows = windows.reshape(batch, -1, WINDOW, WINDOW)
        windows = windows - windows.mean((2, 3), keepdim=True)
        places = torch.arange(WINDOW, dtype=torch.float32, device=y.device)
        taper = 0.5 - 0.5 * torch.cos(2 * math.pi * (places + 0.5) / WINDOW)
        windows = windows * taper * taper[:, None]
        # As products with cosines and sines, which every engine has and which any precision of training leaves alone.
        down = 2 * math.pi / WINDOW * (places[:, None] - WINDOW // 2) * places
        across = 2 * math.pi / WINDOW * places[:, None] * places[: WINDOW // 2 + 1]
        real, imaginary = windows @ torch.cos(across), -(windows @ torch.sin(across))
        cos, sin = torch.cos(down), torch.sin(down)
        power = (cos @ real + sin @ imaginary).square() + (cos @ imaginary - sin @ real).square() + FLOOR
        return torch.stack([power.log().mean(1), power.mean(1).log()], dim=1) / 4

    def logits(self, y: Tensor) -> Tensor:
        """Before the softmax, `b n`."""
        with torch.autocast(y.device.type, enabled=False):
            spectra = self.spectra(y)
        return self.head(self.body(spectra).flatten(1)).float()

    def forward(self, y: Tensor) -> Tensor:  # type: ignore[override]
        return torch.softmax(self.logits(y), dim=1)
