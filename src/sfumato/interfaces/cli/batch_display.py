"""A batch as the command line shows it: a line a picture, a bar that knows megapixels, a summary; or JSON lines.

Results go to stdout as plain lines that other programs can read; the bar and what failed go to stderr.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from ...batch import BatchReport, Failure, Job, Listener, Outcome
from ...restoration.restore import Preview
from ...video.frames import duration
from ...video.restore import Progress as ClipProgress
from .lines import MEGA, digits, say, shown, speed
from .options import spelled
from .presentation import count, megapixels

# Above this many pictures a line for each would bury what failed.
MAX_LINES = 200
FOUND = "Found "  # how the note begins that says what was found; the line has it
LEFT = "every picture was left as it is"
WITHOUT_EFFECT = {
    "quality": "no result was written anew in a format that has one",
    "mask_out": "nothing was filled in",
    "look": "nothing was enlarged or filled in",
    "all_pages": "every picture has one page",
    "page": "every picture has one page",
    "seed": "only --samples draws at random",
    "noise": "no model that worked takes a level of noise",
    "jpeg_quality": "no model that worked takes a JPEG quality",
    "ensemble": "no model that worked can be turned",
    "strength": LEFT,
    "mask": LEFT,
    "hints": "nothing was coloured",
    "steps": "no known damage was undone",
    **dict.fromkeys(("width", "height", "megapixels"), "every picture has that size"),
    **dict.fromkeys(("codec", "crf", "preview", "fast", "look_ahead"), "there was no clip"),
    "fps": "there were no numbered frames",
}
ESTIMATED_AT = 3  # frames; from then on the time that a clip takes is known
WORTH_SAYING = 20.0  # seconds that are left
MOST_ADVISED = 3  # files that a piece of advice names


class BatchDisplay(Listener):
    """A batch as it happens, used as a context manager; this one says nothing but errors."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def summarize(self, report: BatchReport, *, num_left: int = 0, previewed: bool = False) -> None:
        """What the batch did, and a line on stderr for each picture that failed."""
        for failure in report.failures:
            say(f"sfumato: {failure.error.spelled(spelled)}", file=sys.stderr)


class JsonLines(BatchDisplay):
    """One JSON object a picture, on stdout: what was found, done and lost, or why it failed."""

    def restored(self, outcome: Outcome) -> None:
        steps = [
            {
                "model": step.model,
                "task": step.task,
                "noise": None if step.noise is None else round(255 * step.noise.typical, 2),
                "jpeg_quality": None if step.jpeg_quality is None else round(step.jpeg_quality, 1),
                "filled": step.filled,
                "ensemble": step.ensemble,
                "residual": None if step.residual is None else round(255 * step.residual, 3),
            }
            for step in outcome.steps
        ]
        self._print(
            outcome.job,
            status="restored" if steps else "unchanged",
            output=str(outcome.job.target),
            comparison=str(outcome.job.comparison) if outcome.job.comparison else None,
            pixels=outcome.num_pixels,
            **({"frames": outcome.num_frames} if outcome.num_frames else {}),
            seconds=round(outcome.seconds, 3),
            steps=steps,
            notes=list(outcome.notes),
            advice=outcome.advice or None,
        )

    def previewed(self, job: Job, preview: Preview) -> None:
        tasks = list(preview.tasks)
        self._print(job, status="previewed", found=preview.found, tasks=tasks, advice=preview.advice or None)

    def failed(self, failure: Failure) -> None:
        self._print(failure.job, status="failed", error=failure.error.spelled(spelled))

    def summarize(self, report: BatchReport, *, num_left: int = 0, previewed: bool = False) -> None:
        for line in without_effect(report, previewed=previewed):
            say(line, file=sys.stderr)
        super().summarize(report, num_left=num_left, previewed=previewed)

    def _print(self, job: Job, **facts: Any) -> None:
        print(json.dumps({"input": str(job.source)} | facts, ensure_ascii=False), flush=True)


class Lines(BatchDisplay):
    """One line a picture, with what was found and done; the bar is drawn only where stderr is a terminal."""

    def __init__(self, jobs: Sequence[Job], num_pixels: int, *, verbose: bool) -> None:
        console = Console(stderr=True)
        self._verbose, self._has_lines = verbose, verbose or len(jobs) <= MAX_LINES
        self._pixels_before = 0
        self._pixels_here = 0
        self._advice: dict[str, list[Path]] = {}
        self._estimated: set[Path] = set()
        self._notes: Counter[str] = Counter()
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.completed:.1f} of {task.total:.1f} MP"),
            _Rate(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
            # With stdout in a file and the bar on a terminal, the lines still belong into the file.
            redirect_stdout=sys.stdout.isatty(),
        )
        self._task = self._progress.add_task("", total=num_pixels / MEGA)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def started(self, job: Job, num_pixels: int) -> None:
        self._pixels_here = num_pixels
        self._progress.update(self._task, description=_shorten(job.source.name))

    def advanced(self, num_pixels: int) -> None:
        self._progress.update(self._task, completed=(self._pixels_before + num_pixels) / MEGA)

    def at_frame(self, job: Job, progress: ClipProgress) -> None:
        left = progress.seconds_left
        is_first = left is not None and progress.done >= ESTIMATED_AT and job.source not in self._estimated
        if left is not None and is_first:
            self._estimated.add(job.source)
        if left is not None and is_first and left > WORTH_SAYING:
            rate = f"{digits(progress.rate)} frames a second"
            say(f"{job.source}: {progress.num_frames:,} frames at {rate}: about {duration(left)}.", file=sys.stderr)
        of = "" if progress.num_frames is None else f" of {progress.num_frames:,}"
        name = f"{_shorten(job.source.name)}: frame {progress.done:,}{of}, {digits(progress.rate)}/s"
        self._progress.update(self._task, description=name)
        self.advanced(progress.num_pixels)

    def estimated(self, job: Job, seconds: float) -> None:
        if seconds >= WORTH_SAYING:
            say(f"{job.source}: this will take about {duration(seconds)}.", file=sys.stderr)

    def restored(self, outcome: Outcome) -> None:
        self._close_picture()
        found = next((note for note in outcome.notes if note.startswith(FOUND)), "")
        if found:
            models = ", ".join(step.model for step in outcome.steps) or "left as it is"
            done = f"{found[:1].lower()}{found[1 : found.index(':')]}: {models}"
        else:
            done = ", ".join(step.describe() for step in outcome.steps) or "left as it is"
        if self._has_lines:
            frames = f"{count(outcome.num_frames, 'frame')}, " if outcome.num_frames else ""
            facts = f"{frames}{megapixels(outcome.num_pixels)}, {done}, {outcome.seconds:.1f} s"
            say(f"{outcome.job.source} -> {outcome.job.target}  ({facts})")
        if self._has_lines and outcome.job.comparison is not None:
            say(f"  side by side: {outcome.job.comparison}")
        # What was found and decided is in the line; what went wrong or was lost is said of every picture.
        for note in outcome.notes:
            if self._verbose or not note.startswith(FOUND):
                say(f"  {outcome.job.source}: {note}")
        self._advise(outcome.job, outcome.advice)

    def previewed(self, job: Job, preview: Preview) -> None:
        say(
            f"{job.source}: found {preview.found}; would do {', '.join(preview.tasks) or 'nothing'}"
            + (f", in about {duration(preview.seconds)}." if preview.seconds else ".")
        )
        self._advise(job, preview.advice)

    def failed(self, failure: Failure) -> None:
        self._close_picture()

    def summarize(self, report: BatchReport, *, num_left: int = 0, previewed: bool = False) -> None:
        parts = [] if previewed else _summary(report, num_left)
        if parts:
            say("; ".join(parts) + ".")
        for line in without_effect(report, previewed=previewed):
            say(line)
        for advice, paths in self._advice.items():
            names = ", ".join(os.path.relpath(path) for path in paths[:MOST_ADVISED])
            rest = f" and {len(paths) - MOST_ADVISED} more" if len(paths) > MOST_ADVISED else ""
            say(f"{advice}  ({count(len(paths), 'picture')}: {names}{rest})")
        super().summarize(report, num_left=num_left, previewed=previewed)

    def _advise(self, job: Job, advice: str) -> None:
        if not advice:
            return
        if self._verbose:
            say(f"  {job.source}: {advice}")
        else:
            self._advice.setdefault(advice, []).append(job.source)

    def _close_picture(self) -> None:
        self._pixels_before += self._pixels_here
        self._pixels_here = 0
        self.advanced(0)


def display_for(jobs: Sequence[Job], num_pixels: int, *, verbose: bool, quiet: bool, as_json: bool) -> BatchDisplay:
    """The display that was asked for."""
    if as_json:
        return JsonLines()
    return BatchDisplay() if quiet else Lines(jobs, num_pixels, verbose=verbose)


def without_effect(report: BatchReport, *, previewed: bool = False) -> list[str]:
    """A sentence for each option that changed nothing."""
    said = {option.name: "--dry-run writes no results" for option in report.without_effect} if previewed else {}
    return [
        f"{spelled(option)} had no effect: {(said or WITHOUT_EFFECT).get(option.name, LEFT)}."
        for option in report.without_effect
    ]


def _summary(report: BatchReport, num_left: int) -> list[str]:
    parts = []
    if report.num_restored != 1 or report.failures or report.num_finished_before or report.num_stale or num_left:
        parts.append(f"{count(report.num_restored, 'picture')} restored")
        if report.num_restored and report.seconds:
            parts[-1] += f" ({megapixels(report.num_pixels)} in {report.seconds:.1f} s"
            # Of a moment's work a rate would say nothing.
            parts[-1] += f", {speed(report.num_pixels, report.seconds)})" if report.seconds >= 1 else ")"
    if report.num_finished_before:
        parts.append(f"{report.num_finished_before} already there (--overwrite does them again)")
    if report.num_stale:
        parts.append(f"{report.num_stale} of them again, since the input or the options had changed")
    if report.num_passed_over:
        parts.append(f"{count(report.num_passed_over, 'earlier result')} passed over")
    if report.num_unread:
        parts.append(f"{count(report.num_unread, 'file')} of other kinds not read")
    if report.failures:
        parts.append(f"{len(report.failures)} failed")
    if num_left:
        parts.append(f"stopped with {num_left} left: the same command does the rest")
    return parts


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None or (task.elapsed or 0) < 1 else speed(task.speed * MEGA, 1))


def _shorten(name: str, width: int = 32) -> str:
    name = shown(name)
    return name if len(name) <= width else f"{name[: width - 12]}...{name[-9:]}"
