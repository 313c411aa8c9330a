"""A flow in the codes of an autoencoder: first the autoencoder is trained, then, with it at rest, the flow."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sfumato.errors import UsageError

from ...data.fitted import pictures
from ...data.patches import PictureStore
from ...losses.perceptual import perceptual
from ...models.latent_flow import LatentFlow
from ...pretrained import SMALLEST, Stages
from ..config import TrainConfig
from ..optimization import schedule
from .drawing import SHEET, mean_psnr, on_white, over
from .flow_matching import FlowMatching, FlowOptions, along
from .objective import Validation

CODING = -1000.0  # score of a state whose flow is not trained yet


@dataclass(frozen=True, kw_only=True)
class LatentFlowOptions(FlowOptions):
    """coding: share of the run in which the autoencoder is trained; 0 leaves that of `--from` as it is.

    noise: on its codes meanwhile, whose mean square is 1, so that the decoder forgives the flow its errors.
    perceptual: weight of the distance in features of EfficientNet-Lite1, beside the absolute error; 0 for none.
    """

    coding: float = 0.4
    noise: float = 0.08
    perceptual: float = 0.3

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.coding < 1 or min(self.noise, self.perceptual) < 0:
            raise UsageError("options: coding is from 0 to below 1; noise and perceptual must not be negative.")


class LatentFlowMatching(FlowMatching):
    exported = "generator"
    options_class = LatentFlowOptions
    options: LatentFlowOptions

    def __init__(self, config: TrainConfig) -> None:
        super().__init__(config)
        if not isinstance(self.network, LatentFlow):
            raise UsageError(f"{config.name}: {config.family} has no codes to flow in.")
        self.num_latents = self.network.num_latents
        sees = self.options.perceptual and min(self.fit) >= SMALLEST
        self.stages: nn.Module | None = Stages(("1/2", "1/4", "1/8"), "lite1") if sees else None

    @property
    def coding(self) -> bool:
        return self.fraction < self.options.coding

    def rate(self, player: str) -> float:
        """Each part of the run has a schedule of its own, with warm-up and end."""
        start, length = (0.0, self.options.coding) if self.coding else (self.options.coding, 1 - self.options.coding)
        whole, warmup = schedule(self.fraction, self.config.warmup), self.config.warmup
        return schedule(min((self.fraction - start) / length, 1.0), warmup) / whole

    def begin(self, store: PictureStore, held_out: PictureStore | None, device: object) -> None:
        super().begin(store, held_out, device)
        if self.stages is not None:
            self.stages.to(self.device)

    def losses(self, player: str, networks: dict[str, nn.Module], batch: dict[str, Tensor]) -> dict[str, Tensor]:
        network, x = networks[player], batch["x"]
        if self.coding:
            return self._coded(network, x)
        with torch.no_grad():
            z = network.encode(x)  # type: ignore[operator]
        return self.velocity_loss(network.velocity, z, batch.get("label"))  # type: ignore[arg-type]

    def _coded(self, network: nn.Module, x: Tensor) -> dict[str, Tensor]:
        z = network.encode(x)  # type: ignore[operator]
        x_hat = network.decode(z + self.options.noise * torch.randn_like(z))  # type: ignore[operator]
        found = {"absolute_error": F.l1_loss(x_hat, x)}
        if self.stages is not None:
            behind = torch.rand(len(x), 3, 1, 1, device=x.device)
            shown, wanted = (over(picture, behind) for picture in (x_hat, x.float()))
            found["perceptual"] = self.options.perceptual * perceptual(shown, wanted, self.stages)
        return found

    def latent(self, count: int, draw: torch.Generator) -> Tensor:
        return torch.randn(count, self.num_latents, generator=draw)

    def draw(self, network: nn.Module, z: Tensor, label: Tensor | None) -> Tensor:
        return network.decode(along(network.velocity, z, label))  # type: ignore[arg-type, operator]

    @torch.no_grad()
    def validate(self, network: nn.Module, held_out: PictureStore, *, seen: bool = False) -> Validation:
        """PSNR of the reconstruction; then the flow's loss at fixed times, and what is drawn.

        While the codes are still being learned drawings mean nothing: the sheet has rows of pictures with their
        reconstructions below.
        """
        some = held_out.sample(400)
        wanted = pictures(some)
        coded = [network.encode(x.to(self.device)) for x in wanted.split(100)]  # type: ignore[operator]
        x_hat = torch.cat([network.decode(z).cpu() for z in coded])  # type: ignore[operator]
        figures = {"psnr": mean_psnr(x_hat, wanted)}
        if self.coding:
            columns = min(SHEET[1], len(wanted))
            rows = [on_white(x[:columns].clamp(0, 1)) for x in (wanted, x_hat)]
            sheet = torch.empty(0) if seen else torch.stack(rows)
            return Validation(figures, CODING + figures["psnr"], sheet)
        label = self.held_out_labels(some)
        error = self.velocity_error(network.velocity, torch.cat(coded).cpu(), label)  # type: ignore[arg-type]
        figures["velocity_error"] = error
        if seen:
            return Validation(figures, -error, torch.empty(0))
        drawn = self.judged_by_drawing(network, error=error)
        return Validation(figures | drawn.figures, -error, drawn.sheet, drawn.alarm)
