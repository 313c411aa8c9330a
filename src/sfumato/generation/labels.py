"""Which class each picture shows: the one that is asked for, each in turn, or one by chance."""

from collections.abc import Sequence
from difflib import get_close_matches

from ..conditions.classes import MIX, any_of, grouped, named_in, within
from ..errors import Option, UsageError
from ..models.card import CLASS_SHARES, Card
from .sampler import Sampler

Point = tuple[int, int]  # seed and number of a picture
MOST_NAMED = 20


def labels_of(
    sampler: Sampler,
    label: str | None,
    points: Sequence[Point],
    *,
    text: str | None = None,
    any_class: bool = False,
) -> tuple[str, ...]:
    """The class of each picture, which are those of (seed, number); "" for none.

    text: a caption, of which a part may name the class where none is asked for. any_class: where none is, one is taken
    by chance, if the model needs it.
    """
    card = sampler.engine.card
    if label is None and text is not None and sampler.takes_class:
        label = named_in(card.classes, text)
    if label is None:
        return _by_chance(card, [card.classes], points) if any_class and needs_class(sampler) else ("",) * len(points)
    if not sampler.takes_class:
        why = "was trained without classes" if not card.classes else "takes no class where pictures are decoded"
        raise UsageError(Option("label"), f" is {label!r}; {card.name!r} {why}: leave it out.")
    in_groups = grouped(card.classes)
    if label == MIX and MIX not in card.classes:
        return _by_chance(card, list(in_groups.values()), points)
    if inside := within(card.classes, label):
        return _by_chance(card, [inside], points)
    names = dict.fromkeys((*card.classes, *(part for name in card.classes for part in name.split("/"))))
    near = get_close_matches(label, names, n=1)
    some = ", ".join(list(in_groups)[:MOST_NAMED]) + (", ..." if len(in_groups) > MOST_NAMED else "")
    hint = f"did you mean {near[0]!r}?" if near else f"it knows {some}, or {MIX} for all in turn."
    raise UsageError(Option("label"), f" is {label!r}; {card.name!r} has no such class; {hint}")


def check_guidance(sampler: Sampler, guidance: float | None, label: str | None) -> None:
    """Raise UsageError for guidance where nothing is asked for, and no class is taken by chance."""
    if guidance is None or label is not None or sampler.given or needs_class(sampler):
        return
    if sampler.takes_class:
        raise UsageError(
            Option("guidance"), " is towards a class: name one with ", Option("label"), f", or {MIX} for all in turn."
        )
    raise UsageError(Option("guidance"), " is towards what a picture is to show: say it with ", Option("text"), ".")


def needs_class(sampler: Sampler) -> bool:
    """Whether a class is taken, too, where none is asked for: the model is better so, or knows no other way."""
    return sampler.takes_class and CLASS_SHARES in sampler.engine.card.sampling


def _by_chance(card: Card, groups: Sequence[tuple[str, ...]], points: Sequence[Point]) -> tuple[str, ...]:
    """For each picture one class of the groups in turn: all alike, or as likely as the card says."""
    how = card.sampling.get(CLASS_SHARES)
    known = dict(zip(card.classes, how, strict=True)) if isinstance(how, list | tuple) else {}
    shares = [[known[name] for name in names] if known else [] for names in groups]
    turns = [(seed, number, number % len(groups)) for seed, number in points]
    return tuple(any_of(seed, number, groups[turn], shares[turn]) for seed, number, turn in turns)
