"""From a trained network to a model file and back: one .onnx whose parameters keep their names.

Training branches are folded first, then the exporter runs without its optimizer, which would drop or rename
parameters; so a file can be read back into the torch module, which is how fine-tuning starts.
"""

import contextlib
import io
import json
import logging
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from sfumato.card import Card, Input, Output
from sfumato.errors import ModelError
from sfumato.model_file import read, seal

from .catalog import create
from .layers.convolution import fold
from .models.network import Network

HALF = "/half"  # what follows a parameter's name where the graph uses it after its cast


def export(network: Network, path: Path, *, name: str, family: str, half: bool = True, **facts: Any) -> Card:
    """Write `network` as the model file `path` and give its card; `facts` are further keys of the card.

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
        inputs=tuple(_port(Input, n, network) for n in network.inputs),
        outputs=(_port(Output, network.output, network),),
        scale=network.scale,
        stride=network.stride,
        halo=network.halo,
        bytes_per_pixel=bytes_per_pixel(stored, network),
        macs_per_pixel=macs_per_pixel(network),
        num_parameters=sum(p.numel() for p in network.parameters()),
        config=json.loads(json.dumps(vars(network.config))),
        **facts,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(seal(stored, card))
    os.replace(partial, path)
    return card


def to_onnx(network: Network) -> onnx.ModelProto:
    """The network as ONNX with free batch, height and width; parameters are initializers of the same names."""
    sample = sample_inputs(network, 2 * network.stride, 3 * network.stride)
    sizes = {0: "batch", 2: "height", 3: "width"}
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            network,
            tuple(sample.values()),
            input_names=list(sample),
            output_names=[network.output],
            dynamic_shapes=tuple(sizes for _ in sample),
            dynamo=True,
            optimize=False,
            verbose=False,
        )
    assert program is not None
    graph = program.model_proto
    for node in graph.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    del graph.graph.value_info[:]
    del graph.metadata_props[:]
    names = {initializer.name for initializer in graph.graph.initializer}
    missing = [n for n, _ in network.named_parameters() if n not in names]
    if missing:
        raise ModelError(f"The export lost the parameters {', '.join(missing[:3])}; the graph cannot be read back.")
    return graph


def sample_inputs(network: Network, height: int, width: int, *, batch: int = 2) -> dict[str, Tensor]:
    """Random inputs of the network, by name: pictures in [0, 1] and level maps in [0, 0.2]."""
    draw = torch.Generator().manual_seed(0)
    channels = {"y": network.config.channels, "sigma": 1}
    return {
        name: torch.rand(batch, channels[name], height, width, generator=draw) * (0.2 if name == "sigma" else 1)
        for name in network.inputs
    }


def _port(kind: type, name: str, network: Network) -> Any:
    channels = network.config.channels
    if name == "sigma":
        channels = 1 if kind is Input else network.output_channels or 1
    return kind(name=name, kind="sigma" if name == "sigma" else "picture", channels=channels)


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


def read_weights(path: Path) -> tuple[Card, dict[str, Tensor]]:
    """The card and the named parameters of a model file; raises ModelError for a file that is none."""
    try:
        stored = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}.") from None
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
    """Multiply-adds for each pixel of input, counted by torch over one run."""
    from torch.utils.flop_counter import FlopCounterMode

    side = 8 * network.stride
    with FlopCounterMode(display=False) as counter:
        network(**sample_inputs(network, side, side, batch=1))
    return round(counter.get_total_flops() / 2 / side**2)


def bytes_per_pixel(stored: bytes, network: Network) -> int:
    """Peak working memory for each pixel, measured: the growth of a fresh process between two picture sizes.

    Only Linux tells a process its own peak; elsewhere it is taken as 4 bytes for each of a pixel's 200 widest values.
    """
    if not Path("/proc/self/status").exists():
        return 800
    program = (
        "import sys, numpy as np, onnxruntime as ort\n"
        "o = ort.SessionOptions(); o.enable_mem_pattern = False; o.intra_op_num_threads = 1\n"
        "s = ort.InferenceSession(sys.argv[1], o, providers=['CPUExecutionProvider'])\n"
        "for side in (256, 1024):\n"
        "    feed = {i.name: np.zeros((1, i.shape[1], side, side), np.float32) for i in s.get_inputs()}\n"
        "    s.run(None, feed)\n"
        "    print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model.onnx"
        model.write_bytes(stored)
        printed = subprocess.run(
            [sys.executable, "-c", program, str(model)], capture_output=True, text=True, check=True
        ).stdout.split()
    small, large = (1024 * int(line) for line in printed[:2])
    return max(round((large - small) / (1024**2 - 256**2)), 1)
