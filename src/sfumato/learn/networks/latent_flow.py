"""A flow in the codes of a convolutional autoencoder (latent diffusion, arXiv:2112.10752, with the straight lines of
arXiv:2210.02747): small and quick, because the codes are."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from sfumato.models.card import Entry, Input, Output

from .coded import Coded, CodedConfig
from .conditions import Words
from .flow import Flow, FlowConfig


@dataclass(frozen=True, kw_only=True)
class LatentFlowConfig(CodedConfig):
    """The autoencoder as in CodedConfig. The flow: `flow_widths[i]` channels and `flow_blocks` blocks a side at 1/2**i
    of the codes' resolution, attention at every level, dropout while training.
    text: widths of its encoder of captions, () for none. silhouette: 1 if it takes outlines, of the pictures' size.
    """

    flow_widths: tuple[int, ...] = (128, 192)
    flow_blocks: int = 2
    dropout: float = 0.0
    text: tuple[int, ...] = ()
    silhouette: int = 0

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
            text=self.text,
            silhouette=self.silhouette and self.size[0] // self.places[0],
        )


class LatentFlow(Coded):
    """x `b channels h w` in [0, 1] -> z `b k`; z_in -> x_hat; z_t, t `b 1`, conditions as Flow -> v, as z_t."""

    config: LatentFlowConfig

    def __init__(self, config: LatentFlowConfig) -> None:
        super().__init__(config)
        self.flow = Flow(config.flow_config())

    @property
    def sampling(self) -> dict[str, Any]:  # type: ignore[override]
        """As a flow of pictures, with guidance; see docs/experiments.md."""
        return self.flow.sampling | {"guidance": 2.0 if self.config.classes else 1.0}

    @property
    def given_ports(self) -> tuple[Input, ...]:
        """The ports of the conditions."""
        return self.flow.given_ports

    @property
    def inputs(self) -> tuple[Input, ...]:
        noisy = Input("z_t", kind="latent", channels=self.num_latents)
        return *super().inputs, noisy, Input("t", kind="time", channels=1), *self.given_ports

    @property
    def outputs(self) -> tuple[Output, ...]:
        return *super().outputs, Output("v", kind="latent", channels=self.num_latents)

    @property
    def entries(self) -> dict[str, Entry]:
        return super().entries | {"velocity": Entry(tuple(port.name for port in self.inputs[2:]), ("v",))}

    def velocity(self, z_t: Tensor, t: Tensor, *conditions: Tensor) -> Tensor:
        return self.flow(self.as_map(z_t), t, *conditions).flatten(1)

    def words(self, text: Tensor) -> Words:
        """Captions `b l`, read."""
        return self.flow.words(text)

    def forward(  # type: ignore[override]
        self, x: Tensor, z_in: Tensor, z_t: Tensor, t: Tensor, *conditions: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        return self.encode(x), self.decode(z_in), self.velocity(z_t, t, *conditions)
