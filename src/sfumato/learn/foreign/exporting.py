"""A model file becomes what other programs read: an ONNX file without a card, or a package of darktable.

chaiNNer and vs-mlrt take one picture of any size and give one, and know of no rules; so padding to the model's stride
and a fixed level of noise or compression move into the graph.
"""

import io
import json
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from sfumato.errors import OVERWRITE, ModelError, Option, UsageError, exists_already
from sfumato.estimation import jpeg
from sfumato.files import write_whole
from sfumato.models import model_file
from sfumato.models.card import Card
from sfumato.models.engine import Engine, open_session
from sfumato.models.ports import port_of, run_by_kind

from ..joining import restorer_alone
from .graphs import rename
from .probing import sample_picture

PLAIN, DARKTABLE = "plain-onnx", "dtmodel"
TARGETS = {PLAIN: ".onnx", DARKTABLE: ".dtmodel"}
ROLES = ("restorer", "upscaler")
LEVELS = {"sigma": "noise", "compression": "jpeg_quality"}  # the options that fix a level
MAX_DIFFERENCE = 1 / 255
DARKTABLE_SCALES = (1, 2, 4)
SIZES = ((48, 64), (61, 53))
VERSION = "1.0"


@dataclass(frozen=True)
class Exported:
    """path: the file; difference: by how much, of 1, its results differ from the model file's, at most."""

    path: Path
    difference: float


def export_model(
    data: bytes,
    to: str,
    target: Path,
    *,
    noise: float | None = None,
    jpeg_quality: float | None = None,
    overwrite: bool = False,
) -> Exported:
    """Write a model file's bytes as `to`, one of TARGETS, and compare it on plain ONNX Runtime.

    noise, jpeg_quality: the level that a model which takes one is fixed at. A package of darktable may keep the level
    of noise as an input.

    Raises UsageError for options that cannot be meant, ModelError for models that are for nothing of the kind and for
    files that do not give what the model gives.
    """
    data = restorer_alone(data)
    card = model_file.read(data, where="The model").card
    if to not in TARGETS:
        raise UsageError(Option("to"), f" is {to!r}; give one of {', '.join(TARGETS)}.")
    if card.role not in ROLES:
        raise ModelError(f"{card.name} (task {card.task}) neither restores nor enlarges a picture by itself.")
    if card.fixed_size:
        raise ModelError(f"{card.name} takes pictures of one size; it came as an ONNX file that is of use as it is.")
    if to == DARKTABLE and (card.scale not in DARKTABLE_SCALES or card.picture_channels != 3):
        raise ModelError(f"darktable restores in colour and enlarges 2 or 4 times; {card.name} does not.")
    if target.exists() and not overwrite:
        raise ModelError(exists_already(target), *OVERWRITE)
    level = _level(card, to, {"noise": noise, "jpeg_quality": jpeg_quality})
    plain = _plain(data, card, level)
    difference = _difference(data, plain, level)
    if not difference <= MAX_DIFFERENCE:
        raise ModelError(f"{card.name} gives something else as {to}, by {difference:.2g} of 1: it is not written.")
    write_whole(target, plain if to == PLAIN else _package(plain, card, level))
    return Exported(target, difference)


@dataclass(frozen=True)
class _Level:
    """kind: of the map that the model takes, "" for none; value: what it is fixed at, None where it stays an input."""

    kind: str = ""
    value: float | None = None

    @property
    def is_open(self) -> bool:
        return bool(self.kind) and self.value is None


def _level(card: Card, to: str, given: dict[str, float | None]) -> _Level:
    port = port_of(card, *LEVELS)
    for kind, name in LEVELS.items():
        if given[name] is not None and (port is None or port.kind != kind):
            raise UsageError(Option(name), f" has no effect: {card.name} takes none.")
    if port is None:
        return _Level()
    value = given[LEVELS[port.kind]]
    if value is not None:
        return _Level(port.kind, jpeg.scale(value) if port.kind == "compression" else value / 255)
    if to == DARKTABLE and port.kind == "sigma":
        return _Level(port.kind)
    raise UsageError(
        f"{card.name} takes a level, which other programs do not give: fix it by ", Option(LEVELS[port.kind]), "."
    )


def _plain(data: bytes, card: Card, level: _Level) -> bytes:
    """The graph with the input `input`, perhaps `sigma`, and the output `output`, of any size."""
    model = onnx.load_model_from_string(data)
    graph = model.graph
    picture, port = port_of(card, "picture"), port_of(card, *LEVELS)
    assert picture is not None
    inner = {picture.name: "inner_picture", card.outputs[0].name: "inner_result"}
    rename(graph, inner | ({port.name: "inner_level"} if port else {}))
    middle, ends = list(graph.node), _Ends(graph, card)
    before = ends.padded("input", "inner_picture")
    if level.value is not None:
        before += ends.constant_map("inner_picture", level.value, "inner_level")
    elif level.is_open:
        before += ends.padded("sigma", "inner_level")
    after = ends.cropped("inner_result", "output")
    del graph.node[:], graph.input[:], graph.output[:], graph.value_info[:], model.metadata_props[:]
    graph.node.extend([*before, *middle, *after])
    for name, channels in {"input": picture.channels, **({"sigma": 1} if level.is_open else {})}.items():
        shape: list[str | int] = ["batch", channels, "height", "width"]
        graph.input.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    result: list[str | int] = ["batch", card.outputs[0].channels, "out_height", "out_width"]
    graph.output.append(helper.make_tensor_value_info("output", TensorProto.FLOAT, result))
    model.producer_name = "sfumato"
    model.doc_string = f"{card.name}: {card.summary} Licence: {card.licence}"
    return bytes(model.SerializeToString())


class _Ends:
    """The nodes at the two ends of a graph: mirrored up to the stride before it, cut to size behind it."""

    def __init__(self, graph: onnx.GraphProto, card: Card) -> None:
        self.graph, self.card = graph, card

    def padded(self, x: str, result: str) -> list[onnx.NodeProto]:
        if self.card.stride == 1:
            return [helper.make_node("Identity", [x], [result])]
        stride = self._number("stride", [self.card.stride])
        name = f"ends_{x}"
        return [
            *self._sizes(x, name),
            helper.make_node("Neg", [f"{name}_size"], [f"{name}_negative"]),
            helper.make_node("Mod", [f"{name}_negative", stride], [f"{name}_missing"]),  # has the sign of the stride
            helper.make_node("Concat", [self._number("zeros", [0, 0]), f"{name}_missing"], [f"{name}_pads"], axis=0),
            helper.make_node("Pad", [x, f"{name}_pads", "", self._number("axes", [2, 3])], [result], mode="reflect"),
        ]

    def cropped(self, x: str, result: str) -> list[onnx.NodeProto]:
        if self.card.stride == 1:
            return [helper.make_node("Identity", [x], [result])]
        nodes = self._sizes("input", "ends_crop")
        nodes.append(
            helper.make_node("Mul", ["ends_crop_size", self._number("scale", [self.card.scale])], ["ends_large"])
        )
        slots = [x, self._number("zeros", [0, 0]), "ends_large", self._number("axes", [2, 3])]
        return [*nodes, helper.make_node("Slice", slots, [result])]

    def constant_map(self, like: str, value: float, result: str) -> list[onnx.NodeProto]:
        """One channel of this value, in the size of a picture."""
        nothing, level = self._float("nothing", 0.0), self._float("level", value)
        return [
            helper.make_node("ReduceMean", [like, self._number("channel_axis", [1])], ["ends_mean"], keepdims=1),
            helper.make_node("Mul", ["ends_mean", nothing], ["ends_nothing"]),
            helper.make_node("Add", ["ends_nothing", level], [result]),
        ]

    def _sizes(self, x: str, name: str) -> list[onnx.NodeProto]:
        return [helper.make_node("Shape", [x], [f"{name}_size"], start=2, end=4)]

    def _number(self, name: str, values: list[int]) -> str:
        return self._stored(f"ends_constant_{name}", np.array(values, np.int64))

    def _float(self, name: str, value: float) -> str:
        return self._stored(f"ends_constant_{name}", np.array(value, np.float32))

    def _stored(self, name: str, values: np.ndarray) -> str:
        if name not in (tensor.name for tensor in self.graph.initializer):
            self.graph.initializer.append(numpy_helper.from_array(values, name))
        return name


def _difference(data: bytes, plain: bytes, level: _Level) -> float:
    """By how much the plain file differs from the model file on two pictures, at most."""
    engine = Engine(data, device="cpu")
    session, _ = open_session(plain, "The exported file", 0, "cpu")
    card, worst = engine.card, 0.0
    for seed, (height, width) in enumerate(SIZES):
        y = sample_picture(card.picture_channels or 3, height, width, seed)
        right, bottom = -width % card.stride, -height % card.stride
        padded = np.pad(y, ((0, 0), (0, bottom), (0, right)), mode="reflect")[None]
        value = 25 / 255 if level.value is None else level.value
        feed = {"picture": padded} | ({level.kind: np.full_like(padded[:, :1], value)} if level.kind else {})
        expected = run_by_kind(engine, feed)[..., : height * card.scale, : width * card.scale]
        given: dict[str, Any] = {"input": y[None]}
        if level.is_open:
            given["sigma"] = np.full((1, 1, height, width), value, np.float32)
        worst = max(worst, float(np.abs(session.run(["output"], given)[0] - expected).max()))
    return worst


def _package(plain: bytes, card: Card, level: _Level) -> bytes:
    """A .dtmodel, as darktable's dev-doc/AI_Tasks.md describes it."""
    task = "upscale" if card.scale > 1 else "denoise"
    slug = re.sub(r"[^a-z0-9]+", "-", card.name.lower()).strip("-").removeprefix(f"{task}-") or "model"
    identity = f"{task}-{slug}"
    config: dict[str, Any] = {
        "id": identity,
        "name": identity.replace("-", " "),
        "description": f"{card.summary} Licence: {card.licence}".strip(),
        "task": task,
        "backend": "onnx",
        "version": VERSION,
        "num_inputs": 2 if level.is_open else 1,
    }
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w", zipfile.ZIP_DEFLATED) as package:
        network = f"model_x{card.scale}.onnx" if card.scale > 1 else "model.onnx"
        for name, contents in (("config.json", json.dumps(config, indent=2).encode()), (network, plain)):
            package.writestr(zipfile.ZipInfo(f"{identity}/{name}"), contents, zipfile.ZIP_DEFLATED)
    return stored.getvalue()
