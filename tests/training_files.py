"""Small folders of pictures to train on, drawn here, a configuration that trains in seconds, and its first step."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
import torch
from safetensors.torch import load_file
from torch import Tensor

from sfumato.learn.training.config import TrainConfig
from sfumato.learn.training.listeners import Listener
from sfumato.learn.training.objectives import objective_for
from sfumato.learn.training.stores import batches_of, stores
from sfumato.learn.training.trainer import train

# Objectives that learn from damaged pictures, and those that learn from pairs, which have tests and data of their own.
DEGRADED = ("restoration", "sharpening", "level", "segmentation", "video", "blur-kernel", "colouring")
PAIRED = ("paired", "answering")
precisions = pytest.mark.parametrize("precision", ["fp32", "bf16"])


def draw_picture(seed: int, height: int, width: int, channels: int = 3) -> np.ndarray:
    """Smooth colour with edges and texture, uint8 `h w channels`."""
    draw = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    picture = np.zeros((height, width, channels), np.float32)
    for channel in range(channels):
        fy, fx, phase = draw.uniform(0.01, 0.15, 3)
        picture[..., channel] = 0.5 + 0.3 * np.sin(fy * rows + fx * columns + 40 * phase)
    for _ in range(6):
        top, left = draw.integers(0, height), draw.integers(0, width)
        picture[top : top + height // 3, left : left + width // 3] = draw.uniform(0, 1, channels)
    picture[:, : width // 4] += 0.2 * ((rows + columns)[:, : width // 4, None] % 4 < 2)
    return (picture.clip(0, 1) * 255).round().astype(np.uint8)


def picture_folder(folder: Path, count: int = 6) -> Path:
    """A folder with `count` PNG and JPEG pictures of mixed sizes, one of them grey, one of them transparent."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        channels = {1: 1, 2: 4}.get(number, 3)
        pixels = draw_picture(number, 60 + 13 * number, 90 - 7 * number, channels)
        name = f"{number}.jpg" if number >= 3 else f"{number}.png"
        pyvips.Image.new_from_array(pixels).write_to_file(str(folder / name))
    return folder


def tiny_config(data: Path, **changes: Any) -> TrainConfig:
    """A plain U-Net of two narrow levels, 12 steps of 4 patches, validated and saved every 5."""
    values: dict[str, Any] = {
        "name": "tiny",
        "family": "plain-unet",
        "model": {"widths": (8, 12), "blocks": (1, 1)},
        "data": str(data),
        "steps": 12,
        "batch": 4,
        "patch": 32,
        "threads": 1,
        "validate_every": 5,
        "save_every": 5,
        "log_every": 4,
    }
    return TrainConfig(**(values | changes))


def assert_precisions_agree(config: TrainConfig, *, fraction: float = 0.0) -> None:
    """The first step of a run learns in bfloat16 what it learns in float32: losses, and gradients of the same weights.

    fraction: of the run that is done, for objectives that learn something else later on.
    """
    full, half = (_first_step(config, fraction, dtype) for dtype in (torch.float32, torch.bfloat16))
    assert full.keys() == half.keys()
    for player, (losses, gradients) in full.items():
        others, rounded = half[player]
        assert {name: value.dtype for name, value in others.items()} == dict.fromkeys(losses, torch.float32), player
        for name, value in losses.items():
            assert others[name].item() == pytest.approx(value.item(), rel=0.02, abs=1e-3), f"{player}: {name}"
        assert gradients.keys() == rounded.keys()
        assert all(value.dtype == torch.float32 for value in rounded.values())
        if gradients:
            one, other = (torch.cat([found[name].flatten() for name in gradients]) for found in (gradients, rounded))
            assert torch.cosine_similarity(one, other, dim=0) > 0.99, player
            assert other.norm().item() == pytest.approx(one.norm().item(), rel=0.05), player


def assert_goes_on_to_the_bit(config: TrainConfig, folder: Path) -> None:
    """A run that is cut off after its third step and gone on with ends in the state of one that was not."""
    whole, cut = folder / "whole", folder / "cut"
    train(config, whole)

    class PowerCut(Listener):
        def logged(self, record: dict[str, Any]) -> None:
            if record["step"] == 3:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config, cut, listeners=[PowerCut()])
    train(config, cut, resume=True)
    one, other = (load_file(next(run.glob("state-*.safetensors"))) for run in (whole, cut))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[key], other[key]) for key in one)
    weights = [value for name, value in one.items() if name.startswith(("network/", "average/", "optimizer/"))]
    assert not [value for value in weights if value.is_floating_point() and value.dtype != torch.float32]


def _first_step(
    config: TrainConfig, fraction: float, dtype: torch.dtype
) -> dict[str, tuple[dict[str, Tensor], dict[str, Tensor]]]:
    """Losses by name and gradients by parameter of each network, all of them new and by the same seed."""
    cpu = torch.device("cpu")
    torch.manual_seed(config.seed)
    objective = objective_for(config)
    store, _ = stores(config, objective)
    objective.begin(store, None, cpu)
    objective.fraction = fraction
    samples, layout = objective.dataset(store), torch.contiguous_format
    batch = next(batches_of(samples, config, 0, device=cpu, layout=layout, rank=0, processes=1))
    found = {}
    for player, network in objective.networks.items():
        torch.manual_seed(config.seed)
        network.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype is torch.bfloat16):
            losses = objective.losses(player, objective.networks, batch)
        if terms := [value for name, value in losses.items() if not name.startswith("_")]:
            sum(terms).backward()
        gradients = {name: p.grad for name, p in network.named_parameters() if p.grad is not None}
        found[player] = {name: value.detach() for name, value in losses.items()}, gradients
    return found
