"""The state of a run on disk: tensors as safetensors, numbers as JSON, replaced as one, never pickled."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from sfumato.errors import TrainingError


@dataclass
class Progress:
    """Where a run is. `fraction` goes from 0 to 1 and drives schedule and EMA; `step` is also the data position."""

    step: int = 0
    fraction: float = 0.0
    per_step: float = 0.0
    seconds: float = 0.0
    best_score: float = float("-inf")
    best_step: int = -1
    validations_since_best: int = 0
    next_validation: float = 0.0
    history: list[dict] = field(default_factory=list)


def gather(networks: dict[str, nn.Module], optimizers: dict[str, Optimizer], average: nn.Module) -> dict[str, Tensor]:
    """Every tensor that the next step depends on, under one flat name each."""
    tensors = {f"average/{name}": value for name, value in average.state_dict().items()}
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

    average.load_state_dict(below("average/"))
    for key, network in networks.items():
        network.load_state_dict(below(f"network/{key}/"))
        stored = optimizers[key].state_dict()
        slots: dict[int, dict[str, Tensor]] = {}
        for number, (name, _) in enumerate(network.named_parameters()):
            found = below(f"optimizer/{key}/{name}/")
            if found:
                slots[number] = found
        optimizers[key].load_state_dict({"state": slots, "param_groups": stored["param_groups"]})


def save(run: Path, tensors: dict[str, Tensor], progress: Progress) -> None:
    """Write the state so that a kill at any moment leaves the old one or the new one, whole."""
    name = f"state-{progress.step:08d}.safetensors"
    write_tensors(run / name, tensors)
    partial = run / "state.json.part"
    partial.write_text(json.dumps({"tensors": name, "progress": asdict(progress)}))
    with open(partial) as written:
        os.fsync(written.fileno())
    os.replace(partial, run / "state.json")
    for old in run.glob("state-*.safetensors"):
        if old.name != name:
            old.unlink(missing_ok=True)


def load(run: Path) -> tuple[dict[str, Tensor], Progress]:
    """The last whole state of the run; raises TrainingError where there is none."""
    try:
        facts = json.loads((run / "state.json").read_text())
        return load_file(run / facts["tensors"]), Progress(**facts["progress"])
    except (OSError, ValueError, KeyError, TypeError) as missing:
        raise TrainingError(f"{run} holds no training state to resume from (state.json: {missing}).") from missing


def write_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    partial = path.with_name(path.name + ".part")
    save_file({name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}, partial)
    os.replace(partial, path)
