"""How far two sets of pictures are apart as distributions, and what the distance is made of; on ready features.

All functions take feature vectors (n, d) of real and of generated pictures, from one feature network (`features`).
Their figures depend on the features and on the counts; a figure that is printed names both.
"""

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

KID_SUBSETS = 50
KID_SUBSET_SIZE = 1000
CHUNK = 1024

Features = NDArray[np.floating]


@dataclass(frozen=True)
class KernelDistance:
    """Kernel inception distance: mean and standard deviation over subsets of `subset_size` pictures."""

    mean: float
    std: float
    subset_size: int


@dataclass(frozen=True)
class PrecisionRecall:
    """All for one k. precision, recall: Kynkäänniemi et al. 2019 (arXiv 1904.06991); density, coverage: Naeem et al.

    2020 (arXiv 2002.09797). precision: share of generated pictures inside the manifold of the real ones, recall the
    other way round; density: how many real neighbourhoods a generated picture lies in, over k, which outliers among
    the real ones inflate less (may exceed 1); coverage: share of real pictures with a generated one in their
    neighbourhood.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def fid(real: Features, fake: Features) -> float:
    """Fréchet distance of two Gaussians fitted to the features (Heusel et al. 2017), by torchmetrics.

    It is biased upwards for few pictures: compare figures of one count only. At least two pictures each.
    """
    from torchmetrics.image.fid import FrechetInceptionDistance

    _check(real, fake)
    metric = FrechetInceptionDistance(feature=_Ready(real.shape[1]))
    metric.update(_tensor(real), real=True)
    metric.update(_tensor(fake), real=False)
    return float(metric.compute())


def kid(real: Features, fake: Features, *, seed: int = 0) -> KernelDistance:
    """Kernel inception distance (Binkowski et al. 2018; polynomial kernel of degree 3), by torchmetrics.

    50 subsets, chosen by `seed`, of at most 1000 pictures and at most half of the smaller set. Unbiased whatever
    the counts, so that it may be negative for equal distributions. At least two pictures each.
    """
    from torchmetrics.image.kid import KernelInceptionDistance

    _check(real, fake)
    size = max(2, min(KID_SUBSET_SIZE, len(real) // 2, len(fake) // 2))
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")  # of the memory that the features take, which they take already
        torch.manual_seed(seed)
        metric = KernelInceptionDistance(feature=_Ready(real.shape[1]), subsets=KID_SUBSETS, subset_size=size)
        metric.update(_tensor(real), real=True)
        metric.update(_tensor(fake), real=False)
        mean, std = metric.compute()
    return KernelDistance(float(mean), float(std), size)


def precision_recall(real: Features, fake: Features, k: int = 3) -> PrecisionRecall:
    """Precision, recall, density and coverage by neighbourhoods that reach to the k-th nearest of the same set.

    More than k pictures each; take equal counts, since recall rises with the number of generated pictures.
    """
    _check(real, fake)
    assert min(len(real), len(fake)) > k, f"more than {k} pictures each, not {len(real)} and {len(fake)}"
    real_x, fake_x = _tensor(real), _tensor(fake)
    real_radius, fake_radius = _radii(real_x, k), _radii(fake_x, k)
    inside = []
    nearest_fake = torch.full((len(real_x),), torch.inf)
    recalled = torch.zeros(len(real_x), dtype=torch.bool)
    for first in range(0, len(fake_x), CHUNK):
        chunk = slice(first, first + CHUNK)
        distance = torch.cdist(fake_x[chunk], real_x)
        inside.append((distance <= real_radius).sum(1))
        recalled |= (distance <= fake_radius[chunk, None]).any(0)
        nearest_fake = torch.minimum(nearest_fake, distance.amin(0))
    counts = torch.cat(inside)
    return PrecisionRecall(
        precision=float((counts > 0).double().mean()),
        recall=float(recalled.double().mean()),
        density=float(counts.double().mean() / k),
        coverage=float((nearest_fake <= real_radius).double().mean()),
    )


def _radii(x: Tensor, k: int) -> Tensor:
    """The distance of each row to its k-th nearest other row."""
    radii = [torch.cdist(part, x).kthvalue(k + 1, dim=1).values for part in x.split(CHUNK)]
    return torch.cat(radii)


def _check(real: Features, fake: Features) -> None:
    assert real.ndim == 2, f"features are (n, d), not {real.shape}"
    assert fake.ndim == 2, f"features are (n, d), not {fake.shape}"
    assert real.shape[1] == fake.shape[1], "features of one network"
    assert min(len(real), len(fake)) >= 2, "at least two pictures each"


def _tensor(features: Features) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(features, dtype=np.float32))


class _Ready(nn.Module):
    """What torchmetrics takes for a feature network: here the features themselves come in."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features

    def forward(self, features: Tensor) -> Tensor:
        return features
