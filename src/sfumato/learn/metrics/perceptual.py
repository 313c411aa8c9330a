"""How different two pictures look, judged by the features of a network that was trained to recognize things."""

from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..pretrained import Stages

NAME = "EfficientNet-Lite0"  # as printed figures name the features


class PerceptualDistance(nn.Module):
    """Distance of x and y, `b 1|3 h w` in [0, 1], of one size -> `b`, 0 (equal) to 4, seldom over 1.

    After LPIPS (arXiv:1801.03924) without its learned weights: features at five depths of EfficientNet-Lite0, at each
    position scaled to length 1, squared difference, mean over positions, mean over depths. Symmetric, differentiable
    in both; the network is frozen.

    It is not LPIPS, and is not calibrated: no judgements of people went into it, so its figures compare with one
    another and with no published ones. Networks that classify better judge likeness worse (arXiv:2203.04946,
    EfficientNets among them), so trust an order that it gives less than one by LPIPS. What is known of it: it rises
    with the strength of blur, noise and compression; at one squared error (31 dB on Set5) brightness costs 0.005, blur
    0.14, compression 0.22, white noise 0.24. Weak noise weighs much, as does a shift that nobody sees: on a portrait
    sigma 5 of 255 costs 0.21, a pixel's shift 0.14, a blur of sigma 1 0.16.

    mask: `b 1 h w`, more than 0 where it counts. Only positions whose cell holds a masked pixel are averaged, 1 to 16
    pixels beyond the mask; what they see reaches up to 170 pixels beyond it. 0 for a picture with an empty mask.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stages = Stages()

    def forward(self, x: Tensor, y: Tensor, mask: Tensor | None = None) -> Tensor:
        assert x.shape == y.shape, f"two pictures of one size, not {tuple(x.shape)} and {tuple(y.shape)}"
        means = []
        for one, other in zip(self.stages(x), self.stages(y), strict=True):
            difference = (one - other).square().sum(1)
            cells = torch.ones_like(difference)
            if mask is not None:
                cells = functional.adaptive_max_pool2d((mask > 0).float(), difference.shape[1:])[:, 0]
            means.append((difference * cells).sum((1, 2)) / cells.sum((1, 2)).clamp(min=1))
        return torch.stack(means).mean(0)


def perceptual_distance(x: Tensor, y: Tensor, mask: Tensor | None = None) -> Tensor:
    """`PerceptualDistance` of x and y, `b 1|3 h w` in [0, 1] -> `b`, with a network that is kept for each device.

    Raises MissingExtra where the packages with the network are missing, ValueError below 16 pixels a side.
    """
    return _kept(str(x.device))(x, y, mask)


@cache
def _kept(device: str) -> PerceptualDistance:
    return PerceptualDistance().to(device)
