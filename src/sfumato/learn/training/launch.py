"""A run from start to finish: settings together, weights to start from, the loop, the report, the model file."""

import dataclasses
import re
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from accelerate import PartialState
from safetensors.torch import load_file

from sfumato import zoo
from sfumato.errors import TrainingError, UsageError

from ..catalog import create, known
from ..data.folders import list_pictures
from ..export import export, read_weights
from .config import TrainConfig
from .listeners import JsonLog, Listener, ProgressBar, Sheets, TensorBoard
from .recipes import RECIPES
from .report import write_report
from .state import Progress
from .state import load as load_state
from .trainer import train

TASKS = {"restoration": "denoise", "noise-level": "noise-level"}


def configure(
    recipe: str, *, data: str, val: str = "", time: str = "", settings: Sequence[str] = (), start_from: str = ""
) -> TrainConfig:
    """The recipe with what the user set; raises UsageError for unknown recipes and settings, TrainingError for data."""
    config = RECIPES[known(recipe, RECIPES, "recipe")]()
    pairs = dict(_pair(text) for text in settings)
    if time:
        pairs["seconds"] = str(parse_time(time))
    if start_from:
        card, _ = read_weights(model_path(start_from))
        config = dataclasses.replace(config, family=card.family, model=card.config, started_from=start_from)
    config = dataclasses.replace(config, data=str(data), val=str(val)).with_settings(pairs)
    list_pictures(config.data)
    return config


def start(config: TrainConfig, run: Path) -> Path:
    """Train in `run`, write its report and its model file; gives the model file's path."""
    return _finish(train(config, run, listeners=_listeners(config, run)), config, run)


def resume(run: Path) -> Path:
    """Go on with the run where its state was saved last; a run that is over is only exported again."""
    config = config_of(run)
    return _finish(train(config, run, resume=True, listeners=_listeners(config, run)), config, run)


def config_of(run: Path) -> TrainConfig:
    """The config of a run directory; raises TrainingError where there is none."""
    path = run / "config.json"
    if not path.exists():
        raise TrainingError(f"{run} is no run directory (no config.json in it).")
    return TrainConfig.from_json(path)


def export_run(run: Path, output: Path | None = None) -> Path:
    """The best state of a run (or, where nothing was validated, the averaged weights now) as a model file."""
    config = config_of(run)
    output = output or run / "model.onnx"
    tensors, progress = load_state(run)
    if (run / "best.safetensors").exists():
        weights = load_file(run / "best.safetensors")
    else:
        weights = {n.removeprefix("average/"): v for n, v in tensors.items() if n.startswith("average/")}
    network = create(config.family, config.model)
    network.load_state_dict(weights)
    best = next((h for h in progress.history if h["step"] == progress.best_step), {})
    figures = {k: v for k, v in best.items() if k.startswith(("psnr", "log_error", "train_"))}
    command = f"sfumato train {config.name} --data DATA" + (
        " --from " + config.started_from if config.started_from else ""
    )
    export(
        network,
        output,
        name=config.name,
        family=config.family,
        task=TASKS[config.objective],
        training={
            "data": Path(config.data).name,
            "command": command,
            "commit": _commit(),
            "steps": progress.step,
            "seconds": round(progress.seconds),
            "pixels": progress.step * config.batch * config.patch**2,
            "started_from": config.started_from,
            "validation": {name: round(value, 4) for name, value in figures.items()},
        },
    )
    return output


def model_path(model: str) -> Path:
    """The path of a model file, given as a path or as a shipped model's name."""
    return zoo.path(model) if model in zoo.SHIPPED else Path(model)


def parse_time(text: str) -> float:
    """Seconds in '2h', '90m', '45s' or '1h30m'."""
    found = re.fullmatch(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?", text.strip())
    seconds = sum(float(n or 0) * unit for n, unit in zip(found.groups(), (3600, 60, 1), strict=True)) if found else 0
    if seconds <= 0:
        raise UsageError(f"--time {text!r} is no time; write it as 2h, 90m, 45s or 1h30m.")
    return seconds


def new_run(recipe: str) -> Path:
    """runs/RECIPE-DATE-TIME, which does not exist yet."""
    return Path("runs") / f"{recipe}-{datetime.now():%Y%m%d-%H%M%S}"


def _finish(progress: Progress, config: TrainConfig, run: Path) -> Path:
    if PartialState().is_main_process:
        write_report(run, config, progress)
        return export_run(run)
    return run / "model.onnx"


def _listeners(config: TrainConfig, run: Path) -> list[Listener]:
    if not PartialState().is_main_process:
        return []
    run.mkdir(parents=True, exist_ok=True)
    return [JsonLog(run), Sheets(run), TensorBoard(run), ProgressBar(config)]


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--set {text!r} is no key=value pair, such as --set lr=0.001.")
    return key.strip(), value.strip()


def _commit() -> str:
    """The commit of the source tree that runs, or nothing where the package is installed without one."""
    here = Path(sys.modules["sfumato"].__file__ or "").parent
    found = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=here, capture_output=True, text=True, check=False
    )
    return found.stdout.strip()
