"""How the command line shows things: bars, tables, facts."""

import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from ...conditions.classes import listed
from ...models.card import Card, Entry
from .lines import MEGA, say, shown

if TYPE_CHECKING:
    from ...restoration.contest import Outcome

SPEEDS = ("megapixels a second", "pictures a second")  # metrics in the scores of a card


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar, moved by calling it with how many are done, and all; drawn only where stderr is a terminal."""
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
    task = bar.add_task(shown(what), total=None)
    with bar:
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def stages(first: str) -> Iterator[Callable[[str], None]]:
    """A line that says what is being done and for how long; called with what comes next. Only where stderr shows it."""
    console = Console(stderr=True)
    line = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    task = line.add_task(shown(first), total=None)
    with line:
        yield lambda what: line.update(task, description=shown(what))


def print_models(cards: Sequence[Card], defaults: Collection[str], sizes: dict[str, int]) -> None:
    """One line a model: its name, what it does, its file's size and its speed on the card's machine."""
    table = Table(box=None, pad_edge=False)
    for title in ("model", "what it does", "MB", "MP/s", "a second"):
        table.add_column(title, justify="left" if title in ("model", "what it does") else "right", overflow="fold")
    for card in cards:
        name = f"{card.name} *" if card.name in defaults else card.name
        rates = [next((f"{row['value']:g}" for row in card.scores if row.get("metric") == of), "") for of in SPEEDS]
        megabytes = f"{sizes[card.name] / 1e6:.1f}" if card.name in sizes else ""
        table.add_row(Text(name), Text(card.summary or card.task), megabytes, *rates)
    _stdout().print(table)
    print("* taken for its task unless --model says otherwise; MP/s, or pictures a second: on its card's machine.")


def print_own_models(folder: str, models: dict[str, Card | str]) -> None:
    """One line a model file of a folder: its name, what it does and its licence, or why it is none."""
    say(f"In {folder}:" if models else f"In {folder} there are no model files.")
    table = Table(box=None, pad_edge=False, show_header=False)
    for _ in range(3):
        table.add_column(overflow="fold")
    for name, card in models.items():
        facts = ("", card) if isinstance(card, str) else (card.licence, card.summary or card.task)
        table.add_row(*(Text(shown(text)) for text in (name, *facts)))
    _stdout().print(table)
    if models:
        print()


def print_contest(outcomes: "Sequence[Outcome]") -> None:
    """One line for each way of restoring: what it took, what it changed, and how near it came."""
    table = Table(box=None, pad_edge=False)
    table.add_column("model", overflow="fold")
    titles = ["s", "MB", "change of 255", *(["PSNR"] if outcomes[0].psnr is not None else [])]
    for title in titles:
        table.add_column(title, justify="right")
    for one in outcomes:
        memory = "" if one.megabytes is None else f"{one.megabytes:.0f}"
        psnr = [] if one.psnr is None else [f"{one.psnr:.2f} dB"]
        table.add_row(Text(shown(one.label)), f"{one.seconds:.1f}", memory, f"{one.change:.2f}", *psnr)
    _stdout().print(table)
    for one in outcomes:
        for note in one.notes:
            if not note.startswith("Found "):
                say(f"  {one.label}: {note}")


def print_scores(cards: Sequence[Card]) -> None:
    """What was measured of each model: parameters, work for one picture, scores with their protocols."""
    for card in cards:
        height, width = card.size if card.size else (256, 256)
        work = f"{card.macs_per_pixel * height * width / 1e9:.2f} GMACs at {height}x{width}"
        print(f"{card.name}: {card.num_parameters:,} parameters, {work}")
        for row in card.scores:
            print(f"  {score_line(row)}")


def score_line(row: dict[str, Any]) -> str:
    """A row of a card's scores in words; a number never stands without its data and protocol."""
    return f"{row['data']} {row['protocol']}: {row['value']} {row['metric']}"


def print_card(card: Card) -> None:
    """All that a model file says of itself."""
    halo = (
        f"{card.halo} px" if card.halo is not None else f"none: global, whole pictures up to {card.max_pixels} pixels"
    )
    size = "x".join(map(str, card.size)) + (" (height, width)" if len(set(card.size)) > 1 else "")
    generates = card.task == "generate"
    rule = f"height and width padded to multiples of {card.stride}"
    if generates or card.fixed_size:
        rule = f"{size} only" if card.fixed_size else f"{size}, or other multiples of {card.stride}"
    facts: dict[str, Any] = {
        "name": card.name,
        "task": card.task,
        "summary": card.summary,
        "restores": _how_it_restores(card),
        "family": card.family,
        "inputs": ", ".join(f"{port.name} ({port.kind}, {port.channels} channels)" for port in card.inputs),
        "outputs": ", ".join(f"{port.name} ({port.kind}, {port.channels} channels)" for port in card.outputs),
        "scale": card.scale,
        "size rule": rule,
        "classes": f"{len(card.classes)}: {listed(card.classes)}" if card.classes else "",
        "entries": [_entry_line(name, entry) for name, entry in card.entries.items()],
        "sampled with": card.sampling,
        "halo": halo,
        "memory": f"{card.bytes_per_pixel} bytes a pixel",
        "work": f"{card.macs_per_pixel:,} multiply-adds a pixel" if card.macs_per_pixel else "",
        "parameters": f"{card.num_parameters:,}",
        "licence": card.licence,
        "training": card.training,
        "config": card.config,
        "scores": [score_line(row) for row in card.scores],
    }
    print_facts(facts)
    if card.restorer is not None:
        print("\nThe restorer in the same file:")
        print_card(card.restorer)


def _how_it_restores(card: Card) -> list[str]:
    sampled = [f"by samples (restore --samples): {', '.join(card.sampled_tasks)}"] if card.sampled_tasks else []
    return sampled if card.restorer is None else [f"by {card.restorer.name}: {card.restorer.task}", *sampled]


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
        say(f"{name:<{width}}  {lines[0]}")
        for line in lines[1:]:
            say(f"{'':<{width}}  {line}")


def megapixels(num_pixels: int) -> str:
    """12192768 -> "12.2 MP"; small pictures with the digits that they need."""
    return f"{num_pixels / MEGA:.{1 if num_pixels >= MEGA else 3}f} MP"


def count(number: int, noun: str) -> str:
    """1, "picture" -> "1 picture"; 2 -> "2 pictures"."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _stdout() -> Console:
    # A pipe has no width: a table that is cut at 80 columns there would lose its scores.
    return Console(width=None if sys.stdout.isatty() else 160)
