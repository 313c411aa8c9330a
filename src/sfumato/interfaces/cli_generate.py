"""The command that draws pictures: generate."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import UsageError

if TYPE_CHECKING:
    from ..generate import Generated
    from ..picture import Picture

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".avif")


def register(app: typer.Typer) -> None:
    """Put the command into the application."""
    app.command()(generate)


def generate(
    model: Annotated[str, typer.Argument(metavar="NAME|FILE", help="A shipped model or a model file.")],
    num: Annotated[
        int | None, typer.Option("-n", min=1, help="How many; default: 64, or 16 frames, or 8 variations.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same pictures.")] = 0,
    label: Annotated[
        str | None, typer.Option("--class", metavar="NAME|mix", help="A class of the model's; mix: all in turn.")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps of a flow.", show_default=False)] = None,
    solver: Annotated[
        str | None, typer.Option(metavar="euler|heun", help="Solver of a flow.", show_default=False)
    ] = None,
    guidance: Annotated[
        float | None, typer.Option(help="How much a flow insists on the class; 1 is the class alone.")
    ] = None,
    size: Annotated[
        str | None, typer.Option(metavar="HxW", help="Height and width, where the model can choose.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR|FILE", help="A folder (generated), or one sheet: NAME.png."),
    ] = None,
    between: Annotated[
        tuple[str, str] | None,
        typer.Option("--interpolate", metavar="A B", help="The way between two seeds or pictures; -o FILE.gif moves."),
    ] = None,
    vary: Annotated[
        Path | None, typer.Option(metavar="PICTURE", help="Pictures like this one; for families with an encoder.")
    ] = None,
    amount: Annotated[float, typer.Option(min=0, max=1, help="How far --vary goes from the picture.")] = 0.3,
    reconstruct: Annotated[
        Path | None, typer.Option(metavar="PICTURE", help="The picture through encoder and decoder.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are already there.")] = False,
    device: Annotated[str, typer.Option(metavar="auto|cpu|cuda|...", help="What computes.")] = "auto",
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads; without it the number of cores.", show_default=False)
    ] = None,
) -> None:
    """Draw new pictures with a generating model: as files in a folder, or as one sheet.

    The pictures show nothing that exists. What is drawn depends on model, seed and number alone.
    """
    if sum(wish is not None for wish in (between, vary, reconstruct)) > 1:
        raise UsageError("--interpolate, --vary and --reconstruct are three different wishes; give one of them.")
    target = Path("generated") if output is None else output
    _check_target(target, overwrite)
    from ..engine import load
    from ..generate import generate as draw
    from ..generate import interpolate
    from ..generate import reconstruct as rebuild
    from ..generate import vary as varied
    from .presentation import progress_bar

    engine = load(model, threads=threads, device=device)
    flow: dict[str, Any] = {"steps": steps, "solver": solver, "guidance": guidance}
    with progress_bar("drawing") as told:
        if between is not None:
            ends = [_end(text) for text in between]
            made = interpolate(engine, *ends, frames=num or 16, label=label, progress=told, **flow)
        elif vary is not None:
            _refuse({"--class": label, "--size": size} | {f"--{k}": v for k, v in flow.items()}, "--vary")
            made = varied(engine, _open(vary), num or 8, amount=amount, seed=seed, progress=told)
        elif reconstruct is not None:
            _refuse(
                {"-n": num, "--class": label, "--size": size} | {f"--{k}": v for k, v in flow.items()}, "--reconstruct"
            )
            made = rebuild(engine, _open(reconstruct))
        else:
            made = draw(engine, num or 64, seed=seed, label=label, size=_size(size), progress=told, **flow)
    written = _write(made, target, overwrite, strip=between is not None)
    for note in made.notes:
        print(note)
    count = len(made.pictures)
    print(f"{count} picture{'s' * (count != 1)} by {made.model}, made up, in {made.seconds:.1f} s: {written}")


def _check_target(target: Path, overwrite: bool) -> None:
    """Before the work: that what is to be written does not stand there already."""
    if _is_file(target):
        if target.exists() and not overwrite:
            raise UsageError(f"{target} exists already; pass --overwrite to replace it, or choose another name.")
    elif target.suffix and not target.is_dir():
        raise UsageError(f"-o {target}: a sheet is one of {', '.join(SUFFIXES)} or .gif; a folder has no suffix.")
    elif target.is_dir() and any(target.glob("[0-9][0-9][0-9][0-9]*.png")) and not overwrite:
        raise UsageError(f"{target} holds generated pictures already; pass --overwrite, or choose another with -o.")


def _is_file(target: Path) -> bool:
    return target.suffix.lower() in (*SUFFIXES, ".gif")


def _write(made: "Generated", target: Path, overwrite: bool, *, strip: bool) -> Path:
    from ..sheet import save_gif

    if target.suffix.lower() == ".gif":
        return save_gif(made.pictures, target, overwrite=overwrite)
    if _is_file(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        return made.sheet(columns=len(made.pictures) if strip else None).save(target, overwrite=overwrite)
    target.mkdir(parents=True, exist_ok=True)
    for number, (picture, label) in enumerate(zip(made.pictures, made.labels, strict=True)):
        kind = "".join(c if c.isalnum() else "-" for c in label)
        picture.save(target / (f"{number:04d}-{kind}.png" if kind else f"{number:04d}.png"), overwrite=overwrite)
    return target


def _end(text: str) -> "int | Picture":
    return int(text) if text.isdecimal() else _open(Path(text))


def _open(path: Path) -> "Picture":
    from ..picture import Picture

    return Picture.open(path)


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    height, x, width = text.lower().partition("x")
    if not (x and height.isdecimal() and width.isdecimal()):
        raise UsageError(f"--size {text}: write height and width as 64x96.")
    return int(height), int(width)


def _refuse(options: dict[str, Any], wish: str) -> None:
    for name, value in options.items():
        if value is not None:
            raise UsageError(f"{name} does not go with {wish}.")
