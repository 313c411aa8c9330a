"""What the exporter writes, said in operators that ONNX Runtime is quick with; of finite numbers the same come out.

A convolution whose bias is no constant is left out of the runtime's blocked layout, and pixels are moved between
space and channels by a single thread: together more than a quarter of the time of a small denoiser on two cores.
"""

import numpy as np
import onnx
from onnx import NodeProto, helper, numpy_helper

PHASES_FIRST = (0, 1, 3, 5, 2, 4)  # axes b, c, h, rows, w, columns as pixel_unshuffle lays them down
MOST_CHANNELS = 16  # that are unshuffled by a convolution, whose work grows with their square


def simplify(model: onnx.ModelProto, *, unshuffles: bool = True) -> None:
    """Change the graph, which has no graphs within it, in place; parameters keep their names and values.

    unshuffles: where pixels are reordered as pixel_unshuffle does it, that is what is meant; windows of attention are
    cut by the same steps.
    """
    channels = _channels(model)
    _drop_zero_biases(model.graph)
    if unshuffles:
        _unshuffle_by_convolutions(model.graph, channels)
    _shuffle_by_convolutions(model.graph, channels)
    _drop_unused(model.graph)


def _channels(model: onnx.ModelProto) -> dict[str, int]:
    """The number of channels of every picture in the graph, where it follows from the graph."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    shapes = {value.name: value.type.tensor_type.shape.dim for value in (*graph.input, *graph.value_info)}
    known = {name: shape[1].dim_value for name, shape in shapes.items() if len(shape) == 4 and shape[1].dim_value}
    # What a convolution makes is seen from its weight, also where the inference lost its way.
    weights = {initializer.name: initializer.dims for initializer in graph.initializer}
    casts = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Cast"}
    for node in graph.node:
        if node.op_type == "Conv" and (shape := weights.get(casts.get(node.input[1], node.input[1]))):
            known[node.output[0]] = shape[0]
    return known


def _producers(graph: onnx.GraphProto) -> dict[str, NodeProto]:
    return {name: node for node in graph.node for name in node.output}


def _users(graph: onnx.GraphProto) -> dict[str, list[NodeProto]]:
    users: dict[str, list[NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    return users


def _attributes(node: NodeProto) -> dict[str, object]:
    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def _drop_zero_biases(graph: onnx.GraphProto) -> None:
    """Of convolutions without a bias, for which the exporter spreads a zero."""
    producers = _producers(graph)
    for node in graph.node:
        if node.op_type == "Conv" and len(node.input) == 3:
            spread = producers.get(node.input[2])
            if spread is not None and spread.op_type == "Expand" and _is_zero(spread.input[0], producers):
                del node.input[2]


def _is_zero(name: str, producers: dict[str, NodeProto]) -> bool:
    node = producers.get(name)
    while node is not None and node.op_type in ("Cast", "CastLike"):
        node = producers.get(node.input[0])
    if node is None or node.op_type != "Constant":
        return False
    value = _attributes(node).get("value")
    return isinstance(value, onnx.TensorProto) and not numpy_helper.to_array(value).any()


def _unshuffle_by_convolutions(graph: onnx.GraphProto, channels: dict[str, int]) -> None:
    """pixel_unshuffle is two reshapes, a transpose and two more: one convolution with a kernel of zeros and ones."""
    producers, users = _producers(graph), _users(graph)
    for node in [node for node in graph.node if _attributes(node).get("perm") == list(PHASES_FIRST)]:
        before = _reshape(producers.get(node.input[0]))
        first = before and _reshape(producers.get(before.input[0]))
        after = _reshape(*users.get(node.output[0], []))
        last = after and _reshape(*users.get(after.output[0], []))
        if not (before and first and last):
            continue
        factor, num = _factor(before, producers), channels.get(first.input[0], MOST_CHANNELS + 1)
        if factor > 1 and num <= MOST_CHANNELS:
            kernel = np.zeros((num, factor**2, num, factor, factor), np.float32)
            kernel[np.arange(num), :, np.arange(num)] = _phases(num, factor).reshape(num, -1, factor, factor)
            _replace(graph, last, first.input[0], "Conv", kernel.reshape(-1, num, factor, factor), factor)


def _shuffle_by_convolutions(graph: onnx.GraphProto, channels: dict[str, int]) -> None:
    """DepthToSpace, as pixel_shuffle means it, is a transposed convolution of each channel's phases."""
    for node in [node for node in graph.node if node.op_type == "DepthToSpace"]:
        attributes = _attributes(node)
        factor, num = int(str(attributes["blocksize"])), channels.get(node.input[0], 0)
        if attributes.get("mode") == b"CRD" and num:
            made = num // factor**2
            _replace(graph, node, node.input[0], "ConvTranspose", _phases(made, factor), factor, group=made)


def _phases(channels: int, factor: int) -> np.ndarray:
    """The kernel `channels * factor**2, 1, factor, factor` by which each phase is one pixel of its cell."""
    return np.tile(np.eye(factor**2, dtype=np.float32), (channels, 1)).reshape(-1, 1, factor, factor)


def _replace(
    graph: onnx.GraphProto, node: NodeProto, x: str, operator: str, kernel: np.ndarray, factor: int, **more: int
) -> None:
    """In place of `node` a convolution of `x` that gives what it gave."""
    name = f"{node.output[0]}/kernel"
    graph.initializer.append(numpy_helper.from_array(kernel, name))
    made = helper.make_node(operator, [x, name], list(node.output), name=node.name)
    attributes = {"kernel_shape": [factor, factor], "strides": [factor, factor], **more}
    made.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
    graph.node.insert(list(graph.node).index(node), made)
    graph.node.remove(node)


def _factor(reshape: NodeProto, producers: dict[str, NodeProto]) -> int:
    """The cells' side, from the shape b, c, h, rows, w, columns that a reshape asks for; 0 for another one."""
    shape = producers.get(reshape.input[1])
    if shape is None or shape.op_type != "Concat" or len(shape.input) != 6 or shape.input[3] != shape.input[5]:
        return 0
    side = producers.get(shape.input[3])
    attributes = {} if side is None else _attributes(side)
    length = attributes.get("value_ints")
    return int(length[0]) if isinstance(length, list) and len(length) == 1 else 0


def _reshape(*nodes: NodeProto | None) -> NodeProto | None:
    """The one among these nodes that reshapes, if there is one."""
    return next((node for node in nodes if node is not None and node.op_type == "Reshape"), None)


def _drop_unused(graph: onnx.GraphProto) -> None:
    """Nodes whose results nothing takes any more."""
    needed = {output.name for output in graph.output}
    kept = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
            kept.append(node)
    del graph.node[:]
    graph.node.extend(reversed(kept))
