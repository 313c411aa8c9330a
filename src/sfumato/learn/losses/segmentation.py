"""How far a map of probabilities is from a mask, both `b 1 h w`."""

from torch import Tensor


def cross_entropy(p: Tensor, mask: Tensor, *, epsilon: float = 1e-7) -> Tensor:
    """Mean binary cross-entropy; probabilities are taken no nearer to 0 and 1 than `epsilon`."""
    right = p * mask + (1 - p) * (1 - mask)
    return -right.clamp(min=epsilon).log().mean()


def dice(p: Tensor, mask: Tensor, *, epsilon: float = 1.0) -> Tensor:
    """One less the soft Dice coefficient of the whole batch (Milletari et al. 2016, arXiv:1606.04797).

    It counts a found pixel by how much damage there is, so that thin scratches aren't outweighed by what is whole; over
    the batch, since a picture without damage has no coefficient of its own.
    """
    both = (p * mask).sum()
    return 1 - (2 * both + epsilon) / (p.sum() + mask.sum() + epsilon)
