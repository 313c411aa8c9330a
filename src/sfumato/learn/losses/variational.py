"""The two terms of the evidence lower bound (arXiv:1312.6114), in nats a picture, and its tighter relative."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def kl_to_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL divergence of N(mean, variance) from N(0, 1), `b latent` -> `b`."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1)


def negative_log_likelihood(prediction: Tensor, x: Tensor, log_deviation: Tensor | None) -> Tensor:
    """-log p(x), `b`. prediction: log-odds (Bernoulli) or, with a log deviation, means (Gaussian), like x `b c h w`."""
    if log_deviation is None:
        return F.binary_cross_entropy_with_logits(prediction, x, reduction="none").flatten(1).sum(1)
    scaled = (x - prediction) * (-log_deviation).exp()
    return (0.5 * scaled.square() + log_deviation + 0.5 * math.log(2 * math.pi)).flatten(1).sum(1)


def log_normal(z: Tensor, mean: Tensor | float, log_variance: Tensor | float) -> Tensor:
    """log N(z; mean, variance) summed over the last axis."""
    log_variance = torch.as_tensor(log_variance, dtype=z.dtype, device=z.device)
    return -0.5 * ((z - mean).square() * (-log_variance).exp() + log_variance + math.log(2 * math.pi)).sum(-1)


def importance_weighted(log_weights: Tensor) -> Tensor:
    """The bound of K samples (arXiv:1509.00519), `... K` -> `...`, of weights log p(x, z) - log q(z|x)."""
    return torch.logsumexp(log_weights, dim=-1) - math.log(log_weights.shape[-1])
