"""The command line: parse, one pipeline call, present. What is heavy is imported inside the command that needs it."""

import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from ...errors import SfumatoError, UsageError
from ...models.zoo import FOR_TASK, SHIPPED, installed
from . import generate, learn

MAX_LEVEL = 255  # of noise; models other than flows take 75 at most, and say so

app = typer.Typer(
    name="sfumato",
    help="Restore damaged pictures, generate new ones, and train the networks that do it.",
    epilog="Each command has its own page: sfumato restore --help",
    add_completion=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give back its exit status: 0 done, 1 work that failed, 2 usage, 130 stopped by Ctrl-C.

    A mistake of the user ends in one sentence on stderr.
    """
    for stream in (sys.stdout, sys.stderr):
        # File names need not be valid text, and a terminal need not have their letters: show them escaped.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = app(args=list(sys.argv[1:] if arguments is None else arguments), standalone_mode=False)
    except SfumatoError as error:
        print(f"sfumato: {error}", file=sys.stderr)
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except Exception as error:
        # The parser's own errors: typer has them from click or, in later versions, from a copy of click in itself.
        if not hasattr(error, "format_message"):
            raise
        _explain(error.format_message(), getattr(error, "ctx", None))
        return 2
    return status if isinstance(status, int) else 0


def _explain(message: str, context: typer.Context | None) -> None:
    """One sentence of the parser's, with where to look; nothing where it has shown the help instead."""
    if message:
        command = "sfumato" if context is None else f"sfumato {context.info_name or ''}".removesuffix(" sfumato")
        print(f"sfumato: {message.rstrip('.')}; see `{command} --help`.", file=sys.stderr)


def _print_version(wanted: bool) -> None:
    if wanted:
        from ... import __version__

        print(f"sfumato {__version__}")
        raise typer.Exit


@app.callback()
def _sfumato(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None: ...


@app.command()
def restore(
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT", help="Picture files, folders (with all below), glob patterns.")
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR|FILE",
            help="Where results go. Without it: NAME.restored.EXT beside the input.",
            show_default=False,
        ),
    ] = None,
    task: Annotated[
        str,
        typer.Option(
            metavar="auto|old-photo|NAME,...",
            help=f"What to do, in this order: {', '.join(FOR_TASK)}; auto looks at each picture and decides; "
            "old-photo does the same and fills in scratches and spots first.",
        ),
    ] = "auto",
    model: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE", help="Instead: a shipped model or a model file.", show_default="that of the task"
        ),
    ] = "default",
    noise: Annotated[
        str, typer.Option(metavar="auto|0-75", help="Noise level (flows: to 255); auto measures it in the picture.")
    ] = "auto",
    jpeg_quality: Annotated[
        str, typer.Option(metavar="auto|1-100", help="JPEG quality that the picture went through; auto measures it.")
    ] = "auto",
    scale: Annotated[int, typer.Option(metavar="2|4", help="How far the task upscale enlarges.")] = 2,
    mask: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|alpha|#RRGGBB",
            help="Restore where this picture is white; for inpaint: what is missing (white, transparent, so painted).",
            show_default=False,
        ),
    ] = None,
    mask_out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|DIR",
            help="Write what was filled in, or with --dry-run the scratches that are found, white on black.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what is found and what would be done.")] = False,
    ensemble: Annotated[
        bool,
        typer.Option("--ensemble", help="The mean over the picture turned eight ways: a little better, slower by 8."),
    ] = False,
    strength: Annotated[
        float, typer.Option(min=0.0, max=1.5, help="How much of the change is applied; 0 gives the input back.")
    ] = 1.0,
    compare: Annotated[
        bool, typer.Option("--compare", help="Also write NAME.compare.EXT: before, after, what changed.")
    ] = False,
    quality: Annotated[int, typer.Option(min=1, max=100, help="Quality of lossy formats.")] = 95,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace results that are already there.")] = False,
    device: Annotated[str, typer.Option(metavar="auto|cpu|cuda|...", help="What computes.")] = "auto",
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads; without it the number of cores.", show_default=False)
    ] = None,
    memory: Annotated[
        int | None, typer.Option(min=64, metavar="MB", help="Memory for the network's work.", show_default=False)
    ] = None,
    max_pixels: Annotated[
        int, typer.Option(min=1, metavar="PIXELS", help="Pictures that declare more are refused.")
    ] = 500_000_000,
    page: Annotated[
        int | None, typer.Option(min=1, help="Which page of a file with several, from 1.", show_default=False)
    ] = None,
) -> None:
    """Remove noise and the traces of JPEG compression from pictures, as far as each has them.

    With --task: enlarge them, fill in what is missing, repair scratched old photographs.

    Format, size, depth, transparency, colour profile and EXIF data are kept. Faces are not treated apart.

    Results that are already there are left alone, so the same command goes on with a stopped batch.
    """
    from ...batch import runner
    from .presentation import BatchDisplay, print_summary

    options = runner.Options(
        task=task,
        model=model,
        noise=_level(noise, "--noise", 0, MAX_LEVEL),
        jpeg_quality=_level(jpeg_quality, "--jpeg-quality", 1, 100),
        scale=scale,
        mask=mask,
        mask_out=mask_out,
        ensemble=ensemble,
        strength=strength,
        quality=quality,
        overwrite=overwrite,
        device=device,
        threads=threads,
        memory_mb=memory,
        max_pixels=max_pixels,
        page=page,
    )
    work = runner.plan(inputs, output, compare=compare, overwrite=overwrite or dry_run)
    report = runner.BatchReport()
    try:
        with BatchDisplay(work.jobs, runner.estimate_pixels(work.jobs, max_pixels=max_pixels)) as display:
            runner.run(work, options, display, report, only_look=dry_run)
    except KeyboardInterrupt:
        print_summary(report, num_left=len(work.jobs) - report.num_restored - len(report.failures))
        raise
    if not dry_run or report.failures:
        print_summary(report)
    if report.failures:
        raise typer.Exit(1)


@app.command()
def models() -> None:
    """List the shipped models with what they do, their work and their scores."""
    from ...models.engine import load
    from .presentation import print_models

    print_models([load(name).card for name in installed()], defaults=FOR_TASK.values())


@app.command()
def info(
    subject: Annotated[
        str, typer.Argument(metavar="MODEL|PICTURE", help="A shipped model, a model file or a picture.")
    ],
) -> None:
    """Say what a model's card or a picture file holds."""
    from ...models.engine import load
    from ...pictures.picture import Picture
    from .presentation import print_card, print_facts

    if subject.lower().endswith(".onnx") or (subject in SHIPPED and not os.path.exists(subject)):
        print_card(load(subject).card)
        return
    if not os.path.exists(subject):
        raise UsageError(f"{subject}: there is no such file, and no shipped model ({', '.join(SHIPPED)}) of that name.")
    print_facts(Picture.open(Path(subject), page=1).describe())  # of several, the first: how many is among the facts


def _level(text: str, option: str, low: float, high: float) -> Literal["auto"] | float:
    if text == "auto":
        return "auto"
    try:
        level = float(text)
    except ValueError:
        level = -1.0
    if not low <= level <= high:
        raise UsageError(f"{option} {text}: say auto, or a number from {low:g} to {high:g}.")
    return level


generate.register(app)
learn.register(app)

if __name__ == "__main__":
    sys.exit(main())
