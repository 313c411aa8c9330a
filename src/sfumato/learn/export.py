"""From a trained network to a model file and back: one .onnx whose parameters keep their names.

Training branches are folded first, then the exporter runs without its optimizer, which would drop or rename
parameters; so a file can be read back into the torch module, which is how fine-tuning starts.
"""

import contextlib
import gc
import inspect
import io
import json
import logging
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from sfumato.errors import ModelError
from sfumato.files import write_whole
from sfumato.models.card import MAPS, Card, Input
from sfumato.models.model_file import read, seal

from .catalog import create
from .graph import simplify
from .joining import restorer_alone
from .layers.convolution import fold
from .memory import measured_bytes_per_pixel
from .networks.network import Network

HALF = "/half"  # what follows a parameter's name where the graph uses it after its cast


def export(
    network: Network, path: Path, *, name: str, family: str, task: str = "", half: bool = True, **facts: Any
) -> Card:
    """Write `network` as the model file `path` and give its card; `facts` are further keys of the card.

    `task` is what the network was trained for, where that is not its family's own.

    With `half` the large weights are stored in 16 bits and cast in the graph: parity then holds against the module
    with equally rounded weights (`rounded`). Raises ModelError where the graph is none that the engine takes.
    """
    network = network.eval().cpu().float()
    fold(network)
    graph = to_onnx(network)
    if half:
        _store_half(graph.graph)
    stored = graph.SerializeToString()
    card = Card(
        name=name,
        family=family,
        task=task or network.task,
        inputs=network.inputs,
        outputs=network.outputs,
        scale=network.scale,
        stride=network.stride,
        halo=network.halo,
        max_pixels=network.max_pixels,
        entries=network.entries,
        size=network.size,
        fixed_size=network.fixed_size,
        classes=network.classes,
        sampling=dict(network.sampling),
        bytes_per_pixel=bytes_per_pixel(stored, network),
        macs_per_pixel=macs_per_pixel(network),
        num_parameters=sum(p.numel() for p in network.parameters()),
        config=json.loads(json.dumps(vars(network.config))),
        **facts,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, seal(stored, card))
    return card


def to_onnx(network: Network) -> onnx.ModelProto:
    """The network as ONNX with free batch, height and width; parameters are initializers of the same names."""
    sample = sample_inputs(network, 2 * network.stride, 3 * network.stride)
    ports = {port.name: port for port in network.inputs}
    batches = {name: f"batch_{entry}" for entry, uses in network.entries.items() for name in uses.inputs}
    sizes = {name: {0: batches.get(name, "batch")} for name in sample}
    for name in sample:
        if ports[name].kind in MAPS and not network.fixed_size:
            sizes[name] |= {2: "height", 3: "width"}
    outputs = [port.name for port in network.outputs]
    graph = trace(network, tuple(sample.values()), list(sample), outputs, _as_taken(network, list(sizes.values())))
    names = {initializer.name for initializer in graph.graph.initializer}
    missing = [n for n, _ in network.named_parameters() if n not in names]
    if missing:
        raise ModelError(f"The export lost the parameters {', '.join(missing[:3])}; the graph cannot be read back.")
    return graph


def trace(
    network: torch.nn.Module,
    sample: tuple[Tensor, ...],
    inputs: list[str],
    outputs: list[str],
    sizes: Sequence[dict[int, Any] | tuple[dict[int, Any], ...]],
    *,
    unshuffles: bool = True,
) -> onnx.ModelProto:
    """Any module as ONNX. Raises what the exporter raises.

    sizes: of each input, the axes that are free, by name or as torch.export.Dim; where `forward` takes any number of
    inputs, those of these are a tuple, as it gets them. unshuffles: as in `simplify`.
    """
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), _garbage_left_alone():
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            network,
            sample,
            input_names=inputs,
            output_names=outputs,
            dynamic_shapes=tuple(sizes),
            dynamo=True,
            optimize=False,
            verbose=False,
        )
    assert program is not None
    graph = program.model_proto
    simplify(graph, unshuffles=unshuffles)
    for node in graph.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    del graph.graph.value_info[:]
    del graph.metadata_props[:]
    return graph


@contextlib.contextmanager
def _garbage_left_alone() -> Iterator[None]:
    """Tracing keeps most of what it makes; to look through all that for garbage takes a seventh of its time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _as_taken(
    network: torch.nn.Module, sizes: list[dict[int, str]]
) -> list[dict[int, str] | tuple[dict[int, str], ...]]:
    """The free axes as `trace` takes them, where the last inputs of `forward` are any number."""
    parameters = list(inspect.signature(network.forward).parameters.values())
    if parameters[-1].kind is not inspect.Parameter.VAR_POSITIONAL:
        return [*sizes]
    first = len(parameters) - 1
    return [*sizes[:first], tuple(sizes[first:])]


def sample_inputs(network: Network, height: int, width: int, *, batch: int = 2) -> dict[str, Tensor]:
    """Random inputs of the network, by name, of the size that is asked for, or the only one that it takes."""
    generator = torch.Generator().manual_seed(0)
    height, width = network.size if network.fixed_size else (height, width)
    return {port.name: _sample(port, (batch, port.channels, height, width), generator) for port in network.inputs}


def _sample(port: Input, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Pictures in their range, maps of a level in [0, 0.2], normal latents, times in [0, 1], one-hot classes, bytes."""
    if port.kind == "class":
        return torch.eye(port.channels)[torch.randint(port.channels, shape[:1], generator=generator)]
    if port.kind == "text":  # of bytes, the last ones zero
        return torch.randint(97, 123, shape[:2], generator=generator) * (torch.arange(shape[1]) < 20).float()
    if port.kind == "latent":
        return torch.randn(shape[:2], generator=generator)
    low, high = (0.0, 0.2) if port.kind in ("sigma", "compression") else port.range
    return low + (high - low) * torch.rand(shape if port.kind in MAPS else shape[:2], generator=generator)


def _store_half(graph: onnx.GraphProto) -> None:
    """Keep large float weights in 16 bits under their own names, and let the graph use a cast of them."""
    casts = []
    for initializer in graph.initializer:
        if initializer.data_type != TensorProto.FLOAT or np.prod(initializer.dims) < 256:
            continue
        name = initializer.name
        values = numpy_helper.to_array(initializer).astype(np.float16)
        initializer.CopyFrom(numpy_helper.from_array(values, name))
        casts.append(helper.make_node("Cast", [name], [name + HALF], to=TensorProto.FLOAT, name=name + HALF))
        for node in graph.node:
            for i, used in enumerate(node.input):
                if used == name:
                    node.input[i] = name + HALF
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def rounded(network: Network) -> Network:
    """The network with its large weights rounded as `export(half=True)` stores them, in place."""
    with torch.no_grad():
        for value in network.parameters():
            if value.numel() >= 256:
                value.copy_(value.half().float())
    return network


def read_weights(path: Path, *, restoring: bool = False) -> tuple[Card, dict[str, Tensor]]:
    """The card and the named parameters of a model file; raises ModelError for a file that is none.

    restoring: of a file that holds a restorer besides, those of that one.
    """
    try:
        stored = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}.") from None
    card = read(stored, where=str(path)).card
    if restoring and card.restorer is not None:
        stored = restorer_alone(stored)
        card = read(stored, where=str(path)).card
    model = onnx.load_model_from_string(stored)
    weights = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy()) for i in model.graph.initializer}
    floats = {name: value.float() for name, value in weights.items() if value.is_floating_point()}
    return card, floats


def rebuild(path: Path) -> Network:
    """The torch module that a model file was exported from, strictly: every parameter must be there."""
    card, weights = read_weights(path)
    network = create(card.family, card.config)
    fold(network)
    names = set(network.state_dict())
    network.load_state_dict({name: value for name, value in weights.items() if name in names})
    return network


@torch.no_grad()
def macs_per_pixel(network: Network) -> int:
    """Multiply-adds for each pixel of input (or, without a picture as input, of output), counted by torch over one run.

    Of a network with several uses it is the one that generates a picture, or else all of them.
    """
    from torch.utils.flop_counter import FlopCounterMode

    inputs = sample_inputs(network, 8 * network.stride, 8 * network.stride, batch=1)
    generating = next((name for name in ("sample", "velocity", "decode") if name in network.entries), "")
    used = network.entries[generating].inputs if generating else tuple(inputs)
    height, width = network.size if network.fixed_size else (8 * network.stride, 8 * network.stride)
    with FlopCounterMode(display=False) as counter:
        (getattr(network, generating) if generating else network)(*(inputs[name] for name in used))
    return round(counter.get_total_flops() / 2 / (height * width))


def bytes_per_pixel(stored: bytes, network: Network) -> int:
    """Peak working memory for each pixel: between two picture sizes, or two batches of the one size that it makes."""
    size = network.size or None
    feeds = [
        {port.name: _shape(port, batch, side, size) for port in network.inputs}
        for batch, side in ((1, 256), (16, 1024))
    ]
    return measured_bytes_per_pixel(stored, feeds, 15 * size[0] * size[1] if size else 1024**2 - 256**2)


def _shape(port: Input, batch: int, side: int, size: tuple[int, ...] | None) -> tuple[int, ...]:
    """Of one picture of `side`, or of `batch` of the network's own size."""
    if port.kind not in MAPS:
        return batch if size else 1, port.channels
    return (batch, port.channels, *size) if size else (1, port.channels, side, side)
