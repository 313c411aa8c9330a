"""The state of a run on disk: tensors as safetensors, numbers as JSON, replaced as one, never pickled."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from filelock import FileLock, Timeout
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from sfumato.errors import Option, TrainingError
from sfumato.files import write_whole, written_whole


@dataclass
class Progress:
    """Where a run is. `fraction` goes from 0 to 1 and drives schedule and EMA; `step` is also the data position.

    `data` is the fingerprint of the pictures that it trains on; `alarms` counts those of its validations, and `events`
    says in words what was done about them.
    """

    step: int = 0
    fraction: float = 0.0
    per_step: float = 0.0
    seconds: float = 0.0
    best_score: float = float("-inf")
    best_step: int = -1
    validations_since_best: int = 0
    next_validation: float = 0.0
    data: str = ""
    alarms: int = 0
    events: list[str] = field(default_factory=list)
    history: list[dict] = field(default_factory=list)


BEST, BEST_WHOLE = "best.safetensors", "best-whole.safetensors"  # the averaged weights, and all that goes on from them
OBJECTIVE = "objective/"


def gather(
    networks: dict[str, nn.Module], optimizers: dict[str, Optimizer], average: nn.Module, objective: dict[str, Tensor]
) -> dict[str, Tensor]:
    """Every tensor that the next step depends on, under one flat name each."""
    tensors = {f"average/{name}": value for name, value in average.state_dict().items()}
    tensors |= {OBJECTIVE + name: value for name, value in objective.items()}
    for key, network in networks.items():
        tensors |= {f"network/{key}/{name}": value for name, value in network.state_dict().items()}
        names = [name for name, _ in network.named_parameters()]
        for number, slots in optimizers[key].state_dict()["state"].items():
            tensors |= {f"optimizer/{key}/{names[number]}/{slot}": torch.as_tensor(v) for slot, v in slots.items()}
    return tensors


def scatter(
    tensors: dict[str, Tensor], networks: dict[str, nn.Module], optimizers: dict[str, Optimizer], average: nn.Module
) -> None:
    """Put what `gather` gave back into place."""

    def below(prefix: str) -> dict[str, Tensor]:
        return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}

    try:
        average.load_state_dict(below("average/"))
        for key, network in networks.items():
            network.load_state_dict(below(f"network/{key}/"))
    except RuntimeError as other:
        detail = str(other).splitlines()[-1].strip()
        raise TrainingError(f"The saved state belongs to another network than config.json names ({detail}).") from other
    for key, network in networks.items():
        slots: dict[int, dict[str, Tensor]] = {}
        for number, (name, parameter) in enumerate(network.named_parameters()):
            found = below(f"optimizer/{key}/{name}/")
            if found:
                slots[number] = {slot: _laid_out_as(parameter, value) for slot, value in found.items()}
        stored = optimizers[key].state_dict()
        optimizers[key].load_state_dict({"state": slots, "param_groups": stored["param_groups"]})


def of_objective(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """What the objective gave to `gather`."""
    return {name.removeprefix(OBJECTIVE): value for name, value in tensors.items() if name.startswith(OBJECTIVE)}


def _laid_out_as(parameter: Tensor, value: Tensor) -> Tensor:
    """`value` in the memory order of its parameter: fused optimizers walk through both without looking at strides."""
    return torch.empty_like(parameter, dtype=value.dtype).copy_(value) if value.shape == parameter.shape else value


@contextlib.contextmanager
def claimed(run: Path, *, resume: bool) -> Iterator[None]:
    """The run directory, made where it is new, for this process alone.

    Raises TrainingError where a run is in it that is not to be resumed, or another process works on it.
    """
    run.mkdir(parents=True, exist_ok=True)
    if not resume and ((run / "config.json").exists() or exists(run)):
        go_on = Option("resume", str(run))
        raise TrainingError(
            f"{run} holds a run already; go on with ", go_on, ", or choose another ", Option("run"), "."
        )
    # Workers of a run that was killed hold its lock for the seconds that they need to notice.
    lock = FileLock(run / "lock", timeout=8 if resume else 0)
    try:
        lock.acquire()
    except Timeout as taken:
        raise TrainingError(
            f"{run} is in use by another process; wait for it, or choose another ", Option("run"), "."
        ) from taken
    try:
        yield
    finally:
        lock.release()


def save(run: Path, tensors: dict[str, Tensor], progress: Progress) -> None:
    """Write the state so that a kill at any moment leaves the old one or the new one, whole."""
    name = f"state-{progress.step:08d}.safetensors"
    write_tensors(run / name, tensors)
    write_whole(run / "state.json", json.dumps({"tensors": name, "progress": asdict(progress)}))
    for old in (*run.glob("state-*.safetensors"), *run.glob(".state-*.part")):  # what a kill left half written, too
        if old.name != name:
            old.unlink(missing_ok=True)


def exists(run: Path) -> bool:
    """Whether a state was ever saved in the run directory."""
    return (run / "state.json").exists()


def load(run: Path) -> tuple[dict[str, Tensor], Progress]:
    """The last whole state of the run; raises TrainingError where there is none."""
    try:
        facts = json.loads((run / "state.json").read_text())
        return load_file(run / facts["tensors"]), Progress(**facts["progress"])
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as missing:
        raise TrainingError(f"{run} holds no training state that can be read (state.json: {missing}).") from missing


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file that `write_tensors` wrote."""
    return load_file(path)


def write_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """The tensors as a safetensors file that appears whole or not at all."""
    with written_whole(path) as partial:
        save_file({name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}, partial)
