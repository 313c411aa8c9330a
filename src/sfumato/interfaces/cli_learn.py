"""The commands that need the training extra: train, export, evaluate."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from ..errors import MissingExtra, UsageError


def register(app: typer.Typer) -> None:
    """Put the commands into the application."""
    app.command()(train)
    app.command()(export)
    app.command()(evaluate)


def train(
    recipe: Annotated[str, typer.Argument(help="What to train: denoise-fast, denoise-best, noise-level.")] = "",
    data: Annotated[str, typer.Option(help="Folder, zip or tar of pictures to train on.")] = "",
    val: Annotated[str, typer.Option(help="Pictures to validate on; without it a twentieth of DATA is held out.")] = "",
    run: Annotated[Path | None, typer.Option(help="Run directory; default: runs/RECIPE-DATE-TIME.")] = None,
    time: Annotated[str, typer.Option(help="How long to train, as 2h or 90m; the schedule is fitted to it.")] = "",
    settings: Annotated[list[str] | None, typer.Option("--set", help="key=value of the recipe; repeatable.")] = None,
    start_from: Annotated[str, typer.Option("--from", help="Model name or file whose weights to start from.")] = "",
    resume: Annotated[
        Path | None, typer.Option(help="Run directory to go on with; only --time and --set beside it.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the settings of the run and stop.")] = False,
) -> None:
    """Train a model on a folder of pictures. The run directory holds log, sample sheets, report and model file.

    Ctrl-C saves the state and stops; `sfumato train --resume RUN` goes on exactly there, and `sfumato export RUN`
    writes a model file of the best state so far. With --resume, --time and --set change the run's settings. On several
    devices or machines the same command runs under `accelerate launch -m sfumato`.
    """
    with _training_extra():
        from ..learn.training import launch

    if resume is not None:
        if recipe or data or val or run or start_from or dry_run:
            raise UsageError("--resume takes the rest from the run directory; only --time and --set go with it.")
        outcome = launch.resume(resume, time=time, settings=settings or [])
    else:
        if not recipe or not data:
            raise UsageError("`sfumato train RECIPE --data DIR` needs a recipe and --data (or --resume RUN).")
        config = launch.configure(recipe, data=data, val=val, time=time, settings=settings or [], start_from=start_from)
        if dry_run:
            print(config.to_json())
            return
        outcome = launch.start(config, run or launch.new_run(recipe))
    if outcome.model is None:
        print(f"stopped at step {outcome.step}; go on with: sfumato train --resume {outcome.run}", file=sys.stderr)
        raise typer.Exit(130)
    print(outcome.model)


@contextmanager
def _training_extra() -> Iterator[None]:
    """Around the import of the learn half: says what to install where one of its libraries is missing."""
    try:
        yield
    except ModuleNotFoundError as missing:
        if (missing.name or "sfumato").startswith("sfumato"):
            raise
        raise MissingExtra(
            f'This command needs the training extra ({missing.name} is missing): pip install "sfumato[train]".'
        ) from missing


def export(
    run: Annotated[Path, typer.Argument(help="Run directory.")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Model file; default: RUN/model.onnx.")] = None,
) -> None:
    """Write the best state of a run as a model file."""
    with _training_extra():
        from ..learn.training import launch

    print(launch.export_run(run, output))


def evaluate(
    model: Annotated[str, typer.Argument(help="Shipped model's name or model file.")],
    data: Annotated[str, typer.Option(help="Folder, zip or tar of clean pictures.")],
    protocol: Annotated[
        list[str] | None, typer.Option(help="KIND:SIGMA[:auto], such as gaussian:25; repeatable.")
    ] = None,
    threads: Annotated[int | None, typer.Option(help="Threads; default: the physical cores.")] = None,
) -> None:
    """Measure a model file: PSNR and SSIM of its results on degraded pictures, with the protocol named."""
    with _training_extra():
        from ..learn.evaluate import PROTOCOLS, evaluate_restorer

    if not protocol:
        raise UsageError(f"--protocol is needed, such as gaussian:25; kinds are {', '.join(PROTOCOLS)}.")
    for text in protocol:
        print(evaluate_restorer(model, data, text, threads=threads).line())
