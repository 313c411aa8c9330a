"""Recipes of what restores clips: frame after frame, with a state that is carried along."""

import dataclasses

from .config import TrainConfig


def for_video(of_pictures: TrainConfig) -> TrainConfig:
    """The recipe by which a restorer of single pictures becomes one of clips."""
    return dataclasses.replace(
        of_pictures,
        name="denoise-video",
        family="recurrent-unet",
        model={"widths": (32, 64, 112), "blocks": (1, 1, 4)},
        objective="video",
        degradation="video",
        val_protocols=("gaussian:30", "gaussian:50", "camera", "blotchy:12"),
        batch=4,
        patch=112,
    )


def fast_for_video(whole: TrainConfig) -> TrainConfig:
    """The same in a narrower network with fewer blocks, which remembers less."""
    model = {"widths": (24, 48, 80), "blocks": (1, 1, 2), "memory": 12}
    return dataclasses.replace(whole, name=f"{whole.name}-fast", model=model)


def for_files_of_video(of_noise: TrainConfig) -> TrainConfig:
    """The same network on what encoders of video do to frames that have no noise."""
    return dataclasses.replace(
        of_noise,
        name="dejpeg-video",
        model=of_noise.model | {"task": "dejpeg"},
        degradation="files-of-video",
        val_protocols=("h264:28", "h264:35", "h264:40"),
    )
