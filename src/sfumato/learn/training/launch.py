"""A run from start to finish: settings together, weights to start from, the loop, the report, the model file."""

import dataclasses
import json
import math
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from sfumato.errors import Option, Setting, TrainingError, UsageError
from sfumato.models.fields import known

from ..catalog import FAMILIES, create
from ..data.captions import captions_of
from ..data.folders import list_pictures, list_recordings
from ..data.pairs import palette_of
from ..data.recordings import checked_labels
from ..export import export
from . import own_restorer
from .config import TrainConfig
from .listeners import JsonLog, Listener, ProgressBar, Sheets, TensorBoard
from .narrowing import narrows
from .objectives import OBJECTIVES, objective_for
from .objectives.answering import questions_of, words_in
from .recipes import RECIPES
from .report import write_report
from .state import BEST, Progress
from .state import exists as has_state
from .state import load as load_state
from .trainer import is_main_process, is_over, train
from .transfer import (
    OF_AUTOENCODER,
    OF_CLASSES,
    UNCONDITIONAL,
    card_of,
    forgets_classes,
    is_coded,
    lends_trunk,
    lent_parts,
    lent_settings,
    load_weights,
    without_classes,
)

MAX_CLASSES = 1000
OF_PICTURES = {"size", "channels"}
OF_LAYOUT = {"palette", "labels"}
AUDIO_WIDTHS = (24, 48, 96, 128)  # of the encoder of sounds
TEXT_WIDTHS = (48, 96, 192)  # of the encoder of captions


@dataclass(frozen=True)
class Outcome:
    """How a run left the command: at its end, with a model file, or stopped at `step`, without one."""

    run: Path
    step: int
    model: Path | None


def configure(
    recipe: str, *, data: str, val: str = "", time: str = "", settings: Sequence[str] = (), start_from: str = ""
) -> TrainConfig:
    """The recipe with what the user set, all of it checked.

    Raises UsageError for unknown recipes and settings, TrainingError for data, ModelError for what to start from.
    """
    config = RECIPES[known(recipe, RECIPES, "recipe")]()
    if start_from:
        task = create(config.family, config.model).task
        card = card_of(start_from, task)
        if lent_parts(card.family, config.family):
            lent = lent_settings(card, config.family)
            config = dataclasses.replace(config, model=config.model | lent, started_from=start_from)
        elif lends_trunk(card, network := create(config.family, config.model)) or narrows(card, network):
            config = dataclasses.replace(config, started_from=start_from)
        elif card.task != task:
            raise UsageError(
                Option("start_from", start_from),
                f" is a model for {card.task}, and {recipe} trains another kind"
                + (", which takes the encoder of autoencoder or vae." if recipe == "classifier" else "."),
            )
        else:
            config = dataclasses.replace(config, family=card.family, model=card.config, started_from=start_from)
    pairs = _pairs(settings, time)
    _check_place(pairs, config)
    config = dataclasses.replace(config, data=str(data), val=str(val)).with_settings(pairs)
    for source in filter(None, (config.data, config.val)):
        list_pictures(source)
    config = with_answers(with_captions_and_outlines(with_sounds(with_classes(config))))
    config = with_layouts(config)
    objective = objective_for(config)
    if config.restorer:
        own_restorer.check(config)
    if start_from:
        load_weights(objective.networks[objective.exported], config.family, start_from)
    return config


def with_classes(config: TrainConfig) -> TrainConfig:
    """The config with the names and shares of the classes in the family's settings, where labels are asked for.

    Where none are, a run that starts from a flow by class goes on without. Raises UsageError where another network has
    classes and the pictures no labels, and where the labels are all the same, or more than a one-hot label is for.
    """
    if config.model.get("classes") and not config.label:
        if config.started_from and forgets_classes(config.family):
            return dataclasses.replace(config, model=without_classes(config.model))
        raise UsageError(
            f"{config.started_from or config.name} has classes, and nothing says what labels the pictures: ",
            Setting("label", "folder"),
            ", or a key of their metadata.jsonl.",
        )
    takes = {entry.name for entry in dataclasses.fields(FAMILIES[known(config.family, FAMILIES, "family")].config)}
    if not config.label or "classes" not in takes or config.options.get("target") == "number":
        return config
    counts = Counter(list_pictures(config.data).labels(config.label).values())
    names = sorted(counts, key=_natural)
    if len(names) < 2:
        raise UsageError(f"{config.data}: label={config.label} gives one class only, {names[0]!r}; leave label out.")
    if len(names) > MAX_CLASSES:
        raise UsageError(
            f"{config.data}: label={config.label} gives {len(names)} classes, more than {MAX_CLASSES}; "
            "choose a coarser one."
        )
    if config.val:
        new = set(list_pictures(config.val).labels(config.label).values()) - set(names)
        if new:
            raise UsageError(f"{config.val}: the class {min(new)!r} is not in {config.data}.")
    labels: dict[str, Any] = {"classes": names}
    if "shares" in takes:
        labels["shares"] = [float(f"{counts[name] / counts.total():.4g}") for name in names]
    return dataclasses.replace(config, model=config.model | labels)


def with_sounds(config: TrainConfig) -> TrainConfig:
    """The config with an encoder of sounds in the family's settings, where there are recordings.

    Raises UsageError for a family that takes none and for pictures without labels, by which recordings find them;
    TrainingError for recordings that cannot be listed, or of other classes.
    """
    if not config.audio:
        return config
    if config.family != "flow":
        raise UsageError(Setting("audio"), f" is for the family flow; {config.family} takes no sounds.")
    if not config.model.get("classes"):
        raise UsageError(
            Setting("audio"), " is heard by class, and nothing says what labels the pictures: ", Setting("label"), "."
        )
    checked_labels(list_recordings(config.audio), tuple(config.model["classes"]))
    return dataclasses.replace(config, model={"audio": AUDIO_WIDTHS} | config.model)


def with_captions_and_outlines(config: TrainConfig) -> TrainConfig:
    """The config with what reads captions and outlines in the family's settings, where conditions ask for them.

    Raises UsageError for a family that takes neither, and for outlines of pictures without transparency; TrainingError
    for pictures without captions.
    """
    if not config.condition:
        return config
    if config.family not in UNCONDITIONAL:
        raise UsageError(
            Setting("condition"), f" is for the families {', '.join(UNCONDITIONAL)}; {config.family} takes none."
        )
    model: dict[str, Any] = {}
    if "text" in config.condition:
        captions_of(list_pictures(config.data), config.caption)
        model["text"] = TEXT_WIDTHS
    if "layout" in config.condition:
        if config.model.get("channels") != 4:
            raise UsageError(
                Setting("condition"),
                " layout is the outline of transparent pictures: ",
                Setting("model.channels", 4),
                ".",
            )
        model["silhouette"] = 1
    return dataclasses.replace(config, model=config.model | {k: v for k, v in model.items() if not config.model.get(k)})


def with_answers(config: TrainConfig) -> TrainConfig:
    """The config with all answers and the questions' words, where there are any. TrainingError for bad questions."""
    if config.objective != "answering":
        return config
    asked = questions_of(list_pictures(config.data), config.caption).values()
    answers = sorted({answer for questions in asked for answer in questions.values()}, key=_natural)
    if len(answers) > MAX_CLASSES:
        raise UsageError(f"{config.data}: {len(answers)} different answers are more than {MAX_CLASSES}.")
    return dataclasses.replace(config, model=config.model | {"classes": answers, "words": words_in(asked)})


def with_layouts(config: TrainConfig) -> TrainConfig:
    """The config with the palette of the label maps in the family's settings, where there are label maps.

    Raises UsageError for a family that takes none, TrainingError for maps without a palette.
    """
    if not (config.layout or config.paired):
        return config
    if config.objective != "paired" or (config.layout and config.paired):
        raise UsageError(
            Setting("layout" if config.layout else "paired"),
            " is for the recipes layout and pix2pix, which take one of layout and paired.",
        )
    list_pictures(config.layout or config.paired)
    if config.paired or config.model.get("palette"):
        return config
    palette, labels = palette_of(config.layout)
    return dataclasses.replace(config, model=config.model | {"palette": palette, "labels": labels})


def _natural(name: str) -> tuple[int, str]:
    """Numbers by their value, before other names."""
    return (int(name), "") if name.isdecimal() else (10**9, name)


def start(config: TrainConfig, run: Path) -> Outcome:
    """Train in `run` to the end, or until stopped; at the end write its report and its model file.

    A restorer that the generator gets besides is trained in a folder of it, with a report of its own.
    """
    return _finish(train(config, run, listeners=_listeners(config, run)), config, run)


def resume(run: Path, *, time: str = "", settings: Sequence[str] = ()) -> Outcome:
    """Go on with the run where its state was saved last; a run that is over is only exported again.

    `time` and `settings` change what config.json holds, and stay.
    """
    config = config_of(run).with_settings(_pairs(settings, time))
    if has_state(run):
        progress = load_state(run)[1]
        if is_over(config, progress) and not (settings or time):
            return _finish(progress, config, run)
    return _finish(train(config, run, resume=True, listeners=_listeners(config, run)), config, run)


def config_of(run: Path) -> TrainConfig:
    """The config of a run directory; raises TrainingError where there is none."""
    path = run / "config.json"
    if not path.exists():
        raise TrainingError(f"{run} is no run directory (no config.json in it).")
    return TrainConfig.from_json(path)


def export_run(run: Path, output: Path | None = None, *, restorer: Path | None = None) -> Path:
    """The best state of a run (or, where nothing was validated, the averaged weights now) as a model file.

    restorer: the file of the one that it got besides, where there is one already; otherwise it is exported, too.
    """
    config = config_of(run)
    output = output or run / "model.onnx"
    tensors, progress = load_state(run)
    if (run / BEST).exists():
        weights = load_file(run / BEST)
    else:
        weights = {n.removeprefix("average/"): v for n, v in tensors.items() if n.startswith("average/")}
    network = create(config.family, config.model)
    network.load_state_dict(weights)
    best: dict[str, Any] = next((h for h in progress.history if h["step"] == progress.best_step), {})
    figures = {k: v for k, v in best.items() if k not in ("step", "fraction", "seconds", "score")}
    export(
        network,
        output,
        name=config.name,
        family=config.family,
        invents=OBJECTIVES[config.objective].invents,
        training={
            "data": ", ".join(Path(part).name for part in (*config.data.split(","), config.audio) if part),
            "command": command_of(config),
            "commit": _commit(),
            "steps": progress.step,
            "seconds": round(progress.seconds),
            "pixels": progress.step * config.batch * math.prod(config.sample_size),
            "started_from": Path(config.started_from).name,
            "validation": {name: round(value, 4) for name, value in figures.items()},
        },
    )
    besides = run / own_restorer.FOLDER
    if restorer or has_state(besides):
        own_restorer.add_to(output, restorer or export_run(besides))
    return output


def command_of(config: TrainConfig) -> str:
    """The command that trains this way, with DATA and VAL for the pictures."""
    words = ["sfumato", "train", config.name, "--data", "DATA"]
    words += ["--val", "VAL"] if config.val else []
    words += ["--set audio=RECORDINGS"] if config.audio else []
    words += ["--set layout=LABELS"] if config.layout else ["--set paired=OTHERS"] if config.paired else []
    words += ["--from", Path(config.started_from).name] if config.started_from else []
    usual = dataclasses.asdict(RECIPES[config.name]()) if config.name in RECIPES else {}
    implied = OF_CLASSES if config.label else set()  # by the command itself
    implied = implied | {"text", "silhouette"} if config.condition else implied
    implied = implied | OF_LAYOUT if config.layout else implied
    said = ["name", "data", "val", "audio", "layout", "paired", "started_from"]
    if config.started_from and is_coded(config.family):
        implied = implied | (OF_AUTOENCODER - OF_PICTURES)
        usual["model"] = {k: v for k, v in usual.get("model", {}).items() if k not in OF_PICTURES}  # the file's instead
    elif config.started_from:
        said += ["family", "model"]
    for key, value in dataclasses.asdict(config).items():
        changed = usual and key not in said and value != usual[key]
        if changed and key == "model":
            words += [
                f"--set model.{k}={_written(v)}"
                for k, v in value.items()
                if k not in implied and _written(v) != _written(usual[key].get(k))
            ]
        elif changed and value != 0:
            words.append(f"--time {value:g}s" if key == "seconds" else f"--set {key}={_written(value)}")
    return " ".join(words)


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def parse_time(text: str) -> float:
    """Seconds in '2h', '90m', '45s' or '1h30m'."""
    match = re.fullmatch(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?", text.strip())
    seconds = sum(float(n or 0) * unit for n, unit in zip(match.groups(), (3600, 60, 1), strict=True)) if match else 0
    if seconds <= 0:
        raise UsageError(Option("time", text), " is no time; write it as 2h, 90m, 45s or 1h30m.")
    return seconds


def new_run(recipe: str) -> Path:
    """runs/RECIPE-DATE-TIME, which does not exist yet."""
    return Path("runs") / f"{recipe}-{datetime.now():%Y%m%d-%H%M%S}"


def _finish(progress: Progress, config: TrainConfig, run: Path) -> Outcome:
    if not is_over(config, progress):
        return Outcome(run, progress.step, None)
    if is_main_process():
        write_report(run, config, progress)
    restorer = None
    if config.restorer:
        own, besides = own_restorer.config_for(config), run / own_restorer.FOLDER
        if is_main_process():
            print(f"now the restorer, {own.started_from} on the same pictures", file=sys.stderr)
        outcome = resume(besides) if (besides / "config.json").exists() else start(own, besides)
        if outcome.model is None:
            return Outcome(run, progress.step, None)
        restorer = outcome.model
    if is_main_process():
        export_run(run, restorer=restorer)
    return Outcome(run, progress.step, run / "model.onnx")


def _listeners(config: TrainConfig, run: Path) -> list[Listener]:
    return [JsonLog(run), Sheets(run), TensorBoard(run), ProgressBar(config)]


def _pairs(settings: Sequence[str], time: str) -> dict[str, str]:
    pairs = dict(_pair(text) for text in settings)
    return pairs | ({"seconds": str(parse_time(time))} if time else {})


def _check_place(pairs: dict[str, str], config: TrainConfig) -> None:
    """Raises UsageError for a setting of the network that is given as one of the run."""
    own = {field.name for field in dataclasses.fields(FAMILIES[config.family].config)}
    for key, value in pairs.items():
        if key in own and not hasattr(config, key):
            raise UsageError(f"{key} is a setting of the network: ", Setting(f"model.{key}", value), ".")


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise UsageError(Option("settings", text), " is no key=value pair, such as lr=0.001.")
    return key.strip(), value.strip()


def _commit() -> str:
    """The commit of the source tree that runs, or nothing where the package is installed without one."""
    root = Path(sys.modules["sfumato"].__file__ or "").parents[2]
    if not (root / ".git").exists():
        return ""
    try:
        ran = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], cwd=root, capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return ran.stdout.strip()
