"""The colourizer: says of a grey photograph which colours it may have had, and how likely each is.

Of a colour there is no telling which of several it was, and their mean is grey-brown; so the network gives a
distribution over chroma for each place (arXiv:1603.08511), and what is taken of it lies between the mean and the
likeliest. What a classifier of photographs sees in the picture (grass, sky, skin) joins the trunk at 1/8, 1/16 and
1/32 of the resolution; colours that the user painted are given as hints (arXiv:1705.02999).
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sfumato.errors import UsageError
from sfumato.models.card import Input, Output

from ..layers.activation import activation
from ..layers.bins import NUM_BINS, bin_centres
from ..layers.convolution import ResidualBlock
from ..pretrained import Stages
from .trunk import Trunk, check_levels

SEEN = {"1/8": 40, "1/16": 112, "1/32": 192}  # the classifier's stages that join the trunk, and their channels
REDUCED = 4  # chroma is predicted at a quarter of the resolution


@dataclass(frozen=True, kw_only=True)
class ColourNetConfig:
    """`widths[i]` channels and `blocks[i]` residual blocks a side at 1/4, 1/8, 1/16, 1/32 of the resolution.

    The last entry of `blocks` counts the blocks at the coarsest level, which has one side only. `pretrained`: most of
    EfficientNet-Lite0 looks on, with its weights frozen. `features`: channels that the distribution is made from.
    """

    widths: tuple[int, ...] = (48, 96, 144, 144)
    blocks: tuple[int, ...] = (1, 1, 1, 1)
    features: int = 64
    pretrained: bool = True

    def __post_init__(self) -> None:
        check_levels("colour-net", self.widths, self.blocks, self.features)
        if len(self.widths) != 4:
            raise UsageError("colour-net: widths and blocks need four numbers each.")


class ColourNet(Trunk):
    """luma `b 1 h w` in [0, 1] and hints `b 3 h w` -> chroma `b 2 h w`: Cb and Cr (BT.601), -0.5 to 0.5.

    h and w are multiples of 32. hints: Cb, Cr and 1 where a colour is known, zeros elsewhere. The network looks at
    the whole picture at once, so pictures are reduced first, and chroma is smooth: it is found at a quarter of that.
    """

    task = "colorize"
    stride = 32
    max_pixels = 384 * 384
    sharpness: Tensor
    rarity: Tensor
    saturation: Tensor
    log_prior: Tensor

    def __init__(self, config: ColourNetConfig) -> None:
        super().__init__(
            4 + 3, config.features, widths=config.widths, blocks=config.blocks, block=ResidualBlock, bias=True
        )
        self.config = config
        self.classify = nn.Sequential(activation("relu"), nn.Conv2d(config.features, NUM_BINS, 1))
        nn.init.kaiming_uniform_(self.tail.weight)
        # How the distribution becomes a colour, fitted once it is learned: its logits are multiplied by the sharpness
        # (1 / temperature), rare colours count more, by so much of the logarithm of how often all are seen, and the
        # mean of what comes of it is made so much stronger.
        self.register_buffer("sharpness", torch.ones(1))
        self.register_buffer("rarity", torch.zeros(1))
        self.register_buffer("saturation", torch.ones(1))
        self.register_buffer("log_prior", torch.zeros(NUM_BINS))
        if config.pretrained:
            self.stages = Stages(tuple(SEEN))
            pairs = zip(SEEN.values(), config.widths[1:], strict=True)
            self.join = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in pairs)
            self.overall = nn.Linear(SEEN["1/32"], config.widths[-1])

    @property
    def inputs(self) -> tuple[Input, ...]:
        return Input("luma", channels=1), Input("hints", kind="hints", channels=3, range=(-0.5, 0.5))

    @property
    def outputs(self) -> tuple[Output, ...]:
        return (Output("chroma", kind="chroma", channels=2),)

    @torch.no_grad()
    def begin_at(self, log_prior: Tensor) -> None:
        """Begin with all colours as likely as they are seen, `bins`, everywhere."""
        last = self.classify[-1]
        assert isinstance(last, nn.Conv2d)
        assert last.bias is not None
        last.weight.mul_(0.1)
        last.bias.copy_(log_prior)

    def seen(self, luma: Tensor) -> tuple[Tensor, ...]:
        """What the classifier makes of the picture, as it joins the trunk at 1/8, 1/16 and 1/32."""
        found = self.stages(luma)
        eighth, sixteenth, last = (join(stage) for join, stage in zip(self.join, found, strict=True))
        return eighth, sixteenth, last + self.overall(found[-1].mean((2, 3)))[:, :, None, None]

    def logits(self, luma: Tensor, hints: Tensor) -> Tensor:
        """How likely each bin of chroma is, `b bins h/4 w/4`, before the softmax."""
        beside = self.seen(luma) if self.config.pretrained else ()
        given = torch.cat([F.pixel_unshuffle(luma - 0.5, 2), F.avg_pool2d(hints, 2)], dim=1)
        return self.classify(self.through(given, beside=beside)).float()

    def chroma(self, logits: Tensor) -> Tensor:
        """The colours taken of a distribution, `b 2 h w`."""
        sharpened = self.sharpness * (logits - self.rarity * self.log_prior[:, None, None])
        p = torch.softmax(sharpened, dim=1)
        return self.saturation * F.conv2d(p, bin_centres().to(p).T[:, :, None, None])

    def forward(self, luma: Tensor, hints: Tensor) -> Tensor:  # type: ignore[override]
        coarse = self.chroma(self.logits(luma, hints))
        return F.interpolate(coarse, scale_factor=float(REDUCED), mode="bilinear").clamp(-0.5, 0.5)
