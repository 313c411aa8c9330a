"""What carries a state from one frame to the next: motion found by matching, warping by it, and a gated memory."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Matching(nn.Module):
    """Where each place of a frame was in the frame before, by two sets of keys.

    keys: fine `b c h w` and coarse `b d h/2 w/2`, of this frame and of the one before. Gives motion `b 2 h w`, in
    steps of the fine grid to the right and down, and how well both frames match there, `b 2 h w`.

    Keys are compared by their cosine within `reach` steps at the coarse grid, and within `fine_reach` about what that
    says at the fine one; of the likeness a softmax gives the mean place (arXiv:1703.04309). What is left, below a step,
    a few convolutions tell. Motion beyond both reaches is not found, and shows in the match.
    """

    def __init__(self, fine: int, *, reach: int = 4, fine_reach: int = 2, hidden: int = 32) -> None:
        super().__init__()
        self.reach, self.fine_reach = reach, fine_reach
        self.sharpness = nn.Parameter(torch.full((2,), 2.3))  # logarithms
        seen = (2 * fine_reach + 1) ** 2 + 2 * fine
        last = nn.Conv2d(hidden, 2, 3, padding=1)
        with torch.no_grad():
            last.weight.mul_(0.01)
        self.refine = nn.Sequential(nn.Conv2d(seen, hidden, 3, padding=1), nn.ReLU(), last)

    @property
    def farthest(self) -> int:
        """The longest motion that it finds, in steps of the fine grid."""
        return 2 * self.reach + self.fine_reach + 1

    def forward(
        self, fine: Tensor, coarse: Tensor, fine_before: Tensor, coarse_before: Tensor
    ) -> tuple[Tensor, Tensor]:
        fine, coarse, fine_before, coarse_before = map(_unit, (fine, coarse, fine_before, coarse_before))
        sharpness = self.sharpness.exp()
        motion, _ = _mean_place(_likeness(coarse, coarse_before, self.reach), self.reach, sharpness[0])
        motion = 2 * F.interpolate(motion, scale_factor=2.0, mode="bilinear", align_corners=False)
        near = warped(fine_before, motion)
        likeness = _likeness(fine, near, self.fine_reach)
        step, best = _mean_place(likeness, self.fine_reach, sharpness[1])
        left = self.refine(torch.cat([likeness, fine, near], dim=1))
        motion = motion + step + torch.tanh(left)
        match = (fine * warped(fine_before, motion)).sum(1, keepdim=True)
        return motion, torch.cat([match, best], dim=1)


class Memory(nn.Module):
    """A gated cell (ConvGRU, arXiv:1511.06432): what was remembered `b c h w`, and what is seen now, -> the next state.

    A gate decides place by place how much of the old is kept, so that what a moving thing has covered is forgotten.
    """

    def __init__(self, seen: int, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.cell = nn.Conv2d(seen + channels, 2 * channels, 3, padding=1)

    def forward(self, seen: Tensor, remembered: Tensor) -> Tensor:
        new, gate = self.cell(torch.cat([seen, remembered], dim=1)).split(self.channels, dim=1)
        kept = torch.sigmoid(gate)
        return kept * remembered + (1 - kept) * torch.tanh(new)


def warped(features: Tensor, motion: Tensor) -> Tensor:
    """Features `b c h w` of the frame before, taken where `motion` `b 2 h w` (right, down, in steps) points to."""
    height, width = features.shape[2:]
    across = torch.arange(width, device=motion.device, dtype=motion.dtype)
    down = torch.arange(height, device=motion.device, dtype=motion.dtype)
    x = (2 * (across + motion[:, 0]) + 1) / width - 1
    y = (2 * (down[:, None] + motion[:, 1]) + 1) / height - 1
    places = torch.stack([x, y], dim=-1)
    return F.grid_sample(features.to(motion.dtype), places, padding_mode="border", align_corners=False)


def _unit(keys: Tensor) -> Tensor:
    return keys * torch.rsqrt(keys.square().sum(1, keepdim=True) + 1e-6)


def _likeness(keys: Tensor, before: Tensor, reach: int) -> Tensor:
    """`b (2 reach + 1)^2 h w`: the cosine with each place of the frame before within reach; 0 beyond its border."""
    around, twice = F.pad(before, (reach,) * 4), 2 * reach
    rows = torch.stack([F.pad(around, (0, 0, -i, i - twice)) for i in range(twice + 1)], dim=1)
    columns = [(keys[:, None] * F.pad(rows, (-j, j - twice))).sum(2) for j in range(twice + 1)]
    return torch.stack(columns, dim=2).flatten(1, 2)


def _mean_place(likeness: Tensor, reach: int, sharpness: Tensor) -> tuple[Tensor, Tensor]:
    """The mean step `b 2 h w` (right, down) under a softmax of the likeness, and the greatest weight `b 1 h w`."""
    weights = torch.softmax(sharpness * likeness, dim=1)
    steps = torch.arange(-reach, reach + 1, device=likeness.device, dtype=likeness.dtype)
    right, down = steps.repeat(2 * reach + 1), steps.repeat_interleave(2 * reach + 1)
    mean = torch.stack([(weights * s[:, None, None]).sum(1) for s in (right, down)], dim=1)
    return mean, weights.amax(1, keepdim=True)
