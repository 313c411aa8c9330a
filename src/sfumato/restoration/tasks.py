"""The tasks that a picture can be restored by, and which of them it needs."""

from dataclasses import dataclass

from ..errors import Option, UsageError
from ..models import zoo
from ..models.card import Card
from .diagnosis import Diagnosis
from .options import AUTO, RestoreOptions

OLD_PHOTO = "old-photo"


@dataclass(frozen=True)
class Resolved:
    """The tasks that are to be done, in order, with sentences on why, and one on what else might help ("" for none)."""

    tasks: tuple[str, ...]
    notes: tuple[str, ...] = ()
    advice: str = ""


def parse_tasks(text: str) -> tuple[str, ...]:
    """The tasks that a text such as "dejpeg,denoise" names, in order; raises UsageError for an unknown one."""
    tasks = tuple(name.strip() for name in text.split(","))
    for name in tasks:
        if name in (AUTO, OLD_PHOTO) and len(tasks) > 1:
            raise UsageError(Option("task"), f": {name!r} goes with no other task.")
        if name not in (*zoo.FOR_TASK, AUTO, OLD_PHOTO):
            names = ", ".join((AUTO, OLD_PHOTO, *zoo.FOR_TASK))
            raise UsageError(Option("task"), f": there is no task {name!r}; choose among {names}.")
    return tasks


def resolve_tasks(options: RestoreOptions, diagnosis: Diagnosis) -> Resolved:
    """What "auto" and "old-photo" come to for a picture; other tasks stay as they are."""
    tasks = parse_tasks(options.task)
    if tasks not in ((AUTO,), (OLD_PHOTO,)):
        return Resolved(tasks)
    is_old = tasks == (OLD_PHOTO,)
    before = ("scratches",) if is_old else ()
    after = ("fade",) if is_old and diagnosis.is_faded else ()
    if options.noise != AUTO or options.jpeg_quality != AUTO:
        # What came last goes first.
        stated = [("dejpeg", options.jpeg_quality), ("denoise", options.noise)]
        return Resolved((*before, *(task for task, level in stated if level != AUTO), *after))
    resolved = (*before, *diagnosis.tasks, *after)
    note = f"Found {diagnosis.describe()}: " + (
        f"{', '.join(resolved)}."
        if resolved
        else "the picture was left as it is; state a level, or a task, to have it restored all the same."
    )
    return Resolved(resolved, (note,), "" if is_old else diagnosis.advice)


def task_of(card: Card) -> str:
    """The task that a model does."""
    return "denoise" if card.role == "flow" else card.task
