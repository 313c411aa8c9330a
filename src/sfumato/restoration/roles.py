"""What kind of restorer a model file is, by what its card says that it takes and gives."""

from collections.abc import Iterable, Iterator

from ..errors import ModelError
from ..estimation.noise import NoiseCurve, with_level_map
from ..models.card import Card
from ..models.engine import Engine
from ..tiling.strips import Rows
from .tone import RETONE

LEVELS = ("sigma", "compression", "mask")  # kinds of inputs that say what was done to the picture, and how much


def tones(card: Card) -> bool:
    """Whether it changes a picture's tones as a whole."""
    return RETONE in card.entries


def level_of(card: Card) -> str:
    """The kind of level that the model is told beside the picture, "" for none; ModelError for one that is no restorer.

    A flow is told the noise level.
    """
    if is_flow(card):
        return "sigma"
    if tones(card) or card.outputs[0].kind == "mask":
        return ""
    kinds = [port.kind for port in card.inputs]
    channels = [port.channels for port in card.inputs if port.kind == "picture"]
    result = card.outputs[0]
    if (
        sorted(kinds) not in (["picture"], *(sorted(("picture", level)) for level in LEVELS))
        or (result.kind, result.channels, channels) != ("picture", 3, [3])
        or (card.scale != 1 and card.task != "upscale")
    ):
        if card.task == "generate":
            raise ModelError(
                f"{card.name!r} (family {card.family!r}) draws new pictures and restores none: `sfumato generate` is "
                "for it; of the generators, flows of pictures restore too."
            )
        raise ModelError(
            f"{card.name!r} (task {card.task!r}) is no restorer: that takes a colour picture and perhaps a noise "
            "level, and gives a picture of the same size, or enlarges it; `sfumato models` lists those that do."
        )
    return next((kind for kind in kinds if kind in LEVELS), "")


def is_flow(card: Card) -> bool:
    """Whether it is a flow of pictures, which is a denoiser too; one of codes is not."""
    moved = card.entries["velocity"].inputs if "velocity" in card.entries else ()
    return any(port.kind == "picture" and port.name in moved for port in card.inputs)


def with_levels(strips: Iterable[Rows], engine: Engine, level: NoiseCurve | None) -> Iterator[Rows]:
    """Strips (r, w, c), each with what the model is told of its level as one more channel, where it is told one."""
    if level is None:
        return iter(strips)
    limits = next((port.range for port in engine.card.inputs if port.kind in LEVELS), (0.0, 1.0))
    return with_level_map(strips, level, limits)


def takes_ensemble(card: Card) -> bool:
    """Whether what it makes of a picture in all eight positions may be averaged: it neither invents nor retones."""
    return not (is_flow(card) or tones(card) or level_of(card) == "mask" or card.outputs[0].kind == "mask")
