"""The restorer of faded tones: a look at a thumbnail, and three curves and a colour matrix for the whole picture.

Of a picture's tones a small copy shows all there is, and what undoes their fading is the same everywhere. So a
small network predicts the parameters of a plain function of colour (as in arXiv:1707.02880, without its grid of
places), and that function is applied to every pixel: no size, no detail and no noise can lead it astray.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sfumato.errors import UsageError
from sfumato.models.card import Entry, Input, Output

from ..layers.convolution import ConvBlock
from ..layers.pooling import DenseHead, GlobalPool
from .network import Restorer

REDUCED = 4  # what a picture is reduced by before it is looked at in training


@dataclass(frozen=True, kw_only=True)
class ToneNetConfig:
    """`widths`: channels of the convolutions, each of stride 2. `knots`: of each curve, evenly spread over [0, 1]."""

    widths: tuple[int, ...] = (24, 48, 64, 96)
    knots: int = 8
    channels: int = 3

    def __post_init__(self) -> None:
        if not self.widths or min(self.widths) < 1 or self.knots < 2 or self.channels < 1:
            raise UsageError("tone-net: widths and channels must be at least 1, knots at least 2.")


class ToneNet(Restorer):
    """`look`: thumbnail `b c h w` -> tone `b n`; `retone`: y `b c h w` and a tone -> x_hat `b c h w`, each by each."""

    task = "fade"
    stride = 1
    halo = 0  # of retone; a thumbnail is small

    def __init__(self, config: ToneNetConfig) -> None:
        super().__init__()
        self.config = config
        self.num_tones = config.channels * (config.knots + config.channels)
        self.body = nn.Sequential(
            *(ConvBlock(a, b, stride=2) for a, b in pairwise((config.channels, *config.widths))), GlobalPool()
        )
        self.head = DenseHead(config.widths[-1], (config.widths[-1],), self.num_tones)
        with torch.no_grad():
            for parameter in list(self.head.parameters())[-2:]:
                parameter.mul_(0.01)

    @property
    def inputs(self) -> tuple[Input, ...]:
        channels = self.config.channels
        tone = Input("tone_in", kind="number", channels=self.num_tones)
        return Input("thumbnail", channels=channels), Input("y", channels=channels), tone

    @property
    def outputs(self) -> tuple[Output, ...]:
        return (
            Output("tone", kind="number", channels=self.num_tones),
            Output("x_hat", channels=self.config.channels),
        )

    @property
    def entries(self) -> dict[str, Entry]:
        return {"look": Entry(("thumbnail",), ("tone",)), "retone": Entry(("y", "tone_in"), ("x_hat",))}

    def look(self, thumbnail: Tensor) -> Tensor:
        return self.head(self.body(2 * thumbnail - 1)).float()

    def retone(self, y: Tensor, tone_in: Tensor) -> Tensor:
        """Curves first, each the sum of hats around its knots; then the matrix. A tone of zeros changes nothing."""
        channels, knots = self.config.channels, self.config.knots
        lifts, matrix = tone_in.split([channels * knots, channels**2], dim=1)
        lifts = lifts.view(-1, channels, knots, 1, 1)
        place = y.clamp(0, 1) * (knots - 1)
        curved = y
        for knot in range(knots):
            curved = curved + lifts[:, :, knot] * F.relu(1 - (place - knot).abs())
        mixed = matrix.view(-1, channels, channels) @ curved.flatten(2)
        return curved + mixed.view_as(curved)

    def restored(self, y: Tensor) -> Tensor:
        """Both in one, for training; height and width of y are multiples of `REDUCED`."""
        return self.retone(y, self.look(F.avg_pool2d(y, REDUCED)))

    def forward(self, thumbnail: Tensor, y: Tensor, tone_in: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        return self.look(thumbnail), self.retone(y, tone_in)
