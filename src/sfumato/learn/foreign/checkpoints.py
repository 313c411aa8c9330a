"""Weights of PyTorch as they are handed around (.pth, .pt, .ckpt, .safetensors), traced into an ONNX file.

spandrel knows the architecture by the names and shapes of the weights. Files are read as weights only: no object in
them is ever made, so that none of their code runs.
"""

import contextlib
import importlib
import math
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.export import Dim

from sfumato.errors import ModelError
from sfumato.models.engine import open_session, read_file

from ..export import trace
from .probing import no_stage

SIZES = ((1, 1), (1, 3), (2, 1))  # of the pictures that are compared, over the least one
LEAST_SIDE = 48
CELLS = 8  # sides that all networks which halve a picture up to three times take without padding
MAX_DIFFERENCE = 1e-3
SEALED = ("GFPGAN", "RestoreFormer", "CodeFormer")  # for faces that were cut out and turned, of one size
STATES = ("optimizers", "optimizer", "optimizer_states", "schedulers")
# What the names of weights tell of files that are no picture models of this kind.
OTHERS = {
    ("lora_", ".lora.", "lora_A", "lora_down"): "a LoRA, which changes another model and is none itself",
    ("model.diffusion_model.", "first_stage_model.", "cond_stage_model."): "a Stable Diffusion checkpoint, which "
    "generates pictures out of texts",
    ("text_model.encoder.", "text_encoder."): "a text encoder",
}


@dataclass(frozen=True)
class Traced:
    """data: the ONNX file, whose inputs are `input` and perhaps `sigma` or `mask`; facts: for the card.

    multiple: of which sides of pictures must be multiples.
    """

    data: bytes
    facts: dict[str, Any]
    task: str
    multiple: int


def trace_checkpoint(path: Path, on_stage: Callable[[str], None] = no_stage) -> Traced:
    """The network of a file of weights as ONNX, compared with PyTorch at three sizes.

    on_stage: called with what is being done, in words. Raises ModelError for files that are no weights of a known
    architecture, or whose graph is not the network.
    """
    weights = read_weights(path)
    descriptor = _describe(weights, str(path))
    network = _Called(descriptor).eval()
    fold(network)
    on_stage(f"tracing {descriptor.architecture.name} and comparing it with PyTorch")
    named = f"{path} ({descriptor.architecture.name})"
    multiple = max(1, descriptor.size_requirements.multiple_of)
    try:
        data = _traced(network, multiple, descriptor.size_requirements.minimum, named)
    except ModelError:
        # What pads its picture by numbers that a trace fixes (FBCNN) is right where there is nothing to pad.
        if multiple % CELLS == 0:
            raise
        multiple = math.lcm(multiple, CELLS)
        data = _traced(network, multiple, descriptor.size_requirements.minimum, named)
    facts = {"architecture": " ".join([descriptor.architecture.name, *descriptor.tags])}
    task = {"mask": "inpaint", "sigma": "denoise"}.get(network.level, "")
    return Traced(data, facts, task, multiple)


def _traced(network: "_Called", multiple: int, minimum: int, where: str) -> bytes:
    """The ONNX file for sides that are multiples of a number; ModelError where it is not what PyTorch computes."""
    least = multiple * -(-max(LEAST_SIDE, minimum) // multiple)
    sample = network.sample(least, least + multiple * 2)
    names = ["input", *([network.level] if network.level else [])]
    axes = {axis: multiple * Dim(name) if multiple > 1 else name for axis, name in ((2, "height"), (3, "width"))}
    try:
        graph = trace(network, sample, names, ["output"], [axes for _ in names], unshuffles=False)
    except Exception as error:  # of the exporter, in many classes
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        reason = (str(cause).strip().splitlines() or [type(cause).__name__])[0][:200].rstrip(".")
        raise ModelError(
            f"{where} cannot be traced into a graph of any size ({reason}); an ONNX file of it, as its authors' tools "
            "write it, can be imported."
        ) from None
    data = graph.SerializeToString()
    _compare(network, data, [(least * a, least * b) for a, b in SIZES], where)
    return data


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by name; raises ModelError for a file that holds none, or objects besides."""
    data = read_file(path)
    try:
        if path.suffix.lower() == ".safetensors":
            from safetensors.torch import load

            found: Any = load(data)
        else:
            found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        reason = str(error)
        if "weights_only" in reason.lower() or "Unsupported" in reason or "GLOBAL" in reason:
            if "TorchScript" in reason:
                raise ModelError(
                    f"{path} is a TorchScript program, which is not run; take its file of weights."
                ) from None
            raise ModelError(
                f"{path} holds Python objects beside weights, which are not made, since they could run any code; ask "
                "for it as .safetensors, or with nothing but its state_dict in it."
            ) from None
        raise ModelError(f"{path} is no file of weights, or it is damaged; fetch it again.") from None
    return _weights_in(found, path)


def _weights_in(found: Any, path: Path) -> dict[str, Tensor]:
    """The tensors in what a file holds: they may lie in a dictionary of the training program."""
    from_training = isinstance(found, Mapping) and any(name in found for name in STATES)
    if isinstance(found, Mapping):
        found = _spandrel("spandrel.__helpers.canonicalize").canonicalize_state_dict(dict(found))
    tensors = (
        {name: value for name, value in found.items() if isinstance(value, Tensor)}
        if isinstance(found, Mapping)
        else {}
    )
    if not tensors:
        if from_training:
            raise ModelError(
                f"{path} is the state of a training run (its optimizer), without the network's weights; take the file "
                "beside it that holds them, often net_g_*.pth."
            )
        raise ModelError(f"{path} holds no weights of a network.")
    return tensors


def _describe(weights: dict[str, Tensor], where: str) -> Any:
    """spandrel's descriptor: the network with its weights, its scale and its sizes."""
    for words, what in OTHERS.items():
        if any(word in name for name in weights for word in words):
            raise ModelError(f"{where} is {what}; what restores or enlarges pictures can be imported.")
    spandrel = _spandrel("spandrel")
    try:
        descriptor = spandrel.MAIN_REGISTRY.load(dict(weights))
    except spandrel.UnsupportedModelError:
        names = ", ".join(list(weights)[:3])
        raise ModelError(
            f"{where} is of an architecture that is not known (its {len(weights)} weights begin with {names}); an ONNX "
            "file of it, as its authors' tools write it, can be imported."
        ) from None
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200].rstrip(".")
        raise ModelError(f"{where} does not fit the architecture that its weights look like ({reason}).") from None
    if descriptor.architecture.id in SEALED or descriptor.purpose == "FaceSR":
        raise ModelError(
            f"{where} ({descriptor.architecture.name}) is for faces that were cut out and turned before; what takes "
            "any picture can be imported."
        )
    if descriptor.input_channels != descriptor.output_channels or descriptor.input_channels not in (1, 3):
        raise ModelError(
            f"{where} ({descriptor.architecture.name}) takes {descriptor.input_channels} channels and gives "
            f"{descriptor.output_channels}; models of 1 (grey) and 3 (RGB) are taken."
        )
    return descriptor


class _Called(nn.Module):
    """A descriptor as a module: the picture, with a map where the network takes one, to the result, not clipped."""

    def __init__(self, descriptor: Any) -> None:
        super().__init__()
        self.model = descriptor.model.cpu().float()
        self.channels = descriptor.input_channels
        self.level = ""
        self._call: Callable[..., Tensor] = descriptor._call_fn
        if type(descriptor).__name__.startswith("Masked"):
            self.level = "mask"
        elif descriptor.architecture.id == "DRUNet":  # spandrel fixes its noise level, which is a choice here
            self.level = "sigma"
            self._call = lambda model, y, sigma: model(torch.cat([y, sigma], dim=1))

    def forward(self, y: Tensor, level: Tensor | None = None) -> Tensor:
        return self._call(self.model, y) if level is None else self._call(self.model, y, level)

    def sample(self, height: int, width: int) -> tuple[Tensor, ...]:
        generator = torch.Generator().manual_seed(height)
        y = torch.rand((1, self.channels, height, width), generator=generator)
        maps = {"mask": (y[:, :1] > 0.7).float(), "sigma": torch.full_like(y[:, :1], 25 / 255)}
        return (y, maps[self.level]) if self.level else (y,)


def fold(network: nn.Module) -> None:
    """Put one convolution in place of each of SPAN's three, which it otherwise adds up anew at every call."""
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if type(child).__name__ == "Conv3XC":
                folded: Any = child
                folded.update_params()
                activation = nn.LeakyReLU(0.05) if folded.has_relu else nn.Identity()
                setattr(module, name, nn.Sequential(folded.eval_conv, activation))
    for parameter in network.parameters():
        parameter.requires_grad_(False)


@torch.no_grad()
def _compare(network: _Called, data: bytes, sizes: list[tuple[int, int]], where: str) -> None:
    """Raise ModelError where the graph, at one of the sizes, gives something else than PyTorch."""
    session, _ = open_session(data, where, 0, "cpu")
    names = [port.name for port in session.get_inputs()]
    for height, width in sizes:
        inputs = network.sample(height, width)
        expected = network(*(value.clone() for value in inputs)).numpy()  # some work in place
        try:
            found = session.run(None, {name: value.numpy() for name, value in zip(names, inputs, strict=True)})[0]
            difference = float(np.abs(found - expected).max()) / max(1.0, float(np.abs(expected).max()))
        except Exception as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200].rstrip(".")
            raise ModelError(f"{where} does not run as a graph at {width}x{height} ({reason}).") from None
        if not difference <= MAX_DIFFERENCE:
            raise ModelError(
                f"{where} gives something else as a graph than in PyTorch, by {difference:.2g} of 1 at "
                f"{width}x{height}: it is not imported."
            )


def known_network(architecture: str, **options: Any) -> nn.Module:
    """A network of one of spandrel's architectures, with new weights; for comparing and for tests."""
    _spandrel("spandrel")
    with _torchvision():
        module = importlib.import_module(f"spandrel.architectures.{architecture}")
    made: nn.Module = getattr(module, options.pop("name", architecture))(**options)
    return made


def _spandrel(name: str) -> Any:
    """A module of spandrel, also where torchvision is missing or does not fit PyTorch."""
    with _torchvision():
        return importlib.import_module(name)


@contextlib.contextmanager
def _torchvision() -> Iterator[None]:
    """Let `import spandrel` work without torchvision, of which two of its architectures use three names.

    PyPI's torchvision has no operators for a CPU build of PyTorch and fails when it is imported. RestoreFormer (for
    faces, refused here) normalizes by it; LaMa turns pictures by it in a variant that no published weights have.
    """
    names = ("torchvision", "torchvision.transforms", "torchvision.transforms.functional")
    real = False
    with contextlib.suppress(Exception):
        importlib.import_module(names[-1])
        real = True
    if real:
        yield
        return

    def missing(*arguments: Any, **named: Any) -> Any:
        raise ModelError("This network needs torchvision, which is not here or does not fit PyTorch.")

    stand_ins = {name: types.ModuleType(name) for name in names}
    functional: Any = stand_ins[names[-1]]
    functional.InterpolationMode = types.SimpleNamespace(BILINEAR="bilinear")
    functional.rotate = functional.normalize = missing
    sys.modules |= stand_ins
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]
