"""Many picture files restored one after the other, with a report that lists what failed.

A result is written whole or not at all, so one that exists is finished: running a stopped batch again does what is
left.
"""

import errno
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from .. import interrupts
from ..errors import OVERWRITE, Option, PictureError, SfumatoError, UsageError, exists_already
from ..models.engine import Engine, load
from ..pictures import pages
from ..pictures.picture import Picture
from ..pictures.write import QUALITY, WRITABLE, format_of
from ..restoration import scratches
from ..restoration.effects import notes_on
from ..restoration.restore import Preview, dry_run, restore_picture
from ..restoration.result import Restored, Step
from ..restoration.tasks import parse_tasks
from ..video.formats import is_clip, is_moving
from ..video.restore import look_at, restore_clip
from ..video.sequences import is_pattern
from .jobs import Job, Plan
from .records import add_record
from .report import (
    BatchOptions,
    BatchReport,
    Failure,
    Listener,
    Outcome,
    effective_on_clip,
    effective_on_picture,
    tell,
)


def run(
    plan: Plan,
    options: BatchOptions | None = None,
    listener: Listener | None = None,
    report: BatchReport | None = None,
    *,
    only_preview: bool = False,
) -> BatchReport:
    """Restore every picture of a plan, one after the other on all cores; go on past those that fail.

    With `only_preview` nothing is done or written: the listener hears what is found and what would be done.

    A `report` that is handed in is filled as the work goes, so that it tells what was done when Ctrl-C ends it.
    Raises UsageError and ModelError for what would fail for every picture: an unknown model, device or option.
    """
    options, listener = options or BatchOptions(), listener or Listener()
    check_mask_out(plan, options)
    report = report or BatchReport()
    report.begin(plan)
    start = time.perf_counter()
    parse_tasks(options.restore.task)
    options = with_engine(options)
    with interrupts.kept() as check:
        for job in plan.jobs:
            check()
            found = attempt(job, options, listener, only_preview=only_preview)
            if isinstance(found, Preview):
                listener.previewed(job, found)
                continue
            if isinstance(found, Failure):
                check()  # what Ctrl-C cut short may fail in any way
            report.add(found)
            report.seconds = time.perf_counter() - start
            tell(listener, found)
    report.seconds = time.perf_counter() - start
    report.end(options)
    return report


def attempt(
    job: Job, options: BatchOptions, listener: Listener, *, only_preview: bool = False
) -> Outcome | Failure | Preview:
    """What becomes of one picture: one odd file must not end a batch of a million. Raises UsageError alone."""
    try:
        return _preview(job, options) if only_preview else _restore_one(job, options, listener)
    except UsageError:
        raise
    except Exception as error:
        return Failure(job, _explained(error, job))


def _explained(error: Exception, job: Job) -> SfumatoError:
    """What went wrong with one picture, in a sentence; unforeseen errors by name, so that they can be reported."""
    if isinstance(error, SfumatoError):
        return error
    if isinstance(error, MemoryError):
        return SfumatoError(f"{job.source}: not enough memory; ", Option("memory_mb"), " sets a smaller budget.")
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        named = Path(error.filename or job.target).name
        return SfumatoError(
            f"{job.source}: the name {named} of its result is too long for the file system: rename the picture, or "
            "name the result with ",
            Option("output"),
            ".",
        )
    if isinstance(error, OSError):
        return SfumatoError(f"{job.source}: {error.filename or job.target}: {error.strerror or error}.")
    return SfumatoError(f"{job.source}: {type(error).__name__}: {error}")


def with_engine(options: BatchOptions) -> BatchOptions:
    """The options with a model that is named loaded once for all pictures."""
    given = options.restore
    if given.is_default_model or isinstance(given.model, Engine):
        return options
    engine = load(given.model, device=given.device, threads=given.threads)
    return replace(options, restore=replace(given, model=engine))


def check_mask_out(plan: Plan, options: BatchOptions) -> None:
    mask_out = options.mask_out
    if mask_out is None or not _is_file_name(mask_out):
        return
    if len(plan.jobs) > 1:
        raise UsageError(
            Option("mask_out"), f" {mask_out} names one file, but there are several pictures: name a folder."
        )
    if mask_out.exists() and not options.overwrite:
        raise UsageError(Option("mask_out"), f" {exists_already(mask_out)}", *OVERWRITE)


def _preview(job: Job, options: BatchOptions) -> Preview:
    if _is_clip(job, options):
        return look_at(job.source, options.restore, options.clip)
    picture, given = options.open(job), options.restore
    preview = dry_run(picture, given)
    engine = given.model if isinstance(given.model, Engine) else None
    if options.mask_out is not None:
        mask = scratches.mask_of(picture, engine, device=given.device, threads=given.threads)
        _save_mask(mask, job, options)
    return preview if engine is None else replace(preview, tasks=(engine.restoring.card.name,))


def _restore_one(job: Job, options: BatchOptions, listener: Listener) -> Outcome:
    if _is_clip(job, options):
        return _restore_clip(job, options, listener)
    if options.all_pages and (count := pages.num_pages(job.source)) > 1:
        return _restore_pages(job, count, options, listener)
    start = time.perf_counter()
    picture = options.open(job)
    num_pixels = picture.width * picture.height
    listener.started(job, num_pixels)
    restored = restore_picture(
        picture,
        options.restore,
        progress=lambda done, _: listener.advanced(done),
        announce=lambda seconds: listener.estimated(job, seconds),
    )
    # A file whose name has the wrong suffix keeps its format, unless a result's name was chosen.
    same_format = picture.output_format if job.target.suffix == job.source.suffix else None
    overwrite = options.overwrite or job.is_stale
    is_new = overwrite or not job.target.exists()
    if is_new:
        quality = QUALITY if options.quality is None else options.quality
        with _folder_of(job.target):
            restored.save(job.target, format=same_format, quality=quality, overwrite=overwrite)
    _note_origin(job, options, is_new)
    if job.comparison is not None and (overwrite or not job.comparison.exists()):
        restored.comparison().save(job.comparison, overwrite=overwrite)
    if options.mask_out is not None:
        _save_mask(restored.mask(), job, options)
    format = format_of(job.target, same_format)
    notes = (*picture.notes, *notes_of(restored, options), *restored.not_kept_by(format))
    effective = effective_on_picture(options, restored, format, has_pages=picture.copy_of_file() is None)
    seconds = time.perf_counter() - start
    return Outcome(job, num_pixels, restored.steps, seconds, notes, restored.advice, effective=effective)


def notes_of(restored: Restored, options: BatchOptions) -> tuple[str, ...]:
    """The sentences on a picture but for those on options: of those that changed nothing the whole batch tells."""
    left_out = notes_on(options.restore, restored.steps)
    return tuple(note for note in restored.notes if note not in left_out)


def _is_clip(job: Job, options: BatchOptions) -> bool:
    """Whether all frames are meant."""
    return is_clip(job.source) or (options.page is None and is_moving(job.source))


def _restore_clip(job: Job, options: BatchOptions, listener: Listener) -> Outcome:
    given = {"compare": job.comparison, "mask_out": options.mask_out, "page": options.page}
    given["all_pages"] = options.all_pages or None
    for name in (name for name, value in given.items() if value is not None):
        raise PictureError(
            f"{job.source} is a clip, and ",
            Option(name),
            " is for pictures: of a piece of it, ",
            Option("preview"),
            " shows before and after.",
        )
    with _folder_of(job.target):
        result = restore_clip(
            *(job.source, job.target, options.restore, options.clip),
            overwrite=options.overwrite or job.is_stale,
            started=lambda clip: listener.started(job, clip.width * clip.height * (clip.num_frames or 1)),
            progress=lambda progress: listener.at_frame(job, progress),
        )
    _note_origin(job, options, is_new=True)
    num_pixels = result.num_frames * result.clip.width * result.clip.height
    is_sequence = is_pattern(job.source) or job.source.is_dir()
    effective = effective_on_clip(options, result.steps, is_sequence=is_sequence)
    frames = result.num_frames
    return Outcome(job, num_pixels, result.steps, result.seconds, result.notes, num_frames=frames, effective=effective)


def _restore_pages(job: Job, count: int, options: BatchOptions, listener: Listener) -> Outcome:
    """The pages of a TIFF file one after the other, and a file of as many."""
    start = time.perf_counter()
    if format_of(job.target) != "tiff":
        raise PictureError(
            f"{job.target} cannot hold {count} pages: name a .tif, or choose one with ", Option("page"), "."
        )
    overwrite = options.overwrite or job.is_stale
    if job.target.exists() and not overwrite:
        raise PictureError(exists_already(job.target), *OVERWRITE)
    notes: list[str] = []
    steps: list[Step] = []
    effective: frozenset[str] = frozenset()
    num_pixels = 0
    with tempfile.TemporaryDirectory(prefix="sfumato-") as folder:
        parts = []
        for number in range(1, count + 1):
            picture = options.open(job, number)
            listener.started(job, picture.width * picture.height)
            restored = restore_picture(picture, options.restore, progress=lambda done, _: listener.advanced(done))
            parts.append(restored.picture.save(Path(folder) / f"{number}.tif"))
            said = (*picture.notes[1:], *notes_of(restored, options), *restored.not_kept_by("tiff"))  # [0]: of the page
            notes += [f"Page {number}: {note}" for note in said]
            steps += restored.steps
            effective |= effective_on_picture(options, restored, "tiff", has_pages=True)
            num_pixels += picture.width * picture.height
        with _folder_of(job.target):
            pages.join_pages(parts, job.target)
    _note_origin(job, options, is_new=True)
    seconds = time.perf_counter() - start
    return Outcome(job, num_pixels, tuple(steps), seconds, tuple(notes), effective=effective)


@contextmanager
def _folder_of(target: Path) -> Iterator[None]:
    """Its folder, which is gone again if it was made for this and nothing came of it."""
    missing = [folder for folder in target.parents if not folder.exists()]
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        with suppress(OSError):  # another result lies in it
            for folder in missing:
                folder.rmdir()
        raise


def _note_origin(job: Job, options: BatchOptions, is_new: bool) -> None:
    """The source's time for the result, where it is to have it, and what made it on record."""
    if options.keep_time:
        state = job.source.stat()
        os.utime(job.target, ns=(state.st_atime_ns, state.st_mtime_ns))
    if is_new and options.made_by is not None:
        add_record(job.source, job.target, options.made_by)


def _is_file_name(path: Path) -> bool:
    return path.suffix.lower() in WRITABLE


def _save_mask(mask: Picture, job: Job, options: BatchOptions) -> None:
    """To the file that was named, or, where that is no picture file's name, below it as a folder."""
    assert options.mask_out is not None
    target = options.mask_out
    if not _is_file_name(target):
        target = target / job.place / f"{job.source.name}.mask.png"
        target.parent.mkdir(parents=True, exist_ok=True)
    mask.save(target, overwrite=options.overwrite)
