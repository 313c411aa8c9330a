"""The command that asks a model about a picture."""

from pathlib import Path
from typing import Annotated

import typer

from .help_pages import Command, examples
from .lines import say
from .options import Device, Model, Threads

SHOWN = 3  # answers, the likeliest first


def register(app: typer.Typer) -> None:
    """Put the command into the application."""
    line = 'ask runs/answers/model.onnx six.png "what shape is the red object?"'
    app.command(cls=Command, epilog=examples(line))(ask)


def ask(
    model: Model,
    picture: Annotated[Path, typer.Argument(metavar="PICTURE", help="A picture file.")],
    questions: Annotated[list[str], typer.Argument(metavar="QUESTION", help="One or more, each in quotes.")],
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Ask a model of `sfumato train answers` about a picture.

    It chooses among the answers that it was trained on; each line has the likeliest ones.
    """
    from ...estimation.answers import ask as run
    from ...models.engine import load
    from ...pictures.picture import Picture

    engine, source = load(model, threads=threads, device=device), Picture.open(picture)
    notes: list[str] = []
    for question in questions:
        found = run(engine, source, question)
        likely = list(found.probabilities.items())[:SHOWN]
        lead = f"{question} " if len(questions) > 1 else ""
        say(f"{lead}{found.answer}  ({', '.join(f'{name} {100 * share:.0f} %' for name, share in likely)})")
        notes += found.notes
    for note in dict.fromkeys(notes):
        say(f"  {note}")
