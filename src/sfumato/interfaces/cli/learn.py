"""The commands that need the training extra: train, recipes, invert, evaluate."""

import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...errors import UsageError
from .extras import needs_extra
from .help_pages import Command, examples
from .lines import say
from .options import (
    HOW,
    OUTPUT,
    WHAT,
    Churn,
    Guidance,
    Model,
    Overwrite,
    Seed,
    Shift,
    Solver,
    Steps,
    Threads,
    flag,
)

if TYPE_CHECKING:
    from ...learn.training.config import TrainConfig

AUTO = "auto"
# Protocols of their own functions, and the options that each takes.
GENERATION, LIKELIHOOD = "generation", "likelihood"
OPTIONS = {
    GENERATION: (
        *("val", "num", "features", "background", "label", "seed"),
        *("steps", "solver", "shift", "churn", "guidance", "sheet"),
    ),
    LIKELIHOOD: ("val", "num", "samples", "label", "seed"),
}
RUN, RESTORERS, GENERATORS, LIKELIHOODS = "The run", "Restorers", "Generators", "Likelihoods"
BOTH = "Generators and likelihoods"


def register(app: typer.Typer) -> None:
    """Put the commands into the application."""
    pages: dict[Callable[..., None], tuple[str, ...]] = {
        train: (
            "train auto --data my-folder",
            "train denoise-fast --data my-folder --time 2h",
            "train --resume runs/denoise-fast-20260101-120000",
        ),
        recipes: ("recipes",),
        invert: ("invert mnist-gan half-a-digit.png --mask half.png -o found",),
        evaluate: (
            "evaluate denoise-fast --data DATA --protocol gaussian:25",
            "evaluate mnist-gan --data TRAINED --val HELD-OUT --protocol generation",
        ),
    }
    for command, lines in pages.items():
        app.command(cls=Command, epilog=examples(*lines))(command)


def train(
    recipe: Annotated[
        str,
        typer.Argument(metavar="RECIPE", help="auto, which looks at DATA and chooses, or one of `sfumato recipes`."),
    ] = "",
    data: Annotated[
        str,
        typer.Option(
            metavar="DATA",
            help="Folder, zip, tar or IDX file of pictures to train on, or several: A,B.",
            rich_help_panel=WHAT,
        ),
    ] = "",
    val: Annotated[
        str,
        typer.Option(
            metavar="DATA",
            help="Pictures to validate on; without it a share of DATA is held out.",
            rich_help_panel=WHAT,
        ),
    ] = "",
    start_from: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="MODEL",
            help="Model name or file whose weights to start from; a classifier takes an encoder.",
            rich_help_panel=WHAT,
        ),
    ] = "",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting of the recipe; repeatable.", rich_help_panel=HOW),
    ] = None,
    time: Annotated[
        str,
        typer.Option(metavar="2h|90m", help="How long to train; the schedule is fitted to it.", rich_help_panel=HOW),
    ] = "",
    run: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Run directory; default: runs/RECIPE-DATE-TIME.", rich_help_panel=RUN),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Run directory to go on with; only --time and --set beside it.", rich_help_panel=RUN
        ),
    ] = None,
    dry_run: Annotated[bool, flag("--dry-run", "Print the settings of the run and stop.", RUN)] = False,
) -> None:
    """Train a model on a folder of pictures. The run directory holds log, sample sheets, report and model file.

    `sfumato train auto --data DATA` looks at the pictures first and says which recipe it takes, at what size, and why;
    `sfumato recipes` lists them all.

    Ctrl-C saves the state and stops; `sfumato train --resume RUN` goes on exactly there, and `sfumato export RUN`
    writes a model file of the best state so far. With --resume, --time and --set change the run's settings. On several
    devices or machines the same command runs under `accelerate launch -m sfumato`.
    """
    with needs_extra("train"):
        from ...learn.catalog import create
        from ...learn.training import launch
        from ...learn.training.transfer import taken

    if resume is not None:
        if recipe or data or val or run or start_from or dry_run:
            raise UsageError("--resume takes the rest from the run directory; only --time and --set go with it.")
        outcome = launch.resume(resume, time=time, settings=settings or [])
    else:
        if not recipe or not data:
            raise UsageError("`sfumato train RECIPE --data DIR` needs a recipe and --data (or --resume RUN).")
        if recipe == AUTO:
            if start_from:
                raise UsageError("auto chooses what to start from; with --from, name the recipe as well.")
            config = _chosen(data, val, time, settings or [])
        else:
            config = launch.configure(
                recipe, data=data, val=val, time=time, settings=settings or [], start_from=start_from
            )
            if start_from and (part := taken(create(config.family, config.model), config.family, start_from)):
                print(part, file=sys.stderr)
        if dry_run:
            print(config.to_json())
            return
        outcome = launch.start(config, run or launch.new_run(config.name))
    if outcome.model is None:
        print(f"stopped at step {outcome.step}; go on with: sfumato train --resume {outcome.run}", file=sys.stderr)
        raise typer.Exit(130)
    print(outcome.model)


def _chosen(data: str, val: str, time: str, settings: list[str]) -> "TrainConfig":
    """What fits the pictures; what was seen and why it was chosen goes to stderr, beside the bar of the run."""
    from ...learn.training.auto import choose
    from ...learn.training.examination import examine
    from ...learn.training.launch import command_of
    from .presentation import print_facts, progress_bar

    with progress_bar("looking at the pictures") as advance:
        seen = examine(data, advance)
    with redirect_stdout(sys.stderr):
        print_facts(seen.facts())
        choice = choose(seen, time)
        config = choice.configure(data, val=val, settings=settings)
        hours, minutes = divmod(round(config.seconds * (1 + config.restorer) / 60), 60)
        takes = f"{hours} h {minutes} min" if hours else f"{max(minutes, 1)} min"
        print_facts(
            {
                "recipe": config.name + (f", from {choice.start_from}" if choice.start_from else ""),
                "why": choice.reasons,
                "takes": f"{takes}, at about {choice.rate:.0f} pictures a second on this machine"
                if config.seconds
                else f"{config.steps:,} steps",
                "expect": choice.expectation,
                "the same by": command_of(config),
            }
        )
    return config


def recipes() -> None:
    """List what can be trained, in groups, with a line each."""
    with needs_extra("train"):
        from ...learn.training.recipes import GROUPS, summary

    for title, names in GROUPS.items():
        print(title)
        for name in names:
            print(f"  {name:<21} {summary(name)}")


def invert(
    model: Model,
    picture: Annotated[Path, typer.Argument(metavar="PICTURE", help="A picture file.")],
    mask: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|alpha|#RRGGBB",
            help="What is missing: white in this picture, transparent, or so painted.",
            show_default=False,
            rich_help_panel=WHAT,
        ),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option("--class", metavar="NAME", help="Its class; without one all are tried.", rich_help_panel=WHAT),
    ] = None,
    starts: Annotated[
        int, typer.Option(min=1, help="Places where the search begins; the best go on.", rich_help_panel=HOW)
    ] = 40,
    steps: Annotated[int, typer.Option(min=1, help="Of gradient descent.", rich_help_panel=HOW)] = 300,
    seed: Seed = 0,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="A folder.", rich_help_panel=OUTPUT)
    ] = Path("inverted"),
    overwrite: Overwrite = False,
) -> None:
    """Find the code of which a generator makes a picture, or what is known of it; the rest it fills in.

    Into the folder go NAME.png, what the model makes of it (known pixels as they are, where some are missing), and
    NAME.npz, the code, which `sfumato vary` and `sfumato interpolate` take in place of a picture.
    """
    with needs_extra("train"):
        from ...learn.inversion import invert as run

    from ...errors import OVERWRITE, exists_already
    from ...generation.code import SUFFIX
    from ...pictures.picture import Picture
    from .presentation import progress_bar

    targets = [output / f"{picture.stem}{suffix}" for suffix in (".png", SUFFIX)]
    for target in targets:
        if target.exists() and not overwrite:
            raise UsageError(exists_already(target), *OVERWRITE)
    with progress_bar("looking for the code") as advance:
        found = run(
            model,
            Picture.open(picture),
            mask=mask,
            label=label,
            starts=starts,
            steps=steps,
            seed=seed,
            progress=advance,
        )
    output.mkdir(parents=True, exist_ok=True)
    found.picture.save(targets[0], overwrite=overwrite)
    found.code.save(targets[1], overwrite=overwrite)
    for note in found.notes:
        say(note)
    say(
        f"{picture} -> {targets[0]}, {targets[1].name}  (made up by {found.code.model}; residual "
        f"{255 * found.residual:.1f} of 255; {found.seconds:.1f} s)"
    )


def evaluate(
    model: Model,
    data: Annotated[
        str,
        typer.Option(metavar="DATA", help="Folder, zip, tar or IDX file of clean pictures.", rich_help_panel=WHAT),
    ],
    protocol: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PROTOCOL",
            help="KIND:LEVEL[:auto], such as gaussian:25; generation; or likelihood. Repeatable.",
            rich_help_panel=WHAT,
        ),
    ] = None,
    perceptual: Annotated[bool, flag("--perceptual", "How different the results look, too.", RESTORERS)] = False,
    ensemble: Annotated[bool, flag("--ensemble", "The mean over each picture turned eight ways.", RESTORERS)] = False,
    val: Annotated[
        str,
        typer.Option(
            metavar="DATA",
            help="Pictures not trained on: generation compares with them, likelihood measures them, not DATA.",
            rich_help_panel=BOTH,
        ),
    ] = "",
    num: Annotated[
        int | None,
        typer.Option(
            "--num",
            "-n",
            help="How many: to generate (default: as many as compared with, up to 1000), to measure (default: all).",
            rich_help_panel=BOTH,
        ),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            metavar="BY",
            help="folder, or keys of metadata.jsonl (category/kind). generation: classes as often as there.",
            rich_help_panel=BOTH,
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Default: 0.", rich_help_panel=BOTH)] = None,
    features: Annotated[
        str | None,
        typer.Option(
            metavar="lite0|FILE",
            help="Default: lite0; or an ONNX file that turns pictures into features.",
            rich_help_panel=GENERATORS,
        ),
    ] = None,
    background: Annotated[
        str | None,
        typer.Option(metavar="white|grey", help="What lies under transparent pictures.", rich_help_panel=GENERATORS),
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Picture to write: samples beside the nearest of DATA.",
            rich_help_panel=GENERATORS,
        ),
    ] = None,
    steps: Steps = None,
    solver: Solver = None,
    shift: Shift = None,
    churn: Churn = None,
    guidance: Guidance = None,
    samples: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Of the importance-weighted bound, for each picture; default: 500.",
            rich_help_panel=LIKELIHOODS,
        ),
    ] = None,
    threads: Threads = None,
) -> None:
    """Measure a model file, with the protocol of every figure named.

    A restorer: PSNR and SSIM of its results on degraded pictures. A generator: how near its samples are to DATA, the
    pictures it was trained on, or to --val (FID, KID, precision, recall, density, coverage in named features), how
    many of them are near-copies of DATA, and how fast it is. A variational autoencoder: bounds on the likelihood of
    pictures.
    """
    with needs_extra("train"):
        from ...learn.evaluation.generation import evaluate_generator
        from ...learn.evaluation.likelihood import evaluate_likelihood
        from ...learn.evaluation.protocols import KINDS
        from ...learn.evaluation.restoration import evaluate_restorer

    if not protocol:
        kinds = ", ".join(KINDS)
        raise UsageError(
            f"--protocol is needed, such as gaussian:25; kinds are {kinds}, or {GENERATION}, or {LIKELIHOOD}."
        )
    every: dict[str, Any] = {"val": val or None, "num": num, "samples": samples, "features": features}
    every |= {"background": background, "label": label, "seed": seed, "steps": steps, "solver": solver}
    every |= {"shift": shift, "churn": churn, "guidance": guidance, "sheet": sheet}
    given = {name: value for name, value in every.items() if value is not None}
    for name in given:
        takers = [kind for kind, takes in OPTIONS.items() if name in takes]
        if not set(takers) & set(protocol):
            raise UsageError(f"--{name} goes with --protocol {' or '.join(takers)} only.")
    of_restorers = {"perceptual": perceptual, "ensemble": ensemble}
    for name, wanted in of_restorers.items():
        if wanted and set(protocol) <= set(OPTIONS):
            raise UsageError(f"--{name} goes with a protocol of damage only, such as gaussian:25.")
    for text in protocol:
        options = {name: given[name] for name in OPTIONS.get(text, ()) if name in given}
        if "label" in options:
            options["label_by"] = options.pop("label")
        if text in OPTIONS:
            from .presentation import progress_bar

            options |= {"threads": threads, "progress": progress_bar}
        if text == GENERATION:
            print("\n".join(evaluate_generator(model, data, held_out=options.pop("val", None), **options).lines()))
        elif text == LIKELIHOOD:
            print("\n".join(evaluate_likelihood(model, options.pop("val", data), **options).lines()))
        else:
            print(evaluate_restorer(model, data, text, threads=threads, **of_restorers).line())
