"""How a batch is done, what becomes of each of its pictures, and what it tells of itself."""

from dataclasses import dataclass, field
from pathlib import Path

from ..errors import Option, SfumatoError
from ..pictures.picture import Picture
from ..pictures.write import LOSSY
from ..restoration import effects
from ..restoration.options import RestoreOptions
from ..restoration.restore import Preview
from ..restoration.result import Restored, Step
from ..video.options import ClipOptions
from ..video.restore import Progress
from .jobs import Job, Plan

OF_CLIPS = ("codec", "crf", "fps", "preview")


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
    picture. effective: options that were given and changed what became of it."""

    job: Job
    num_pixels: int
    steps: tuple[Step, ...]
    seconds: float
    notes: tuple[str, ...] = ()
    advice: str = ""
    num_frames: int = 0
    effective: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Failure:
    """A picture that could not be restored, and the sentence that says why."""

    job: Job
    error: SfumatoError


@dataclass
class BatchReport:
    """What a batch did. `num_pixels` and `seconds` count the pictures restored in this run.

    num_unread: files in the folders that are no pictures. num_stale: results that were there and were made again, since
    their source or the options had changed. effective: options that changed something in one of them at least.
    without_effect: those that were given and changed nothing in any.
    """

    num_restored: int = 0
    num_finished_before: int = 0
    num_passed_over: int = 0
    num_unread: int = 0
    num_stale: int = 0
    num_pixels: int = 0
    seconds: float = 0.0
    failures: list[Failure] = field(default_factory=list)
    effective: set[str] = field(default_factory=set)
    without_effect: list[Option] = field(default_factory=list)

    def begin(self, plan: Plan) -> None:
        """What the plan says."""
        self.num_finished_before, self.num_passed_over = len(plan.finished), plan.num_passed_over
        self.num_unread = plan.num_unread

    def add(self, found: "Outcome | Failure") -> None:
        """One picture more."""
        if isinstance(found, Failure):
            self.failures.append(found)
            return
        self.num_restored += 1
        self.num_stale += found.job.is_stale
        self.effective |= found.effective
        self.num_pixels += found.num_pixels

    def end(self, options: BatchOptions) -> None:
        """What the whole batch says of the options."""
        if self.num_restored:
            self.without_effect += [Option(name) for name in given(options) if name not in self.effective]


def given(options: BatchOptions) -> tuple[str, ...]:
    """Names of the options of a batch that were given and of which can be told whether they changed anything."""
    said = {"quality": options.quality, "mask_out": options.mask_out, "page": options.page}
    said |= {"all_pages": options.all_pages or None}
    said |= {name: getattr(options.clip, name) for name in OF_CLIPS}
    return (*(name for name, value in said.items() if value is not None), *effects.given(options.restore))


def effective_on_clip(options: BatchOptions, steps: tuple[Step, ...], *, is_sequence: bool) -> frozenset[str]:
    """Those of them that changed what became of a clip. is_sequence: it was frames with numbers, without a rate."""
    at_work = {*OF_CLIPS, *effects.OF_CLIPS} - (set() if is_sequence else {"fps"})
    return effects.effective(options.restore, steps, is_resized=True) | (at_work & set(given(options)))


def effective_on_picture(
    options: BatchOptions, restored: Restored, format: str, *, has_pages: bool = False
) -> frozenset[str]:
    """Those of them that changed what became of a picture that is written in `format`, or of one page."""
    at_work = {"page", "all_pages"} if has_pages else set()
    at_work |= {"quality"} if format in LOSSY and not restored.is_copy_in(format) else set()
    marks = restored.doubtful is not None or any(step.filled is not None for step in restored.steps)
    at_work |= {"mask_out"} if marks else set()
    resized = restored.is_resized
    return effects.effective(options.restore, restored.steps, is_resized=resized) | (at_work & set(given(options)))


class Listener:
    """Hears what happens in a batch, in order; the methods do nothing until overridden."""

    def started(self, job: Job, num_pixels: int) -> None: ...

    def advanced(self, num_pixels: int) -> None: ...

    def at_frame(self, job: Job, progress: Progress) -> None: ...

    def estimated(self, job: Job, seconds: float) -> None: ...

    def restored(self, outcome: Outcome) -> None: ...

    def previewed(self, job: Job, preview: Preview) -> None: ...

    def failed(self, failure: Failure) -> None: ...


def tell(listener: Listener, found: Outcome | Failure) -> None:
    """The listener hears what became of a picture."""
    if isinstance(found, Failure):
        listener.failed(found)
    else:
        listener.restored(found)
