"""Which pictures a command means, and where each result goes: files, folders and glob patterns into jobs."""

import errno
import glob
import os
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import Option, PictureError, SfumatoError, UsageError
from ..pictures.picture import Picture
from ..pictures.write import READ_ONLY, WRITABLE, format_of
from ..video import codecs
from ..video.animations import is_animation
from ..video.formats import check_writable, holds_media, is_clip, is_moving, is_there, measured
from ..video.sequences import is_pattern
from .records import Records

PICTURE_SUFFIXES = (*WRITABLE, *READ_ONLY)
OUTPUT = Option("output")
RESULT_MARK, COMPARISON_MARK, PREVIEW_MARK = ".restored", ".compare", ".preview"
# Reading a header takes about a millisecond: past this many files the total is estimated from a sample.
MAX_HEADERS = 500


@dataclass(frozen=True)
class Job:
    """One picture file or clip, the file that its result goes to, and where the side-by-side goes if one is wanted.

    place: the folder, below what was named, that it comes from. is_stale: its result is there, and was made of another
    state of the file or by other options, as far as is known.
    """

    source: Path
    target: Path
    comparison: Path | None = None
    place: Path = Path()
    is_stale: bool = False

    @property
    def is_finished(self) -> bool:
        # A name that is too long for the file system is none that is there; restoring it will say so.
        of_clip = is_pattern(self.target) and is_moving(self.source)  # a picture's result is one file
        is_done = is_there(self.target) if of_clip else os.path.exists(self.target)
        return is_done and (self.comparison is None or os.path.exists(self.comparison))


@dataclass(frozen=True)
class Plan:
    """`jobs` are left to do; `finished` have their results already; `num_passed_over` files are earlier results;
    `num_unread` files in the folders are none that are read."""

    jobs: tuple[Job, ...]
    finished: tuple[Job, ...] = ()
    num_passed_over: int = 0
    num_unread: int = 0

    def shard(self, number: int, count: int) -> "Plan":
        """Share `number` of `count`, from 1, of what there is to do.

        A picture's name decides, so that shares that begin at different times, or again, never meet.
        """
        if not 1 <= number <= count:
            raise UsageError(Option("shard"), f" is {number}/{count}: give the share and how many there are, as 3/16.")

        def ours(job: Job) -> bool:
            return zlib.crc32(os.fsencode(job.place / job.source.name)) % count == number - 1

        jobs, finished = (tuple(filter(ours, part)) for part in (self.jobs, self.finished))
        return replace(self, jobs=jobs, finished=finished)


def plan(
    inputs: Sequence[str],
    output: str | None = None,
    *,
    compare: bool = False,
    overwrite: bool = False,
    made_by: str | None = None,
    result_mark: str = RESULT_MARK,
) -> Plan:
    """Files, folders (searched recursively, structure kept) and glob patterns -> the jobs that they mean.

    Without `output` a result lies beside its source as NAME.restored.EXT (a.gif, which is not written as GIF, as
    a.gif.restored.png), a comparison as NAME.compare.EXT. With one picture file as input, an `output`
    that has a suffix is the result's file; otherwise it is a folder, in which results keep their sources' names.
    Clips (video files) are taken where they are named, by name or pattern, and left where they lie in a folder.
    result_mark: what stands for "restored" in the names. made_by: the `fingerprint` of the options; a result that is
    on record as made of another state of its source, or by other options, is a job again, and so is one without a
    record that is older than its source.
    Raises UsageError where an input is missing, two results would meet, or a source would be overwritten unasked.
    """
    for text in inputs:
        if not os.path.exists(text) and not glob.has_magic(text) and not is_pattern(text):
            raise UsageError(_what_is_missing(text))
    if len(inputs) == 1 and output is not None and os.path.isdir(inputs[0]) and _holds_frames(output):
        return _one(Job(Path(inputs[0]), Path(output)), overwrite)
    is_one = len(inputs) == 1 and not os.path.isdir(inputs[0])
    is_one_file = is_one and (os.path.exists(inputs[0]) or is_pattern(inputs[0]))
    folder = None if output is None or (is_one_file and _names_a_file(output)) else Path(output)
    if folder is not None and not is_one_file and folder.suffix.lower() in PICTURE_SUFFIXES and not folder.is_dir():
        raise UsageError(OUTPUT, f" {output} names one file, but there may be several results: name a folder.")
    if output is not None and folder is None:
        _check_writable(Path(output), of_clip=is_moving(Path(inputs[0])))
    if folder is not None and folder.exists() and not folder.is_dir():
        raise UsageError(OUTPUT, f" {output} is a file, and results of several pictures need a folder.")

    sources: dict[str, tuple[Path, Path]] = {}
    num_passed_over, unread, records = 0, set[Path](), Records()
    for text in inputs:
        found = False
        for path, place in _pictures(text, keep_name=len(inputs) > 1, prune=folder, unread=unread):
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
            target = folder / place / result_name(path, mark="")
        elif output is not None:
            target = Path(output)
        else:
            target = _beside(path, result_mark)
        job = Job(path, target, _comparison_path(target) if compare else None, place)
        other = taken.setdefault(_spot(target), path)
        if other != path:
            raise UsageError(
                f"{other} and {path} would both be written to {target}: restore the folder that holds both."
            )
        if not overwrite and os.path.exists(target) and os.path.samefile(target, path):
            raise UsageError(
                f"{target} is the input itself: name another place with ",
                OUTPUT,
                ", or pass ",
                Option("overwrite", True),
                ".",
            )
        if job.is_finished and not overwrite:
            job = replace(job, is_stale=made_by is not None and records.is_stale(path, target, made_by))
        (finished if job.is_finished and not overwrite and not job.is_stale else jobs).append(job)
    return Plan(tuple(jobs), tuple(finished), num_passed_over, len(unread))


def listed(inputs: Sequence[str]) -> list[Path]:
    """The picture files that inputs mean, each once, in order; clips are none.

    Raises UsageError where an input is missing or holds none.
    """
    found: dict[str, Path] = {}
    for text in inputs:
        pictures = [path for path, _ in _pictures(text, keep_name=False, prune=None, unread=set())]
        if not pictures:
            raise UsageError(_what_is_missing(text))
        for path in pictures:
            if not is_clip(path):
                found.setdefault(os.path.abspath(path), path)
    return list(found.values())


def estimate_pixels(jobs: Sequence[Job], *, max_pixels: int = 500_000_000) -> int:
    """Pixels of all pictures together, from their headers; above `MAX_HEADERS` files, from evenly spread ones."""
    step = max(1, -(-len(jobs) // MAX_HEADERS))
    sample = jobs[::step]
    num_pixels = 0
    for job in sample:
        if is_moving(job.source):
            num_pixels += measured(job.source)
            continue
        try:
            picture = Picture.open(job.source, max_pixels=max_pixels)
        except (SfumatoError, OSError):
            continue  # the batch itself will say what is wrong with it
        num_pixels += picture.width * picture.height
    return num_pixels * len(jobs) // max(1, len(sample))


def _pictures(text: str, *, keep_name: bool, prune: Path | None, unread: set[Path]) -> Iterator[tuple[Path, Path]]:
    """Pairs of a picture file and the subfolder that its result goes to below an output folder.

    Files in folders that are none are added to `unread`, but for hidden ones.
    """
    path = Path(text)
    if is_pattern(path) or (os.path.exists(path) and not path.is_dir()):
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
                elif not name.startswith("."):
                    unread.add(here / name)
    elif glob.has_magic(text):
        fixed = Path(*_take_while_plain(path.parts))
        below = prune if prune is not None and _is_below(prune, fixed) else None
        for match in sorted(glob.glob(text, recursive=True)):
            found = Path(match)
            if not (_looks_like_a_picture(found.name) or is_clip(found)):
                continue
            if found.is_file() and not found.name.startswith(".") and not (below and _is_below(found, below)):
                yield found, found.parent.relative_to(fixed)


def _take_while_plain(parts: Sequence[str]) -> Iterator[str]:
    for part in parts:
        if glob.has_magic(part):
            return
        yield part


def _what_is_missing(text: str) -> str:
    if os.path.isdir(text):
        return f"{text} holds no picture files ({', '.join(PICTURE_SUFFIXES)}); clips must be named themselves."
    if glob.has_magic(text):
        return f"No picture file matches {text}."
    try:
        os.stat(text)
    except OSError as error:
        if error.errno == errno.ELOOP:
            return f"{text}: the links lead in a circle, and to no file."
        if error.errno == errno.ENAMETOOLONG:
            return f"{text}: no file can have so long a name."
        if error.errno == errno.EACCES:
            return f"{text} cannot be reached: {error.strerror}."
    except ValueError:
        return f"{text!r} is no name that a file can have."
    if os.path.islink(text):
        return f"{text} is a link to {os.readlink(text)}, which does not exist."
    return f"{text}: there is no such file or folder."


def _looks_like_a_picture(name: str) -> bool:
    # Names with a leading dot are other programs' droppings: thumbnails, macOS's "._name.jpg".
    return name.lower().endswith(PICTURE_SUFFIXES) and not name.startswith(".")


def _is_earlier_result(path: Path) -> bool:
    """Whether the file is the result or comparison of a picture that lies beside it."""
    for mark in (RESULT_MARK, COMPARISON_MARK, PREVIEW_MARK):
        if path.stem.endswith(mark):
            original = path.with_name(path.stem.removesuffix(mark) or path.name)
            is_whole_name = original.suffix.lower() in (*READ_ONLY, *codecs.READ_ONLY)
            return (original if is_whole_name else original.with_name(original.name + path.suffix)).is_file()
    return False


def _holds_frames(output: str) -> bool:
    """Whether the name is one of a clip that the pictures of a folder are to be the frames of."""
    return Path(output).suffix.lower() in (*codecs.WRITABLE, ".gif", ".apng") and not os.path.isdir(output)


def _one(job: Job, overwrite: bool) -> Plan:
    return Plan((), (job,)) if job.is_finished and not overwrite else Plan((job,))


def _beside(source: Path, mark: str) -> Path:
    """The result's file; of numbered frames, a folder beside theirs."""
    if is_pattern(source):
        folder = source.parent if source.parent.name else source.parent.resolve()
        return folder.with_name(folder.name + mark) / source.name
    return source.with_name(result_name(source, mark))


def result_name(source: Path, mark: str) -> str:
    if source.suffix.lower() in READ_ONLY:
        # Phones put IMG_1.HEIC beside IMG_1.JPG: what changes its format keeps its whole name, so that they never meet.
        return source.name + mark + _other_suffix(source)
    suffix = source.suffix.lower()
    if suffix in codecs.READ_ONLY or (suffix not in codecs.WRITABLE and holds_media(source)):
        return source.name + mark + codecs.OTHER_SUFFIX
    return source.stem + mark + source.suffix


def _other_suffix(source: Path) -> str:
    try:
        if is_animation(source):
            return ".webp"
        format = Picture.open(source, page=1).output_format
    except SfumatoError:
        format = "png"  # the restoring itself will say what is wrong with the file
    return ".jpg" if format == "jpeg" else f".{format}"


def _comparison_path(target: Path) -> Path:
    return target.with_name(target.stem.removesuffix(RESULT_MARK) + COMPARISON_MARK + target.suffix)


def _check_writable(output: Path, *, of_clip: bool) -> None:
    """Before the work, not after it."""
    try:
        if of_clip:
            check_writable(output)
        else:
            format_of(output)
    except PictureError as error:
        raise UsageError(OUTPUT, " ", *error.parts) from None


def _spot(path: Path) -> str:
    """Where a path leads; the same for two that differ in letter case alone, where the file system sees none."""
    spot = os.path.abspath(path)
    return spot.casefold() if _folds_case(Path(spot)) else spot


def _folds_case(path: Path) -> bool:
    """Whether the nearest folder above `path` that is there is the same under other letters."""
    there = next((parent for parent in path.parents if os.path.exists(parent)), path)
    other = there.with_name(there.name.swapcase()) if there.name else there
    return other != there and os.path.exists(other) and os.path.samefile(other, there)


def _names_a_file(output: str) -> bool:
    return bool(Path(output).suffix) and not output.endswith(("/", os.sep)) and not os.path.isdir(output)


def _same(path: Path, other: Path | None) -> bool:
    return other is not None and os.path.abspath(path) == os.path.abspath(other)


def _is_below(path: Path, folder: Path) -> bool:
    return Path(os.path.abspath(folder)) in Path(os.path.abspath(path)).parents
