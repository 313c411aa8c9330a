"""Reconstruction from a damaged picture: denoising (Vincent et al. 2008) and masked (arXiv:2111.06377) training."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sfumato.errors import UsageError

from ...data.fitted import one_hot, pictures
from ...data.store import PictureStore
from ...networks.autoencoder import DensityAutoencoder
from ..config import TrainConfig
from .densities import FITTED_ON, fit
from .generation import Generation, batches, mean_psnr
from .objective import Validation, labels_of

CELL = 4  # side of the squares that masking takes out


@dataclass(frozen=True, kw_only=True)
class AutoencodingOptions:
    """sigma: of the noise put on the input, in [0, 1] units; masked: share of its squares that are left out."""

    sigma: float = 0.0
    masked: float = 0.0

    def __post_init__(self) -> None:
        if self.sigma < 0 or not 0 <= self.masked < 1:
            raise UsageError("options: sigma must not be negative, and masked is from 0 to below 1.")


class Autoencoding(Generation):
    exported = "autoencoder"
    options_class = AutoencodingOptions
    options: AutoencodingOptions

    def __init__(self, config: TrainConfig) -> None:
        super().__init__(config)
        if not isinstance(self.network, DensityAutoencoder):
            raise UsageError(f"{config.name}: {config.family} is no autoencoder with a density.")

    def losses(self, player: str, networks: dict[str, nn.Module], batch: dict[str, Tensor]) -> dict[str, Tensor]:
        network, x = networks[player], batch["x"]
        logits = network.logits(network.encode(self._damaged(x)))  # type: ignore[operator]
        # Least at the mean, as squared errors are; but theirs give no gradient where all is black or white.
        return {"cross_entropy": F.binary_cross_entropy_with_logits(logits, x)}

    def _damaged(self, x: Tensor) -> Tensor:
        y = x + self.options.sigma * torch.randn_like(x)
        if self.options.masked:
            cells = torch.rand(len(x), 1, -(-x.shape[2] // CELL), -(-x.shape[3] // CELL), device=x.device)
            kept = F.interpolate((cells >= self.options.masked).float(), scale_factor=CELL)
            y = y * kept[:, :, : x.shape[2], : x.shape[3]]
        return y

    def latent(self, count: int, generator: torch.Generator) -> Tensor:
        return torch.randn(count, self.network.config.latent + 1, generator=generator)

    @torch.no_grad()
    def validate(self, network: nn.Module, held_out: PictureStore, *, seen: bool = False) -> Validation:
        """PSNR of the reconstruction, and the samples."""
        x = pictures(held_out)
        coded = [network.encode(some.to(self.device)) for some in x.split(100)]  # type: ignore[operator]
        x_hat = torch.cat([network.decode(z).float().cpu() for z in coded])  # type: ignore[operator]
        psnr = mean_psnr(x_hat, x)
        if seen:
            return Validation({"psnr": psnr}, psnr, torch.empty(0))
        judged = self.judged_by_samples(network, error=float((x_hat - x).square().mean()))
        return Validation({"psnr": psnr} | judged.figures, psnr, judged.sheet, judged.alarm)

    @torch.no_grad()
    def finish(self, network: nn.Module, store: PictureStore) -> None:
        """Fit the density on the codes of the training pictures, class by class where there are classes."""
        device = next(network.parameters()).device
        few = store.sample(FITTED_ON)
        assert isinstance(network, DensityAutoencoder), "the averaged network is a copy of it"
        codes = torch.cat([network.encode(x.to(device)).float().cpu() for x, _ in batches(few, None)])
        fit(network.density, codes, one_hot(labels_of(few.names, self.labels), self.classes), self.config.seed)
