"""Small model files, built with `onnx.helper`: each stands for a kind of network that tiles must get right."""

from collections.abc import Callable

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from sfumato.models import model_file
from sfumato.models.card import MAPS, Card, Input, Output


class Graph:
    """Nodes and weights in the making; each method gives the name of its result."""

    def __init__(self, seed: int = 0) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.random = np.random.default_rng(seed)

    def constant(self, values: np.ndarray) -> str:
        name = f"weight{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def node(self, operator: str, *inputs: str, output: str | None = None, **attributes: object) -> str:
        name = output or f"value{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def conv(
        self, x: str, before: int, after: int, *, size: int = 3, stride: int = 1, output: str | None = None
    ) -> str:
        """Random weights of unit gain, and a bias: zero padding then shows at every border."""
        weight = self.random.normal(0, (before * size * size) ** -0.5, (after, before, size, size)).astype(np.float32)
        bias = self.constant(self.random.normal(0.3, 0.3, after).astype(np.float32))
        pads = [size // 2] * 4 if stride == 1 else [0] * 4
        return self.node(
            "Conv",
            x,
            self.constant(weight),
            bias,
            output=output,
            strides=[stride] * 2,
            kernel_shape=[size] * 2,
            pads=pads,
        )

    def unshuffle(self, x: str, channels: int, factor: int) -> str:
        """Pixel unshuffle as torch exports it: reshape, transpose, reshape, with sizes read from the tensor."""
        size = self.node("Shape", x)
        batch, height, width = (
            self.node("Gather", size, self.constant(np.array([axis], np.int64)), axis=0) for axis in (0, 2, 3)
        )
        channels_in, step, out = (
            self.constant(np.array([value], np.int64)) for value in (channels, factor, channels * factor**2)
        )
        low_height, low_width = self.node("Div", height, step), self.node("Div", width, step)
        split = self.node("Concat", batch, channels_in, low_height, step, low_width, step, axis=0)
        moved = self.node("Transpose", self.node("Reshape", x, split), perm=[0, 1, 3, 5, 2, 4])
        return self.node("Reshape", moved, self.node("Concat", batch, out, low_height, low_width, axis=0))

    def dense(self, x: str, weight: np.ndarray, bias: np.ndarray | None = None) -> str:
        """x `b k` times weight `k n`, plus bias `n`."""
        product = self.node("MatMul", x, self.constant(weight.astype(np.float32)))
        return product if bias is None else self.node("Add", product, self.constant(bias.astype(np.float32)))

    def shaped(self, x: str, *lengths: int) -> str:
        """Reshaped to `b lengths`."""
        return self.node("Reshape", x, self.constant(np.array([-1, *lengths], np.int64)))

    def shuffle(self, x: str, factor: int) -> str:
        return self.node("DepthToSpace", x, blocksize=factor, mode="CRD")


def build(fill: Callable[[Graph], str | tuple[str, ...]], card: Card, *, opset: int = 18) -> bytes:
    """The sealed model file of a graph that `fill` builds; `fill` gives the name of each result of the card."""
    graph = Graph()
    filled = fill(graph)
    for name, port in zip((filled,) if isinstance(filled, str) else filled, card.outputs, strict=True):
        graph.node("Identity", name, output=port.name)
    # Inputs of different uses of a file have batches of their own, as those of one use have one.
    inputs = [_info(port, f"batch_{_use(card, port.name)}", ("height", "width")) for port in card.inputs]
    outputs = [_info(port, f"batch_{_use(card, port.name)}", ("out_h", "out_w")) for port in card.outputs]
    proto = helper.make_graph(graph.nodes, card.name, inputs, outputs, graph.weights)
    model = helper.make_model(proto, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    return model_file.seal(model.SerializeToString(), card)


def _use(card: Card, port: str) -> str:
    return next((use for use, entry in card.entries.items() if port in (*entry.inputs, *entry.outputs)), "")


def _info(port: Input | Output, batch: str, sides: tuple[str, str]) -> onnx.ValueInfoProto:
    shape = [batch, port.channels, *(sides if port.kind in MAPS else ())]
    return helper.make_tensor_value_info(port.name, TensorProto.FLOAT, shape)


def make_card(name: str, *, sigma: bool = False, halo: int | None = 0, **values: object) -> Card:
    inputs = (Input("y"), Input("sigma", "sigma", 1)) if sigma else (Input("y"),)
    defaults = {
        "family": "test",
        "task": "retouch",  # of which nothing is known, so that it may do anything to a picture
        "inputs": inputs,
        "outputs": (Output("x_hat"),),
        "bytes_per_pixel": 500,
    }
    return Card(name=name, halo=halo, **(defaults | values))


def identity() -> bytes:
    return build(lambda graph: graph.node("Identity", "y"), make_card("identity", task="identity"))


def level_identity() -> bytes:
    """y minus a tenth of sigma: shows whether the level map arrives where it should."""
    return build(
        lambda graph: graph.node("Sub", "y", graph.node("Mul", "sigma", graph.constant(np.float32([0.1])))),
        make_card("level-identity", sigma=True),
    )


def plain() -> bytes:
    """Three zero-padded convolutions: three pixels of halo, no stride."""

    def fill(graph: Graph) -> str:
        x = graph.node("Relu", graph.conv("y", 3, 8))
        x = graph.node("Relu", graph.conv(x, 8, 8))
        return graph.node("Add", "y", graph.conv(x, 8, 3))

    return build(fill, make_card("plain", halo=3))


def unshuffled() -> bytes:
    """Half resolution by pixel unshuffle, with the level map, as the fast denoisers work: stride 2."""

    def fill(graph: Graph) -> str:
        x = graph.unshuffle(graph.node("Concat", "y", "sigma", axis=1), 4, 2)
        x = graph.node("Relu", graph.conv(x, 16, 12))
        return graph.node("Add", "y", graph.shuffle(graph.conv(x, 12, 12), 2))

    return build(fill, make_card("unshuffled", sigma=True, stride=2, halo=5))


def u_net() -> bytes:
    """Four scales down to an eighth, strided convolutions down and pixel shuffles up: stride 8."""

    def fill(graph: Graph) -> str:
        x = graph.node("Relu", graph.conv(graph.node("Concat", "y", "sigma", axis=1), 4, 6))
        levels = [x]
        for _ in range(3):
            x = graph.node("Relu", graph.conv(graph.conv(levels[-1], 6, 6, size=2, stride=2), 6, 6))
            levels.append(x)
        for skipped in reversed(levels[:-1]):
            x = graph.node("Add", skipped, graph.shuffle(graph.conv(x, 6, 24, size=1), 2))
            x = graph.node("Relu", graph.conv(x, 6, 6))
        return graph.node("Add", "y", graph.conv(x, 6, 3))

    return build(fill, make_card("u-net", sigma=True, stride=8, halo=32))


def doubled() -> bytes:
    """Twice the size: scale 2."""
    return build(
        lambda graph: graph.shuffle(graph.conv(graph.node("Relu", graph.conv("y", 3, 8)), 8, 12), 2),
        make_card("doubled", task="enlarge", scale=2, halo=2),
    )


def brightened(max_pixels: int = 4_096) -> bytes:
    """A global operation: a tenth of the picture's mean is added. It cannot be tiled, and says so."""
    return build(
        lambda graph: graph.node(
            "Add", "y", graph.node("Mul", graph.node("GlobalAveragePool", "y"), graph.constant(np.float32([0.1])))
        ),
        make_card("brightened", halo=None, max_pixels=max_pixels),
    )


def hole_filler() -> bytes:
    """Holes become three quarters of the mean of what is shown: a network that is told a mask and sees all at once."""

    def fill(graph: Graph) -> str:
        mean = graph.node("Mul", graph.node("GlobalAveragePool", "y"), graph.constant(np.float32([0.75])))
        change = graph.node("Mul", graph.node("Sub", mean, "y"), "mask")
        return graph.node("Add", "y", change)

    inputs = Input("y"), Input("mask", "mask", 1)
    return build(fill, make_card("hole-filler", task="inpaint", inputs=inputs, halo=None, max_pixels=2**20, stride=16))


def white_finder() -> bytes:
    """Damage is what is brighter than 0.95 in every channel."""

    def fill(graph: Graph) -> str:
        darkest = graph.node("ReduceMin", "y", graph.constant(np.array([1], np.int64)), keepdims=1)
        white = graph.node("Greater", darkest, graph.constant(np.float32([0.95])))
        return graph.node("Cast", white, to=TensorProto.FLOAT)

    outputs = (Output("damage", "mask", 1),)
    return build(fill, make_card("white-finder", task="scratches", outputs=outputs, halo=0))


TILED = {make.__name__: make for make in (identity, level_identity, plain, unshuffled, u_net, doubled)}


def answerer(longest: int = 16) -> bytes:
    """Says "yes" the likelier, the brighter the picture is and the more a question's first letters weigh."""

    def fill(graph: Graph) -> str:
        bright = graph.dense(graph.shaped("x", 3 * 8 * 8), np.tile([[0.02, -0.02]], (3 * 8 * 8, 1)))
        asked = graph.dense("text", np.tile([[-0.002, 0.002]], (longest, 1)))
        return graph.node("Softmax", graph.node("Add", bright, asked), axis=1)

    card = make_card(
        "bright-or-not",
        task="answer",
        halo=None,
        max_pixels=64,
        size=(8, 8),
        fixed_size=True,
        inputs=(Input("x"), Input("text", "text", longest)),
        outputs=(Output("probabilities", "class", 2),),
        classes=("yes", "no"),
        config={"words": ["is", "it", "bright", "dark"]},
    )
    return build(fill, card)
