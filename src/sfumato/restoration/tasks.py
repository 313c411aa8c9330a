"""The tasks that a picture can be restored by, and which of them it needs."""

from dataclasses import dataclass

from ..errors import Option, UsageError
from ..models import zoo
from ..models.card import Card
from .diagnosis import Diagnosis
from .options import AUTO, RestoreOptions
from .sizes import enlargement

OLD_PHOTO = "old-photo"
BY_PRIOR = ("demosaic",)  # tasks that no model was trained for


@dataclass(frozen=True)
class Resolved:
    """The tasks that are to be done, in order, with sentences on why, and one on what else might help ("" for none)."""

    tasks: tuple[str, ...]
    notes: tuple[str, ...] = ()
    advice: str = ""


def parse_tasks(text: str) -> tuple[str, ...]:
    """The tasks that a text such as "dejpeg,denoise" or "auto,upscale" names, in order.

    Raises UsageError for an unknown one, and for "auto" or "old-photo" behind another, which has changed the picture.
    """
    tasks = tuple(name.strip() for name in text.split(","))
    for name in tasks:
        if name not in (*zoo.FOR_TASK, *BY_PRIOR, AUTO, OLD_PHOTO):
            names = ", ".join((AUTO, OLD_PHOTO, *zoo.FOR_TASK, *BY_PRIOR))
            raise UsageError(Option("task"), f": there is no task {name!r}; choose among {names}.")
    for name in tasks[1:]:
        if name in (AUTO, OLD_PHOTO):
            raise UsageError(Option("task"), f": {name!r} goes before all other tasks, and once.")
    return tasks


def resolve_tasks(options: RestoreOptions, diagnosis: Diagnosis) -> Resolved:
    """What "auto" and "old-photo" come to for a picture; other tasks stay as they are.

    A width, a height or megapixels that are asked for are reached by the task upscale, which comes last, where the
    picture has to grow.
    """
    tasks = parse_tasks(options.task)
    if options.has_size and "upscale" not in tasks and enlargement(options, diagnosis.picture) > 1:
        tasks = (*tasks, "upscale")
    if tasks[0] not in (AUTO, OLD_PHOTO):
        return Resolved(tasks)
    is_old, further = tasks[0] == OLD_PHOTO, tasks[1:]
    after = ("fade",) if is_old and diagnosis.is_faded else ()
    if options.noise != AUTO or options.jpeg_quality != AUTO:
        # What came last goes first.
        stated = [("dejpeg", options.jpeg_quality), ("denoise", options.noise)]
        found = (*(("scratches",) if is_old else ()), *(task for task, level in stated if level != AUTO), *after)
        return Resolved((*found, *(task for task in further if task not in found)))
    before = ("scratches",) if is_old else ()
    resolved = (*before, *diagnosis.tasks, *after)
    resolved = (*resolved, *(task for task in further if task not in resolved))
    left = "the scene was left as it is" if diagnosis.clip else "the picture was left as it is"
    way = "state a level, or a task, to have it restored all the same"
    note = f"Found {diagnosis.describe()}: " + (f"{', '.join(resolved)}." if resolved else f"{left}; {way}.")
    unasked = is_old or further or not options.advise
    return Resolved(resolved, (note,), "" if unasked else diagnosis.advice)


def task_of(card: Card) -> str:
    """The task that a model does."""
    return "denoise" if card.role == "flow" else card.task
