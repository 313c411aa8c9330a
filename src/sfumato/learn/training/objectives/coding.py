"""The first part of a run whose second part generates codes: an autoencoder is trained, then left at rest."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sfumato.errors import UsageError

from ...data.fitted import pictures
from ...data.store import PictureStore
from ...losses.perceptual import perceptual
from ...networks.coded import Coded
from ...pretrained import SMALLEST, Stages
from ..config import TrainConfig
from ..optimization import schedule
from .generation import SHEET, Generation, mean_psnr, on_white, over
from .objective import Validation

JUDGED = 400  # held-out pictures that are reconstructed
UNTRAINED = -1000.0  # score of a state in which nothing can be generated yet


@dataclass(frozen=True, kw_only=True)
class CodingOptions:
    """coding: share of the run in which the autoencoder is trained; 0 leaves that of `started_from` as it is.

    coding_rate: its learning rate, as a factor. noise: on its codes meanwhile, whose mean square is 1, so that the
    decoder forgives errors in generated codes. perceptual: weight of the distance in features of EfficientNet-Lite1,
    beside the absolute error; 0 for none.
    """

    coding: float = 0.4
    coding_rate: float = 1.0
    noise: float = 0.08
    perceptual: float = 0.3

    def __post_init__(self) -> None:
        if not 0 <= self.coding < 1 or min(self.coding_rate, self.noise, self.perceptual) < 0:
            raise UsageError(
                "options: coding is from 0 to below 1; coding_rate, noise and perceptual must not be negative."
            )


class Coding(Generation):
    """Generation in the codes of an autoencoder that the same run trains before."""

    exported = "generator"
    options: CodingOptions
    network: Coded

    def __init__(self, config: TrainConfig) -> None:
        super().__init__(config)
        if not isinstance(self.network, Coded):
            raise UsageError(f"{config.name}: {config.family} has no codes to generate.")
        sees = self.options.coding and self.options.perceptual and min(self.fit) >= SMALLEST
        self.stages: nn.Module | None = Stages(("1/2", "1/4", "1/8"), "lite1") if sees else None

    @property
    def coding(self) -> bool:
        return self.fraction < self.options.coding

    def rate(self, player: str) -> float:
        """Each part of the run has a schedule of its own, with warm-up and end."""
        start, length = (0.0, self.options.coding) if self.coding else (self.options.coding, 1 - self.options.coding)
        whole, warmup = schedule(self.fraction, self.config.warmup), self.config.warmup
        own = schedule(min((self.fraction - start) / length, 1.0), warmup) / whole
        return own * (self.options.coding_rate if self.coding else super().rate(player))

    def begin(self, store: PictureStore, held_out: PictureStore | None, device: object) -> None:
        super().begin(store, held_out, device)
        if self.stages is not None:
            self.stages.to(self.device)

    def coded(self, network: nn.Module, x: Tensor) -> dict[str, Tensor]:
        """What the autoencoder minimizes."""
        x_hat = network.decode(self.blurred(network.encode(x)))  # type: ignore[operator]
        terms = {"absolute_error": F.l1_loss(x_hat, x)}
        if self.stages is not None:
            behind = torch.rand(len(x), 3, 1, 1, device=x.device)
            shown, wanted = (over(picture, behind) for picture in (x_hat, x.float()))
            terms["perceptual"] = self.options.perceptual * perceptual(shown, wanted, self.stages)
        return terms

    def blurred(self, z: Tensor) -> Tensor:
        """Codes with the noise that the decoder forgives."""
        return z + self.options.noise * torch.randn_like(z)

    @torch.no_grad()
    def reconstructed(self, network: nn.Module, some: PictureStore, *, seen: bool) -> tuple[Tensor, Validation]:
        """Codes of the pictures, and how well they come back: all that can be judged while codes are learned.

        The sheet has rows of pictures with their reconstructions below.
        """
        wanted = pictures(some)
        z = torch.cat([network.encode(x.to(self.device)).cpu() for x in wanted.split(100)])  # type: ignore[operator]
        x_hat = torch.cat([network.decode(part.to(self.device)).cpu() for part in z.split(100)])  # type: ignore[operator]
        columns = min(SHEET[1], len(wanted))
        rows = [on_white(x[:columns].clamp(0, 1)) for x in (wanted, x_hat)]
        psnr = mean_psnr(x_hat, wanted)
        return z, Validation({"psnr": psnr}, UNTRAINED + psnr, torch.empty(0) if seen else torch.stack(rows))
