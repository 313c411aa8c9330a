"""Sequences made of pictures: things that move about on a dark or transparent ground and bounce off its borders.

Of handwritten digits this is what is known as moving MNIST (arXiv:1502.04681). Things move by whole pixels, so that two
frames say all of what comes.
"""

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from .fitted import picture
from .seeds import sample_seed
from .store import PictureStore


class MovingPictures(Dataset):
    """Sample `index` of a run: x `t c h w` in [0, 1], and the mean of the labels of what moves, `n`, one-hot, where
    there are classes. The same (seed, index) gives the same sample.

    store: the things, all of one size, smaller than `size`. fastest: pixels a frame, down and across.
    """

    def __init__(
        self,
        store: PictureStore,
        labels: Tensor | None,
        *,
        size: tuple[int, ...],
        frames: int,
        things: int,
        fastest: int,
        seed: int,
    ) -> None:
        self.store, self.labels, self.seed = store, labels, seed
        self.size, self.frames, self.things, self.fastest = size, frames, things, fastest

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        rng = np.random.default_rng(sample_seed(self.seed, index))
        numbers = [int(number) for number in rng.integers(len(self.store), size=self.things)]
        x: Tensor | None = None
        for number in numbers:
            thing = picture(self.store, number)
            x = _moved(thing, self._path(thing, rng), self.size, x)
        assert x is not None, "at least one thing"
        sample = {"x": x}
        if self.labels is not None:
            sample["label"] = self.labels[numbers].mean(0)
        return sample

    def _path(self, thing: Tensor, rng: np.random.Generator) -> np.ndarray:
        """Where the top left corner is in each frame, `t 2`."""
        room = np.array([whole - part for whole, part in zip(self.size, thing.shape[1:], strict=True)])
        speed = np.zeros(2, int)
        while not speed.any():
            speed = rng.integers(-self.fastest, self.fastest + 1, size=2)
        return bounced(rng.integers(room + 1) + speed * np.arange(self.frames)[:, None], room)


def bounced(places: np.ndarray, room: np.ndarray) -> np.ndarray:
    """Places on a line, reflected at its ends 0 and `room` as often as needed."""
    there_and_back = places % np.maximum(2 * room, 1)
    return np.minimum(there_and_back, 2 * room - there_and_back)


def _moved(thing: Tensor, path: np.ndarray, size: tuple[int, ...], behind: Tensor | None) -> Tensor:
    """Frames `t c h w` in which the thing lies over what is behind it; without transparency the lighter is seen."""
    channels, height, width = thing.shape
    frames = torch.zeros(len(path), channels, *size) if behind is None else behind
    for frame, (top, left) in zip(frames, path, strict=True):
        place = frame[:, top : top + height, left : left + width]
        over = thing + (1 - thing[3:]) * place if channels == 4 else torch.maximum(thing, place)
        place.copy_(over)
    return frames
