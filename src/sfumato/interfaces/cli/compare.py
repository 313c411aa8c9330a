"""The command that puts models side by side on one picture."""

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...errors import Option, PictureError, UsageError
from .help_pages import Command, examples
from .options import HOW, OUTPUT, WHAT, Device, Overwrite, Threads, flag, parse_level

if TYPE_CHECKING:
    from ...restoration.contest import Box, Entry
    from ...restoration.options import RestoreOptions

MARK, ALL = ".models", "all"


def register(app: typer.Typer) -> None:
    """Put the command into the application."""
    lines = (
        "compare attic.jpg --models denoise-fast,denoise-best,clean",
        "compare small.png --models upscale-2x,mine.onnx --crop 120x90+40+60",
        "compare noisy.png --models all --task denoise --noise 25 --clean original.png",
    )
    app.command(cls=Command, epilog=examples(*lines))(compare)


def compare(
    picture: Annotated[Path, typer.Argument(metavar="PICTURE", help="A picture file.")],
    models: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE,...|all",
            help="Models by name or file; all: every one that keeps the size, or, with --task, that is for the task.",
            rich_help_panel=WHAT,
        ),
    ] = ALL,
    task: Annotated[
        str, typer.Option(metavar="NAME", help="Of all models, those for it.", show_default=False, rich_help_panel=WHAT)
    ] = "",
    clean: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The same picture undamaged, to measure with.",
            show_default=False,
            rich_help_panel=WHAT,
        ),
    ] = None,
    crop: Annotated[
        str,
        typer.Option(
            metavar="WxH+X+Y",
            help="Show this part alone, at full size.",
            show_default="where they differ most",
            rich_help_panel=WHAT,
        ),
    ] = "",
    noise: Annotated[
        str, typer.Option(metavar="auto|0-75", help="Of models that take a noise level.", rich_help_panel=HOW)
    ] = "auto",
    jpeg_quality: Annotated[
        str, typer.Option(metavar="auto|1-100", help="Of models that take it.", rich_help_panel=HOW)
    ] = "auto",
    strength: Annotated[
        str, typer.Option(metavar="0.5,1", help="One or several, each with every model.", rich_help_panel=HOW)
    ] = "1",
    ensemble: Annotated[bool, flag("--ensemble", "Each model once more with the mean over eight turns.", HOW)] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The sheet. Without it: NAME.models.png beside the picture.",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    overwrite: Overwrite = False,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Put models side by side on one picture: a labelled sheet, and a table of what each took and changed."""
    from ...errors import OVERWRITE, exists_already
    from ...pictures.picture import Picture
    from ...pictures.write import format_of
    from ...restoration.contest import draw_sheet, run_contest
    from ...restoration.options import RestoreOptions
    from .lines import say
    from .presentation import print_contest, progress_bar

    target = output or picture.with_name(f"{picture.stem}{MARK}.png")
    format_of(target)
    if target.exists() and not overwrite:
        raise PictureError(exists_already(target), *OVERWRITE)
    source = Picture.open(picture)
    box = _box(crop) if crop else None
    options = RestoreOptions(
        noise=parse_level(noise, "noise"),
        jpeg_quality=parse_level(jpeg_quality, "jpeg_quality"),
        device=device,
        threads=threads,
    )
    entries = _entries(_names(models, task), options, _strengths(strength), ensemble)
    undamaged = None if clean is None else Picture.open(clean)
    with progress_bar("restoring") as advance:
        outcomes = run_contest(source, entries, clean=undamaged, progress=advance)
    draw_sheet(source, outcomes, clean=undamaged, crop=box).save(target, overwrite=overwrite)
    print_contest(outcomes)
    say(f"sheet: {target}")


def _names(text: str, task: str) -> list[str]:
    """The models that are named; of all, those that keep the size or are for the task. Own ones come after ours."""
    from ...errors import ModelError
    from ...models import model_file, own, zoo
    from ...models.engine import read_file
    from ...restoration.roles import WITH_ENSEMBLE

    if text != ALL:
        if task:
            raise UsageError(Option("task"), " goes with --models all.")
        return [name.strip() for name in text.split(",") if name.strip()]
    found = []
    for name, path in ({name: zoo.path(name) for name in zoo.installed()} | own.files(own.folder())).items():
        try:
            card = model_file.read(read_file(path), where=str(path)).card.restoring
        except ModelError:
            continue  # `sfumato models` says what is wrong with it
        if card.role in WITH_ENSEMBLE and (card.task == task if task else card.scale == 1):
            found.append(name)
    if not found:
        raise UsageError(Option("task"), f" {task}: no model that restores or enlarges by itself is for it.")
    return found


def _entries(names: list[str], options: "RestoreOptions", strengths: list[float], ensemble: bool) -> "list[Entry]":
    from ...models import own
    from ...models.engine import load
    from ...restoration.contest import Entry

    found = []
    for name in names:
        engine = load(name, device=options.device, threads=options.threads)
        label = own.name_of(Path(name))
        for strength in strengths:
            at = f"{label} {strength:g}" if len(strengths) > 1 else label
            one = replace(options, model=engine, strength=strength)
            found.append(Entry(at, one))
            if ensemble:
                found.append(Entry(f"{at} x8", replace(one, ensemble=True)))
    return found


def _strengths(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(Option("strength"), f" {text}: write numbers with commas between them, as 0.5,1.") from None


def _box(text: str) -> "Box":
    """Left, top, width and height of "120x90+40+60"."""
    found = re.fullmatch(r"(\d+)x(\d+)\+(\d+)\+(\d+)", text)
    if not found or not int(found[1]) * int(found[2]):
        raise UsageError(Option("crop"), f" {text}: write width, height, left and top as 120x90+40+60.")
    width, height, left, top = (int(part) for part in found.groups())
    return left, top, width, height
