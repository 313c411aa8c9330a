"""The velocity of straight lines from noise to pictures (flow matching; see losses.flow)."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from sfumato import samplers
from sfumato.errors import UsageError

from ...data.patches import PictureStore, sample_seed
from ...losses.flow import logit_normal, straight
from ..config import TrainConfig
from .drawing import Drawing, batches
from .objective import Validation

DRAWN_STEPS = 10  # of the Heun solver, when it is validated


@dataclass(frozen=True, kw_only=True)
class FlowOptions:
    """unlabelled: share of the samples that lose their label, so that guidance can compare with and without it."""

    unlabelled: float = 0.15

    def __post_init__(self) -> None:
        if not 0 <= self.unlabelled < 1:
            raise UsageError("options: unlabelled is from 0 to below 1.")


class FlowMatching(Drawing):
    exported = "velocity"
    options_class = FlowOptions
    options: FlowOptions

    def __init__(self, config: TrainConfig) -> None:
        super().__init__(config)
        if "velocity" not in self.network.entries:
            raise UsageError(f"{config.name}: {config.family} is no flow.")

    def losses(self, player: str, networks: dict[str, nn.Module], batch: dict[str, Tensor]) -> dict[str, Tensor]:
        x, label = 2 * batch["x"] - 1, batch.get("label")
        path = straight(x, torch.randn_like(x), logit_normal(len(x), device=x.device))
        if label is not None:
            label = label * (torch.rand(len(x), 1, device=x.device) >= self.options.unlabelled)
        found = networks[player](path.x_t, path.t, label)
        return {"velocity": (found.float() - path.velocity).square().mean()}

    def latent(self, count: int, draw: torch.Generator) -> Tensor:
        return torch.randn(count, self.channels, *self.fit, generator=draw)

    def draw(self, network: nn.Module, z: Tensor, label: Tensor | None) -> Tensor:
        def velocity(x: np.ndarray, t: float) -> np.ndarray:
            here = torch.from_numpy(np.asarray(x, np.float32)).to(z.device)
            return network(here, torch.full((len(here), 1), t, device=z.device), label).float().cpu().numpy()

        drawn = samplers.heun(velocity, z.cpu().numpy(), DRAWN_STEPS)
        return torch.from_numpy(np.asarray(drawn, np.float32)) / 2 + 0.5

    @torch.no_grad()
    def validate(self, network: nn.Module, held_out: PictureStore, *, seen: bool = False) -> Validation:
        """The loss at fixed times with fixed noise, which tells overfitting, and what is drawn."""
        device = next(network.parameters()).device
        draw = torch.Generator().manual_seed(sample_seed(self.config.seed, "validation"))
        losses = []
        some = held_out.sample(400)
        for x, label in batches(some, self.held_out_labels(some)):
            times = (torch.arange(len(x)) % 20 + 0.5)[:, None] / 20
            path = straight(2 * x - 1, torch.randn(x.shape, generator=draw), times)
            told = None if label is None else label.to(device)
            found = network(path.x_t.to(device), path.t.to(device), told).float().cpu()
            losses.append((found - path.velocity).square().flatten(1).mean(1))
        figures = {"velocity_error": float(torch.cat(losses).mean())}
        if seen:
            return Validation(figures, -figures["velocity_error"], torch.empty(0))
        drawn = self.judged_by_drawing(network, error=figures["velocity_error"])
        return Validation(figures | drawn.figures, -figures["velocity_error"], drawn.sheet, drawn.alarm)
