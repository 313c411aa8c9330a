"""Options that several commands share, each declared once, and how the command line spells an option of the library."""

import json
import math
from pathlib import Path
from typing import Annotated, Literal

import typer

from ...errors import Option, Setting, UsageError

WHAT, HOW, OUTPUT, CLIPS, LIMITS, FLOWS = "What to do", "How", "Output", "Clips", "Limits", "Flows"
MACHINES = "Many machines"
# Names that differ from those in Python.
NAMES = {
    "memory_mb": "memory",
    "label": "class",
    "num": "-n",
    "frames": "-n",
    "num_frames": "frames",
    "start_from": "from",
    "output": "-o",
}
NAMES |= {"value_range": "range", "label_by": "label", "settings": "set"}
# Python takes these as arguments of their own; the command line has them without a dash.
PLAIN = {"first"}
# Of noise models other than flows take 75 at most, and say so.
LEVELS = {"noise": (0, 255), "jpeg_quality": (1, 100)}


def spelled(option: Option) -> str:
    """`--overwrite` for overwrite=True, `--class cat` for label="cat", `--set lr=0.001` for a setting."""
    if isinstance(option, Setting):
        return _spelled_setting(option)
    if option.name in PLAIN:
        return option.name
    name = NAMES.get(option.name, option.name.replace("_", "-"))
    name = name if name.startswith("-") else f"--{name}"
    return name if option.value is None or option.value is True else f"{name} {option.value}"


def _spelled_setting(setting: Setting) -> str:
    if setting.name == "seconds":
        return "--time" if setting.value is None else f"--time {setting.value:g}s"
    if setting.value is None:
        return f"--set {setting.name}"
    value = setting.value if isinstance(setting.value, str) else json.dumps(setting.value, separators=(",", ":"))
    return f"--set {setting.name}={value}"


def parse_level(text: str, name: str) -> Literal["auto"] | float:
    """ "auto" or a number, of the option `noise` or `jpeg_quality`. Raises UsageError for another text."""
    if text == "auto":
        return "auto"
    low, high = LEVELS[name]
    try:
        level = float(text)
    except ValueError:
        level = -1.0
    if not low <= level <= high:
        raise UsageError(Option(name), f" {text}: say auto, or a number from {low:g} to {high:g}.")
    return level


def parse_size(text: str | None) -> tuple[int, int] | None:
    """Height and width of "64x96". Raises UsageError for another text."""
    if text is None:
        return None
    height, x, width = text.lower().partition("x")
    if not (x and height.isdecimal() and width.isdecimal()):
        raise UsageError(Option("size"), f" {text}: write height and width as 64x96.")
    return int(height), int(width)


def parse_range(text: str) -> tuple[float, float] | None:
    """Lowest and highest of "0..255", None for "". Raises UsageError for another text."""
    if not text:
        return None
    low, _, high = text.partition("..")
    try:
        values = float(low), float(high)
    except ValueError:
        values = 0.0, 0.0
    if not values[0] < values[1] < math.inf:
        raise UsageError(Option("value_range"), f" {text}: write the lowest and the highest value as 0..255.")
    return values


def parse_share(text: str) -> tuple[int, int]:
    """Number and count of "3/16". Raises UsageError for another text."""
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise UsageError(Option("shard"), f" {text}: write the share and how many there are, as 3/16.")
    return int(number), int(count)


def flag(name: str, help: str, panel: str, *short: str) -> typer.models.OptionInfo:
    """A switch: on where it is given."""
    return typer.Option(name, *short, help=help, rich_help_panel=panel)


Overwrite = Annotated[bool, flag("--overwrite", "Replace files that are already there.", OUTPUT)]
Device = Annotated[str, typer.Option(metavar="auto|cpu|cuda|...", help="What computes.", rich_help_panel=LIMITS)]
Threads = Annotated[
    int | None, typer.Option(min=1, help="Default: the number of cores.", show_default=False, rich_help_panel=LIMITS)
]
Memory = Annotated[
    int | None,
    typer.Option(min=64, metavar="MB", help="For the network's work.", show_default=False, rich_help_panel=LIMITS),
]
MaxPixels = Annotated[
    int,
    typer.Option(min=1, metavar="PIXELS", help="Pictures that declare more are refused.", rich_help_panel=LIMITS),
]
OtherModel = Annotated[
    str,
    typer.Option(
        metavar="NAME|FILE",
        help="Instead: a shipped model or a model file.",
        show_default="that of the task",
        rich_help_panel=WHAT,
    ),
]
Model = Annotated[str, typer.Argument(metavar="MODEL", help="A model file, or a shipped model's name.")]
Label = Annotated[
    str | None,
    typer.Option(
        "--class",
        metavar="NAME|mix",
        help="A class, or a group of classes; mix: each class or group in turn.",
        rich_help_panel=WHAT,
    ),
]
Text = Annotated[str | None, typer.Option(metavar="WORDS", help="What they show, in words.", rich_help_panel=WHAT)]
Audio = Annotated[Path | None, typer.Option(metavar="FILE", help="A sound file that says it.", rich_help_panel=WHAT)]
Layout = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="A picture with the outline that they have: transparent around it, or black on white; or a label map in "
        "the colours of the model's palette.",
        rich_help_panel=WHAT,
    ),
]
Pair = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Of models trained on pairs: what to start from.", rich_help_panel=WHAT),
]
Seed = Annotated[int, typer.Option(min=0, help="Same model and seed, same pictures.", rich_help_panel=WHAT)]
Size = Annotated[
    str | None,
    typer.Option(metavar="HxW", help="Height and width, where the model can choose.", rich_help_panel=WHAT),
]
Target = Annotated[
    Path,
    typer.Option(
        "--output",
        "-o",
        metavar="DIR|FILE",
        help="A folder, or one picture file: a sheet of all.",
        rich_help_panel=OUTPUT,
    ),
]
Steps = Annotated[int | None, typer.Option(min=1, help="Steps.", show_default="the model's", rich_help_panel=FLOWS)]
Solver = Annotated[
    str | None, typer.Option(metavar="euler|heun", help="Solver.", show_default="the model's", rich_help_panel=FLOWS)
]
Shift = Annotated[
    float | None,
    typer.Option(help="Above 1: shorter steps near the noise.", show_default="the model's", rich_help_panel=FLOWS),
]
Churn = Annotated[
    float | None,
    typer.Option(
        help="Noise that is put back between steps; 0 is none.", show_default="the model's", rich_help_panel=FLOWS
    ),
]
Guidance = Annotated[
    float | None,
    typer.Option(
        help="How much it insists on the class: 1 is the class alone.",
        show_default="the model's",
        rich_help_panel=FLOWS,
    ),
]
