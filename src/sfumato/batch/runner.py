"""Many picture files restored one after the other, with a report that lists what failed.

A result is written whole or not at all, so one that exists is finished: running a stopped batch again does what is
left.
"""

import errno
import os
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..errors import OVERWRITE, Option, PictureError, SfumatoError, UsageError, exists_already
from ..models.engine import Engine, load
from ..pictures import pages
from ..pictures.picture import Picture
from ..pictures.write import LOSSY, QUALITY, WRITABLE, format_of
from ..restoration import scratches
from ..restoration.options import RestoreOptions
from ..restoration.restore import Preview, dry_run, restore_picture
from ..restoration.result import Step
from ..restoration.tasks import parse_tasks
from ..video.formats import is_clip, is_moving
from ..video.options import ClipOptions
from ..video.restore import Progress, look_at, restore_clip
from . import interrupts
from .jobs import Job, Plan
from .records import add_record


@dataclass(frozen=True, kw_only=True)
class BatchOptions:
    """How each picture or clip is restored, and how its result is saved.

    mask_out: the file, or for several pictures the folder, that the mask of what was filled in is written to. page: of
    a file with several, from 1. quality: of lossy formats, None for the usual one. keep_time: results have their
    sources' time. clip: how clips are written. made_by: the `fingerprint` of the options, which is put on record beside
    each result; None for none. all_pages: of a TIFF file with several, each is restored, and the result has as many.
    """

    restore: RestoreOptions = field(default_factory=RestoreOptions)
    mask_out: Path | None = None
    quality: int | None = None
    overwrite: bool = False
    page: int | None = None
    keep_time: bool = False
    made_by: str | None = None
    all_pages: bool = False
    clip: ClipOptions = field(default_factory=ClipOptions)

    def open(self, job: Job, page: int | None = None) -> Picture:
        return Picture.open(job.source, max_pixels=self.restore.max_pixels, page=page or self.page)


@dataclass(frozen=True)
class Outcome:
    """What became of one picture or clip. steps: the models that worked on it and at which levels, () where it was left
    as it is. notes: what was found, decided and lost. advice: what might help besides. num_frames: of a clip, 0 of a
    picture."""

    job: Job
    num_pixels: int
    steps: tuple[Step, ...]
    seconds: float
    notes: tuple[str, ...] = ()
    advice: str = ""
    num_frames: int = 0


@dataclass(frozen=True)
class Failure:
    """A picture that could not be restored, and the sentence that says why."""

    job: Job
    error: SfumatoError


@dataclass
class BatchReport:
    """What a batch did. `num_pixels` and `seconds` count the pictures restored in this run.

    num_unread: files in the folders that are no pictures. num_stale: results that were there and were made again, since
    their source or the options had changed. num_lossy: results in formats that have a quality. num_filled: pictures of
    which something was filled in. num_clips: results that are clips. without_effect: options that were given and
    changed nothing in any picture.
    """

    num_restored: int = 0
    num_finished_before: int = 0
    num_passed_over: int = 0
    num_unread: int = 0
    num_stale: int = 0
    num_pixels: int = 0
    seconds: float = 0.0
    failures: list[Failure] = field(default_factory=list)
    num_lossy: int = 0
    num_filled: int = 0
    num_clips: int = 0
    without_effect: list[Option] = field(default_factory=list)


class Listener:
    """Hears what happens in a batch, in order; the methods do nothing until overridden."""

    def started(self, job: Job, num_pixels: int) -> None: ...

    def advanced(self, num_pixels: int) -> None: ...

    def at_frame(self, job: Job, progress: Progress) -> None: ...

    def restored(self, outcome: Outcome) -> None: ...

    def previewed(self, job: Job, preview: Preview) -> None: ...

    def failed(self, failure: Failure) -> None: ...


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
    _check_mask_out(plan, options)
    report = report or BatchReport()
    report.num_finished_before, report.num_passed_over = len(plan.finished), plan.num_passed_over
    report.num_unread = plan.num_unread
    start = time.perf_counter()
    parse_tasks(options.restore.task)
    options = _with_engine(options)
    with interrupts.kept() as check:
        for job in plan.jobs:
            check()
            try:
                if only_preview:
                    listener.previewed(job, _preview(job, options))
                    continue
                outcome = _restore_one(job, options, listener)
            except UsageError:
                raise
            except Exception as error:
                # One odd file must not end a batch of a million.
                failure = Failure(job, _explained(error, job))
                report.failures.append(failure)
                listener.failed(failure)
            else:
                report.num_restored += 1
                report.num_stale += job.is_stale
                report.num_lossy += is_lossy(job.target)
                report.num_clips += outcome.num_frames > 0
                report.num_filled += any(step.filled is not None for step in outcome.steps)
                report.num_pixels += outcome.num_pixels
                report.seconds = time.perf_counter() - start
                listener.restored(outcome)
    report.seconds = time.perf_counter() - start
    if report.num_restored and options.quality is not None and not report.num_lossy:
        report.without_effect.append(Option("quality"))
    if report.num_restored and options.mask_out is not None and not report.num_filled:
        report.without_effect.append(Option("mask_out"))
    if report.num_restored and not report.num_clips:
        given = [name for name in ("codec", "crf", "fps", "preview") if getattr(options.clip, name) is not None]
        report.without_effect += map(Option, given)
    return report


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


def _with_engine(options: BatchOptions) -> BatchOptions:
    """The options with a model that is named loaded once for all pictures."""
    given = options.restore
    if given.is_default_model or isinstance(given.model, Engine):
        return options
    engine = load(given.model, device=given.device, threads=given.threads)
    return replace(options, restore=replace(given, model=engine))


def _check_mask_out(plan: Plan, options: BatchOptions) -> None:
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
    return preview if engine is None else replace(preview, tasks=(engine.card.name,))


def _restore_one(job: Job, options: BatchOptions, listener: Listener) -> Outcome:
    if _is_clip(job, options):
        return _restore_clip(job, options, listener)
    if options.all_pages and (count := pages.num_pages(job.source)) > 1:
        return _restore_pages(job, count, options, listener)
    start = time.perf_counter()
    picture = options.open(job)
    num_pixels = picture.width * picture.height
    listener.started(job, num_pixels)
    restored = restore_picture(picture, options.restore, progress=lambda done, _: listener.advanced(done))
    # A file whose name has the wrong suffix keeps its format, unless a result's name was chosen.
    same_format = picture.output_format if job.target.suffix == job.source.suffix else None
    job.target.parent.mkdir(parents=True, exist_ok=True)
    overwrite = options.overwrite or job.is_stale
    is_new = overwrite or not job.target.exists()
    if is_new:
        quality = QUALITY if options.quality is None else options.quality
        restored.save(job.target, format=same_format, quality=quality, overwrite=overwrite)
    _note_origin(job, options, is_new)
    if job.comparison is not None and (overwrite or not job.comparison.exists()):
        restored.comparison().save(job.comparison, overwrite=overwrite)
    if options.mask_out is not None:
        _save_mask(restored.mask(), job, options)
    notes = (*picture.notes, *restored.notes, *restored.not_kept_by(format_of(job.target, same_format)))
    seconds = time.perf_counter() - start
    return Outcome(job, num_pixels, restored.steps, seconds, notes, restored.advice)


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
    job.target.parent.mkdir(parents=True, exist_ok=True)
    result = restore_clip(
        *(job.source, job.target, options.restore, options.clip),
        overwrite=options.overwrite or job.is_stale,
        started=lambda clip: listener.started(job, clip.width * clip.height * (clip.num_frames or 1)),
        progress=lambda progress: listener.at_frame(job, progress),
    )
    _note_origin(job, options, is_new=True)
    num_pixels = result.num_frames * result.clip.width * result.clip.height
    return Outcome(job, num_pixels, result.steps, result.seconds, result.notes, num_frames=result.num_frames)


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
    num_pixels = 0
    with tempfile.TemporaryDirectory(prefix="sfumato-") as folder:
        parts = []
        for number in range(1, count + 1):
            picture = options.open(job, number)
            listener.started(job, picture.width * picture.height)
            restored = restore_picture(picture, options.restore, progress=lambda done, _: listener.advanced(done))
            parts.append(restored.picture.save(Path(folder) / f"{number}.tif"))
            said = (*picture.notes[1:], *restored.notes, *restored.not_kept_by("tiff"))  # the first is of the page
            notes += [f"Page {number}: {note}" for note in said]
            steps += restored.steps
            num_pixels += picture.width * picture.height
        job.target.parent.mkdir(parents=True, exist_ok=True)
        pages.join_pages(parts, job.target)
    _note_origin(job, options, is_new=True)
    return Outcome(job, num_pixels, tuple(steps), time.perf_counter() - start, tuple(notes))


def _note_origin(job: Job, options: BatchOptions, is_new: bool) -> None:
    """The source's time for the result, where it is to have it, and what made it on record."""
    if options.keep_time:
        state = job.source.stat()
        os.utime(job.target, ns=(state.st_atime_ns, state.st_mtime_ns))
    if is_new and options.made_by is not None:
        add_record(job.source, job.target, options.made_by)


def is_lossy(path: Path) -> bool:
    """Whether a picture file of this name has a quality."""
    return WRITABLE.get(path.suffix.lower()) in LOSSY


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
