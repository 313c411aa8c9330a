"""Many picture files: what there is to do, where each result goes, doing it, and a report that lists what failed.

A result is written whole or not at all, so one that exists is finished: running a stopped batch again does
what is left.
"""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ..errors import SfumatoError, UsageError
from ..pictures.write import WRITABLE, format_of
from . import interrupts
from .jobs import Job, Plan, estimate_pixels, plan

if TYPE_CHECKING:
    from ..models.engine import Engine
    from ..pictures.picture import Picture

__all__ = ["Job", "Plan", "estimate_pixels", "plan", "run"]


@dataclass(frozen=True, kw_only=True)
class Options:
    """How each picture is restored and saved: the options of `sfumato.restore` and of `Picture.save`.

    mask_out: the file, or for several pictures the folder, that the mask of what was filled in is written to.
    """

    task: str = "auto"
    model: str | Path = "default"
    noise: Literal["auto"] | float = "auto"
    jpeg_quality: Literal["auto"] | float = "auto"
    scale: int = 2
    mask: str | Path | None = None
    mask_out: Path | None = None
    ensemble: bool = False
    strength: float = 1.0
    quality: int = 95
    overwrite: bool = False
    device: str = "auto"
    threads: int | None = None
    memory_mb: int | None = None
    max_pixels: int = 500_000_000
    page: int | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of one picture; `done` says by which models and at which levels, empty where it was left as it is."""

    job: Job
    num_pixels: int
    done: str
    seconds: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Foreseen:
    """What was found in a picture, in words, the tasks that would be done, and a sentence on what else might help."""

    job: Job
    found: str
    tasks: tuple[str, ...]
    proposed: str = ""


@dataclass(frozen=True)
class Failure:
    """A picture that could not be restored, and the sentence that says why."""

    job: Job
    reason: str


@dataclass
class BatchReport:
    """What a batch did. `num_pixels` and `seconds` count the pictures restored in this run."""

    num_restored: int = 0
    num_finished_before: int = 0
    num_passed_over: int = 0
    num_pixels: int = 0
    seconds: float = 0.0
    failures: list[Failure] = field(default_factory=list)


class Listener:
    """Hears what happens in a batch, in order; the methods do nothing until overridden."""

    def started(self, job: Job, num_pixels: int) -> None: ...

    def advanced(self, num_pixels: int) -> None: ...

    def restored(self, outcome: Outcome) -> None: ...

    def foreseen(self, foreseen: Foreseen) -> None: ...

    def failed(self, failure: Failure) -> None: ...


def run(
    work: Plan,
    options: Options | None = None,
    listener: Listener | None = None,
    report: BatchReport | None = None,
    *,
    only_look: bool = False,
) -> BatchReport:
    """Restore every picture of a plan, one after the other on all cores; go on past those that fail.

    With `only_look` nothing is done or written: the listener hears what was found and what would be done.

    A `report` that is handed in is filled as the work goes, so that it tells what was done when Ctrl-C ends it.
    Raises UsageError and ModelError for what would fail for every picture: an unknown model, device or option.
    """
    from ..models.engine import load
    from ..restoration.tasks import tasks_of

    options, listener = options or Options(), listener or Listener()
    if options.mask_out is not None and _is_file_name(options.mask_out):
        if len(work.jobs) > 1:
            raise UsageError(
                f"--mask-out {options.mask_out} names one file, but there are several pictures: name a folder."
            )
        if options.mask_out.exists() and not options.overwrite:
            raise UsageError(f"--mask-out {options.mask_out} exists already; pass --overwrite to replace it.")
    report = report or BatchReport()
    report.num_finished_before, report.num_passed_over = len(work.finished), work.num_passed_over
    start = time.perf_counter()
    tasks_of(options.task)
    engine = None
    if options.model != "default":
        engine = load(options.model, device=options.device, threads=options.threads)
    with interrupts.kept() as check:
        for job in work.jobs:
            check()
            try:
                if only_look:
                    listener.foreseen(_look_at(job, engine, options))
                    continue
                outcome = _restore_one(job, engine, options, listener)
            except UsageError:
                raise
            except SfumatoError as error:
                failure = Failure(job, str(error))
            except MemoryError:
                failure = Failure(job, f"{job.source}: not enough memory; --memory sets a smaller budget.")
            except OSError as error:
                failure = Failure(job, f"{job.source}: {error.filename or job.target}: {error.strerror or error}.")
            except Exception as error:
                # One odd file must not end a batch of a million: name the error, so that it can be reported.
                failure = Failure(job, f"{job.source}: {type(error).__name__}: {error}")
            else:
                report.num_restored += 1
                report.num_pixels += outcome.num_pixels
                listener.restored(outcome)
                continue
            report.failures.append(failure)
            listener.failed(failure)
    report.seconds = time.perf_counter() - start
    return report


def _look_at(job: Job, engine: "Engine | None", options: Options) -> Foreseen:
    from ..pictures.picture import Picture
    from ..restoration import scratches
    from ..restoration.restore import foreseen

    picture = Picture.open(job.source, max_pixels=options.max_pixels, page=options.page)
    found, tasks, proposed = foreseen(
        picture, task=options.task, noise=options.noise, jpeg_quality=options.jpeg_quality
    )
    if options.mask_out is not None:
        _save_mask(scratches.mask_of(picture, engine), job, options)
    return Foreseen(job, found, tasks if engine is None else (engine.card.name,), proposed)


def _restore_one(job: Job, engine: "Engine | None", options: Options, listener: Listener) -> Outcome:
    from ..pictures.picture import Picture
    from ..restoration.restore import restore

    start = time.perf_counter()
    picture = Picture.open(job.source, max_pixels=options.max_pixels, page=options.page)
    num_pixels = picture.width * picture.height
    listener.started(job, num_pixels)
    restored = restore(
        picture,
        task=options.task,
        model=engine or "default",
        noise=options.noise,
        jpeg_quality=options.jpeg_quality,
        scale=options.scale,
        strength=options.strength,
        mask=options.mask,
        ensemble=options.ensemble,
        max_pixels=options.max_pixels,
        device=options.device,
        threads=options.threads,
        memory_mb=options.memory_mb,
        progress=lambda done, total: listener.advanced(done),
    )
    # A file whose name has the wrong suffix keeps its format, unless a result's name was chosen.
    same_format = picture.output_format if job.target.suffix == job.source.suffix else None
    job.target.parent.mkdir(parents=True, exist_ok=True)
    if options.overwrite or not job.target.exists():
        restored.save(job.target, format=same_format, quality=options.quality, overwrite=options.overwrite)
    if job.comparison is not None and (options.overwrite or not job.comparison.exists()):
        restored.comparison().save(job.comparison, overwrite=options.overwrite)
    if options.mask_out is not None:
        _save_mask(restored.mask(), job, options)
    done = ", ".join(step.describe() for step in restored.steps)
    notes = (*picture.notes, *restored.notes, *restored.not_kept_by(format_of(job.target, same_format)))
    return Outcome(job, num_pixels, done, time.perf_counter() - start, notes)


def _is_file_name(path: Path) -> bool:
    return path.suffix.lower() in WRITABLE


def _save_mask(mask: "Picture", job: Job, options: Options) -> None:
    """To the file that was named, or, where that is no picture file's name, below it as a folder."""
    assert options.mask_out is not None
    target = options.mask_out
    if not _is_file_name(target):
        target = target / job.place / f"{job.source.name}.mask.png"
        target.parent.mkdir(parents=True, exist_ok=True)
    mask.save(target, overwrite=options.overwrite)
