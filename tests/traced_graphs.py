"""The graph of a network, traced by the exporter once in a run of the tests and shared by all that export one like it.

Tracing takes seconds, most of them with free sizes, and what comes out depends on the settings of a network alone: its
weights are initializers with names. So a second network of the same settings gets the first one's graph with its own
weights. The first is what the exporter made, weights and all, and is held to that. Workers are processes: graphs lie on
disk, in a folder of this run of the tests alone, so that none outlives the source that it came from.
"""

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from filelock import FileLock
from onnx import numpy_helper

from sfumato.learn.networks.network import Network


class TracedGraphs:
    """Stands for `to_onnx` and `bytes_per_pixel` of `sfumato.learn.export`, which it asks once for each kind of graph.

    folder: where they lie, one for all workers.
    """

    def __init__(
        self,
        folder: Path,
        trace: Callable[[Network], onnx.ModelProto],
        measure: Callable[[bytes, Network], int],
    ) -> None:
        self.folder, self.trace, self.measure = folder, trace, measure
        folder.mkdir(parents=True, exist_ok=True)

    def to_onnx(self, network: Network) -> onnx.ModelProto:
        path = self.folder / f"{_settings(network)}.onnx"
        with FileLock(path.with_suffix(".lock")):
            if not path.exists():
                graph = self.trace(network)
                assert _filled(graph, network), "the exporter gave a parameter another value than the network has"
                path.write_bytes(graph.SerializeToString())
                return graph
        graph = onnx.load_from_string(path.read_bytes())
        _fill(graph, network)
        return graph

    def bytes_per_pixel(self, stored: bytes, network: Network) -> int:
        """The memory of a graph does not depend on the values of its weights."""
        graph = onnx.load_from_string(stored)
        for initializer in graph.graph.initializer:
            initializer.ClearField("raw_data")
        key = hashlib.sha256(graph.SerializeToString() + repr(network.size).encode()).hexdigest()
        path = self.folder / f"{key}.bytes"
        with FileLock(path.with_suffix(".lock")):
            if not path.exists():
                path.write_text(str(self.measure(stored, network)))
        return int(path.read_text())


def _settings(network: Network) -> str:
    """A key for all that a graph follows from: the settings, of classes their number, and what the weights are like."""
    config = network.config
    if getattr(config, "classes", ()):
        names = tuple(str(number) for number in range(len(config.classes)))
        config = dataclasses.replace(config, classes=names, **({"shares": ()} if hasattr(config, "shares") else {}))
    shapes = {name: (tuple(value.shape), value.dtype) for name, value in network.state_dict().items()}
    told = (type(network).__qualname__, network.task, network.scale, repr(config), shapes, network.training)
    return hashlib.sha256(repr(told).encode()).hexdigest()


def _values(network: Network) -> dict[str, np.ndarray]:
    return {name: value.detach().cpu().numpy() for name, value in network.state_dict().items()}


def _filled(graph: onnx.ModelProto, network: Network) -> bool:
    values = _values(network)
    known = {i.name: numpy_helper.to_array(i) for i in graph.graph.initializer if i.name in values}
    return all(np.array_equal(value, values[name]) for name, value in known.items())


def _fill(graph: onnx.ModelProto, network: Network) -> None:
    values = _values(network)
    for initializer in graph.graph.initializer:
        if initializer.name in values:
            initializer.CopyFrom(numpy_helper.from_array(values[initializer.name], initializer.name))
