"""Whole pictures of one size with their labels, for the networks that generate pictures or judge them."""

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from sfumato.pictures.channels import premultiply

from .captions import Captions
from .seeds import sample_seed
from .store import PictureStore

FEW = 500
FEWEST_HELD_OUT = 5


class FittedPictures(Dataset):
    """Sample `index` of a run: x `c h w` in [0, 1], its `number` in the store, its label `n`, one-hot, where there are
    classes, and its text, where there are captions.

    Each picture comes once an epoch, in an order that follows from the seed; with `balance` more or less often, so that
    a class of n pictures gets a share of the epoch as n**(1 - balance). Colour of RGBA is multiplied by its alpha.
    With `flips` every other picture is mirrored left to right. The same (seed, index) gives the same sample.
    """

    def __init__(
        self,
        store: PictureStore,
        labels: Tensor | None,
        *,
        seed: int,
        flips: bool = False,
        balance: float = 0.0,
        captions: Captions | None = None,
    ) -> None:
        self.store, self.labels, self.seed, self.flips, self.captions = store, labels, seed, flips, captions
        self.shares: np.ndarray | None = None
        if balance and labels is not None:
            self.shares = ((labels @ labels.sum(0)) ** -balance).double().numpy()
        self._epoch, self._order = -1, np.empty(0, int)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        epoch, place = divmod(index, len(self.store))
        if epoch != self._epoch:
            self._order = order_of(len(self.store), sample_seed(self.seed, f"epoch {epoch}"), self.shares)
            self._epoch = epoch
        number = int(self._order[place])
        x = picture(self.store, number)
        if self.flips and sample_seed(self.seed, index) % 2:
            x = x.flip(2)
        sample = {"x": x, "number": torch.tensor(number)}
        if self.labels is not None:
            sample["label"] = self.labels[number]
        if self.captions is not None:
            sample["text"] = self.captions.sample(number, sample_seed(self.seed, f"caption {index}"))
        return sample


def order_of(count: int, seed: int, shares: np.ndarray | None = None) -> np.ndarray:
    """The pictures of an epoch: each once, or as often as its share of the sum says, but for less than one time."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(count)
    if shares is None:
        return order
    upto = np.cumsum(shares[order])
    chosen = order[np.searchsorted(upto / upto[-1], (np.arange(count) + rng.random()) / count)]
    return rng.permutation(chosen)


def picture(store: PictureStore, number: int) -> Tensor:
    """Picture `number` as `c h w` in [0, 1], the colour of RGBA multiplied by its alpha."""
    return torch.from_numpy(premultiply(store[number].astype(np.float32) / 255)).permute(2, 0, 1)


def hold_out(store: PictureStore, *, at_most: int = 1000) -> tuple[PictureStore, PictureStore | None]:
    """Pictures to train on and those held out to compare samples with: a fifth of few, a twentieth of many.

    Of the very few a fourth, up to `FEWEST_HELD_OUT`: without them nothing would show that all is memorized.
    """
    at_least = max(1, min(FEWEST_HELD_OUT, len(store) // 4))
    return store.split(0.2 if len(store) < FEW else 0.05, at_least=at_least, at_most=at_most)


def pictures(store: PictureStore) -> Tensor:
    """All of them, `n c h w`."""
    return torch.stack([picture(store, number) for number in range(len(store))])


def one_hot(names: list[str], classes: tuple[str, ...]) -> Tensor | None:
    """Labels by name as `n classes`, None where there are no classes."""
    if not classes:
        return None
    places = {name: place for place, name in enumerate(classes)}
    return torch.eye(len(classes))[[places[name] for name in names]]
