"""A flow in the codes of a convolutional autoencoder: the autoencoder knows what surfaces and edges look like, the flow
what goes where (latent diffusion, arXiv:2112.10752, with the straight lines of arXiv:2210.02747).

The codes are maps of a few numbers at a fraction of the resolution, so the flow is small and quick. At each place they
are a vector of fixed length, so that noise has a meaning and what the flow gives lies where the decoder knows its way
(the sphere of arXiv:1804.00891, place by place).
"""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sfumato.card import Entry, Input, Output
from sfumato.errors import UsageError

from ..layers.activation import activation
from ..layers.pyramid import Decoder, Encoder, coarsest
from .flow import Flow, FlowConfig
from .generator import Generator, GeneratorConfig


@dataclass(frozen=True, kw_only=True)
class LatentFlowConfig(GeneratorConfig):
    """The autoencoder: `widths[i]` channels and `blocks` residual blocks at 1/2**i of the resolution that patches of
    patch x patch pixels leave, `fine` channels of a last convolution at full resolution, `code` numbers at each place.

    The flow: `flow_widths[i]` channels and `flow_blocks` blocks a side at 1/2**i of the codes' resolution, attention at
    every level, dropout while training.
    """

    code: int = 24
    widths: tuple[int, ...] = (48, 96, 160)
    blocks: int = 1
    patch: int = 2
    fine: int = 24
    flow_widths: tuple[int, ...] = (128, 192)
    flow_blocks: int = 2
    dropout: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.code - 1, self.fine, self.blocks) < 1:
            raise UsageError("latent-flow: code must be at least 2, fine and blocks at least 1.")
        places, halved = self.places, 2 ** (len(self.flow_widths) - 1)
        if any(length % halved for length in places):
            raise UsageError(
                f"latent-flow: codes of {'x'.join(map(str, places))} do not halve {len(self.flow_widths) - 1} times; "
                "take another size, or fewer widths or flow_widths."
            )

    @property
    def places(self) -> tuple[int, int]:
        """Height and width of the codes."""
        return coarsest(self.size, self.widths, "latent-flow", self.patch)

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


class LatentFlow(Generator):
    """x `b channels h w` in [0, 1] -> z `b k`; z_in -> x_hat; z_t, t `b 1` (and label `b n`) -> v, as z_t.

    k counts the numbers of all places together, channels first.
    """

    def __init__(self, config: LatentFlowConfig) -> None:
        super().__init__()
        self.config = config
        shape = {"blocks": config.blocks, "patch": config.patch, "act": "silu"}
        self.encoder = Encoder(config.channels, config.widths, **shape)  # type: ignore[arg-type]
        self.to_code = nn.Conv2d(config.widths[-1], config.code, 1)
        self.from_code = nn.Conv2d(config.code, config.widths[-1], 3, padding=1)
        self.decoder = Decoder(config.fine, config.widths, **shape)  # type: ignore[arg-type]
        self.last = nn.Sequential(activation("silu"), nn.Conv2d(config.fine, config.channels, 3, padding=1))
        self.flow = Flow(config.flow_config())
        self.places = config.places

    @property
    def num_latents(self) -> int:
        return self.config.code * self.places[0] * self.places[1]

    @property
    def sampling(self) -> dict[str, Any]:  # type: ignore[override]
        """As a flow of pictures, with guidance; see docs/experiments.md."""
        return self.flow.sampling | {"guidance": 2.0 if self.config.classes else 1.0}

    @property
    def inputs(self) -> tuple[Input, ...]:
        known, noisy = (Input(name, kind="latent", channels=self.num_latents) for name in ("z_in", "z_t"))
        x, t = Input("x", channels=self.config.channels), Input("t", kind="time", channels=1)
        return x, known, noisy, t, *self.label_port()

    @property
    def outputs(self) -> tuple[Output, ...]:
        z, v = (Output(name, kind="latent", channels=self.num_latents) for name in ("z", "v"))
        return z, Output("x_hat", channels=self.config.channels), v

    @property
    def entries(self) -> dict[str, Entry]:
        told = tuple(port.name for port in self.inputs[2:])
        return {
            "encode": Entry(("x",), ("z",)),
            "decode": Entry(("z_in",), ("x_hat",)),
            "velocity": Entry(told, ("v",)),
        }

    def encode(self, x: Tensor) -> Tensor:
        return self.on_sphere(self.to_code(self.encoder(2 * x - 1))).flatten(1)

    def decode(self, z_in: Tensor) -> Tensor:
        known = self.from_code(self.on_sphere(z_in.unflatten(1, (self.config.code, *self.places))))
        x = torch.tanh(self.last(self.decoder(known)).float()) / 2 + 0.5
        if x.shape[1] != 4:
            return x
        return torch.cat([x[:, :3] * x[:, 3:], x[:, 3:]], dim=1)  # colour is multiplied by its alpha

    def velocity(self, z_t: Tensor, t: Tensor, label: Tensor | None = None) -> Tensor:
        return self.flow(z_t.unflatten(1, (self.config.code, *self.places)), t, label).flatten(1)

    @staticmethod
    def on_sphere(code: Tensor) -> Tensor:
        """The code `b c h w` with mean square 1 at every place."""
        return F.normalize(code.float(), dim=1) * code.shape[1] ** 0.5

    def forward(  # type: ignore[override]
        self, x: Tensor, z_in: Tensor, z_t: Tensor, t: Tensor, label: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        return self.encode(x), self.decode(z_in), self.velocity(z_t, t, label)
