"""ONNX files of others, brought into one form: a picture `b c h w` in [0, 1] and float32 goes in and comes out.

Pixels last, half precision, other ranges and older operator sets are turned at the graph's two ends; between them it
stays as it was. Nothing is run before the file has been checked for what no picture model needs: weights in other
files, operators of other makers, tensors that are declared larger than what is stored of them or than any picture.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import onnx
from onnx import TensorProto, helper, numpy_helper, version_converter

from sfumato.errors import ModelError
from sfumato.models.model_file import CARD_KEY, MIN_OPSET, check_onnx

FLOATS = {TensorProto.FLOAT: "single", TensorProto.FLOAT16: "half", TensorProto.DOUBLE: "double"}
MAX_VALUES = 2**28  # of a tensor that a graph makes out of a shape
SHAPED = {"ConstantOfShape": 0, "Expand": 1, "Tile": 1}  # operators that take a shape, and in which input
CHANNELS = (3, 1)  # colour or grey
TO_LAST, TO_FIRST = [0, 2, 3, 1], [0, 3, 1, 2]
PICTURE, RESULT = "y", "x_hat"  # the names of model files
INNER, INNER_MAP, OUTER = "foreign_input", "foreign_map", "foreign_output"  # what the graph's own are called then
MAPS = {"sigma": ("sigma", "noise"), "mask": ("mask",)}  # kinds of a card, and what their names have in them
LEAST_IR = 8


@dataclass(frozen=True)
class Layout:
    """How a graph takes pictures: channels last or first, how many, the range of its values, its sizes where fixed."""

    channels: int
    channels_last: bool = False
    range: tuple[float, float] = (0.0, 1.0)
    size: tuple[int, int] | None = None
    level: str = ""  # the kind of a map that it takes besides, "" for none

    def describe(self) -> str:
        """Such as "NCHW, 3 channels, 0..255"."""
        return (
            f"{'BHWC' if self.channels_last else 'NCHW'}, {self.channels} channel{'s' if self.channels > 1 else ''}, "
            f"{self.range[0]:g}..{self.range[1]:g}"
            f"{', with a map: ' if self.level else ''}{self.level}"
        )


def parse(data: bytes, where: str) -> onnx.ModelProto:
    """The graph of an ONNX file, checked, with an operator set that the engine takes.

    Raises ModelError for a file that is no ONNX model, or one that holds what `check_onnx` refuses or huge tensors, and
    for one that is a model file already.
    """
    stated = check_onnx(data, where=where)
    if CARD_KEY in stated.metadata:
        raise ModelError(f"{where} is a model file already: `sfumato restore --model` takes it as it is.")
    model = onnx.load_model_from_string(data)
    _check_tensors(model.graph, where)
    if stated.opset < MIN_OPSET:
        try:
            model = version_converter.convert_version(model, MIN_OPSET)
        except Exception as error:  # of C++, without a common class
            reason = str(error).strip().splitlines()[-1][:200].rstrip(".")
            raise ModelError(
                f"{where} uses ONNX opset {stated.opset}, which could not be brought to {MIN_OPSET} ({reason}); "
                f"export it again with opset {MIN_OPSET} or later."
            ) from None
    return model


def _check_tensors(graph: onnx.GraphProto, where: str) -> None:
    """Raise ModelError for tensors that are declared larger than stored, or that a stated shape makes huge."""
    shapes = {}
    tensors = list(graph.initializer)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _check_tensors(attribute.g, where)
            if attribute.HasField("t"):
                tensors.append(attribute.t)
                if node.op_type == "Constant":
                    shapes[node.output[0]] = attribute.t
            if node.op_type.startswith("Random") and attribute.name == "shape":
                _check_count(attribute.ints, node, where)
    for tensor in tensors:
        try:
            stored = numpy_helper.to_array(tensor)
            whole = tuple(stored.shape) == tuple(tensor.dims)
        except (ValueError, TypeError, OverflowError, MemoryError):
            whole = False
        if not whole:
            count = math.prod(tensor.dims)
            raise ModelError(
                f"{where} declares a weight {tensor.name!r} of {count:,} values that it does not hold; fetch it again."
            )
    shapes |= {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        place = SHAPED.get(node.op_type)
        if place is not None and len(node.input) > place and (shape := shapes.get(node.input[place])) is not None:
            _check_count([int(value) for value in numpy_helper.to_array(shape).ravel()], node, where)


def _check_count(shape: Sequence[int], node: onnx.NodeProto, where: str) -> None:
    if math.prod(max(int(length), 1) for length in shape) > MAX_VALUES:
        raise ModelError(f"{where} makes a tensor of the shape {list(shape)} ({node.op_type}), which is refused.")


def layouts(model: onnx.ModelProto, where: str) -> list[Layout]:
    """How the graph may take pictures, likeliest first; raises ModelError for one that takes no picture."""
    port, level = _ports(model, where)
    shape, kind_of_map = _shape(port), _map_kind(level)
    if len(shape) != 4:
        raise ModelError(f"{where}: its input {port.name} has {len(shape)} dimensions, a picture four (NCHW or BHWC).")
    if port.type.tensor_type.elem_type not in FLOATS:
        kind = TensorProto.DataType.Name(port.type.tensor_type.elem_type).lower()
        raise ModelError(f"{where} takes {kind} values, not floating point; export it with a float input.")
    first = [Layout(n, size=_size(shape[2:]), level=kind_of_map) for n in CHANNELS if shape[1] in (n, None)]
    last = [
        Layout(n, channels_last=True, size=_size(shape[1:3]), level=kind_of_map)
        for n in CHANNELS
        if shape[3] in (n, None)
    ]
    if shape[1] is not None and shape[3] is None:
        last = []  # the one length that is stated is that of the channels
    if shape[3] is not None and shape[1] is None:
        first = []
    found = [*first, *last]
    if not found:
        raise ModelError(
            f"{where} takes a picture of {shape[1]} channels (its input is {_words(shape)}); models of 1 (grey) and 3 "
            "(RGB) are taken. If one of them is a noise level or a mask, export it with that as a fixed value."
        )
    return found


def _ports(model: onnx.ModelProto, where: str) -> tuple[onnx.ValueInfoProto, onnx.ValueInfoProto | None]:
    """The input that is the picture, and the map beside it if there is one; ModelError for others."""
    stored = {tensor.name for tensor in model.graph.initializer}
    inputs = [port for port in model.graph.input if port.name not in stored]
    maps = [port for port in inputs if _map_kind(port)]
    pictures = [port for port in inputs if port not in maps]
    if len(inputs) == 1:
        pictures, maps = inputs, []
    if len(pictures) != 1 or len(maps) > 1 or len(model.graph.output) != 1:
        names = (", ".join(port.name for port in ports) for ports in (inputs, model.graph.output))
        raise ModelError(
            f"{where} takes {len(inputs)} inputs ({next(names)}) and gives {len(model.graph.output)} outputs "
            f"({next(names)}); a model that takes one picture, perhaps with a map named sigma or mask, and gives one "
            "can be imported: export it with the others as fixed values."
        )
    return pictures[0], maps[0] if maps else None


def _map_kind(port: onnx.ValueInfoProto | None) -> str:
    """What kind of map an input is, by its name and its one channel; "" for none."""
    return "" if port is None or 1 not in _shape(port)[1::2] else map_of(port.name)


def map_of(name: str) -> str:
    """What kind of map an input of this name is, "" for none."""
    return next((kind for kind, words in MAPS.items() if any(word in name.lower() for word in words)), "")


def _shape(port: onnx.ValueInfoProto) -> list[int | None]:
    dims = port.type.tensor_type.shape.dim
    return [dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else None for dim in dims]


def _size(lengths: list[int | None]) -> tuple[int, int] | None:
    height, width = lengths
    return None if height is None or width is None else (height, width)


def _words(shape: list[int | None]) -> str:
    return "x".join("?" if length is None else str(length) for length in shape)


def adapted(model: onnx.ModelProto, layout: Layout, *, scale: int = 1) -> bytes:
    """The graph with one input `y` and one output `x_hat`, `b c h w` in [0, 1]; of any size unless `layout` has one."""
    made = onnx.ModelProto()
    made.CopyFrom(model)
    graph = made.graph
    made.ir_version = max(made.ir_version, LEAST_IR)
    port, level = _ports(made, "The model")
    kind = port.type.tensor_type.elem_type
    names = {name: f"foreign_{name}" for name in (PICTURE, RESULT, *MAPS)}
    names |= {port.name: INNER, graph.output[0].name: OUTER} | ({level.name: INNER_MAP} if level else {})
    rename(graph, names)
    span = layout.range[1] - layout.range[0]
    before, x = _affine(graph, PICTURE, "foreign_before", span, layout.range[0])
    if layout.channels_last:
        before.append(helper.make_node("Transpose", [x], ["foreign_last"], perm=TO_LAST))
    before.append(helper.make_node("Cast", [before[-1].output[0] if before else x], [INNER], to=kind))
    if level is not None:
        if layout.channels_last:
            before.append(helper.make_node("Transpose", [layout.level], ["foreign_map_last"], perm=TO_LAST))
        x = "foreign_map_last" if layout.channels_last else layout.level
        before.append(helper.make_node("Cast", [x], [INNER_MAP], to=level.type.tensor_type.elem_type))
    after = [helper.make_node("Cast", [OUTER], ["foreign_single"], to=TensorProto.FLOAT)]
    if layout.channels_last:
        after.append(helper.make_node("Transpose", ["foreign_single"], ["foreign_first"], perm=TO_FIRST))
    nodes, x = _affine(graph, after[-1].output[0], "foreign_after", 1 / span, -layout.range[0] / span)
    nodes = [*before, *graph.node, *after, *nodes, helper.make_node("Identity", [x], [RESULT])]
    del graph.node[:], graph.input[:], graph.output[:], graph.value_info[:], made.metadata_props[:]
    graph.node.extend(nodes)
    size: tuple[int | str, ...] = layout.size or ("height", "width")
    large: tuple[int | str, ...] = ("out_height", "out_width")
    if layout.size:
        large = tuple(scale * length for length in layout.size)
    graph.input.append(helper.make_tensor_value_info(PICTURE, TensorProto.FLOAT, ["batch", layout.channels, *size]))
    if level is not None:
        graph.input.append(helper.make_tensor_value_info(layout.level, TensorProto.FLOAT, ["batch", 1, *size]))
    graph.output.append(helper.make_tensor_value_info(RESULT, TensorProto.FLOAT, ["batch", layout.channels, *large]))
    return bytes(made.SerializeToString())


def _affine(
    graph: onnx.GraphProto, x: str, name: str, factor: float, offset: float
) -> tuple[list[onnx.NodeProto], str]:
    """Nodes for factor * x + offset, none where that is x, and the name of the result."""
    if (factor, offset) == (1.0, 0.0):
        return [], x
    for part, value in (("factor", factor), ("offset", offset)):
        graph.initializer.append(helper.make_tensor(f"{name}_{part}", TensorProto.FLOAT, [], [value]))
    product = helper.make_node("Mul", [x, f"{name}_factor"], [f"{name}_product"])
    total = helper.make_node("Add", [product.output[0], f"{name}_offset"], [f"{name}_sum"])
    return [product, total], total.output[0]


def rename(graph: onnx.GraphProto, names: dict[str, str]) -> None:
    for tensor in graph.initializer:
        tensor.name = names.get(tensor.name, tensor.name)
    for node in graph.node:
        for values in (node.input, node.output):
            for i, name in enumerate(values):
                values[i] = names.get(name, name)
        for attribute in node.attribute:
            if attribute.HasField("g"):
                rename(attribute.g, names)
