"""The command that makes one picture of a burst."""

from pathlib import Path
from typing import Annotated

import typer

from ...errors import Option, PictureError, UsageError
from .help_pages import Command, examples
from .lines import say
from .options import HOW, OUTPUT, WHAT, Device, MaxPixels, Memory, OtherModel, Overwrite, Threads, flag

MARK = ".merged"


def register(app: typer.Typer) -> None:
    """Put the command into the application."""
    app.command(cls=Command, epilog=examples("merge burst/*.jpg -o one.png", "merge burst --reference 3"))(merge)


def merge(
    inputs: Annotated[
        list[str], typer.Argument(metavar="PICTURE", help="Pictures of one scene: files, a folder, glob patterns.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The result. Without it: NAME.merged.EXT beside the reference.",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    reference: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="The picture, from 1, whose place and moment the result has.",
            show_default="the sharpest",
            rich_help_panel=WHAT,
        ),
    ] = None,
    task: Annotated[
        str,
        typer.Option(
            metavar="auto|NAME,...", help="What is done to the mean, as by sfumato restore.", rich_help_panel=WHAT
        ),
    ] = "auto",
    model: OtherModel = "default",
    strength: Annotated[
        float,
        typer.Option(min=0.0, max=1.5, help="How much of that is applied; 0 gives the mean.", rich_help_panel=HOW),
    ] = 1.0,
    quality: Annotated[int, typer.Option(min=1, max=100, help="Of lossy formats.", rich_help_panel=OUTPUT)] = 95,
    overwrite: Overwrite = False,
    quiet: Annotated[bool, flag("--quiet", "Nothing but errors.", OUTPUT, "-q")] = False,
    device: Device = "auto",
    threads: Threads = None,
    memory: Memory = None,
    max_pixels: MaxPixels = 500_000_000,
) -> None:
    """Make one clean picture of a burst: several noisy pictures of one scene, taken one after the other by hand.

    They are aligned; what moved in one is left out of it; of the mean the remaining noise is removed.
    """
    from ...batch import listed
    from ...errors import OVERWRITE, exists_already
    from ...pictures.picture import Picture
    from ...pictures.write import format_of
    from ...restoration.merge import merge_pictures
    from ...restoration.options import RestoreOptions
    from .presentation import count, progress_bar

    options = RestoreOptions(
        task=task,
        model=model,
        strength=strength,
        device=device,
        threads=threads,
        memory_mb=memory,
        max_pixels=max_pixels,
    )
    paths = [path for path in listed(inputs) if not path.stem.endswith(MARK)]
    pictures = [Picture.open(path, max_pixels=max_pixels) for path in paths]
    if reference is not None and reference > len(paths):
        raise UsageError(Option("reference"), f" is {reference}; there are pictures 1 to {len(paths)}.")
    if output is not None:
        format_of(output)
        if output.exists() and not overwrite:
            raise PictureError(exists_already(output), *OVERWRITE)
    with progress_bar("aligning") as advance:
        merged = merge_pictures(
            pictures, options, reference=None if reference is None else reference - 1, progress=advance
        )
    base = pictures[merged.reference]
    assert base.path is not None
    suffix = base.path.suffix if base.output_format == base.format else f".{base.output_format}"
    target = output or base.path.with_name(f"{base.path.stem}{MARK}{suffix}")
    merged.picture.save(target, quality=quality, overwrite=overwrite)
    if quiet:
        return
    done = ", ".join(step.describe() for step in merged.restored.steps) or "left as the mean"
    mean = f"each pixel the mean of {merged.agreeing.mean():.1f}"
    say(f"{count(len(paths), 'picture')} -> {target}  ({mean}, like {base.path.name}, {done}, {merged.seconds:.1f} s)")
    for note in (*merged.notes, *merged.picture.not_kept_by(format_of(target))):
        if not note.startswith("Found "):
            say(f"  {note}")
