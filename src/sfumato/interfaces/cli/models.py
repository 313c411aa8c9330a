"""The commands that list what there is: models, info."""

import os
from pathlib import Path
from typing import Annotated

import typer

from ...errors import ModelError, UsageError
from ...models import own, zoo
from ...models.card import Card
from .help_pages import Command, examples
from .options import flag


def register(app: typer.Typer) -> None:
    """Put the commands into the application."""
    app.command(cls=Command)(models)
    app.command(cls=Command, epilog=examples("info denoise-fast", "info attic.jpg", "info holiday.mp4"))(info)


def models(
    scores: Annotated[bool, flag("--scores", "All that was measured, with its protocols.", "Output")] = False,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--dir",
            metavar="DIR",
            help="A folder of model files of one's own, listed as well.",
            show_default="SFUMATO_MODELS of the environment",
        ),
    ] = None,
) -> None:
    """List the shipped models: what each does, its size and its speed; and one's own, which go by their names, too.

    With SFUMATO_MODELS=DIR in the environment, --model takes the names of the files in that folder, here and on the
    page of `sfumato web`.
    """
    from ...models import model_file
    from .presentation import print_models, print_own_models, print_scores

    if folder is not None and not folder.is_dir():
        raise UsageError(f"--dir {folder} is no folder.")
    if place := folder or own.folder():
        found = {name: _card_or_reason(path) for name, path in own.files(place).items()}
        print_own_models(str(place), found)
    paths = {name: zoo.path(name) for name in zoo.installed()}
    cards = [model_file.read(path.read_bytes(), where=str(path)).card for path in paths.values()]
    if scores:
        print_scores(cards)
    else:
        print_models(cards, zoo.FOR_TASK.values(), {name: path.stat().st_size for name, path in paths.items()})
        if missing := [name for name in zoo.SHIPPED if name not in paths]:
            print(
                f"Not installed: {', '.join(missing)}; in a checkout of the project, `{zoo.INSTALL_SECOND}` adds them."
            )


def _card_or_reason(path: Path) -> Card | str:
    """The card of a model file, or why there is none."""
    from ...models import model_file
    from ...models.engine import read_file

    try:
        return model_file.read(read_file(path), where=path.name).card
    except ModelError as error:
        return str(error)


def info(
    subject: Annotated[
        str, typer.Argument(metavar="MODEL|PICTURE|CLIP", help="A shipped model, a model file, a picture or a clip.")
    ],
) -> None:
    """Say what a model's card, a picture file or a clip holds."""
    from ...models.engine import load
    from ...pictures.picture import Picture
    from ...video.animations import is_animation
    from ...video.formats import describe, is_moving
    from .presentation import print_card, print_facts

    if subject.lower().endswith(".onnx") or (
        not os.path.exists(subject) and subject in (*zoo.SHIPPED, *own.files(own.folder()))
    ):
        print_card(load(subject).card)
        return
    if is_moving(path := Path(subject)):
        facts = describe(path)
        if is_animation(path):  # has what pictures have besides
            facts |= {name: fact for name, fact in Picture.open(path, page=1).describe().items() if name != "notes"}
        print_facts(facts)
        return
    if not os.path.exists(subject):
        names = ", ".join(zoo.SHIPPED)
        raise UsageError(f"{subject}: there is no such file, and no shipped model ({names}) of that name.")
    print_facts(Picture.open(Path(subject), page=1).describe())  # of several, the first: how many is among the facts
