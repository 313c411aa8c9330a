"""Whether a generator repeats its training pictures: nearest neighbours in features, and what counts as near."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

NEAR_PERCENTILE = 1.0
CHUNK = 1024
CANDIDATES = 4

Features = NDArray[np.floating]


@dataclass(frozen=True)
class Memorization:
    """share: of generated pictures that are near-copies, nearer to a training picture than `threshold`, the 1st

    percentile of the distances of held-out pictures to their nearest training picture: a generator as good as
    new pictures of the same source has about 0.01. by_chance: the share that would be as near to so many new pictures,
    judged by the held-out ones: plain pictures are near to everything, copies to the training pictures alone. nearest
    (n,): the index of each generated picture's nearest training picture; distances (n,): how far that is, Euclidean in
    the features.
    """

    share: float
    by_chance: float
    nearest: NDArray[np.int64]
    distances: NDArray[np.float32]
    threshold: float

    @property
    def nearest_first(self) -> NDArray[np.int64]:
        """Indices of the generated pictures, those most like a training picture first."""
        return np.argsort(self.distances, kind="stable")


def near_copies(train: Features, held_out: Features, generated: Features) -> Memorization:
    """Compare feature vectors (n, d) of training, held-out and generated pictures; at least one each.

    Held-out pictures that are training pictures too pull the threshold to 0, where only exact copies count.
    """
    threshold = float(np.percentile(nearest(train, held_out)[1], NEAR_PERCENTILE))
    indices, distances = nearest(train, generated)
    near, near_new = (d < threshold if threshold > 0 else d == 0 for d in (distances, nearest(held_out, generated)[1]))
    by_chance = 1 - (1 - float(near_new.mean())) ** (len(train) / len(held_out))
    return Memorization(float(near.mean()), by_chance, indices, distances, threshold)


def nearest(train: Features, others: Features) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """For each row of `others` the index of the nearest row of `train`, and the Euclidean distance to it."""
    assert train.ndim == others.ndim == 2, f"features are (n, d), not {train.shape} and {others.shape}"
    assert train.shape[1] == others.shape[1], "features of one network"
    assert min(len(train), len(others)) >= 1, "at least one picture each"
    known = torch.from_numpy(np.ascontiguousarray(train, dtype=np.float32))
    asked = torch.from_numpy(np.ascontiguousarray(others, dtype=np.float32))
    indices, distances = [], []
    for part in asked.split(CHUNK):
        # By products the search is quick but blurs small distances, and those matter here: candidates only.
        candidates = torch.cdist(part, known).topk(min(CANDIDATES, len(known)), dim=1, largest=False).indices
        exact = torch.linalg.vector_norm(known[candidates] - part[:, None], dim=2)
        smallest = exact.min(1)
        distances.append(smallest.values)
        indices.append(candidates.gather(1, smallest.indices[:, None])[:, 0])
    return torch.cat(indices).numpy(), torch.cat(distances).numpy()
