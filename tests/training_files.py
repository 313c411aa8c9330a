"""Small folders of pictures to train on, drawn here, and a configuration that trains in seconds."""

from pathlib import Path
from typing import Any

import numpy as np
import pyvips

from sfumato.learn.training.config import TrainConfig


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
        "precision": "fp32",
        "threads": 1,
        "validate_every": 5,
        "save_every": 5,
        "log_every": 4,
    }
    return TrainConfig(**(values | changes))
