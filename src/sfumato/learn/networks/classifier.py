"""A small classifier: convolution, pooling, dense. It judges what generators make."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sfumato.errors import UsageError
from sfumato.models.card import Input, Output

from ..layers.activation import activation
from ..layers.pooling import DenseHead, GlobalPool
from ..layers.pyramid import Encoder
from .network import Network


@dataclass(frozen=True, kw_only=True)
class ClassifierConfig:
    """`widths[i]` channels and `blocks` residual blocks at 1/2**i of the resolution, then a dense head.

    Without classes it predicts one number (regression). dropout: share of the pooled features left out in training.
    act, patch: the activation, and the side of the squares of pixels that become channels first; with "silu" the
    encoder is that of `vae` and `autoencoder`, whose weights then fit.
    """

    size: tuple[int, ...] = (28, 28)
    channels: int = 1
    classes: tuple[str, ...] = ()
    widths: tuple[int, ...] = (32, 64, 128)
    blocks: int = 1
    hidden: tuple[int, ...] = (128,)
    dropout: float = 0.2
    act: str = "leaky_relu"
    patch: int = 1

    def __post_init__(self) -> None:
        if len(self.size) != 2 or min(self.size) < 1 or not self.widths or min(self.widths) < 1:
            raise UsageError("classifier: size needs a height and a width, widths at least one number, all at least 1.")
        if self.patch < 1:
            raise UsageError(f"classifier: patch must be at least 1, not {self.patch}.")
        if not 0 <= self.dropout < 1:
            raise UsageError(f"classifier: dropout is from 0 to below 1, not {self.dropout}.")


class Classifier(Network):
    """x `b channels h w` in [0, 1], h and w multiples of `stride` -> probabilities `b n`, or a number `b 1`."""

    task = "classify"

    def __init__(self, config: ClassifierConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config.channels, config.widths, config.blocks, patch=config.patch, act=config.act)
        self.pool = nn.Sequential(activation(config.act), GlobalPool(), nn.Dropout(config.dropout))
        self.head = DenseHead(config.widths[-1], config.hidden, max(len(config.classes), 1))

    @property
    def inputs(self) -> tuple[Input, ...]:
        return (Input("x", channels=self.config.channels),)

    @property
    def outputs(self) -> tuple[Output, ...]:
        if self.config.classes:
            return (Output("probabilities", kind="class", channels=len(self.config.classes)),)
        return (Output("number", kind="number", channels=1),)

    @property
    def max_pixels(self) -> int:
        return 2**20

    @property
    def stride(self) -> int:
        return self.config.patch * 2 ** (len(self.config.widths) - 1)

    def logits(self, x: Tensor, *, fixed: bool = False) -> Tensor:
        """Before the softmax, `b n`, or the number itself. fixed: the encoder is not to learn from it."""
        features = self.encoder(2 * x - 1)
        # Gradients of zero, and not none: its optimizer then has a state to be saved.
        features = features.detach() + 0 * features if fixed else features
        return self.head(self.pool(features)).float()

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        logits = self.logits(x)
        return torch.softmax(logits, dim=1) if self.config.classes else logits
