"""The tasks that a picture can be restored by, and which of them it needs."""

from typing import Literal

from ..errors import UsageError
from ..models import zoo
from ..models.engine import Engine
from .diagnosis import Findings
from .roles import is_flow

OLD_PHOTO = "old-photo"
AUTO: Literal["auto"] = "auto"
Level = Literal["auto"] | float


def tasks_of(task: str) -> tuple[str, ...]:
    """The tasks that a text names, in order; raises UsageError for one that there is none of."""
    tasks = tuple(name.strip() for name in task.split(","))
    for name in tasks:
        if name not in zoo.FOR_TASK and (name not in (AUTO, OLD_PHOTO) or len(tasks) > 1):
            names = ", ".join((AUTO, OLD_PHOTO, *zoo.FOR_TASK))
            raise UsageError(
                f"{name!r} goes with no other task."
                if name in (AUTO, OLD_PHOTO)
                else f"There is no task {name!r}; choose among {names}."
            )
    return tasks


def resolve_tasks(
    tasks: tuple[str, ...], found: Findings, noise: Level, jpeg_quality: Level
) -> tuple[tuple[str, ...], list[str]]:
    """The tasks, with what is to be done in place of "auto" and "old-photo"; and sentences about what was found."""
    if tasks not in ((AUTO,), (OLD_PHOTO,)):
        return tasks, []
    before = ("scratches",) if tasks == (OLD_PHOTO,) else ()
    after = ("fade",) if tasks == (OLD_PHOTO,) and found.is_faded else ()
    if noise != AUTO or jpeg_quality != AUTO:
        # What came last goes first.
        stated = (("dejpeg",) if jpeg_quality != AUTO else ()) + (("denoise",) if noise != AUTO else ())
        return before + stated + after, []
    proposed = found.describe_proposed() if tasks == (AUTO,) else ""
    tasks = before + found.tasks + after
    said = f"Found {found.describe()}: " + (
        f"{', '.join(tasks)}."
        if tasks
        else "the picture was left as it is; state a level, or a task, to have it restored all the same."
    )
    return tasks, [said, proposed] if proposed else [said]


def task_of(engine: Engine) -> str:
    return "denoise" if is_flow(engine.card) else engine.card.task
