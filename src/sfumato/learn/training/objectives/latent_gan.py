"""A GAN in the codes of an autoencoder: first the autoencoder is trained, then, with it at rest, the game is played."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from sfumato.errors import UsageError

from ...data.store import PictureStore
from ...networks.gan import GanDiscriminator
from ...networks.latent_gan import LatentGan
from ..config import TrainConfig
from .adversarial import Adversarial, AdversarialOptions
from .coding import JUDGED, Coding, CodingOptions
from .objective import Validation


@dataclass(frozen=True, kw_only=True)
class LatentGanOptions(CodingOptions, AdversarialOptions):
    """Those of the autoencoder and of the game; gamma 0 is h * w / 128 of the codes, whose augmentation is no colour's.

    Both sides see codes with the noise that the decoder forgives: what differs below it does not count.
    """

    def __post_init__(self) -> None:
        CodingOptions.__post_init__(self)
        AdversarialOptions.__post_init__(self)
        if "colour" in self.augment:
            raise UsageError("options: augment: codes have no colour; translation and cutout can be chosen.")


class LatentAdversarial(Coding, Adversarial):
    exported = "generator"
    options_class = LatentGanOptions
    options: LatentGanOptions
    network: LatentGan

    def __init__(self, config: TrainConfig) -> None:
        super().__init__(config)
        self.encoded: tuple[Tensor, Tensor] | None = None  # the last pictures, which both sides are shown, as codes

    def discriminator(self) -> nn.Module:
        return GanDiscriminator(self.network.config.gan_config())

    def sides(self) -> tuple[int, int]:
        return self.network.config.places

    def by_adam(self, player: str) -> tuple[str, ...]:
        """Both sides of the game, which momentum would unsettle; Muon is for the autoencoder."""
        return ("",) if player != self.exported else ("body.", "label.")

    def losses(self, player: str, networks: dict[str, nn.Module], batch: dict[str, Tensor]) -> dict[str, Tensor]:
        if not self.coding:
            return super().losses(player, networks, batch)
        return self.coded(networks[player], batch["x"]) if player == self.exported else {}

    @torch.no_grad()
    def shown(self, x: Tensor) -> Tensor:
        if self.encoded is None or self.encoded[0] is not x:
            self.encoded = x, self.network.as_map(self.network.encode(x))
        return self._seen(self.encoded[1])

    def made(self, generator: nn.Module, z: Tensor, label: Tensor | None) -> Tensor:
        return self._seen(generator.drawn_code(z, label))  # type: ignore[operator]

    def _seen(self, code: Tensor) -> Tensor:
        """In the range that a discriminator of pictures has, about 0 to 1."""
        return (self.blurred(code) + 1) / 2

    @torch.no_grad()
    def validate(self, network: nn.Module, held_out: PictureStore, *, seen: bool = False) -> Validation:
        """PSNR of the reconstruction; then the samples."""
        _, coded = self.reconstructed(network, held_out.sample(JUDGED), seen=seen)
        if self.coding:
            return coded
        judged = self.judged_by_samples(network, seen=seen)
        return replace(judged, figures=coded.figures | judged.figures)
