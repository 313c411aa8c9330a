"""How a batch is done, what becomes of each of its pictures, and what it tells of itself."""

from dataclasses import dataclass, field
from pathlib import Path

from ..errors import Option, SfumatoError
from ..pictures.picture import Picture
from ..pictures.write import LOSSY, WRITABLE
from ..restoration.options import RestoreOptions
from ..restoration.restore import Preview
from ..restoration.result import Step
from ..video.options import ClipOptions
from ..video.restore import Progress
from .jobs import Job, Plan


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
    which something was filled in. num_sharp: by models that make up details. num_clips: results that are clips.
    without_effect: options that were given and changed nothing in any picture.
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
    num_sharp: int = 0
    num_clips: int = 0
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
        self.num_lossy += is_lossy(found.job.target)
        self.num_clips += found.num_frames > 0
        self.num_filled += any(step.filled is not None for step in found.steps)
        self.num_sharp += any(step.is_sharp for step in found.steps)
        self.num_pixels += found.num_pixels

    def end(self, options: BatchOptions) -> None:
        """What the whole batch says of the options."""
        if not self.num_restored:
            return
        if options.quality is not None and not self.num_lossy:
            self.without_effect.append(Option("quality"))
        if options.mask_out is not None and not self.num_filled:
            self.without_effect.append(Option("mask_out"))
        if options.restore.is_sharp and not self.num_sharp:
            self.without_effect.append(Option("look"))
        if not self.num_clips:
            given = [name for name in ("codec", "crf", "fps", "preview") if getattr(options.clip, name) is not None]
            given += [name for name in ("fast", "look_ahead") if getattr(options.restore, name)]
            self.without_effect += map(Option, given)


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


def is_lossy(path: Path) -> bool:
    """Whether a picture file of this name has a quality."""
    return WRITABLE.get(path.suffix.lower()) in LOSSY
