"""Small generating model files made by hand, whose pictures are known, and folders of pictures that fit them."""

from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from model_files import Graph
from onnx import TensorProto, helper

from sfumato import model_file
from sfumato.card import Card, Entry, Input, Output

SIZE = (8, 12)


def noise_pictures(count: int, seed: int, channels: int = 3, low: float = 0.0, high: float = 1.0) -> np.ndarray:
    """uint8 `n h w c`: every pixel by chance, so that no two are near each other."""
    draw = np.random.default_rng(seed).uniform(low, high, (count, *SIZE, channels))
    return (draw * 255).round().astype(np.uint8)


def write_pictures(folder: Path, pictures: np.ndarray) -> Path:
    """The pictures as PNG files, in order of their names."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, pixels in enumerate(pictures):
        pyvips.Image.new_from_array(pixels).write_to_file(str(folder / f"{number:04d}.png"))
    return folder


def drawing_from(pictures: np.ndarray) -> bytes:
    """A generator that draws one of these, `n h w c` uint8, by chance: that of the largest latent number."""
    planes = np.float32(pictures.transpose(0, 3, 1, 2) / 255)
    if planes.shape[1] == 4:
        planes[:, :3] *= planes[:, 3:]
    graph = Graph()
    chosen = graph.node("ArgMax", "z", axis=1, keepdims=0)
    graph.node("Gather", graph.constant(planes), chosen, output="x", axis=0)
    return _sealed(graph, {"z": ["b", len(planes)]}, _card("repeating", Input("z", "latent", len(planes)), planes))


def colour_of_class(colours: dict[str, float]) -> bytes:
    """A generator that gives each class its shade of grey, with a little noise."""
    shades = np.float32([[shade] for shade in colours.values()])
    graph = Graph()
    shade = graph.node("MatMul", "label", graph.constant(shades))
    noisy = graph.node("Add", shade, graph.node("Mul", "z", graph.constant(np.float32(0.01))))
    shape = graph.constant(np.array([-1, 1, *SIZE], np.int64))
    graph.node("Reshape", noisy, shape, output="x")
    pixels = SIZE[0] * SIZE[1]
    ports = Input("z", "latent", pixels), Input("label", "class", len(colours))
    card = _card("shades", ports[0], np.zeros((1, 1)), inputs=ports, classes=tuple(colours))
    return _sealed(graph, {"z": ["b", pixels], "label": ["b", len(colours)]}, card)


def fading(channels: int = 3) -> bytes:
    """A flow whose velocity carries all noise to mid-grey: v = (0 - x) / (1 - t), kept away from its end."""
    graph = Graph()
    left = graph.node("Max", graph.node("Sub", graph.constant(np.float32(1)), "t"), graph.constant(np.float32(0.01)))
    wide = graph.node("Reshape", left, graph.constant(np.array([-1, 1, 1, 1], np.int64)))
    graph.node("Div", graph.node("Neg", "x"), wide, output="v")
    x = Input("x", channels=channels, range=(-1.0, 1.0))
    inputs = x, Input("t", "time", 1)
    card = _card(
        "fading",
        x,
        np.zeros((1, channels)),
        inputs=inputs,
        outputs=(Output("v", channels=channels),),
        entries={"velocity": Entry(("x", "t"), ("v",))},
        fixed_size=False,
        sampling={"steps": 4, "solver": "euler", "guidance": 1.0},
    )
    return _sealed(graph, {"x": ["b", channels, "h", "w"], "t": ["b", 1]}, card)


def _card(name: str, first: Input, planes: np.ndarray, **values: Any) -> Card:
    defaults: dict[str, Any] = {
        "family": "test",
        "task": "generate",
        "inputs": (first,),
        "outputs": (Output("x", channels=planes.shape[1]),),
        "halo": None,
        "max_pixels": 2**16,
        "bytes_per_pixel": 100,
        "size": SIZE,
        "fixed_size": True,
    }
    settings = defaults | values
    names = tuple(port.name for port in settings["inputs"])
    settings.setdefault("entries", {"sample": Entry(names, ("x",))})
    return Card(name=name, **settings)


def _sealed(graph: Graph, inputs: dict[str, list], card: Card) -> bytes:
    stated = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()]
    out = card.outputs[0]
    result = helper.make_tensor_value_info(out.name, TensorProto.FLOAT, ["b", out.channels, "out_h", "out_w"])
    proto = helper.make_graph(graph.nodes, card.name, stated, [result], graph.weights)
    model = helper.make_model(proto, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    return model_file.seal(model.SerializeToString(), card)


def flat_features(path: Path, channels: int = 3) -> Path:
    """A feature network as an ONNX file: the pixels themselves."""
    shape = ["n", channels, *SIZE]
    graph = helper.make_graph(
        [helper.make_node("Flatten", ["x"], ["y"])],
        "flat",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", channels * SIZE[0] * SIZE[1]])],
    )
    path.write_bytes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10).SerializeToString()
    )
    return path
