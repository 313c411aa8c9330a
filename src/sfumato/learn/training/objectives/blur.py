"""The kernel of a blur as one of many classes, neighbours of the true one being nearly right."""

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import Dataset

from sfumato.estimation.blur import SHARP, KernelClasses, side_by_side, textured_windows

from ...data.patches import DegradedPatches
from ...data.seeds import sample_seed
from ...data.store import PictureStore
from ...degradations.degradation import in_8_bits
from ...degradations.mixtures import DEGRADATIONS
from ...networks.network import Network
from ..config import TrainConfig
from .objective import Validation
from .restoration import Degraded, centre_crops

SOFT = 0.35  # pixels by which the ends of a path, or the rim of a disc, may be off and be nearly right
SHARPEST = {"length": 1.3, "radius": 0.6, "width": 0.5}  # what is less is called sharp
EDGE = 16  # pixels at the ends of a patch, which were blurred with its mirror image
DRAWS = 4  # of each held-out picture


class BlurKernel(Degraded):
    """An estimator maps the windows of a blurred patch to the probability of each kernel: cross-entropy.

    Validated by it, and by the motions of 4 to 12 pixels whose length is right within 1 pixel and angle within 10
    degrees.
    """

    exported = "estimator"

    def __init__(self, config: TrainConfig) -> None:
        super().__init__(config)
        network = self.networks[self.exported]
        assert isinstance(network, Network)
        self.classes = network.classes

    def dataset(self, store: PictureStore) -> Dataset:
        config = self.config
        patches = DegradedPatches(
            store, DEGRADATIONS[config.degradation], patch=config.patch, seed=config.seed, shrink=config.shrink
        )
        return BlurredWindows(patches, self.classes)

    def losses(self, player: str, networks: dict[str, nn.Module], batch: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"cross_entropy": F.cross_entropy(networks[player].logits(batch["y"]), batch["target"])}  # type: ignore[operator]

    @torch.no_grad()
    def validate(self, network: nn.Module, held_out: PictureStore, *, seen: bool = False) -> Validation:
        device = next(network.parameters()).device
        kernels = KernelClasses(self.classes)
        losses, shown = [], []
        right: list[bool] = []
        for number, x in enumerate(centre_crops(held_out, self.config.patch, multiple=16)):
            for draw in range(DRAWS):
                seed = sample_seed(self.config.seed, f"{number} {draw}")
                found = DEGRADATIONS[self.config.degradation](x, torch.Generator().manual_seed(seed))
                y, target = sample(found.y, found.parameters, self.classes)
                logits = network.logits(y[None].to(device)).cpu()  # type: ignore[operator]
                losses.append(float(F.cross_entropy(logits, target[None])))
                if 4 <= found.parameters.get("length", 0) <= 12:
                    blur = kernels.likeliest(torch.softmax(logits, 1)[0].numpy())
                    right.append(blur.kind == "motion" and is_right(blur.size, blur.angle, found.parameters))
            if number < 8:
                shown.append(torch.stack([found.x, found.y]))
        figures = {"cross_entropy": float(np.mean(losses)), "motions_right": float(np.mean(right or [False]))}
        return Validation(figures, -figures["cross_entropy"], torch.stack(shown).clamp(0, 1))


class BlurredWindows(Dataset):
    """Sample `index`: the most textured windows of a degraded patch, y `3 256 256`, and the target, `n`."""

    def __init__(self, patches: DegradedPatches, classes: tuple[str, ...]) -> None:
        self.patches, self.classes = patches, classes

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        degraded = self.patches.degraded(index)
        y, target = sample(degraded.y, degraded.parameters, self.classes)
        return {"y": y, "target": target}


def sample(y: Tensor, parameters: dict[str, Any], classes: tuple[str, ...]) -> tuple[Tensor, Tensor]:
    """What the network is shown of y `c h w`, and the probability of each class, of what was done to it."""
    inside = in_8_bits(y)[:, EDGE:-EDGE, EDGE:-EDGE]
    shown = side_by_side(textured_windows(inside.permute(1, 2, 0).numpy()))
    return torch.from_numpy(shown).permute(2, 0, 1), torch.from_numpy(target_of(parameters, classes))


def target_of(parameters: dict[str, Any], classes: tuple[str, ...]) -> np.ndarray:
    """The probability (n) of each class: neighbours of the true kernel by how far they are from it."""
    name = next((name for name, least in SHARPEST.items() if parameters.get(name, 0) > least), "")
    if not name:
        return np.array([own == SHARP for own in classes], np.float32)
    size = float(parameters[name])
    kernels = KernelClasses(classes)
    if name == "length":
        apart = kernels.paths_apart(size, math.degrees(parameters["angle"])) / (SOFT * max(1, size / 8))
    else:
        apart = kernels.sizes_apart("disc" if name == "radius" else "gaussian", size) / SOFT
    chances = np.exp(-0.5 * (np.square(apart) - np.square(apart.min())))
    return (chances / chances.sum()).astype(np.float32)


def is_right(length: float, angle: float, parameters: dict[str, Any]) -> bool:
    """Whether length (pixels) and angle (degrees) are those of a motion, within 1 pixel and 10 degrees."""
    off = abs((angle - math.degrees(parameters["angle"]) + 90) % 180 - 90)
    return abs(length - parameters["length"]) <= 1 and off <= 10
