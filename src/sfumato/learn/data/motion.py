"""Motion drawn over photographs: a camera that moves, turns and zooms, things that pass in front, blur by both."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

FASTEST = 14.0  # pixels a frame


def drawn_motion(behind: Tensor, before: Tensor, frames: int, size: int, rng: np.random.Generator) -> Tensor:
    """Frames `t c size size` of the picture `behind` `c h w` as a moving camera sees it.

    In half of the clips a piece of the picture `before` moves across, and covers and uncovers what is behind it. In a
    quarter each frame is the mean of the moments in which a shutter is open.
    """
    open_for = rng.uniform(0.2, 0.7) if rng.random() < 0.25 else 0.0
    moments = np.linspace(0, open_for, 4 if open_for else 1)
    times = (np.arange(frames)[:, None] + moments).ravel()
    scene = _seen(behind, _path(times, frames, rng), size)
    if rng.random() < 0.5:
        path = _path(times, frames, rng)
        shape = _shape(before.shape[1:], rng)
        piece = _seen(torch.cat([before, shape]), path, size)
        alpha = piece[:, -1:]
        scene = alpha * piece[:, :-1] + (1 - alpha) * scene
    return scene.reshape(frames, len(moments), *scene.shape[1:]).mean(1)


def _path(times: np.ndarray, frames: int, rng: np.random.Generator) -> Tensor:
    """`t 2 3`: where the pixels of each moment lie in the picture, in the coordinates of `affine_grid`, in pixels."""
    still = rng.random() < 0.1
    speed = 0.0 if still else 0.1 * (10 * FASTEST) ** rng.random()
    heading, bend = rng.uniform(0, 2 * math.pi), rng.normal(0, 0.15)
    angle, turn = rng.uniform(-0.3, 0.3), 0.0 if still else rng.normal(0, 0.008)
    scale, zoom = 2 ** rng.uniform(-0.2, 0.4), 0.0 if still else rng.normal(0, 0.008)
    shake = 0.0 if rng.random() < 0.6 else rng.uniform(0, 1.5)
    middle = times - (frames - 1) / 2
    headings = heading + bend * middle
    across, down = (
        speed * middle * part + shake * np.interp(times, np.arange(frames + 1), rng.normal(size=frames + 1))
        for part in (np.cos(headings), np.sin(headings))
    )
    angles, scales = angle + turn * middle, scale * np.exp(zoom * middle)
    rows = [
        np.stack([np.cos(angles) / scales, -np.sin(angles) / scales, across], axis=1),
        np.stack([np.sin(angles) / scales, np.cos(angles) / scales, down], axis=1),
    ]
    return torch.from_numpy(np.stack(rows, axis=1)).float()


def _seen(picture: Tensor, path: Tensor, size: int) -> Tensor:
    """`t c size size` of a picture `c h w`, mirrored beyond its borders."""
    places = torch.arange(size, dtype=torch.float32) - (size - 1) / 2
    right, down = places.expand(size, size), places[:, None].expand(size, size)
    grid = torch.stack([right, down, torch.ones(size, size)], dim=-1) @ path.transpose(1, 2)[:, None]
    grid = 2 * grid / torch.tensor([picture.shape[2], picture.shape[1]])
    given = picture.expand(len(path), -1, -1, -1)
    seen = F.grid_sample(given, grid, mode="bicubic", padding_mode="reflection", align_corners=False)
    return seen.clamp(0, 1)


def _shape(size: torch.Size, rng: np.random.Generator) -> Tensor:
    """`1 h w` in [0, 1]: one or several blobs with a sharp edge, near the middle."""
    generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
    coarse = torch.rand((1, 1, 9, 9), generator=generator)
    smooth = F.interpolate(coarse, tuple(size), mode="bicubic")[0]
    height, width = size
    down = (torch.arange(height)[:, None] - height / 2) / height
    across = (torch.arange(width) - width / 2) / width
    near = 1.2 - 4 * (down.square() + across.square()).sqrt()
    return ((smooth - 0.6 + 0.5 * near) * float(rng.uniform(10, 60))).clamp(0, 1)
