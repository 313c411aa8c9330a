"""How the command line shows things: a bar that knows megapixels, a line for each picture, tables.

Results go to stdout as plain lines that other programs can read; the bar and what failed go to stderr.
"""

import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from ...batch.runner import BatchReport, Failure, Foreseen, Job, Listener, Outcome
from ...conditions.classes import listed
from ...models.card import Card, Entry

MEGA = 1e6
# Above this many pictures a line for each would bury what failed.
MAX_LINES = 200


class BatchDisplay(Listener):
    """A batch as it happens; the bar is drawn only where stderr is a terminal. Use it as a context manager."""

    def __init__(self, jobs: Sequence[Job], num_pixels: int) -> None:
        console = Console(stderr=True)
        self._has_lines = len(jobs) <= MAX_LINES
        self._pixels_before = 0
        self._pixels_here = 0
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

    def restored(self, outcome: Outcome) -> None:
        self._close_picture()
        if self._has_lines:
            parts = (megapixels(outcome.num_pixels), outcome.done, f"{outcome.seconds:.1f} s")
            facts = ", ".join(part for part in parts if part)
            print(f"{outcome.job.source} -> {outcome.job.target}  ({facts})")
            if outcome.job.comparison is not None:
                print(f"  side by side: {outcome.job.comparison}")
        for note in outcome.notes:
            print(f"  {outcome.job.source.name}: {note}")

    def foreseen(self, foreseen: Foreseen) -> None:
        print(f"{foreseen.job.source}: found {foreseen.found}; would do {', '.join(foreseen.tasks) or 'nothing'}.")
        if foreseen.proposed:
            print(f"  {foreseen.job.source.name}: {foreseen.proposed}")

    def failed(self, failure: Failure) -> None:
        self._close_picture()

    def _close_picture(self) -> None:
        self._pixels_before += self._pixels_here
        self._pixels_here = 0
        self.advanced(0)


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:.1f} MP/s")


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar that is told how many are done, and all; drawn only where stderr is a terminal."""
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed} of {task.total}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    task = bar.add_task(what, total=None)
    with bar:
        yield lambda done, total: bar.update(task, completed=done, total=total)


def print_summary(report: BatchReport, num_left: int = 0) -> None:
    """What a batch did: one line, and one for each picture that failed, on stderr."""
    parts = []
    if report.num_restored != 1 or report.failures or report.num_finished_before or num_left:
        parts.append(f"{count(report.num_restored, 'picture')} restored")
        if report.num_restored:
            rate = report.num_pixels / MEGA / max(report.seconds, 1e-9)
            parts[-1] += f" ({megapixels(report.num_pixels)} in {report.seconds:.1f} s, {rate:.1f} MP/s)"
    if report.num_finished_before:
        parts.append(f"{report.num_finished_before} already there (--overwrite does them again)")
    if report.num_passed_over:
        parts.append(f"{count(report.num_passed_over, 'earlier result')} passed over")
    if report.failures:
        parts.append(f"{len(report.failures)} failed")
    if num_left:
        parts.append(f"stopped with {num_left} left: the same command does the rest")
    if parts:
        print("; ".join(parts) + ".")
    for failure in report.failures:
        print(f"sfumato: {failure.reason}", file=sys.stderr)


def print_models(cards: Sequence[Card], defaults: Collection[str]) -> None:
    """One row a model: what it does, its parameters, its work for one picture, its scores with their protocols."""
    table = Table(box=None, pad_edge=False)
    for title in ("model", "task", "parameters", "GMACs", "scores"):
        table.add_column(title, justify="right" if title[0] == "p" else "left", overflow="fold")
    for card in cards:
        name = f"{card.name} (default)" if card.name in defaults else card.name
        height, width = card.size if card.size else (256, 256)
        work = f"{card.macs_per_pixel * height * width / 1e9:.2f} at {height}x{width}"
        scores = "\n".join(score_line(row) for row in card.scores)
        table.add_row(Text(name), card.task, f"{card.num_parameters:,}", work, Text(scores))
    _stdout().print(table)


def score_line(row: dict[str, Any]) -> str:
    """A row of a card's scores in words; a number never stands without its data and protocol."""
    return f"{row['data']} {row['protocol']}: {row['value']} {row['metric']}"


def print_card(card: Card) -> None:
    """All that a model file says of itself."""
    halo = (
        f"{card.halo} px" if card.halo is not None else f"none: global, whole pictures up to {card.max_pixels} pixels"
    )
    size = "x".join(map(str, card.size))
    draws = card.task == "generate"
    rule = f"height and width padded to multiples of {card.stride}"
    if draws or card.fixed_size:
        rule = f"{size} only" if card.fixed_size else f"{size}, or other multiples of {card.stride}"
    facts: dict[str, Any] = {
        "name": card.name,
        "task": card.task,
        "summary": card.summary,
        "family": card.family,
        "inputs": ", ".join(f"{port.name} ({port.kind}, {port.channels} channels)" for port in card.inputs),
        "outputs": ", ".join(f"{port.name} ({port.kind}, {port.channels} channels)" for port in card.outputs),
        "scale": card.scale,
        "size rule": rule,
        "classes": f"{len(card.classes)}: {listed(card.classes)}" if card.classes else "",
        "entries": [_entry_line(name, entry) for name, entry in card.entries.items()],
        "drawn with": card.sampling,
        "halo": halo,
        "memory": f"{card.bytes_per_pixel} bytes a pixel",
        "work": f"{card.macs_per_pixel:,} multiply-adds a pixel",
        "parameters": f"{card.num_parameters:,}",
        "licence": card.licence,
        "training": card.training,
        "config": card.config,
        "scores": [score_line(row) for row in card.scores],
    }
    print_facts(facts)


def _entry_line(name: str, entry: Entry) -> str:
    return f"{name}: {', '.join(entry.inputs)} -> {', '.join(entry.outputs)}"


def print_facts(facts: dict[str, Any]) -> None:
    """Names and values in two columns; nested ones indented below their name, empty ones left out."""
    width = max((len(name) for name in facts), default=0)
    for name, value in facts.items():
        if value is None or value == "" or value == [] or value == {} or value == ():
            continue
        if isinstance(value, dict):
            lines = [f"{key}: {item}" for key, item in value.items()]
        elif isinstance(value, (list, tuple)):
            lines = [str(item) for item in value]
        else:
            lines = ["yes" if value is True else "no" if value is False else str(value)]
        print(f"{name:<{width}}  {lines[0]}")
        for line in lines[1:]:
            print(f"{'':<{width}}  {line}")


def megapixels(num_pixels: int) -> str:
    """12192768 -> "12.2 MP"; small pictures with the digits that they need."""
    return f"{num_pixels / MEGA:.{1 if num_pixels >= MEGA else 3}f} MP"


def count(number: int, noun: str) -> str:
    """1, "picture" -> "1 picture"; 2 -> "2 pictures"."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _shorten(name: str, width: int = 32) -> str:
    return name if len(name) <= width else f"{name[: width - 12]}...{name[-9:]}"


def _stdout() -> Console:
    # A pipe has no width: a table that is cut at 80 columns there would lose its scores.
    return Console(width=None if sys.stdout.isatty() else 160)
