"""A clip in, the restored clip out, frame by frame in bounded memory, written whole or not at all."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Self

from ..errors import Option, PictureError
from ..models.engine import Engine
from ..restoration.options import AUTO, DEFAULT_MODEL, MAX_PIXELS, Level, RestoreOptions
from ..restoration.restore import Preview
from ..restoration.result import Step
from ..tiling.strips import Rows
from .formats import check_options, open_clip, open_writer, place_for
from .frames import Clip, Frame, Reader, Writer, duration
from .options import ClipOptions, piece
from .preview import piece_of, side_by_side
from .restorers import FrameRestorer, preview_of, restorer_for
from .scenes import scenes, together
from .sequences import is_pattern


@dataclass(frozen=True)
class Progress:
    """How far a clip is.

    done: frames so far. num_frames: of all of it, None where the file does not say. rate: frames a second, of those
    behind the first, which takes longer; 0 while unknown. num_pixels: of what came in so far.
    """

    done: int
    num_frames: int | None
    rate: float
    num_pixels: int

    @property
    def seconds_left(self) -> float | None:
        """None while it is unknown."""
        if self.num_frames is None or not self.rate:
            return None
        return max(self.num_frames - self.done, 0) / self.rate


ProgressCallback = Callable[[Progress], None]


@dataclass(frozen=True)
class Scene:
    """A scene of a clip: when it begins, in seconds, what was done to its frames, and sentences on why."""

    seconds: float
    steps: tuple[Step, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class RestoredVideo:
    """What `restore_video` gives back.

    path: the file that was written. clip: what came in. num_frames: that were written. scenes: in order. notes:
    sentences on what was found, decided and lost.
    """

    path: Path
    clip: Clip
    num_frames: int
    scenes: tuple[Scene, ...]
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def steps(self) -> tuple[Step, ...]:
        """What was done, each model once, at the levels of the first scene in which it worked."""
        found: dict[str, Step] = {}
        for scene in self.scenes:
            for step in scene.steps:
                found.setdefault(step.model, step)
        return tuple(found.values())


def restore_video(
    source: str | Path,
    target: str | Path,
    *,
    task: str = AUTO,
    model: str | Path | Engine = DEFAULT_MODEL,
    noise: Level = AUTO,
    jpeg_quality: Level = AUTO,
    scale: float | None = None,
    width: int | None = None,
    height: int | None = None,
    megapixels: float | None = None,
    strength: float = 1.0,
    mask: str | Path | None = None,
    ensemble: bool = False,
    kernel: str | Path | None = None,
    steps: int | None = None,
    fast: bool = False,
    look_ahead: bool = False,
    codec: str | None = None,
    crf: float | None = None,
    fps: float | None = None,
    preview: str | None = None,
    overwrite: bool = False,
    device: str = "auto",
    threads: int | None = None,
    memory_mb: int | None = None,
    max_pixels: int = MAX_PIXELS,
    progress: ProgressCallback | None = None,
) -> RestoredVideo:
    """Restore a clip frame by frame and write it to `target`, whole or not at all.

    source: a video file, an animation (GIF, PNG, WebP), a folder of numbered frames, or a pattern such as
    "frames/%04d.png". target: the same; its suffix says what is written (.mp4, .mov, .mkv, .webm, .gif, .png, .webp).
    From a video file to a video file, sound, subtitles, chapters and metadata go along as they are, and times,
    rotation, shape of the pixels, depth and the meaning of the colours are kept.

    task, model, noise, jpeg_quality, scale, width, height, megapixels, strength, mask, ensemble, kernel, steps, device,
    threads, memory_mb, max_pixels: as in `sfumato.restore`, for each frame; with "auto" tasks and levels are found once
    a scene. fast: noise is removed by a smaller network that remembers, with half the work and a little less gained.
    look_ahead: networks that remember see some frames after each, too: better, for two and a half times the work. Where
    noise is faint, what single frames show has a part in it as well.

    codec: "h264", "h265", "vp9", "av1", "ffv1" or "prores"; by default what suits the suffix and the depth. crf: of the
    first four, lower is better; None for a visually lossless one. fps: frames a second of numbered frames, 25 unless
    given. preview: only a piece, such as "5s@1:20", with before and after side by side, without sound.

    progress is called after each frame. Raises UsageError for values out of range, PictureError for a clip that cannot
    be read, restored or written, MissingExtra where PyAV is not installed.
    """
    options = RestoreOptions(
        task=task,
        model=model,
        noise=noise,
        jpeg_quality=jpeg_quality,
        scale=scale,
        width=width,
        height=height,
        megapixels=megapixels,
        strength=strength,
        mask=mask,
        ensemble=ensemble,
        kernel=kernel,
        steps=steps,
        fast=fast,
        look_ahead=look_ahead,
        device=device,
        threads=threads,
        memory_mb=memory_mb,
        max_pixels=max_pixels,
    )
    clip_options = ClipOptions(codec=codec, crf=crf, fps=fps, preview=preview)
    return restore_clip(Path(source), Path(target), options, clip_options, overwrite=overwrite, progress=progress)


def restore_clip(
    source: Path,
    target: Path,
    options: RestoreOptions,
    clip_options: ClipOptions,
    *,
    overwrite: bool = False,
    started: Callable[[Clip], None] | None = None,
    progress: ProgressCallback | None = None,
) -> RestoredVideo:
    """The same for options that lie together; `started` is called with the clip before its first frame."""
    began = time.perf_counter()
    with open_clip(source, clip_options, options.threads, options.max_pixels) as reader:
        check_size(reader.clip, options)
        check_options(reader.clip, clip_options, target)
        if started is not None:
            started(reader.clip)
        restorer = restorer_for(options, reader.clip.format, reader.clip.codec)
        work, count = _Work(restorer, options), reader.clip.num_frames
        extent = None if clip_options.preview is None else piece(clip_options.preview)
        with place_for(target, overwrite=overwrite) as place:
            with _Output(partial(open_writer, place, target, reader, clip_options, options.threads)) as output:
                if extent is None:
                    _write_all(reader, output, work, _Count(reader.clip, count, work.at_once, progress))
                else:
                    count = round(extent[1] * reader.clip.rate)
                    _write_piece(reader, output, work, _Count(reader.clip, count, work.at_once, progress), *extent)
            notes = output.notes
            if work.did_nothing and clip_options == ClipOptions() and _are_files_of_a_kind(source, target):
                shutil.copyfile(source, place)
                notes = ("No frame was changed: the file was copied as it is.",)
        seconds = time.perf_counter() - began
        notes = (*work.notes, *notes, *reader.notes)
        return RestoredVideo(target, reader.clip, work.num_frames, tuple(work.scenes), seconds, notes)


def _are_files_of_a_kind(source: Path, target: Path) -> bool:
    return source.is_file() and source.suffix.lower() == target.suffix.lower() and not is_pattern(target)


def look_at(source: Path, options: RestoreOptions, clip_options: ClipOptions) -> Preview:
    """What is found in the first scene of a clip, what would be done, and in about which time, without doing it."""
    with open_clip(source, clip_options, options.threads, options.max_pixels) as reader:
        check_size(reader.clip, options)
        check_options(reader.clip, clip_options)
        _, opening = next(scenes(reader.frames()))
        assert opening is not None
        frames = [frame.pixels for frame in opening]
        preview = preview_of(frames, options, reader.clip.format)
        num_frames = reader.clip.num_frames
        about = ""
        if preview.tasks and num_frames:
            restorer = restorer_for(options, reader.clip.format, reader.clip.codec)
            restorer.reset(frames)
            for frame in (frames[0], frames[-1]):  # the first time a runtime is slower
                started = time.perf_counter()
                restorer.restore(frame)
            seconds = (time.perf_counter() - started) * num_frames * restorer.passes
            about = f", about {duration(seconds)} in all"
        found = f"{preview.found} in its first scene ({num_frames or 'unknown'} frames{about})"
        return replace(preview, found=found)


def check_size(clip: Clip, options: RestoreOptions) -> None:
    """Raises PictureError for frames that are larger than `options` allow."""
    if clip.width * clip.height > options.max_pixels:
        raise PictureError(
            f"{clip.path} has frames of {clip.width}x{clip.height}, more than the {options.max_pixels:,} pixels that "
            "are allowed; ",
            Option("max_pixels"),
            " sets another limit.",
        )


class _Work:
    """The restorer at work on one frame after the other, and what it did."""

    def __init__(self, restorer: FrameRestorer, options: RestoreOptions) -> None:
        self._restorer = restorer
        self._ways = {"the fast way": options.fast, "looking ahead": options.look_ahead}
        self.num_frames = 0
        self.scenes: list[Scene] = []
        self.did_nothing = True
        self.at_once = restorer.at_once

    def restored(self, frames: Iterable[Frame]) -> Iterator[tuple[Frame, Rows]]:
        """Each frame as it was, and restored."""
        restorer = self._restorer
        for several, following, opening in together(scenes(frames), restorer.at_once, restorer.ahead):
            if opening is not None:
                restorer.reset([first.pixels for first in opening])
            results = restorer.restore_together([f.pixels for f in several], [f.pixels for f in following])
            for frame, pixels in zip(several, results, strict=True):
                if restorer.steps or pixels.shape != frame.pixels.shape:
                    self.did_nothing = False
                if opening is not None:
                    self.scenes.append(Scene(frame.seconds, restorer.steps, restorer.notes))
                    opening = None
                self.num_frames += 1
                yield frame, pixels

    @property
    def notes(self) -> tuple[str, ...]:
        """What was found in the first scene, where there are several, how many, and what had no effect."""
        found = list(self.scenes[0].notes) if self.scenes else []
        if len(self.scenes) > 1:
            found.append(f"{len(self.scenes)} scenes were found, each with its own levels.")
        if not self._restorer.remembers:
            asked = [way for way, is_on in self._ways.items() if is_on]
            found += [f"What works here remembers nothing, so {way} changes nothing." for way in asked]
        return tuple(found)


class _Output:
    """A writer that is opened when the size of the first restored frame is known; packets of sound wait for it."""

    def __init__(self, open: Callable[[tuple[int, int]], Writer]) -> None:
        self._open, self._waiting = open, list[Any]()
        self.writer: Writer | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        if self.writer is not None:
            self.writer.__exit__(*error)

    @property
    def notes(self) -> tuple[str, ...]:
        return () if self.writer is None else tuple(self.writer.notes)

    def pass_on(self, packet: Any) -> None:
        if self.writer is None:
            self._waiting.append(packet)
        else:
            self.writer.pass_on(packet)

    def write(self, frame: Frame, pixels: Rows) -> None:
        if self.writer is None:
            self.writer = self._open((pixels.shape[0], pixels.shape[1])).__enter__()
            for packet in self._waiting:
                self.writer.pass_on(packet)
        self.writer.write(frame, pixels)


def _write_all(reader: Reader, output: _Output, work: _Work, count: _Count) -> None:
    for frame, pixels in work.restored(reader.frames(output.pass_on)):
        output.write(frame, pixels)
        count.one_more()


def _write_piece(reader: Reader, output: _Output, work: _Work, count: _Count, start: float, length: float) -> None:
    """Before and after side by side, of a piece of so many seconds."""
    reader.seek(start)
    first: Frame | None = None
    for frame, pixels in work.restored(piece_of(reader.frames(), start, length)):
        first = first or frame
        output.write(frame.later_than(first), side_by_side(frame.pixels, pixels))
        count.one_more()
    if first is None:
        lasts = duration(reader.clip.seconds or 0)
        raise PictureError(f"{reader.clip.path} has no frame at {duration(start)}; it lasts {lasts}.")


class _Count:
    """Tells of progress; the first frame, which takes longer, is left out of the rate.

    Of frames that are restored `at_once` the rate is known when all of them are.
    """

    def __init__(self, clip: Clip, num_frames: int | None, at_once: int, tell: ProgressCallback | None) -> None:
        self._clip, self._num_frames, self._at_once, self._tell = clip, num_frames, at_once, tell
        self._done, self._since, self._rate = 0, time.perf_counter(), 0.0

    def one_more(self) -> None:
        self._done += 1
        now = time.perf_counter()
        if self._at_once == 1 and self._done == 1:
            self._since = now
        elif self._done % self._at_once == 0:
            self._rate = (self._done - (self._at_once == 1)) / max(now - self._since, 1e-9)
        if self._tell is not None:
            num_pixels = self._done * self._clip.width * self._clip.height
            self._tell(Progress(self._done, self._num_frames, self._rate, num_pixels))
