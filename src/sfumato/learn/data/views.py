"""Photographs as a colourizer sees them: large windows reduced to one size, upright, with some colours given away."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import Dataset

from sfumato.pictures.channels import CHROMA_WEIGHTS, GREY_WEIGHTS

from ..degradations.resampling import resized
from .seeds import sample_seed
from .store import PictureStore

HINTED = 0.5  # share of the samples with hints
OTHERWISE = 0.4  # share of these whose colours are turned, so that hints are followed that nobody would expect
MOST_HINTS = 12
CURVED, GRAINY = 0.4, 0.25  # shares of the samples with other tones, and with grain


class ColourViews(Dataset):
    """Sample `index` of a run: luma `1 s s`, hints `3 s s` and chroma `2 s s`, s being `size`; each by (seed, index).

    Every picture comes as often as another; a window of 50-100 % of its height and width is reduced to the size, and
    mirrored left to right now and then, never turned: the sky is above.
    """

    def __init__(self, store: PictureStore, *, size: int, seed: int) -> None:
        self.store, self.size, self.seed = store, size, seed

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        seed = sample_seed(self.seed, index)
        rng = np.random.default_rng(seed)
        x = self._view(self.store[int(rng.integers(len(self.store)))], rng)
        if rng.random() < CURVED:
            x = x ** float(rng.uniform(0.7, 1.5)) * float(rng.uniform(0.75, 1.0))
        luma, chroma = split_colour(x)
        hints = torch.zeros(3, self.size, self.size)
        if rng.random() < HINTED:
            if rng.random() < OTHERWISE:
                chroma = turned(luma, chroma, rng)
            hints = some_hints(chroma, rng)
        if rng.random() < GRAINY:
            noise = torch.randn(luma.shape, generator=torch.Generator().manual_seed(seed))
            luma = (luma + float(rng.uniform(0, 0.04)) * noise).clamp(0, 1)
        return {"luma": luma, "hints": hints, "chroma": chroma}

    def _view(self, picture: np.ndarray, rng: np.random.Generator) -> Tensor:
        height, width = picture.shape[:2]
        side = rng.uniform(0.5, 1.0) * min(height, width)
        longer = min(rng.uniform(1.0, 1.3) * side, max(height, width))
        rows, columns = (side, longer) if height <= width else (longer, side)
        rows, columns = math.ceil(rows), math.ceil(columns)
        top, left = int(rng.integers(height - rows + 1)), int(rng.integers(width - columns + 1))
        window = picture[top : top + rows, left : left + columns]
        window = window[:, ::-1] if rng.integers(2) else window
        return fitted_view(window, (self.size, self.size))


def fitted_view(picture: np.ndarray, size: tuple[int, int]) -> Tensor:
    """uint8 `h w 3` scaled to `3 *size` in [0, 1]."""
    factor = max(min(picture.shape[0] // (2 * size[0]), picture.shape[1] // (2 * size[1])), 1)
    x = torch.from_numpy(picture.astype(np.float32)).permute(2, 0, 1) / 255
    if factor > 1:  # the mean first, which is cheap
        x = F.avg_pool2d(x, factor)
    return resized(x, size).clamp(0, 1)


def split_colour(x: Tensor) -> tuple[Tensor, Tensor]:
    """`... 3 h w` in [0, 1] -> luma `... 1 h w` and chroma `... 2 h w` (BT.601)."""
    mixed = torch.einsum("kc,...chw->...khw", torch.tensor((GREY_WEIGHTS, *CHROMA_WEIGHTS)), x)
    return mixed[..., :1, :, :], mixed[..., 1:, :, :]


def turned(luma: Tensor, chroma: Tensor, rng: np.random.Generator) -> Tensor:
    """The chroma `2 h w` with all hues turned by one angle."""
    angle = float(rng.uniform(0, 2 * math.pi))
    turn = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return torch.einsum("ij,jhw->ihw", turn, chroma).clamp(-0.5, 0.5)


def some_hints(chroma: Tensor, rng: np.random.Generator) -> Tensor:
    """`3 h w`: up to MOST_HINTS short strokes and spots, each with the mean chroma below it, and 1 there."""
    height, width = chroma.shape[1:]
    hints = torch.zeros(3, height, width)
    for _ in range(int(rng.integers(1, MOST_HINTS + 1))):
        tall, wide = (int(rng.integers(2, 10)) for _ in range(2))
        if rng.random() < 0.3:  # a stroke
            tall, wide = (tall, 4 * wide) if rng.integers(2) else (4 * tall, wide)
        tall, wide = min(tall, height), min(wide, width)
        top, left = int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1))
        place = (slice(None), slice(top, top + tall), slice(left, left + wide))
        hints[:2][place] = chroma[place].mean((1, 2), keepdim=True)
        hints[2:][place] = 1
    return hints
