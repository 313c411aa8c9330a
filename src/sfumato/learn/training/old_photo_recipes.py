"""Recipes of what mends scanned old photographs."""

from .config import TrainConfig


def scratches() -> TrainConfig:
    """The finder of scratches, dust, spots, cracks and folds on scanned old photographs: 32 kMACs a pixel."""
    return TrainConfig(
        name="scratches",
        family="segmenter",
        model={"widths": (32, 64, 112), "blocks": (1, 1, 2), "pretrained": True},
        objective="segmentation",
        degradation="scratches",
        val_protocols=("scratches",),
        seconds=60 * 60,
        batch=8,
        patch=128,
        lr=8e-4,
        optimizer="muon",
        validate_every=300,
        save_every=120,
    )


def fade() -> TrainConfig:
    """Gives faded, yellowed pictures their tones back: a small network that looks at a thumbnail."""
    return TrainConfig(
        name="fade",
        family="tone-net",
        degradation="fading",
        val_protocols=("faded",),
        seconds=30 * 60,
        batch=16,
        patch=256,
        lr=1e-3,
        loss="l1",
        validate_every=120,
        save_every=60,
    )
