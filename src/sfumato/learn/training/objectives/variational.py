"""The evidence lower bound of a variational autoencoder (Kingma & Welling, arXiv:1312.6114)."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sfumato.errors import UsageError

from ...data.seeds import sample_seed
from ...data.store import PictureStore
from ...losses.variational import kl_to_normal, negative_log_likelihood
from ...networks.vae import VariationalAutoencoder
from ..config import TrainConfig
from .densities import FITTED_ON, fit
from .generation import Generation, batches
from .objective import Validation


@dataclass(frozen=True, kw_only=True)
class VariationalOptions:
    """beta: weight of the KL divergence at last (arXiv:1804.03599); warm_up: share of the run in which it grows to it.

    binarize: every pixel is sampled black or white anew, with its value as the chance (MNIST's dynamic binarization).
    """

    beta: float = 1.0
    warm_up: float = 0.1
    binarize: bool = False

    def __post_init__(self) -> None:
        if self.beta < 0 or not 0 <= self.warm_up < 1:
            raise UsageError("options: beta must not be negative, and warm_up is from 0 to below 1.")


class Variational(Generation):
    exported = "autoencoder"
    options_class = VariationalOptions
    options: VariationalOptions
    network: VariationalAutoencoder

    def __init__(self, config: TrainConfig) -> None:
        super().__init__(config)
        if not isinstance(self.network, VariationalAutoencoder):
            raise UsageError(f"{config.name}: {config.family} is no variational autoencoder.")

    def losses(self, player: str, networks: dict[str, nn.Module], batch: dict[str, Tensor]) -> dict[str, Tensor]:
        x = torch.bernoulli(batch["x"]) if self.options.binarize else batch["x"]
        likelihood, kl = self._terms(networks[player], x, batch.get("label"), torch.randn(len(x), self.latents))
        grown = min(self.fraction / self.options.warm_up, 1.0) if self.options.warm_up else 1.0
        # by the number of pixels, so that one learning rate serves all sizes
        scale = self.channels * self.fit[0] * self.fit[1]
        return {"likelihood": likelihood.mean() / scale, "kl": self.options.beta * grown * kl.mean() / scale}

    @property
    def latents(self) -> int:
        return self.network.config.latent

    def _terms(self, network: nn.Module, x: Tensor, label: Tensor | None, noise: Tensor) -> tuple[Tensor, Tensor]:
        """-log p(x|z) and the KL divergence, `b` each, in nats."""
        coded = network.encode(x)  # type: ignore[operator]
        logits = network.logits(coded.sample(noise.to(x.device)), label)  # type: ignore[operator]
        likelihood = negative_log_likelihood(logits, x, network.log_deviation)  # type: ignore[arg-type]
        return likelihood, kl_to_normal(coded.mean, coded.log_variance)

    def latent(self, count: int, generator: torch.Generator) -> Tensor:
        return torch.randn(count, self.latents + (self.network.density is not None), generator=generator)

    @torch.no_grad()
    def finish(self, network: nn.Module, store: PictureStore) -> None:
        """Fit the density, if there is one, on codes of the training pictures; of too few it stays the prior."""
        assert isinstance(network, VariationalAutoencoder), "the averaged network is a copy of it"
        few = store.sample(FITTED_ON)
        if network.density is None or len(few) < 2 * self.latents:
            return
        device = next(network.parameters()).device
        generator = torch.Generator().manual_seed(sample_seed(self.config.seed, "codes"))
        codes = []
        for x, _ in batches(few, None):
            x = torch.bernoulli(x, generator=generator) if self.options.binarize else x
            coded = network.encode(x.to(device))
            codes.append(coded.sample(torch.randn(coded.mean.shape, generator=generator).to(device)).cpu())
        fit(network.density, torch.cat(codes), None, self.config.seed)

    @torch.no_grad()
    def validate(self, network: nn.Module, held_out: PictureStore, *, seen: bool = False) -> Validation:
        """The bound in nats (black and white) or bits a dimension, its terms, and the samples."""
        device = next(network.parameters()).device
        generator = torch.Generator().manual_seed(sample_seed(self.config.seed, "validation"))
        terms = []
        for x, label in batches(held_out, self.held_out_labels(held_out)):
            x = torch.bernoulli(x, generator=generator) if self.options.binarize else x
            noise = torch.randn(len(x), self.latents, generator=generator)
            label = None if label is None else label.to(device)
            terms.append(torch.stack(self._terms(network, x.to(device), label, noise)).cpu())
        likelihood, kl = torch.cat(terms, dim=1).mean(1).tolist()
        bound = likelihood + kl
        if self.network.log_deviation is None:
            figures = {"elbo_nats": -bound, "likelihood_nats": -likelihood, "kl_nats": kl}
        else:
            scale = self.channels * self.fit[0] * self.fit[1] * math.log(2)
            # a density over [0, 1] in steps of 1/255
            figures = {"bits_per_dim": bound / scale + math.log2(255), "kl_bits_per_dim": kl / scale}
        if seen:
            return Validation(figures, -bound, torch.empty(0))
        judged = self.judged_by_samples(network, error=figures.get("bits_per_dim", bound))
        return Validation(figures | judged.figures, -bound, judged.sheet, judged.alarm)
