"""The commands through which model files come and go: import, export."""

from pathlib import Path
from typing import Annotated

import typer

from ...errors import UsageError
from .extras import needs_extra
from .help_pages import Command, examples
from .lines import say
from .options import OUTPUT, WHAT, Overwrite, Threads, parse_range


def register(app: typer.Typer) -> None:
    """Put the commands into the application."""
    lines = (
        "import 4x-photo.safetensors --licence CC-BY-4.0",
        "import 2x-anime.onnx",
        "import upscale-bsrgan.dtmodel --scale 4 -o bsrgan.onnx",
    )
    app.command(name="import", cls=Command, epilog=examples(*lines))(import_)
    lines = (
        "export runs/flow-20260101-120000 -o flowers.onnx",
        "export denoise-fast --to plain-onnx --noise 25",
        "export upscale-2x --to dtmodel",
    )
    app.command(cls=Command, epilog=examples(*lines))(export)


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
            metavar="denoise|dejpeg|clean|deblur|descreen",
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
    from .presentation import print_facts, stages

    with needs_extra("import"), stages("reading") as on_stage:
        from ...learn.foreign.importing import import_model

        imported = import_model(
            *(source, output),
            task=task,
            licence=licence,
            scale=scale,
            value_range=parse_range(value_range),
            overwrite=overwrite,
            threads=threads,
            on_stage=on_stage,
        )
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
    say(f"Use it: sfumato restore PICTURE --model {imported.path}")


def export(
    subject: Annotated[
        str, typer.Argument(metavar="RUN|MODEL", help="A run directory; with --to a model's name or its file.")
    ],
    to: Annotated[
        str,
        typer.Option(
            metavar="plain-onnx|dtmodel",
            help="For other programs: chaiNNer and vs-mlrt; darktable.",
            show_default="a model file, of a run",
            rich_help_panel=WHAT,
        ),
    ] = "",
    noise: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=255,
            help="With --to: the level that a denoiser is fixed at; without it darktable states one.",
            show_default=False,
            rich_help_panel=WHAT,
        ),
    ] = None,
    jpeg_quality: Annotated[
        float | None,
        typer.Option(min=1, max=100, help="With --to: likewise, of dejpeg.", show_default=False, rich_help_panel=WHAT),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="The file. Without it: RUN/model.onnx; with --to: NAME.plain.onnx or NAME.dtmodel, here.",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Write the best state of a run as a model file; with --to, a model file as what other programs read.

    What is written for other programs is run on plain ONNX Runtime and compared before.
    """
    if not to:
        if noise is not None or jpeg_quality is not None or overwrite:
            raise UsageError("--noise, --jpeg-quality and --overwrite go with --to.")
        with needs_extra("train"):
            from ...learn.training import launch

        print(launch.export_run(Path(subject), output))
        return
    from ...models import own
    from ...models.engine import path_of, read_file

    with needs_extra("import"):
        from ...learn.foreign.exporting import TARGETS, export_model

    path = path_of(subject)
    suffix = TARGETS.get(to, "")
    name = f"{own.name_of(path)}{'.plain' if suffix == '.onnx' else ''}{suffix}"
    done = export_model(
        read_file(path), to, output or Path(name), noise=noise, jpeg_quality=jpeg_quality, overwrite=overwrite
    )
    say(f"{path.name} -> {done.path}  (its results differ by {255 * done.difference:.2g} of 255 at most)")
