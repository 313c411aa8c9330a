"""A flow in the codes of an autoencoder: first the autoencoder is trained, then, with it at rest, the flow."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...data.store import PictureStore
from ..config import TrainConfig
from .coding import JUDGED, Coding, CodingOptions
from .flow_matching import FlowMatching, FlowOptions, along
from .objective import Validation


@dataclass(frozen=True, kw_only=True)
class LatentFlowOptions(CodingOptions, FlowOptions):
    """Those of the autoencoder and of the flow."""

    def __post_init__(self) -> None:
        CodingOptions.__post_init__(self)
        FlowOptions.__post_init__(self)


class LatentFlowMatching(Coding, FlowMatching):
    exported = "generator"
    options_class = LatentFlowOptions
    options: LatentFlowOptions

    def __init__(self, config: TrainConfig) -> None:
        super().__init__(config)
        self.num_latents = self.network.num_latents

    def losses(self, player: str, networks: dict[str, nn.Module], batch: dict[str, Tensor]) -> dict[str, Tensor]:
        network, x = networks[player], batch["x"]
        if self.coding:
            return self.coded(network, x)
        with torch.no_grad():
            z = network.encode(x)  # type: ignore[operator]
        conditions = (batch["label"],) if "label" in batch else ()
        return self.velocity_loss(network.velocity, z, *conditions)  # type: ignore[arg-type]

    def latent(self, count: int, generator: torch.Generator) -> Tensor:
        return torch.randn(count, self.num_latents, generator=generator)

    def sample(self, network: nn.Module, z: Tensor, label: Tensor | None) -> Tensor:
        return network.decode(along(network.velocity, z, label))  # type: ignore[arg-type, operator]

    @torch.no_grad()
    def validate(self, network: nn.Module, held_out: PictureStore, *, seen: bool = False) -> Validation:
        """PSNR of the reconstruction; then the flow's loss at fixed times, and the samples."""
        some = held_out.sample(JUDGED)
        z, coded = self.reconstructed(network, some, seen=seen)
        if self.coding:
            return coded
        error = self.velocity_error(network.velocity, z, self.held_out_labels(some))  # type: ignore[arg-type]
        figures = coded.figures | {"velocity_error": error}
        return Validation(figures, -error, torch.empty(0)) if seen else self._judged(network, figures)
