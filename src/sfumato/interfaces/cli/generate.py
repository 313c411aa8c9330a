"""The commands that make new pictures: generate, interpolate, vary, reconstruct."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...errors import OVERWRITE, Option, UsageError, exists_already
from .help_pages import Command, examples
from .lines import say
from .options import (
    OUTPUT,
    WHAT,
    Audio,
    Churn,
    Device,
    Guidance,
    Label,
    Layout,
    Model,
    Overwrite,
    Pair,
    Seed,
    Shift,
    Size,
    Solver,
    Steps,
    Target,
    Text,
    Threads,
    parse_size,
)

if TYPE_CHECKING:
    from ...generation.code import Code
    from ...generation.result import Generated
    from ...models.engine import Engine
    from ...pictures.picture import Picture

SHEETS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".avif")  # files that hold all pictures side by side
FOLDER = "generated"
OUT = Option("output")
AT_ONCE = 256  # pictures that are held before they are written, where each has a file of its own

Source = Annotated[Path, typer.Argument(metavar="PICTURE", help="A picture file.")]


def register(app: typer.Typer) -> None:
    """Put the commands into the application."""
    pages: dict[Callable[..., None], tuple[str, ...]] = {
        generate: (
            "generate mnist-flow --class 7 -n 8 -o sevens",
            "generate mnist-gan --class mix -n 80 -o digits.png",
            "generate spoken-digits --audio seven.wav -n 8 -o seven.png",
            "generate runs/mine/model.onnx --frames 24 -n 9 -o moving.webp",
            'generate emoji-text --text "woman firefighter" -n 8 -o firefighters.png',
        ),
        interpolate: (
            "interpolate mnist-vae 1 2 -o from-1-to-2.gif",
            "interpolate mnist-vae 3:5 digit.png -o way",
            'interpolate emoji-text 1 2 --text "red apple" -o apples.gif',
        ),
        vary: (
            "vary mnist-vae digit.png -n 8 --amount 0.4 -o like-it",
            'vary emoji-text apple.png --text "green apple" --layout apple.png --amount 0.9 -o green.png',
        ),
        reconstruct: ("reconstruct mnist-vae digit.png -o again.png",),
    }
    for command, lines in pages.items():
        app.command(cls=Command, epilog=examples(*lines))(command)


def generate(
    model: Model,
    num: Annotated[
        int | None,
        typer.Option("-n", min=1, help="How many.", show_default="64; with --frames 1", rich_help_panel=WHAT),
    ] = None,
    seed: Seed = 0,
    label: Label = None,
    num_frames: Annotated[
        int | None,
        typer.Option(
            "--frames",
            min=2,
            help="Of models of sequences: an animation of so many frames, with -n of them side by side.",
            show_default=False,
            rich_help_panel=WHAT,
        ),
    ] = None,
    text: Text = None,
    audio: Audio = None,
    layout: Layout = None,
    picture: Pair = None,
    size: Size = None,
    steps: Steps = None,
    solver: Solver = None,
    shift: Shift = None,
    churn: Churn = None,
    guidance: Guidance = None,
    output: Target = Path(FOLDER),
    overwrite: Overwrite = False,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Generate new pictures with a model, as files in a folder or on one sheet.

    They are made up, and each file says so in its XMP. They depend on the model, the seed and their numbers alone.
    """
    from .presentation import progress_bar

    options: dict[str, Any] = _sampling(steps, solver, shift, churn, guidance)
    options |= {"size": parse_size(size), "label": label, "seed": seed}
    others = {"text": text, "audio": audio, "layout": layout, "picture": picture}
    if num_frames is not None:
        if given := [name for name, value in others.items() if value is not None]:
            raise UsageError(Option("num_frames"), " goes without ", Option(given[0]), ".")
        _animate(_engine(model, threads, device, output), num_frames, num or 1, options, output, overwrite)
        return
    as_sheet, num = _check_target(output, overwrite), num or 64
    engine = _engine(model, threads, device, output)
    options |= others
    with progress_bar("generating") as advance:
        seconds, notes = _in_parts(engine, num, options, output, as_sheet, overwrite, advance)
    _say(notes, num, engine.card.name, seconds, output)


def interpolate(
    model: Model,
    a: Annotated[str, typer.Argument(metavar="A", help="SEED, SEED:NUMBER, a picture, or a code of `sfumato invert`.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The other end, likewise.")],
    num: Annotated[int, typer.Option("-n", min=2, help="How many, both ends included.", rich_help_panel=WHAT)] = 16,
    label: Label = None,
    text: Text = None,
    audio: Audio = None,
    layout: Layout = None,
    picture: Pair = None,
    size: Size = None,
    steps: Steps = None,
    solver: Solver = None,
    shift: Shift = None,
    churn: Churn = None,
    guidance: Guidance = None,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR|FILE",
            help="A folder, one picture file (a strip), or a .gif that goes there and back.",
            rich_help_panel=OUTPUT,
        ),
    ] = Path(FOLDER),
    overwrite: Overwrite = False,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Generate the way between two pictures: of two seeds, codes, or (for models with an encoder) files.

    Words, a sound and a layout are of all pictures of the way, which then leads from seed to seed.
    """
    is_gif = output.suffix.lower() == ".gif" and not output.is_dir()
    as_strip = _check_target(output, overwrite, suffixes=(*SHEETS, ".gif"))
    from ...generation.generate import interpolate as run
    from ...pictures.grid import save_gif
    from .presentation import progress_bar

    engine = _engine(model, threads, device, output)
    options: dict[str, Any] = _sampling(steps, solver, shift, churn, guidance)
    options |= {"label": label, "text": text, "audio": audio, "layout": layout, "picture": picture}
    with progress_bar("generating") as advance:
        result = run(engine, _end(a), _end(b), frames=num, size=parse_size(size), progress=advance, **options)
    if is_gif:
        output.parent.mkdir(parents=True, exist_ok=True)
        save_gif(result.pictures, output, overwrite=overwrite, comment=f"Generated by {result.model}")
    else:
        _write(result, output, as_strip, overwrite, columns=len(result.pictures))
    _say(result.notes, num, result.model, result.seconds, output)


def vary(
    model: Model,
    picture: Source,
    num: Annotated[int, typer.Option("-n", min=1, help="How many.", rich_help_panel=WHAT)] = 8,
    amount: Annotated[float, typer.Option(min=0, max=1, help="How far from the picture.", rich_help_panel=WHAT)] = 0.3,
    seed: Seed = 0,
    label: Label = None,
    text: Text = None,
    audio: Audio = None,
    layout: Layout = None,
    steps: Steps = None,
    output: Target = Path(FOLDER),
    overwrite: Overwrite = False,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Generate pictures like one; for models with an encoder, and of a code that `sfumato invert` has found.

    What is asked for counts the more, the greater --amount is: words turn what they show from about 0.8 on.
    """
    as_sheet = _check_target(output, overwrite)
    from ...generation.generate import vary as run
    from .presentation import progress_bar

    engine = _engine(model, threads, device, output)
    options: dict[str, Any] = {"label": label, "text": text, "audio": audio, "layout": layout, "steps": steps}
    with progress_bar("generating") as advance:
        result = run(engine, _picture_or_code(picture), num, amount=amount, seed=seed, progress=advance, **options)
    _write(result, output, as_sheet, overwrite)
    _say(result.notes, num, result.model, result.seconds, output)


def reconstruct(
    model: Model,
    picture: Source,
    label: Label = None,
    output: Target = Path(FOLDER),
    overwrite: Overwrite = False,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Take a picture through encoder and decoder: what the model keeps of it."""
    as_sheet = _check_target(output, overwrite)
    from ...generation.generate import reconstruct as run

    result = run(_engine(model, threads, device, output), _open(picture), label=label)
    _write(result, output, as_sheet, overwrite)
    _say(result.notes, 1, result.model, result.seconds, output)


def _engine(model: str, threads: int | None, device: str, output: Path) -> "Engine":
    from ...models.engine import load

    engine = load(model, threads=threads, device=device)
    is_jpeg = output.suffix.lower() in (".jpg", ".jpeg") and not output.is_dir()
    if is_jpeg and any(port.channels in (2, 4) for port in engine.card.outputs):
        raise UsageError(
            Option("output"),
            f" {output}: {engine.card.name} makes transparent pictures, which JPEG cannot hold; say .png.",
        )
    return engine


def _sampling(
    steps: int | None, solver: str | None, shift: float | None, churn: float | None, guidance: float | None
) -> dict[str, Any]:
    return {"steps": steps, "solver": solver, "shift": shift, "churn": churn, "guidance": guidance}


def _animate(
    engine: "Engine", num_frames: int, num: int, options: dict[str, Any], output: Path, overwrite: bool
) -> None:
    from ...generation.sequences import generate_sequences as run
    from ...video.formats import check_animation, save_animation
    from .presentation import count, progress_bar

    check_animation(output, overwrite=overwrite)
    with progress_bar("generating") as advance:
        result = run(engine, num_frames, num, progress=advance, **options)
    output.parent.mkdir(parents=True, exist_ok=True)
    text = f"Generated by {result.model}, seed {result.seed}"
    for note in save_animation(result.frames(), output, text=text, overwrite=overwrite):
        say(note)
    rate = f"{num * num_frames / max(result.seconds, 1e-9):.2g}"
    say(f"{count(num, 'sequence')} of {num_frames} frames by {result.model}, made up, {rate} a second: {output}")


def _in_parts(
    engine: "Engine",
    num: int,
    options: dict[str, Any],
    output: Path,
    as_sheet: bool,
    overwrite: bool,
    advance: Callable[[int, int], None],
) -> tuple[float, tuple[str, ...]]:
    """New pictures: all on one sheet, or part by part, so that any number goes into a folder. Seconds and notes."""
    from ...generation.generate import generate as run

    def shifted(first: int, done: int, _: int) -> None:
        advance(first + done, num)

    at_once = num if as_sheet else AT_ONCE
    seconds = 0.0
    notes: tuple[str, ...] = ()
    for first in range(0, num, at_once):
        result = run(engine, min(at_once, num - first), first=first, progress=partial(shifted, first), **options)
        _write(result, output, as_sheet, overwrite, first=first)
        seconds, notes = seconds + result.seconds, result.notes
    return seconds, notes


def _check_target(output: Path, overwrite: bool, suffixes: tuple[str, ...] = SHEETS) -> bool:
    """Whether the results go on one sheet; before the work: that they can be written, and replace nothing unasked."""
    if output.is_dir():
        if not overwrite and any(output.glob("[0-9][0-9][0-9][0-9]*.png")):
            raise UsageError(
                f"{output} holds generated pictures already; pass ", OVERWRITE[0], ", or choose another with ", OUT, "."
            )
        return False
    if output.exists() and output.suffix.lower() not in suffixes:
        raise UsageError(
            OUT, f" {output} is a file, but no picture; name a folder, or a file in {', '.join(suffixes)}."
        )
    if output.exists() and not overwrite:
        raise UsageError(exists_already(output), *OVERWRITE)
    if not output.suffix:
        return False
    if output.suffix.lower() not in suffixes:
        if output.suffix.lower() == ".gif":
            raise UsageError(
                OUT, f" {output}: a GIF is for `sfumato interpolate`; name a sheet {output.with_suffix('.png')}."
            )
        raise UsageError(
            OUT, f" {output}: {output.suffix} cannot be written; end it in {', '.join(suffixes)}, or name a folder."
        )
    return True


def _write(
    result: "Generated",
    output: Path,
    as_sheet: bool,
    overwrite: bool,
    *,
    columns: int | None = None,
    first: int = 0,
) -> None:
    if not as_sheet:
        result.save(output, overwrite=overwrite, first=first)
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    result.sheet(columns=columns).save(output, overwrite=overwrite)


def _say(notes: tuple[str, ...], num: int, model: str, seconds: float, output: Path) -> None:
    from .presentation import count

    for note in notes:
        say(note)
    rate = f"{float(f'{num / max(seconds, 1e-9):.2g}'):,g} a second"
    say(f"{count(num, 'picture')} by {model}, made up, {rate}: {output}")


def _end(text: str) -> "int | tuple[int, int] | Picture | Code":
    """A seed, a seed with the number of one of its pictures, a picture file, or a code."""
    seed, colon, number = text.partition(":")
    if not Path(text).is_file() and seed.isdecimal() and (not colon or number.isdecimal()):
        return (int(seed), int(number)) if colon else int(seed)
    return _picture_or_code(Path(text))


def _picture_or_code(path: Path) -> "Picture | Code":
    from ...generation.code import SUFFIX, Code

    return Code.open(path) if path.suffix.lower() == SUFFIX else _open(path)


def _open(path: Path) -> "Picture":
    from ...pictures.picture import Picture

    return Picture.open(path)
