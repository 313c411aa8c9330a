"""The size that a result is to have: by a factor, a width, a height, or megapixels.

Upscalers enlarge by whole factors, 2 and 4. They take a picture to the size asked for or beyond it, and the result is
then reduced to exactly that size.
"""

import math

from ..errors import Option, UsageError
from ..models.card import Card
from ..pictures.picture import Picture
from .options import DEFAULT_SCALE, SIZES, RestoreOptions

Size = tuple[int, int]  # height and width
FACTORS = (2, 4, 8, 16)  # of the trained upscalers, and of one after another


def target_size(options: RestoreOptions, picture: Picture) -> Size | None:
    """Height and width that the options ask for; None where they leave the size to the models."""
    height, width = picture.height, picture.width
    if options.width is not None:
        return max(1, round(height * options.width / width)), options.width
    if options.height is not None:
        return options.height, max(1, round(width * options.height / height))
    if options.megapixels is not None:
        factor = math.sqrt(options.megapixels * 1e6 / (height * width))
    elif options.scale is not None:
        factor = options.scale
    else:
        return None
    return max(1, round(height * factor)), max(1, round(width * factor))


def enlargement(options: RestoreOptions, picture: Picture) -> float:
    """By how much the larger of the two sides' factors enlarges; DEFAULT_SCALE where no size is asked for."""
    size = target_size(options, picture)
    return DEFAULT_SCALE if size is None else max(size[0] / picture.height, size[1] / picture.width)


def whole_factor(options: RestoreOptions, picture: Picture) -> int:
    """The least factor of upscalers that leads to the size asked for; 1 where that is no larger than the picture.

    Raises UsageError for a size that none leads to.
    """
    asked = enlargement(options, picture)
    if asked <= 1:
        return 1
    factors = FACTORS[1:] if options.is_sharp else FACTORS  # models that make up details enlarge four times
    factor = next((factor for factor in factors if asked <= factor), None)
    if factor is None:
        says = f" asks for {asked:.3g} times the size; pictures are enlarged {FACTORS[-1]} times at most."
        raise UsageError(Option(_given(options)), says)
    return factor


def check_reached(options: RestoreOptions, picture: Picture, cards: list[Card]) -> None:
    """Raises UsageError where models do not enlarge a picture to the size that is asked for."""
    asked, reached = enlargement(options, picture), math.prod(card.scale for card in cards)
    if target_size(options, picture) is None or asked <= reached:
        return
    name = _given(options)
    says = f" is {options.scale:g}, but " if name == "scale" else f" asks for {asked:.3g} times the size, but "
    if reached > 1:
        names = ", ".join(card.name for card in cards if card.scale > 1)
        raise UsageError(Option(name), f"{says}{names} enlarges {reached} times: leave one of them out.")
    raise UsageError(Option(name), f"{says}nothing is enlarged: add upscale to ", Option("task"), ".")


def _given(options: RestoreOptions) -> str:
    """The option that says how large the result is to be."""
    return next(name for name in ("scale", *SIZES) if getattr(options, name) is not None)
