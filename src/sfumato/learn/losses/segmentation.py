"""How far a map of probabilities is from a mask, both `b 1 h w`."""

from torch import Tensor


def cross_entropy(found: Tensor, mask: Tensor, *, epsilon: float = 1e-7) -> Tensor:
    """Mean binary cross-entropy; probabilities are taken no nearer to 0 and 1 than `epsilon`."""
    right = found * mask + (1 - found) * (1 - mask)
    return -right.clamp(min=epsilon).log().mean()


def dice(found: Tensor, mask: Tensor, *, epsilon: float = 1.0) -> Tensor:
    """One less the soft Dice coefficient of the whole batch (Milletari et al. 2016, arXiv:1606.04797).

    It counts a found pixel by how much damage there is, so that thin scratches aren't outweighed by what is whole; over
    the batch, since a picture without damage has no coefficient of its own.
    """
    both = (found * mask).sum()
    return 1 - (2 * both + epsilon) / (found.sum() + mask.sum() + epsilon)
