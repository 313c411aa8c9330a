"""Recipes of networks that say what was done to a picture."""

import dataclasses

from .config import TrainConfig


def noise_level() -> TrainConfig:
    """The estimator behind `--noise auto`."""
    return TrainConfig(
        name="noise-level",
        family="noise-net",
        objective="level",
        degradation="noise-level",
        val_protocols=(
            "clean",
            "camera",
            "gaussian:5",
            "gaussian:15",
            "gaussian:25",
            "gaussian:50",
            "grey:5",
            "correlated-jpeg85:15",
            "blotchy:12",
        ),
        seconds=30 * 60,
        batch=16,
        patch=64,
        shrink=3.0,
        lr=2e-3,
        validate_every=60,
        save_every=60,
    )


def jpeg_quality() -> TrainConfig:
    """Estimates how far a picture was compressed, which `dejpeg` takes as input."""
    return dataclasses.replace(
        noise_level(),
        name="jpeg-quality",
        model={"task": "jpeg-quality"},
        degradation="jpeg-quality",
        shrink=1.0,
        val_protocols=(
            "jpeg-grey:10",
            "jpeg:20",
            "jpeg:40",
            "jpeg-twice:40",
            "jpeg-444:80",
            "jpeg:95",
            "webp:40",
            "avif:40",
            "soft",
        ),
    )


def blur_kernel() -> TrainConfig:
    """The estimator behind `--kernel auto`: a hand's motion, a missed focus, a soft lens, or none of them."""
    names = dict.fromkeys(("name", "objective", "degradation"), "blur-kernel")
    config = dataclasses.replace(noise_level(), **names, family="blur-net")  # type: ignore[arg-type]
    return dataclasses.replace(config, seconds=25 * 60, batch=32, patch=224, lr=1e-3, validate_every=120)
