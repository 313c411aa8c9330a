"""What a model file can do to a picture, by the role that its card gives it."""

from collections.abc import Iterable, Iterator

from ..errors import ModelError
from ..estimation.noise import NoiseCurve, with_level_map
from ..models.card import Card
from ..models.engine import Engine
from ..tiling.strips import Rows

LEVELS = ("sigma", "compression")  # kinds of inputs that say how much was done to the picture
RESTORING = ("restorer", "recurrent", "upscaler", "inpainter", "finder", "retoner", "colorizer", "flow")
# An ensemble over positions is for models that neither invent nor retone.
WITH_ENSEMBLE = ("restorer", "upscaler")


def is_coded(card: Card) -> bool:
    """Whether it is a flow of codes with encoder and decoder, which enlarges small pictures of what it knows."""
    return card.role == "generator" and {"encode", "decode", "velocity"} <= card.entries.keys() and bool(card.size)


def restores(card: Card) -> bool:
    """Whether a model restores pictures; flows of codes with an encoder enlarge what they know."""
    return card.restoring.role in RESTORING or is_coded(card)


def check_restores(card: Card) -> None:
    """Raise ModelError for a model that restores no pictures."""
    if restores(card):
        return
    if card.role == "generator":
        raise ModelError(
            f"{card.name!r} (family {card.family!r}) generates pictures and restores none: `sfumato generate` is "
            "for it; of the generators, flows restore too."
        )
    raise ModelError(
        f"{card.name!r} (task {card.task!r}) is no restorer: that takes a colour picture and perhaps a noise "
        "level, and gives a picture of the same size, or enlarges it; `sfumato models` lists those that do."
    )


def level_of(card: Card) -> str:
    """The kind of level that the model takes beside the picture, "" for none; a flow takes the noise level."""
    if card.role == "flow":
        return "sigma"
    return next((port.kind for port in card.inputs if port.kind in LEVELS), "")


def with_levels(strips: Iterable[Rows], engine: Engine, level: NoiseCurve | None) -> Iterator[Rows]:
    """Strips (r, w, c), each with its level map as one more channel where the model takes a level."""
    if level is None:
        return iter(strips)
    limits = next((port.range for port in engine.card.inputs if port.kind in LEVELS), (0.0, 1.0))
    return with_level_map(strips, level, limits)
