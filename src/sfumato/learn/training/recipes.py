"""Named recipes: each a function that returns the `TrainConfig` it stands for. `sfumato train NAME` takes them."""

from collections.abc import Callable

from .config import TrainConfig


def denoise_fast() -> TrainConfig:
    """The default denoiser: under 2 GMACs for a 256x256 picture, for two cores."""
    return TrainConfig(
        name="denoise-fast",
        family="plain-unet",
        model={"widths": (32, 64, 112), "blocks": (1, 1, 2)},
        seconds=2 * 3600,
        batch=8,
        patch=96,
        lr=1e-3,
        loss="log_mse",
        validate_every=300,
        save_every=120,
    )


def denoise_best() -> TrainConfig:
    """The denoiser for those who wait: four times the work of `denoise-fast`."""
    return TrainConfig(
        name="denoise-best",
        family="plain-unet",
        model={"widths": (48, 96, 192), "blocks": (2, 2, 2)},
        seconds=4 * 3600,
        batch=8,
        patch=96,
        lr=1e-3,
        loss="log_mse",
        validate_every=600,
        save_every=120,
    )


def noise_level() -> TrainConfig:
    """The estimator behind `--noise auto`."""
    return TrainConfig(
        name="noise-level",
        family="noise-net",
        objective="noise-level",
        degradation="noise-level",
        val_sigmas=(0.0, 5.0, 15.0, 25.0, 50.0),
        seconds=30 * 60,
        batch=16,
        patch=64,
        lr=2e-3,
        validate_every=60,
        save_every=60,
    )


RECIPES: dict[str, Callable[[], TrainConfig]] = {
    "denoise-fast": denoise_fast,
    "denoise-best": denoise_best,
    "noise-level": noise_level,
}
