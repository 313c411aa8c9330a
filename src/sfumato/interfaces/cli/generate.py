"""The command that draws pictures: generate."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...errors import UsageError

if TYPE_CHECKING:
    from ...generation.result import Generated
    from ...models.engine import Engine
    from ...pictures.picture import Picture

FILES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".avif", ".gif")
FOLDER = "generated"
AT_ONCE = 256  # pictures that are held before they are written, where each has a file of its own


def register(app: typer.Typer) -> None:
    """Put the command into the application."""
    app.command()(generate)


def generate(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model file, or a shipped model's name.")],
    num: Annotated[
        int | None, typer.Option("-n", min=1, help="How many.", show_default="64; 16 between two; 8 variations")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Same model and seed, same pictures.")] = 0,
    label: Annotated[
        str | None,
        typer.Option(
            "--class", metavar="NAME|mix", help="A class, or a group of classes; mix: each class or group in turn."
        ),
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps of a flow.", show_default="the model's")] = None,
    solver: Annotated[
        str | None, typer.Option(metavar="euler|heun", help="Solver of a flow.", show_default="the model's")
    ] = None,
    shift: Annotated[
        float | None,
        typer.Option(help="Above 1: a flow's steps are shorter near the noise.", show_default="the model's"),
    ] = None,
    churn: Annotated[
        float | None,
        typer.Option(help="Noise that a flow puts back between steps; 0 is none.", show_default="the model's"),
    ] = None,
    guidance: Annotated[
        float | None, typer.Option(help="How much a flow insists on the class: 1 is the class alone.")
    ] = None,
    size: Annotated[
        str | None, typer.Option(metavar="HxW", help="Height and width, where the model can choose.")
    ] = None,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="DIR|FILE", help="A folder, or one picture file: a sheet, a .gif."),
    ] = Path(FOLDER),
    between: Annotated[
        tuple[str, str] | None,
        typer.Option("--interpolate", metavar="A B", help="The way between two seeds (SEED or SEED:NUMBER) or files."),
    ] = None,
    vary: Annotated[
        Path | None, typer.Option(metavar="PICTURE", help="Pictures like this one; for models with an encoder.")
    ] = None,
    amount: Annotated[
        float | None, typer.Option(min=0, max=1, help="How far --vary goes from the picture.", show_default="0.3")
    ] = None,
    reconstruct: Annotated[
        Path | None, typer.Option(metavar="PICTURE", help="The picture through encoder and decoder.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are already there.")] = False,
    device: Annotated[str, typer.Option(metavar="auto|cpu|cuda|...", help="What computes.")] = "auto",
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads; without it the number of cores.", show_default=False)
    ] = None,
) -> None:
    """Draw new pictures with a generating model, as files in a folder or on one sheet.

    What is drawn is made up, and each file says so in its XMP. It depends on the model, the seed and its number alone.
    """
    _check_wishes(between=between, vary=vary, reconstruct=reconstruct, amount=amount, num=num)
    as_file = output.suffix.lower() in FILES and not output.is_dir()
    _check_target(output, as_file, overwrite, moves=between is not None)
    from ...models.engine import load
    from .presentation import count, progress_bar

    engine = load(model, threads=threads, device=device)
    if output.suffix.lower() in (".jpg", ".jpeg") and any(port.channels in (2, 4) for port in engine.card.outputs):
        raise UsageError(
            f"-o {output}: {engine.card.name} draws transparent pictures, which JPEG cannot hold; say .png."
        )
    flow: dict[str, Any] = {"steps": steps, "solver": solver, "shift": shift, "churn": churn, "guidance": guidance}
    flow["size"] = _size(size)
    asked = [name for name, value in flow.items() if value is not None]
    if asked and (vary is not None or reconstruct is not None):
        raise UsageError(f"--{asked[0]} does not go with {'--vary' if vary is not None else '--reconstruct'}.")
    with progress_bar("drawing") as told:
        if between is not None or vary is not None or reconstruct is not None:
            made = _from_ends(engine, between, vary, reconstruct, num, seed, label, amount, flow, told)
            num_drawn, seconds, notes = len(made.pictures), made.seconds, made.notes
            _write(made, output, as_file, overwrite, strip=between is not None)
        else:
            num_drawn = num or 64
            seconds, notes = _drawn(engine, num_drawn, seed, label, flow, output, as_file, overwrite, told)
    for note in notes:
        print(note)
    rate = f"{float(f'{num_drawn / max(seconds, 1e-9):.2g}'):,g} a second"
    print(f"{count(num_drawn, 'picture')} by {engine.card.name}, made up, {rate}: {output}")


def _drawn(
    engine: "Engine",
    count: int,
    seed: int,
    label: str | None,
    flow: dict[str, Any],
    output: Path,
    as_file: bool,
    overwrite: bool,
    told: Callable[[int, int], None],
) -> tuple[float, tuple[str, ...]]:
    """New pictures: all on one sheet, or part by part, so that any number goes into a folder. Seconds and notes."""
    from ...generation.generate import generate as draw

    at_once = count if as_file else AT_ONCE
    seconds = 0.0
    notes: tuple[str, ...] = ()
    for first in range(0, count, at_once):
        made = draw(
            engine,
            min(at_once, count - first),
            first=first,
            seed=seed,
            label=label,
            progress=partial(_told_from, told, first, count),
            **flow,
        )
        _write(made, output, as_file, overwrite, first=first)
        seconds, notes = seconds + made.seconds, made.notes
    return seconds, notes


def _told_from(told: Callable[[int, int], None], first: int, count: int, done: int, _: int) -> None:
    told(first + done, count)


def _from_ends(
    engine: "Engine",
    between: tuple[str, str] | None,
    vary: Path | None,
    reconstruct: Path | None,
    num: int | None,
    seed: int,
    label: str | None,
    amount: float | None,
    flow: dict[str, Any],
    told: Callable[[int, int], None],
) -> "Generated":
    from ...generation.generate import interpolate
    from ...generation.generate import reconstruct as rebuild
    from ...generation.generate import vary as varied

    if between is not None:
        a, b = (_end(text) for text in between)
        return interpolate(engine, a, b, frames=16 if num is None else num, label=label, progress=told, **flow)
    if vary is not None:
        share = 0.3 if amount is None else amount
        return varied(engine, _open(vary), num or 8, amount=share, seed=seed, label=label, progress=told)
    assert reconstruct is not None
    return rebuild(engine, _open(reconstruct), label=label)


def _check_wishes(
    *,
    between: tuple[str, str] | None,
    vary: Path | None,
    reconstruct: Path | None,
    amount: float | None,
    num: int | None,
) -> None:
    if sum(wish is not None for wish in (between, vary, reconstruct)) > 1:
        raise UsageError("--interpolate, --vary and --reconstruct are three different wishes; give one of them.")
    if amount is not None and vary is None:
        raise UsageError("--amount is how far --vary goes; it has no meaning without it.")
    if num is not None and reconstruct is not None:
        raise UsageError("-n does not go with --reconstruct, which gives one picture.")
    if num is not None and num < 2 and between is not None:
        raise UsageError("-n is 1; --interpolate draws at least its two ends.")


def _check_target(output: Path, as_file: bool, overwrite: bool, *, moves: bool) -> None:
    """Before the work: that the results can be written, and would replace nothing unasked."""
    if as_file:
        if output.suffix.lower() == ".gif" and not moves:
            raise UsageError(f"-o {output}: a GIF is for --interpolate; name a sheet {output.with_suffix('.png')}.")
        if output.exists() and not overwrite:
            raise UsageError(f"{output} exists already; pass --overwrite to replace it, or choose another name.")
    elif output.exists() and not output.is_dir():
        raise UsageError(f"-o {output} is a file, but no picture; name a folder, or a file in {', '.join(FILES)}.")
    elif not overwrite and output.is_dir() and any(output.glob("[0-9][0-9][0-9][0-9]*.png")):
        raise UsageError(f"{output} holds generated pictures already; pass --overwrite, or choose another with -o.")


def _write(
    made: "Generated", output: Path, as_file: bool, overwrite: bool, *, strip: bool = False, first: int = 0
) -> None:
    if not as_file:
        made.save(output, overwrite=overwrite, first=first)
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    if output.suffix.lower() == ".gif":
        from ...pictures.grid import save_gif

        save_gif(made.pictures, output, overwrite=overwrite, comment=f"Generated by {made.model}")
        return
    made.sheet(columns=len(made.pictures) if strip else None).save(output, overwrite=overwrite)


def _end(text: str) -> "int | tuple[int, int] | Picture":
    """A seed, a seed with the number of one of its pictures, or a picture file."""
    seed, colon, number = text.partition(":")
    if not Path(text).is_file() and seed.isdecimal() and (not colon or number.isdecimal()):
        return (int(seed), int(number)) if colon else int(seed)
    return _open(Path(text))


def _open(path: Path) -> "Picture":
    from ...pictures.picture import Picture

    return Picture.open(path)


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    height, x, width = text.lower().partition("x")
    if not (x and height.isdecimal() and width.isdecimal()):
        raise UsageError(f"--size {text}: write height and width as 64x96.")
    return int(height), int(width)
