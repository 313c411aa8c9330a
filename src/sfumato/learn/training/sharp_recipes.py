"""How a restorer that was trained for fidelity goes on to make up details."""

import dataclasses

from .config import TrainConfig


def sharp(faithful: TrainConfig) -> TrainConfig:
    """The recipe by which what was trained for fidelity goes on to look sharp."""
    return dataclasses.replace(
        faithful,
        name=f"{faithful.name}-sharp",
        objective="sharpening",
        loss="l1",
        optimizer="adamw",
        beta1=0.0,
        patch=128,
        lr=5e-4,
        seconds=3600,
        validate_every=600,
    )
