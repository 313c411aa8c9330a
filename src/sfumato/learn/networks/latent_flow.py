"""A flow in the codes of a convolutional autoencoder (latent diffusion, arXiv:2112.10752, with the straight lines of
arXiv:2210.02747): small and quick, because the codes are."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from sfumato.models.card import Entry, Input, Output

from .coded import Coded, CodedConfig
from .flow import Flow, FlowConfig


@dataclass(frozen=True, kw_only=True)
class LatentFlowConfig(CodedConfig):
    """The autoencoder as in CodedConfig. The flow: `flow_widths[i]` channels and `flow_blocks` blocks a side at 1/2**i
    of the codes' resolution, attention at every level, dropout while training.
    """

    flow_widths: tuple[int, ...] = (128, 192)
    flow_blocks: int = 2
    dropout: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_halves(len(self.flow_widths) - 1, "latent-flow")

    def flow_config(self) -> FlowConfig:
        """Of the flow in the codes."""
        return FlowConfig(
            size=self.places,
            channels=self.code,
            classes=self.classes,
            shares=self.shares,
            widths=self.flow_widths,
            blocks=self.flow_blocks,
            attention=tuple(range(len(self.flow_widths))),
            dropout=self.dropout,
            predicts="velocity",
        )


class LatentFlow(Coded):
    """x `b channels h w` in [0, 1] -> z `b k`; z_in -> x_hat; z_t, t `b 1` (and label `b n`) -> v, as z_t."""

    config: LatentFlowConfig

    def __init__(self, config: LatentFlowConfig) -> None:
        super().__init__(config)
        self.flow = Flow(config.flow_config())

    @property
    def sampling(self) -> dict[str, Any]:  # type: ignore[override]
        """As a flow of pictures, with guidance; see docs/experiments.md."""
        return self.flow.sampling | {"guidance": 2.0 if self.config.classes else 1.0}

    @property
    def inputs(self) -> tuple[Input, ...]:
        noisy = Input("z_t", kind="latent", channels=self.num_latents)
        return *super().inputs, noisy, Input("t", kind="time", channels=1), *self.label_port()

    @property
    def outputs(self) -> tuple[Output, ...]:
        return *super().outputs, Output("v", kind="latent", channels=self.num_latents)

    @property
    def entries(self) -> dict[str, Entry]:
        return super().entries | {"velocity": Entry(tuple(port.name for port in self.inputs[2:]), ("v",))}

    def velocity(self, z_t: Tensor, t: Tensor, label: Tensor | None = None) -> Tensor:
        return self.flow(self.as_map(z_t), t, label).flatten(1)

    def forward(  # type: ignore[override]
        self, x: Tensor, z_in: Tensor, z_t: Tensor, t: Tensor, label: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        return self.encode(x), self.decode(z_in), self.velocity(z_t, t, label)
