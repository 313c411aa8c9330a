"""The command that takes in models that others trained."""

from pathlib import Path
from typing import Annotated

import typer

from .extras import needs_extra
from .help_pages import Command, examples
from .options import OUTPUT, WHAT, Overwrite, Threads, parse_range


def register(app: typer.Typer) -> None:
    """Put the commands into the application."""
    lines = (
        "import 4x-photo.safetensors --licence CC-BY-4.0",
        "import 2x-anime.onnx",
        "import upscale-bsrgan.dtmodel --scale 4 -o bsrgan.onnx",
    )
    app.command(name="import", cls=Command, epilog=examples(*lines))(import_)


def import_(
    source: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Weights (.safetensors, .pth), an ONNX file, or a .dtmodel of darktable."),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Model file. Without it: NAME.sfumato.onnx beside FILE.",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    task: Annotated[
        str,
        typer.Option(
            metavar="denoise|dejpeg|clean|deblur",
            help="What it does to a picture whose size it keeps.",
            show_default="clean",
            rich_help_panel=WHAT,
        ),
    ] = "",
    licence: Annotated[
        str,
        typer.Option(
            metavar="TEXT",
            help="Its licence as its authors state it; it is shown wherever the model is used.",
            show_default="not stated",
            rich_help_panel=WHAT,
        ),
    ] = "",
    scale: Annotated[
        int | None,
        typer.Option(
            min=1, help="Which upscaler of a .dtmodel that holds several.", show_default=False, rich_help_panel=WHAT
        ),
    ] = None,
    value_range: Annotated[
        str,
        typer.Option(
            "--range",
            metavar="0..1|0..255|-1..1",
            help="Of the values that it takes and gives.",
            show_default="found out, of the first two",
            rich_help_panel=WHAT,
        ),
    ] = "",
    overwrite: Overwrite = False,
    threads: Threads = None,
) -> None:
    """Make a model file of a model that others trained, for --model of every command.

    What it takes and gives is found out by running it: channels, scale, sizes, range, how far it sees. The model file
    is compared with the original before it is written, and its card says how exact tiles are.
    """
    with needs_extra("import"):
        from ...learn.foreign.importing import import_model

        imported = import_model(
            *(source, output),
            task=task,
            licence=licence,
            scale=scale,
            value_range=parse_range(value_range),
            overwrite=overwrite,
            threads=threads,
        )
    from .presentation import print_facts

    card = imported.card
    sizes = f"{card.size[1]}x{card.size[0]} only" if card.fixed_size else f"any, in multiples of {card.stride}"
    print_facts(
        {
            "model file": imported.path,
            "architecture": card.config.get("architecture"),
            "task": f"{card.task} x{card.scale}" if card.scale > 1 else card.task,
            "takes": card.config["layout"],
            "sizes": sizes,
            "halo": "none: it sees a picture whole" if card.halo is None else f"{card.halo} px",
            "tiles": card.config["tiles"],
            "parameters": f"{card.num_parameters:,}",
            "licence": card.licence,
            "notes": list(imported.notes),
        }
    )
    print(f"Use it: sfumato restore PICTURE --model {imported.path}")
