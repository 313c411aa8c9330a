"""A colourizer: the chroma of photographs as a distribution, and what of it becomes a colour."""

import itertools
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import Dataset

from sfumato.errors import TrainingError, UsageError
from sfumato.pictures.channels import CHROMA_IN_RGB

from ...catalog import configured, create
from ...data.store import PictureStore
from ...data.views import ColourViews, fitted_view, split_colour
from ...layers.bins import NUM_BINS, bins_of
from ...losses.chroma import chroma_cross_entropy
from ...networks.colour_net import REDUCED, ColourNet
from ..config import TrainConfig
from .objective import Objective, Validation

SHORTER = 192  # pixels of the shorter side of a picture that is validated
COLOURLESS = 0.008  # mean distance from grey below which a photograph counts as grey
SHARPNESSES = (1.0, 1.5, 2.0, 3.0, 4.0)
RARITIES = (0.0, 0.3, 0.6)
SATURATIONS = tuple(1 + 0.05 * i for i in range(21))


@dataclass(frozen=True, kw_only=True)
class ColouringOptions:
    """colourfulness: of the truth's, how much pictures shall have; how they are coloured is chosen by it."""

    colourfulness: float = 0.87

    def __post_init__(self) -> None:
        if not 0 < self.colourfulness <= 1.5:
            raise UsageError("options: colourfulness is more than 0 and at most 1.5.")


class Colouring(Objective):
    """Cross-entropy over bins of chroma; validated by it and by the PSNR in chroma, beside that of grey."""

    exported = "colorizer"

    def __init__(self, config: TrainConfig) -> None:
        if config.patch % 32:
            raise UsageError(f"{config.name}: patch must be a multiple of 32, not {config.patch}.")
        network = create(config.family, config.model)
        if not isinstance(network, ColourNet):
            raise UsageError(f"{config.name}: the objective colouring goes with the family colour-net.")
        self.networks = {self.exported: network}
        self.config = config
        self.options = configured(ColouringOptions, config.options, f"options of {config.name}")
        self.compared: PictureStore | None = None

    def chosen(self, store: PictureStore) -> PictureStore:
        coloured = [i for i in range(len(store)) if _distance_from_grey(store, i) > COLOURLESS]
        if not coloured:
            raise TrainingError(f"{self.config.data} holds no colour photographs; a colourizer learns from colours.")
        return store.take(coloured)

    def dataset(self, store: PictureStore) -> Dataset:
        return ColourViews(store, size=self.config.patch, seed=self.config.seed)

    def begin(self, store: PictureStore, held_out: PictureStore | None, device: object) -> None:
        """How often each colour is seen, from one view of each of some pictures."""
        self.compared = held_out or store.sample(self.held_out)
        counts = torch.ones(NUM_BINS)
        for number in range(0, len(store), max(len(store) // 300, 1)):
            _, chroma = split_colour(fitted_view(store[number], (64, 64)))
            numbers, shares = bins_of(chroma[None])
            counts.index_add_(0, numbers.flatten(), shares.flatten())
        self.log_prior = (counts / counts.sum()).log()
        network = self.networks[self.exported]
        assert isinstance(network, ColourNet)
        network.begin_at(self.log_prior)

    def losses(self, player: str, networks: dict[str, nn.Module], batch: dict[str, Tensor]) -> dict[str, Tensor]:
        logits = networks[player].logits(batch["luma"], batch["hints"])  # type: ignore[operator]
        return {"cross_entropy": chroma_cross_entropy(logits, F.avg_pool2d(batch["chroma"], REDUCED))}

    @torch.no_grad()
    def finish(self, network: nn.Module, store: PictureStore) -> None:
        """Sharpness, rarity and saturation of the best PSNR among those that leave the pictures colourful enough."""
        assert isinstance(network, ColourNet)
        assert self.compared is not None
        network.log_prior.copy_(self.log_prior)
        views = [self._coarse(network, x) for x in _views(self.compared)]
        best: tuple[tuple[bool, float], tuple[float, float, float]] | None = None
        for sharpness, rarity in itertools.product(SHARPNESSES, RARITIES):
            network.sharpness.fill_(sharpness)
            network.rarity.fill_(rarity)
            network.saturation.fill_(1.0)
            found = [(luma, chroma, network.chroma(logits)[0]) for luma, chroma, logits in views]
            for saturation in SATURATIONS:
                figures = _compared([(luma, chroma, saturation * own) for luma, chroma, own in found])
                enough = figures["colourfulness"] >= self.options.colourfulness
                rank = (enough, figures["psnr_gain"] if enough else figures["colourfulness"])
                if best is None or rank > best[0]:
                    best = rank, (sharpness, rarity, saturation)
        assert best is not None
        for name, value in zip(("sharpness", "rarity", "saturation"), best[1], strict=True):
            getattr(network, name).fill_(value)

    def _coarse(self, network: ColourNet, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Luma, chroma and logits of a picture `3 h w`, all at the resolution of the logits."""
        luma, chroma = (F.avg_pool2d(part, REDUCED) for part in split_colour(x))
        return luma, chroma, self._logits(network, x)

    def _logits(self, network: ColourNet, x: Tensor) -> Tensor:
        luma, _ = split_colour(x)
        return network.logits(luma[None], torch.zeros_like(luma[None]).repeat(1, 3, 1, 1))

    @torch.no_grad()
    def validate(self, network: nn.Module, held_out: PictureStore, *, seen: bool = False) -> Validation:
        assert isinstance(network, ColourNet)
        views, losses = [], []
        shown: list[Tensor] = []
        for x in _views(held_out):
            luma, chroma = split_colour(x)
            logits = self._logits(network, x)
            losses.append(float(chroma_cross_entropy(logits, F.avg_pool2d(chroma[None], REDUCED))))
            found = _enlarged(network.chroma(logits), luma)[0]
            views.append((luma, chroma, found))
            if len(shown) < 12:
                parts = (luma.expand_as(x), in_rgb(luma, found), x)
                shown.append(torch.stack([part[:, :SHORTER, :SHORTER] for part in parts]))
        figures = {"cross_entropy": sum(losses) / len(losses)} | _compared(views)
        return Validation(figures, -figures["cross_entropy"], torch.stack(shown))


def _distance_from_grey(store: PictureStore, number: int) -> float:
    picture = store[number][::8, ::8]
    _, chroma = split_colour(torch.from_numpy(picture.copy()).permute(2, 0, 1).float() / 255)
    return float(chroma.norm(dim=0).mean())


def _views(store: PictureStore) -> list[Tensor]:
    """Every picture as `3 h w`, its shorter side SHORTER pixels, the longer cut to a multiple of 32."""
    views = []
    for number in range(len(store)):
        height, width = store.shapes[number][:2]
        factor = SHORTER / min(height, width)
        size = [max(32 * round(factor * length / 32), 32) for length in (height, width)]
        views.append(fitted_view(store[number], (size[0], size[1])))
    return views


def _compared(views: list[tuple[Tensor, Tensor, Tensor]]) -> dict[str, float]:
    """Of luma, chroma and predicted chroma: how far these are from the truth.

    psnr_gain: dB in chroma above that of grey, the mean over pictures; colourfulness: as a share of the truth's.
    """
    gains, own, real = [], [], []
    for luma, chroma, found in views:
        errors = [float((part - chroma).square().mean().clamp(min=1e-8).log10()) for part in (found, 0 * found)]
        gains.append(10 * (errors[1] - errors[0]))
        own.append(colourfulness(in_rgb(luma, found)))
        real.append(colourfulness(in_rgb(luma, chroma)))
    return {"psnr_gain": sum(gains) / len(gains), "colourfulness": sum(own) / max(sum(real), 1e-6)}


def _enlarged(chroma: Tensor, luma: Tensor) -> Tensor:
    return F.interpolate(chroma, size=luma.shape[-2:], mode="bilinear")


def in_rgb(luma: Tensor, chroma: Tensor) -> Tensor:
    """luma `1 h w` and chroma `2 h w` as RGB `3 h w`, clipped."""
    return (luma + torch.einsum("ck,khw->chw", torch.tensor(CHROMA_IN_RGB), chroma)).clamp(0, 1)


def colourfulness(x: Tensor) -> float:
    """M of Hasler and Suesstrunk (2003, doi:10.1117/12.477378) of RGB `3 h w` in [0, 1], counted in 0-255 units."""
    red, green, blue = 255 * x
    opponents = torch.stack([red - green, (red + green) / 2 - blue])
    spread, mean = opponents.std((1, 2), correction=0), opponents.mean((1, 2))
    return float(spread.norm() + 0.3 * mean.norm())
