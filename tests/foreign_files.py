"""ONNX files as others write them: networks of the kinds that are about, small and with random weights."""

from collections.abc import Callable

import numpy as np
import onnx
from model_files import Graph
from onnx import TensorProto, helper, numpy_helper

Fill = Callable[[Graph, str], str]


def plain(
    fill: Fill, *, channels: int = 3, scale: int = 1, size: tuple[int, int] | None = None, opset: int = 18
) -> bytes:
    """NCHW, float32, 0..1, of any size unless one is given; `fill` gives the name of the result for the picture's."""
    graph = Graph()
    result = graph.node("Identity", fill(graph, "input"), output="output")
    sides = size or ("h", "w")
    large = tuple(scale * length for length in size) if size else ("oh", "ow")
    picture = helper.make_tensor_value_info("input", TensorProto.FLOAT, [1 if size else "b", channels, *sides])
    output = helper.make_tensor_value_info(result, TensorProto.FLOAT, [1 if size else "b", channels, *large])
    made = helper.make_graph(graph.nodes, "net", [picture], [output], graph.weights)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    return bytes(model.SerializeToString())


def residual(channels: int = 3, layers: int = 3) -> Fill:
    """The picture less what a few convolutions make of it, as DnCNN does."""

    def fill(graph: Graph, y: str) -> str:
        x = y
        for number in range(layers):
            x = graph.node("Relu", graph.conv(x, channels if number == 0 else 8, 8))
        small = graph.node("Mul", graph.conv(x, 8, channels), graph.constant(np.float32(0.1)))
        return graph.node("Sub", y, small)

    return fill


def upscaler(scale: int, channels: int = 3) -> Fill:
    """Convolutions on the small picture, then a shuffle of pixels, as Compact does."""

    def fill(graph: Graph, y: str) -> str:
        x = graph.node("Relu", graph.conv(y, channels, 8))
        return graph.shuffle(graph.conv(x, 8, channels * scale**2), scale)

    return fill


def u_net(graph: Graph, y: str) -> str:
    """A quarter of the resolution and back: sizes must be multiples of 4, and so must where tiles begin."""
    x = graph.conv(graph.conv(y, 3, 8, size=2, stride=2), 8, 8, size=2, stride=2)
    x = graph.shuffle(graph.conv(graph.node("Relu", x), 8, 32, size=1), 2)
    return graph.node("Add", y, graph.shuffle(graph.conv(x, 8, 12, size=1), 2))


def pooled(graph: Graph, y: str) -> str:
    """Channels weighted by what the whole picture holds, as squeeze-and-excitation does."""
    x = graph.conv(y, 3, 8)
    share = graph.node("Sigmoid", graph.conv(graph.node("GlobalAveragePool", x), 8, 8, size=1))
    return graph.node("Add", y, graph.conv(graph.node("Mul", x, share), 8, 3))


def baked(graph: Graph, y: str) -> str:
    """The size written into a reshape: it runs in 48x64 only."""
    x = graph.node("Reshape", graph.conv(y, 3, 3), graph.constant(np.array([1, 3, 48 * 64], np.int64)))
    return graph.node("Reshape", x, graph.constant(np.array([1, 3, 48, 64], np.int64)))


def channels_last(data: bytes) -> bytes:
    """The same network that takes and gives BHWC."""
    model = onnx.load_model_from_string(data)
    graph = model.graph
    for port in (graph.input[0], graph.output[0]):
        dims = port.type.tensor_type.shape.dim
        channel = dims[1].dim_value
        del dims[1]
        dims.add().dim_value = channel
    first = helper.make_node("Transpose", ["input"], ["first"], perm=[0, 3, 1, 2])
    last = helper.make_node("Transpose", ["inner"], ["output"], perm=[0, 2, 3, 1])
    for node in graph.node:
        node.input[:] = ["first" if name == "input" else name for name in node.input]
        node.output[:] = ["inner" if name == "output" else name for name in node.output]
    nodes = [first, *graph.node, last]
    del graph.node[:]
    graph.node.extend(nodes)
    return bytes(model.SerializeToString())


def in_half(data: bytes) -> bytes:
    """The same network in half precision throughout."""
    model = onnx.load_model_from_string(data)
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), tensor.name))
    for port in (model.graph.input[0], model.graph.output[0]):
        port.type.tensor_type.elem_type = TensorProto.FLOAT16
    return bytes(model.SerializeToString())


def in_range(fill: Fill, low: float, high: float) -> Fill:
    """The same network on values from low to high."""

    def moved(graph: Graph, y: str) -> str:
        span, start = graph.constant(np.float32(high - low)), graph.constant(np.float32(low))
        x = fill(graph, graph.node("Div", graph.node("Sub", y, start), span))
        return graph.node("Add", graph.node("Mul", x, span), start)

    return moved
