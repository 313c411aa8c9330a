"""A flow in the codes of an autoencoder: first the autoencoder is trained, then, with it at rest, the flow."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...data.store import PictureStore
from ..config import TrainConfig
from .coding import JUDGED, Coding, CodingOptions
from .flow_matching import MATCHER, FlowMatching, FlowOptions, along
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
        self.codes: dict[int, Tensor] = {}  # of the pictures, once the autoencoder is at rest

    def losses(self, player: str, networks: dict[str, nn.Module], batch: dict[str, Tensor]) -> dict[str, Tensor]:
        if player == MATCHER:
            return {} if self.coding else super().losses(player, networks, batch)
        network, x = networks[player], batch["x"]
        if self.coding:
            return self.coded(network, x)
        z = self._encoded(network, x, batch.get("number"))
        terms = self.velocity_loss(network.velocity, z, self.given_in(batch))  # type: ignore[arg-type]
        return terms | self.matched(network, networks, batch)

    @torch.no_grad()
    def _encoded(self, network: nn.Module, x: Tensor, numbers: Tensor | None) -> Tensor:
        """The codes of pictures, which are kept by their numbers where each comes in one form only."""
        if self.config.flips or numbers is None:
            return network.encode(x)  # type: ignore[operator]
        keys = numbers.tolist()
        new = [i for i, key in enumerate(keys) if key not in self.codes]
        if new:
            codes = network.encode(x[new])  # type: ignore[operator]
            self.codes |= {keys[i]: code for i, code in zip(new, codes, strict=True)}
        return torch.stack([self.codes[key] for key in keys])

    def latent(self, count: int, generator: torch.Generator) -> Tensor:
        return torch.randn(count, self.num_latents, generator=generator)

    def sample(self, network: nn.Module, z: Tensor, given: dict[str, Tensor]) -> Tensor:
        ends = along(network.velocity, z, self.in_order(given, len(z)))  # type: ignore[arg-type]
        return network.decode(ends)  # type: ignore[operator]

    @torch.no_grad()
    def validate(self, network: nn.Module, held_out: PictureStore, *, seen: bool = False) -> Validation:
        """PSNR of the reconstruction; then the flow's loss at fixed times, and the samples."""
        some = held_out.sample(JUDGED)
        z, coded = self.reconstructed(network, some, seen=seen)
        if self.coding:
            return coded
        error = self.velocity_error(network.velocity, z, self.given_of(some))  # type: ignore[arg-type]
        figures = coded.figures | {"velocity_error": error}
        return Validation(figures, -error, torch.empty(0)) if seen else self._judged(network, figures)
