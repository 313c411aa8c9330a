"""A convolutional autoencoder whose codes are maps: what flows and GANs that generate codes instead of pixels stand on.

It knows what surfaces and edges look like; the codes that are generated say what goes where (latent diffusion,
arXiv:2112.10752). The codes are a few numbers at a fraction of the resolution. At each place they are a vector of fixed
length, so that noise has a meaning and generated codes lie where the decoder was trained (the sphere of
arXiv:1804.00891, place by place).
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sfumato.errors import UsageError
from sfumato.models.card import Entry, Input, Output

from ..layers.activation import activation
from ..layers.pyramid import Decoder, Encoder, coarsest
from .generator import Generator, GeneratorConfig


@dataclass(frozen=True, kw_only=True)
class CodedConfig(GeneratorConfig):
    """The autoencoder: `widths[i]` channels and `blocks` residual blocks at 1/2**i of the resolution that patches of
    patch x patch pixels leave, `fine` channels of a last convolution at full resolution, `code` numbers at each place.
    """

    code: int = 24
    widths: tuple[int, ...] = (48, 96, 160)
    blocks: int = 1
    patch: int = 2
    fine: int = 24

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.code - 1, self.fine, self.blocks) < 1:
            raise UsageError("code must be at least 2, fine and blocks at least 1.")
        coarsest(self.size, self.widths, "codes", self.patch)

    @property
    def places(self) -> tuple[int, int]:
        """Height and width of the codes."""
        return coarsest(self.size, self.widths, "codes", self.patch)

    def check_halves(self, times: int, owner: str) -> None:
        """Raises UsageError where the codes do not halve so often."""
        if any(length % 2**times for length in self.places):
            raise UsageError(
                f"{owner}: codes of {'x'.join(map(str, self.places))} do not halve {times} times; take another size, "
                "or fewer widths of either part."
            )


class Coded(Generator):
    """x `b channels h w` in [0, 1] -> z `b k`; z_in -> x_hat. k counts the numbers of all places, channels first."""

    config: CodedConfig

    def __init__(self, config: CodedConfig) -> None:
        super().__init__()
        self.config = config
        shape = {"blocks": config.blocks, "patch": config.patch, "act": "silu"}
        self.encoder = Encoder(config.channels, config.widths, **shape)  # type: ignore[arg-type]
        self.to_code = nn.Conv2d(config.widths[-1], config.code, 1)
        self.from_code = nn.Conv2d(config.code, config.widths[-1], 3, padding=1)
        self.decoder = Decoder(config.fine, config.widths, **shape)  # type: ignore[arg-type]
        self.last = nn.Sequential(activation("silu"), nn.Conv2d(config.fine, config.channels, 3, padding=1))

    @property
    def num_latents(self) -> int:
        return self.config.code * self.config.places[0] * self.config.places[1]

    @property
    def inputs(self) -> tuple[Input, ...]:
        return Input("x", channels=self.config.channels), Input("z_in", kind="latent", channels=self.num_latents)

    @property
    def outputs(self) -> tuple[Output, ...]:
        return Output("z", kind="latent", channels=self.num_latents), Output("x_hat", channels=self.config.channels)

    @property
    def entries(self) -> dict[str, Entry]:
        return {"encode": Entry(("x",), ("z",)), "decode": Entry(("z_in",), ("x_hat",))}

    def encode(self, x: Tensor) -> Tensor:
        return on_sphere(self.to_code(self.encoder(2 * x - 1))).flatten(1)

    def decode(self, z_in: Tensor) -> Tensor:
        known = self.from_code(on_sphere(self.as_map(z_in)))
        x = torch.tanh(self.last(self.decoder(known)).float()) / 2 + 0.5
        if x.shape[1] != 4:
            return x
        return torch.cat([x[:, :3] * x[:, 3:], x[:, 3:]], dim=1)  # colour is multiplied by its alpha

    def as_map(self, z: Tensor) -> Tensor:
        """Codes `b k` as `b code h w`."""
        return z.unflatten(1, (self.config.code, *self.config.places))


def on_sphere(code: Tensor) -> Tensor:
    """The code `b c h w` with mean square 1 at every place."""
    return F.normalize(code.float(), dim=1) * code.shape[1] ** 0.5
