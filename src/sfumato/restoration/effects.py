"""Which of the options that were given changed something of a picture, so that those that changed nothing are said."""

from collections.abc import Iterable, Sequence
from dataclasses import fields

from .damage import is_auto
from .options import SIZES, RestoreOptions
from .result import Step

# Options that say what work may take, not what becomes of a picture; those of clips; and those that are refused unless
# they have an effect.
NOT_JUDGED = ("task", "model", "device", "threads", "memory_mb", "max_pixels", "advise")
OF_CLIPS = ("fast", "look_ahead")
REFUSED = ("scale", "operator")
DEFAULTS = RestoreOptions()


def given(options: RestoreOptions) -> tuple[str, ...]:
    """Names of the options that say what becomes of a picture and are not as they are by themselves."""
    names = (field.name for field in fields(options) if field.name not in (*NOT_JUDGED, *REFUSED))
    return tuple(name for name in names if _is_given(options, name))


def effective(options: RestoreOptions, steps: Iterable[Step], *, is_resized: bool) -> frozenset[str]:
    """Those of the options that were given which changed what became of a picture, by the steps that were done to it.

    is_resized: whether the result has another size.
    """
    done = tuple(steps)
    undone = any(step.residual is not None for step in done)
    shown = {
        "noise": any(step.noise is not None for step in done),
        "jpeg_quality": any(step.jpeg_quality is not None for step in done),
        "look": any(step.is_sharp for step in done),
        "strength": bool(done) or options.strength == 0,
        "mask": bool(done),
        "hints": any(step.hinted is not None for step in done),
        "ensemble": any(step.ensemble for step in done),
        "kernel": undone or is_auto(options.kernel),  # which says itself what it found
        "prior": undone,
        "steps": undone or any(step.task == "upscale" and step.filled for step in done),
        "text": bool(done),
    }
    shown |= dict.fromkeys(SIZES, is_resized)
    return frozenset(name for name in given(options) if shown.get(name, name not in OF_CLIPS))


def notes_on(options: RestoreOptions, steps: Sequence[Step]) -> tuple[str, ...]:
    """A sentence for each option that models at work on a picture had no use for; () where none was at work."""
    if not steps:
        return ()
    models, idle = (
        ", ".join(step.model for step in steps),
        set(given(options)) - effective(options, steps, is_resized=True),
    )
    reasons = {
        "noise": f"The noise that was stated had no effect: {models} takes none.",
        "jpeg_quality": f"The jpeg quality that was stated had no effect: {models} takes none.",
        "look": f"The sharp look had no effect: {models} makes up no details.",
        "ensemble": f"The ensemble had no effect: {models} works on the picture as it stands.",
    }
    return tuple(reason for name, reason in reasons.items() if name in idle)


def _is_given(options: RestoreOptions, name: str) -> bool:
    value = getattr(options, name)
    # An array as a mask is not compared.
    return value != getattr(DEFAULTS, name) if isinstance(value, str | int | float) else value is not None
