"""Recipes of what learns from pairs: grey and colour, label map and picture, one picture and another."""

import dataclasses

from .config import TrainConfig


def colorize() -> TrainConfig:
    """Colours for grey photographs, invented but likely, and the user's own where they are given as hints."""
    return TrainConfig(
        name="colorize",
        family="colour-net",
        objective="colouring",
        seconds=60 * 60,
        batch=16,
        patch=160,
        lr=8e-4,
        optimizer="muon",
        validate_every=300,
        save_every=120,
    )


def layout() -> TrainConfig:
    """Pictures of label maps, or of other pictures of the same name (after arXiv:1903.07291, arXiv:1711.11585)."""
    return TrainConfig(
        name="layout",
        family="layout-gan",
        objective="paired",
        model={"size": (128, 128)},
        seconds=2 * 3600,
        batch=4,
        lr=4e-4,
        beta1=0.0,
        beta2=0.99,
        flips=True,
        ema=0.05,
        validate_every=300,
        save_every=120,
    )


def pix2pix() -> TrainConfig:
    """The same as pix2pix has it (arXiv:1611.07004): U-Net, one discriminator of patches, absolute error times 100."""
    options = {"loss": "bce", "scales": 1, "features": 0.0, "perceptual": 0.0, "l1": 100.0}
    return dataclasses.replace(
        layout(), name="pix2pix", family="pix2pix", lr=2e-4, beta1=0.5, beta2=0.999, options=options
    )
