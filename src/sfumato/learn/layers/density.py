"""A mixture of Gaussians as a layer: standard normal numbers in, a sample of the fitted density out."""

import torch
from torch import Tensor, nn


class MixtureDensity(nn.Module):
    """z0 `b 1 + latent`, standard normal (and label `b n`) -> z `b latent` from a mixture of Gaussians.

    The first number, through the normal distribution function, chooses the component; the others are carried through
    its mean and Cholesky factor. `shares` has a row for each class and a last one for no class: how often each
    component occurs. Its tensors are buffers: they are fitted after the training, not learned by it.
    """

    shares: Tensor
    means: Tensor
    factors: Tensor

    def __init__(self, latent: int, components: int, num_classes: int) -> None:
        super().__init__()
        self.register_buffer("shares", torch.full((num_classes + 1, components), 1 / components))
        self.register_buffer("means", torch.zeros(components, latent))
        self.register_buffer("factors", torch.eye(latent).repeat(components, 1, 1))

    def forward(self, z0: Tensor, label: Tensor | None = None) -> Tensor:
        asked = self.shares[-1:].expand(z0.shape[0], -1)
        if label is not None:
            asked = label @ self.shares[:-1] + (1 - label.sum(1, keepdim=True)) * self.shares[-1:]
        chance = 0.5 * (1 + torch.erf(z0[:, :1] / 2**0.5))
        passed = (asked.cumsum(1)[:, :-1] < chance).float()
        # one-hot of the first component whose cumulative share reaches the chance
        ones = torch.ones_like(z0[:, :1])
        chosen = torch.cat([ones, passed], dim=1) - torch.cat([passed, 0 * ones], dim=1)
        factor = torch.einsum("bk,kij->bij", chosen, self.factors)
        return chosen @ self.means + (factor @ z0[:, 1:, None])[..., 0]
