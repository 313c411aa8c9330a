"""A Bayer mosaic taken from a picture, and the colours that cameras and converters make of it again."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


def bayer(height: int, width: int, phase: tuple[int, int]) -> Tensor:
    """`3 h w` of zeros and ones: which colour each site measures; the first red site is at `phase`, 0 or 1 each."""
    masks = torch.zeros(3, height, width)
    down, right = phase
    masks[0, down::2, right::2] = 1
    masks[2, 1 - down :: 2, 1 - right :: 2] = 1
    masks[1] = 1 - masks[0] - masks[2]
    return masks


def bilinear(mosaic: Tensor, masks: Tensor) -> Tensor:
    """`b 1 h w` -> `b 3 h w`: each colour is the mean of its nearest sites."""
    return F.conv2d(_padded(mosaic * masks, 1), _BILINEAR, groups=3)


def malvar(mosaic: Tensor, masks: Tensor) -> Tensor:
    """Bilinear, corrected by the curvature of the colour that a site has (Malvar, He, Cutler, ICASSP 2004)."""
    green, along, across, opposite = F.conv2d(_padded(mosaic, 2), _MALVAR).split(1, dim=1)
    red, blue = masks[0], masks[2]
    in_red_row = (red.amax(1, keepdim=True) > 0).float()  # rows that have red sites
    red_at_green = in_red_row * along + (1 - in_red_row) * across
    blue_at_green = in_red_row * across + (1 - in_red_row) * along
    return torch.cat(
        [
            red * mosaic + masks[1] * red_at_green + blue * opposite,
            masks[1] * mosaic + (red + blue) * green,
            blue * mosaic + masks[1] * blue_at_green + red * opposite,
        ],
        dim=1,
    )


def directed(mosaic: Tensor, masks: Tensor) -> Tensor:
    """Green goes along edges (Hamilton and Adams, US 5629734), the others are smooth differences from it."""
    across, down, bent_across, bent_down, step_across, step_down = F.conv2d(_padded(mosaic, 2), _DIRECTED).split(1, 1)
    rough_across, rough_down = step_across.abs() + bent_across.abs(), step_down.abs() + bent_down.abs()
    along = torch.where(rough_across < rough_down, across + bent_across / 4, down + bent_down / 4)
    green = masks[1] * mosaic + (1 - masks[1]) * along
    differences = bilinear(mosaic - green, masks)[:, ::2]
    return torch.cat([differences[:, :1] + green, green, differences[:, 1:] + green], dim=1)


def smooth(mosaic: Tensor, masks: Tensor) -> Tensor:
    """As `directed`, and the differences of colours are smoothed, as converters do against false colours."""
    x = directed(mosaic, masks)
    green = x[:, 1:2]
    differences = median(x - green)
    return green + F.avg_pool2d(_padded(differences, 1), 3, stride=1)


DEMOSAICING: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "bilinear": bilinear,
    "malvar": malvar,
    "directed": directed,
    "smooth": smooth,
}


def median(x: Tensor) -> Tensor:
    """`b c h w`: the median of three in each row, then in each column: drops single pixels and keeps edges."""
    padded = _padded(x, 1)
    rows = _middle(padded[..., :-2, :], padded[..., 1:-1, :], padded[..., 2:, :])
    return _middle(rows[..., :-2], rows[..., 1:-1], rows[..., 2:])


def _middle(first: Tensor, second: Tensor, third: Tensor) -> Tensor:
    low, high = torch.minimum(first, second), torch.maximum(first, second)
    return torch.maximum(low, torch.minimum(high, third))


def _padded(x: Tensor, reach: int) -> Tensor:
    """Mirrored without the edge itself, so that the mosaic goes on in its order."""
    return F.pad(x, (reach,) * 4, mode="reflect")


def _kernels(*rows: list[list[float]]) -> Tensor:
    return torch.tensor(rows)[:, None]


_BILINEAR = _kernels(
    [[0.25, 0.5, 0.25], [0.5, 1.0, 0.5], [0.25, 0.5, 0.25]],
    [[0.0, 0.25, 0.0], [0.25, 1.0, 0.25], [0.0, 0.25, 0.0]],
    [[0.25, 0.5, 0.25], [0.5, 1.0, 0.5], [0.25, 0.5, 0.25]],
)
_ALONG = [
    [0.0, 0.0, 0.5, 0.0, 0.0],
    [0.0, -1.0, 0.0, -1.0, 0.0],
    [-1.0, 4.0, 5.0, 4.0, -1.0],
    [0.0, -1.0, 0.0, -1.0, 0.0],
    [0.0, 0.0, 0.5, 0.0, 0.0],
]
_MALVAR = (
    _kernels(
        [
            [0.0, 0.0, -1.0, 0.0, 0.0],
            [0.0, 0.0, 2.0, 0.0, 0.0],
            [-1.0, 2.0, 4.0, 2.0, -1.0],
            [0.0, 0.0, 2.0, 0.0, 0.0],
            [0.0, 0.0, -1.0, 0.0, 0.0],
        ],
        _ALONG,
        [list(column) for column in zip(*_ALONG, strict=True)],
        [
            [0.0, 0.0, -1.5, 0.0, 0.0],
            [0.0, 2.0, 0.0, 2.0, 0.0],
            [-1.5, 0.0, 6.0, 0.0, -1.5],
            [0.0, 2.0, 0.0, 2.0, 0.0],
            [0.0, 0.0, -1.5, 0.0, 0.0],
        ],
    )
    / 8
)


def _line(*values: float) -> Tensor:
    kernel = torch.zeros(5, 5)
    kernel[2] = torch.tensor(values)
    return kernel


_MEAN, _BEND, _STEP = _line(0, 0.5, 0, 0.5, 0), _line(-1, 0, 2, 0, -1), _line(0, -1, 0, 1, 0)
_DIRECTED = torch.stack([_MEAN, _MEAN.T, _BEND, _BEND.T, _STEP, _STEP.T])[:, None]
