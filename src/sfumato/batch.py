"""Many picture files: what there is to do, where each result goes, doing it, and a report that lists what failed.

A result is written whole or not at all, so one that exists is finished: running a stopped batch again does
what is left.
"""

import glob
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from . import interrupts
from .errors import PictureError, SfumatoError, UsageError
from .picture_write import WRITABLE, format_of

if TYPE_CHECKING:
    from .engine import Engine
    from .picture import Picture

READ_ONLY = (".gif", ".heic", ".heif")
PICTURE_SUFFIXES = (*WRITABLE, *READ_ONLY)
RESULT_MARK, COMPARISON_MARK = ".restored", ".compare"
# Reading a header takes about a millisecond: past this many files the total is estimated from a sample.
MAX_HEADERS = 500


@dataclass(frozen=True)
class Job:
    """One picture file, the file that its result goes to, and where the side-by-side goes if one is wanted."""

    source: Path
    target: Path
    comparison: Path | None = None

    @property
    def is_finished(self) -> bool:
        return self.target.exists() and (self.comparison is None or self.comparison.exists())


@dataclass(frozen=True)
class Plan:
    """`jobs` are left to do; `finished` have their results already; `num_passed_over` files are earlier results or
    no pictures."""

    jobs: tuple[Job, ...]
    finished: tuple[Job, ...] = ()
    num_passed_over: int = 0


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


def plan(inputs: Sequence[str], output: str | None = None, *, compare: bool = False, overwrite: bool = False) -> Plan:
    """Files, folders (searched recursively, structure kept) and glob patterns -> the jobs that they mean.

    Without `output` a result lies beside its source as NAME.restored.EXT (a.gif, which is not written as GIF, as
    a.gif.restored.png), a comparison as NAME.compare.EXT. With one picture file as input, an `output`
    that has a suffix is the result's file; otherwise it is a folder, in which results keep their sources' names.
    Raises UsageError where an input is missing, two results would meet, or a source would be overwritten unasked.
    """
    is_one_file = len(inputs) == 1 and os.path.isfile(inputs[0])
    folder = None if output is None or (is_one_file and _names_a_file(output)) else Path(output)
    if folder is not None and not is_one_file and folder.suffix.lower() in PICTURE_SUFFIXES and not folder.is_dir():
        raise UsageError(f"-o {output} names one file, but there may be several results: name a folder.")
    if output is not None and folder is None:
        _check_writable(Path(output))
    if folder is not None and folder.exists() and not folder.is_dir():
        raise UsageError(f"-o {output} is a file, and results of several pictures need a folder.")

    sources: dict[str, tuple[Path, Path]] = {}
    num_passed_over = 0
    for text in inputs:
        found = False
        for path, place in _pictures(text, keep_name=len(inputs) > 1, prune=folder):
            found = True
            if not is_one_file and _is_earlier_result(path):
                num_passed_over += 1
            else:
                sources.setdefault(os.path.abspath(path), (path, place))
        if not found:
            raise UsageError(_what_is_missing(text))

    jobs: list[Job] = []
    finished: list[Job] = []
    taken: dict[str, Path] = {}
    for path, place in sources.values():
        if folder is not None:
            target = folder / place / _result_name(path, mark="")
        elif output is not None:
            target = Path(output)
        else:
            target = path.with_name(_result_name(path, mark=RESULT_MARK))
        job = Job(path, target, _comparison_path(target) if compare else None)
        other = taken.setdefault(os.path.abspath(target), path)
        if other != path:
            raise UsageError(
                f"{other} and {path} would both be written to {target}: restore the folder that holds both."
            )
        if not overwrite and target.exists() and target.samefile(path):
            raise UsageError(f"{target} is the input itself: name another place with -o, or say --overwrite.")
        (finished if job.is_finished and not overwrite else jobs).append(job)
    return Plan(tuple(jobs), tuple(finished), num_passed_over)


def estimate_pixels(jobs: Sequence[Job], *, max_pixels: int = Options.max_pixels) -> int:
    """Pixels of all pictures together, from their headers; above `MAX_HEADERS` files, from evenly spread ones."""
    from .picture import Picture

    step = max(1, -(-len(jobs) // MAX_HEADERS))
    sample = jobs[::step]
    num_pixels = 0
    for job in sample:
        try:
            picture = Picture.open(job.source, max_pixels=max_pixels)
        except (SfumatoError, OSError):
            continue  # the batch itself will say what is wrong with it
        num_pixels += picture.width * picture.height
    return num_pixels * len(jobs) // max(1, len(sample))


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
    from .engine import load
    from .restore import tasks_of

    options, listener = options or Options(), listener or Listener()
    if options.mask_out is not None and len(work.jobs) > 1 and options.mask_out.suffix.lower() in WRITABLE:
        raise UsageError(
            f"--mask-out {options.mask_out} names one file, but there are several pictures: name a folder."
        )
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
    from . import scratches
    from .picture import Picture
    from .restore import foreseen

    picture = Picture.open(job.source, max_pixels=options.max_pixels, page=options.page)
    found, tasks, proposed = foreseen(
        picture, task=options.task, noise=options.noise, jpeg_quality=options.jpeg_quality
    )
    if options.mask_out is not None:
        _save_mask(scratches.mask_of(picture, engine), job, options)
    return Foreseen(job, found, tasks if engine is None else (engine.card.name,), proposed)


def _restore_one(job: Job, engine: "Engine | None", options: Options, listener: Listener) -> Outcome:
    from .picture import Picture
    from .restore import restore

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
    notes = (*picture.notes, *restored.notes, *picture.not_kept_by(format_of(job.target, same_format)))
    return Outcome(job, num_pixels, done, time.perf_counter() - start, notes)


def _save_mask(mask: "Picture", job: Job, options: Options) -> None:
    """To the file that was named, or, where that is no picture file's name, into it as a folder."""
    assert options.mask_out is not None
    target = options.mask_out
    if target.suffix.lower() not in WRITABLE:
        target.mkdir(parents=True, exist_ok=True)
        target = target / f"{job.source.stem}.mask.png"
    mask.save(target, overwrite=options.overwrite)


def _pictures(text: str, *, keep_name: bool, prune: Path | None) -> Iterator[tuple[Path, Path]]:
    """Pairs of a picture file and the subfolder that its result goes to below an output folder."""
    path = Path(text)
    if path.is_file():
        yield path, Path()
    elif path.is_dir():
        # Like `cp -r a b out`: with several inputs each folder keeps its name.
        top = Path(path.resolve().name) if keep_name else Path()
        for parent, folders, names in os.walk(path):
            here = Path(parent)
            folders[:] = sorted(name for name in folders if not name.startswith(".") and not _same(here / name, prune))
            for name in sorted(names):
                if _looks_like_a_picture(name):
                    yield here / name, top / here.relative_to(path)
    elif glob.has_magic(text):
        fixed = Path(*_take_while_plain(path.parts))
        below = prune if prune is not None and _is_below(prune, fixed) else None
        for match in sorted(glob.glob(text, recursive=True)):
            found = Path(match)
            if found.is_file() and _looks_like_a_picture(found.name) and not (below and _is_below(found, below)):
                yield found, found.parent.relative_to(fixed)


def _take_while_plain(parts: Sequence[str]) -> Iterator[str]:
    for part in parts:
        if glob.has_magic(part):
            return
        yield part


def _what_is_missing(text: str) -> str:
    if os.path.isdir(text):
        return f"{text} holds no picture files ({', '.join(PICTURE_SUFFIXES)})."
    if glob.has_magic(text):
        return f"No picture file matches {text}."
    return f"{text}: there is no such file or folder."


def _looks_like_a_picture(name: str) -> bool:
    # Names with a leading dot are other programs' droppings: thumbnails, macOS's "._name.jpg".
    return name.lower().endswith(PICTURE_SUFFIXES) and not name.startswith(".")


def _is_earlier_result(path: Path) -> bool:
    """Whether the file is the result or comparison of a picture that lies beside it."""
    for mark in (RESULT_MARK, COMPARISON_MARK):
        if path.stem.endswith(mark):
            original = path.with_name(path.stem.removesuffix(mark) or path.name)
            is_whole_name = original.suffix.lower() in READ_ONLY
            return (original if is_whole_name else original.with_name(original.name + path.suffix)).is_file()
    return False


def _result_name(source: Path, mark: str) -> str:
    if source.suffix.lower() in READ_ONLY:
        # Phones put IMG_1.HEIC beside IMG_1.JPG: what changes its format keeps its whole name, so that they never meet.
        return source.name + mark + _other_suffix(source)
    return source.stem + mark + source.suffix


def _other_suffix(source: Path) -> str:
    from .picture import Picture

    try:
        format = Picture.open(source, page=1).output_format
    except SfumatoError:
        format = "png"  # the restoring itself will say what is wrong with the file
    return ".jpg" if format == "jpeg" else f".{format}"


def _comparison_path(target: Path) -> Path:
    return target.with_name(target.stem.removesuffix(RESULT_MARK) + COMPARISON_MARK + target.suffix)


def _check_writable(output: Path) -> None:
    """Before the work, not after it."""
    try:
        format_of(output)
    except PictureError as error:
        raise UsageError(f"-o {error}") from None


def _names_a_file(output: str) -> bool:
    return bool(Path(output).suffix) and not output.endswith(("/", os.sep)) and not os.path.isdir(output)


def _same(path: Path, other: Path | None) -> bool:
    return other is not None and os.path.abspath(path) == os.path.abspath(other)


def _is_below(path: Path, folder: Path) -> bool:
    return Path(os.path.abspath(folder)) in Path(os.path.abspath(path)).parents
