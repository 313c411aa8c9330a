"""Differentiable augmentation for GANs on few pictures: what both sides of the game see (arXiv:2006.10738).

The discriminator sees only augmented pictures, real and generated, so it cannot memorize the few real ones; the
gradient goes through, so the generator does not learn the augmentation. Each picture is augmented with chance `p`,
which may be adapted to how far the discriminator overfits (arXiv:2006.06676).
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


def augment(x: Tensor, p: float, names: tuple[str, ...]) -> Tensor:
    """x `b c h w` in [0, 1], each picture put through each named augmentation with chance p; shape and range stay."""
    for name in names:
        changed = AUGMENTATIONS[name](x)
        taken = torch.rand(len(x), 1, 1, 1, device=x.device) < p
        x = torch.where(taken, changed, x)
    return x


def colour(x: Tensor) -> Tensor:
    """Brightness, contrast and (of three channels) saturation; the alpha of RGBA stays."""
    shade, alpha = (x[:, :3], x[:, 3:]) if x.shape[1] == 4 else (x, x[:, :0])
    random = torch.rand(3, len(x), 1, 1, 1, device=x.device, dtype=x.dtype)
    mean = shade.mean(1, keepdim=True)
    shade = mean + (shade - mean) * (2 * random[0]) if shade.shape[1] == 3 else shade
    level = shade.mean((1, 2, 3), keepdim=True)
    shade = level + (shade - level) * (0.5 + random[1]) + (random[2] - 0.5) / 2
    # colour that is multiplied by its alpha is nothing where the picture is transparent
    return torch.cat([shade * alpha if alpha.shape[1] else shade, alpha], dim=1)


def translation(x: Tensor) -> Tensor:
    """Moved by up to an eighth of the size; what moves in from outside is the edge."""
    b, _, h, w = x.shape
    reach = torch.tensor([w / 8, h / 8], device=x.device)
    moved = (torch.rand(b, 2, device=x.device) * 2 - 1) * reach
    moved = moved.round() * 2 / torch.tensor([w, h], device=x.device)
    grid = torch.eye(2, 3, device=x.device).repeat(b, 1, 1)
    grid[:, :, 2] = moved
    places = F.affine_grid(grid, list(x.shape), align_corners=False)
    return F.grid_sample(x.float(), places, mode="nearest", padding_mode="border", align_corners=False).to(x.dtype)


def affine(x: Tensor) -> Tensor:
    """Turned by up to 15 degrees, sheared and scaled by up to 15 %, moved by up to a twelfth of the size.

    What comes in from outside is the edge.
    """
    b, _, h, w = x.shape
    random = torch.rand(6, b, device=x.device) * 2 - 1
    angle, shear = random[0] * 0.26, random[1] * 0.15
    across, down = torch.exp(0.15 * random[2]), torch.exp(0.15 * random[3])
    cosine, sine = angle.cos(), angle.sin()
    # in the coordinates of affine_grid, where height and width are both 2
    rows = [
        torch.stack([across * cosine, (shear * cosine - down * sine) * h / w, random[4] / 6], dim=1),
        torch.stack([across * sine * w / h, shear * sine + down * cosine, random[5] / 6], dim=1),
    ]
    places = F.affine_grid(torch.stack(rows, dim=1), list(x.shape), align_corners=False)
    return F.grid_sample(x.float(), places, padding_mode="border", align_corners=False).to(x.dtype)


def cutout(x: Tensor) -> Tensor:
    """A rectangle of half the height and width, anywhere, is set to mid-grey (transparent in RGBA)."""
    b, c, h, w = x.shape
    rows, columns = torch.arange(h, device=x.device), torch.arange(w, device=x.device)
    middle = torch.rand(2, b, 1, device=x.device)
    near = ((rows - middle[0] * h).abs() < h / 4)[:, None, :, None] & ((columns - middle[1] * w).abs() < w / 4)[
        :, None, None, :
    ]
    return torch.where(near, torch.full_like(x, 0.0 if c == 4 else 0.5), x)


AUGMENTATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "colour": colour,
    "translation": translation,
    "affine": affine,
    "cutout": cutout,
}
