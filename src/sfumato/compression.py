"""How far a picture was compressed: JPEG quality, and the scale of quantization steps that a network is told."""

MAX_SCALE = 1.0  # quality 5; below it pictures are ruins


def scale(quality: float) -> float:
    """Quality 1-100 -> the steps of its quantization tables over ten times those of quality 50: 0.5 at 10, 0 at 100.

    The rounding errors of a JPEG grow with the steps as those of noise do with sigma; quality itself is no measure.
    """
    return (5000 / quality if quality < 50 else 200 - 2 * quality) / 1000


def quality(scale: float) -> float:
    """The inverse: the quality, 1-100, whose tables have this scale."""
    steps = max(1000 * scale, 0.0)
    return max(5000 / steps if steps > 100 else 100 - steps / 2, 1.0)
