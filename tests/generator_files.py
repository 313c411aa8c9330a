"""Small generating model files made by hand, whose pictures are known, and folders of pictures that fit them."""

from pathlib import Path

import numpy as np
import pyvips
from known_generators import SIZE, generator_card
from model_files import Graph, build
from onnx import TensorProto, helper

from sfumato.models.card import Entry, Input, Output


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

    def fill(graph: Graph) -> str:
        return graph.node("Gather", graph.constant(planes), graph.node("ArgMax", "z", axis=1, keepdims=0), axis=0)

    ports = (Input("z", "latent", len(planes)),), (Output("x", channels=planes.shape[1]),)
    entries = {"sample": Entry(("z",), ("x",))}
    return build(fill, generator_card("repeating", "test", inputs=ports[0], outputs=ports[1], entries=entries))


def colour_of_class(colours: dict[str, float]) -> bytes:
    """A generator that gives each class its shade of grey, with a little noise."""
    shades = np.float32([[shade] for shade in colours.values()])
    pixels = SIZE[0] * SIZE[1]

    def fill(graph: Graph) -> str:
        noise = graph.node("Mul", "z", graph.constant(np.float32(0.01)))
        return graph.shaped(graph.node("Add", graph.dense("label", shades), noise), 1, *SIZE)

    card = generator_card(
        "shades",
        "test",
        inputs=(Input("z", "latent", pixels), Input("label", "class", len(colours))),
        outputs=(Output("x", channels=1),),
        entries={"sample": Entry(("z", "label"), ("x",))},
        classes=tuple(colours),
    )
    return build(fill, card)


def fading(channels: int = 3) -> bytes:
    """A flow whose velocity carries all noise to mid-grey: v = (0 - x) / (1 - t), kept away from its end."""

    def fill(graph: Graph) -> str:
        left = graph.node("Sub", graph.constant(np.float32(1)), "t")
        kept = graph.node("Max", left, graph.constant(np.float32(0.01)))
        return graph.node("Div", graph.node("Neg", "x"), graph.shaped(kept, 1, 1, 1))

    card = generator_card(
        "fading",
        "test",
        inputs=(Input("x", channels=channels, range=(-1.0, 1.0)), Input("t", "time", 1)),
        outputs=(Output("v", channels=channels),),
        entries={"velocity": Entry(("x", "t"), ("v",))},
        fixed_size=False,
        sampling={"steps": 4, "solver": "euler", "guidance": 1.0},
    )
    return build(fill, card)


def brightening() -> bytes:
    """A flow of sequences: it remembers a frame as it is, and all noise is carried to one that is lighter by 1/8."""

    def fill(graph: Graph) -> tuple[str, str]:
        left = graph.node(
            "Max", graph.node("Sub", graph.constant(np.float32(1)), "t"), graph.constant(np.float32(0.01))
        )
        end = graph.node("Add", "memory", graph.constant(np.float32(0.25)))
        velocity = graph.node("Div", graph.node("Sub", end, "x"), graph.shaped(left, 1, 1, 1))
        return velocity, graph.node("Add", "frame", graph.node("Mul", "before", graph.constant(np.float32(0))))

    moved = (Input("x", channels=1, range=(-1.0, 1.0)), Input("t", "time", 1), Input("memory", "state", 1))
    card = generator_card(
        "brightening",
        "test",
        inputs=(*moved, Input("frame", channels=1, range=(-1.0, 1.0)), Input("before", "state", 1)),
        outputs=(Output("v", channels=1), Output("after", "state", 1)),
        entries={"velocity": Entry(("x", "t", "memory"), ("v",)), "remember": Entry(("frame", "before"), ("after",))},
        sampling={"steps": 4, "solver": "euler", "guidance": 1.0},
    )
    return build(fill, card)


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
