"""A mixture of Gaussians fitted on the codes of pictures, from which an autoencoder then samples (arXiv:1903.12436)."""

import torch
from torch import Tensor

from sfumato.errors import UsageError

from ...data.seeds import sample_seed
from ...layers.density import MixtureDensity

FITTED_ON = 10_000  # pictures whose codes a density is fitted on


def fit(density: MixtureDensity, codes: Tensor, label: Tensor | None, seed: int) -> None:
    """Fit `density` on codes `n latent`: where there are classes, given one-hot as `n classes`, class by class."""
    kinds = 1 if label is None else label.shape[1]
    components = density.shares.shape[1] // kinds
    shares = torch.zeros(kinds, kinds * components)
    for kind in range(kinds):
        own = codes if label is None else codes[label[:, kind] > 0]
        place = slice(kind * components, (kind + 1) * components)
        shares[kind, place], means, factors = _mixture(own.double(), components, sample_seed(seed, "density"))
        density.means[place], density.factors[place] = means, factors
    often = torch.ones(1) if label is None else label.mean(0)
    whole = (often[:, None] * shares).sum(0, keepdim=True)
    density.shares.copy_(whole if label is None else torch.cat([shares, whole]))


def _mixture(codes: Tensor, components: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Shares `k`, means `k d` and Cholesky factors `k d d` of a mixture of Gaussians fitted to `codes` `n d`."""
    from sklearn.mixture import GaussianMixture  # two seconds, which every other run can do without

    count = max(1, min(components, len(codes) // (2 * codes.shape[1])))
    fitted = GaussianMixture(count, reg_covar=1e-4 * float(codes.var()) + 1e-8, random_state=seed % 2**31)
    if len(codes) < 2:
        raise UsageError("a class with fewer than two pictures has no density; leave it out, or train without classes.")
    fitted.fit(codes.numpy())
    shares, width = torch.zeros(components), codes.shape[1]
    shares[:count] = torch.from_numpy(fitted.weights_)
    means, factors = torch.zeros(components, width), torch.eye(width).repeat(components, 1, 1)
    means[:count] = torch.from_numpy(fitted.means_).float()
    factors[:count] = torch.linalg.cholesky(torch.from_numpy(fitted.covariances_)).float()
    return shares, means, factors
