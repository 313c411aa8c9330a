"""What lies in a model file, read without the `onnx` package: a walk over the few protobuf fields that matter.

A model file is an ONNX ModelProto whose metadata holds the card and, as its very last field, the SHA-256 digest of all
bytes before it. The digest is what tells a damaged file from a sound one: flipped bits in weights or shapes would
otherwise reach the runtime, which trusts them.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import ModelError
from .card import MAPS, Card

CARD_KEY = "sfumato_card"
DIGEST_KEY = "sfumato_sha256"
MIN_OPSET = 18
STANDARD_DOMAINS = ("", "ai.onnx")
MAX_NESTING = 16

# Field numbers of onnx.proto3, in the messages that are walked.
MODEL_IR, MODEL_GRAPH, MODEL_OPSET, MODEL_METADATA, MODEL_FUNCTION = 1, 7, 8, 14, 25
GRAPH_NODE, GRAPH_INITIALIZER, GRAPH_INPUT, GRAPH_OUTPUT, GRAPH_SPARSE = 1, 5, 11, 12, 15
NODE_OP, NODE_ATTRIBUTE, NODE_DOMAIN = 4, 5, 7
ATTRIBUTE_TENSOR, ATTRIBUTE_GRAPH, ATTRIBUTE_TENSORS, ATTRIBUTE_GRAPHS = 5, 6, 10, 11
ATTRIBUTE_SPARSE, ATTRIBUTE_SPARSES = 22, 23
TENSOR_EXTERNAL, TENSOR_LOCATION = 13, 14
FUNCTION_NODE = 7
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

# Of two networks in one graph, all that belongs to the restorer has a name that begins so; fields that have one: of a
# node its first output, of the others their own.
RESTORER = "restorer."
NAMED = {GRAPH_NODE: 2, GRAPH_INITIALIZER: 8, GRAPH_INPUT: 1, GRAPH_OUTPUT: 1}

Shape = tuple[int | str, ...]


@dataclass(frozen=True)
class ModelFile:
    """The card of a model file beside the shapes that its graph states (a name or "" where a size is free)."""

    card: Card
    opset: int
    inputs: dict[str, Shape]
    outputs: dict[str, Shape]


@dataclass(frozen=True)
class _Field:
    number: int
    wire: int
    value: int | memoryview
    start: int
    stop: int

    def varint(self) -> int:
        if not isinstance(self.value, int):
            raise ValueError("a number is missing")
        return self.value

    def message(self) -> memoryview:
        if isinstance(self.value, int):
            raise ValueError("a message is missing")
        return self.value

    def text(self) -> str:
        try:
            return bytes(self.message()).decode("utf-8")
        except UnicodeDecodeError:
            raise ValueError("a name is no text") from None


@dataclass(frozen=True)
class Onnx:
    """What an ONNX model states, card or not: its opset, its metadata, and the shapes of its inputs and outputs."""

    opset: int
    metadata: dict[str, str]
    inputs: dict[str, Shape]
    outputs: dict[str, Shape]


def check_onnx(data: bytes, *, where: str) -> Onnx:
    """Check any ONNX model's bytes and give what they state; `where` begins the error sentences.

    Raises ModelError for bytes that are no ONNX model, are damaged, keep weights in other files or use operators
    outside the ONNX standard.
    """
    try:
        model = list(_fields(memoryview(data)))
        ir_version = next((entry.varint() for entry in model if entry.number == MODEL_IR), 0)
        graphs = [entry.message() for entry in model if entry.number == MODEL_GRAPH]
        if len(graphs) != 1 or not ir_version:
            raise ValueError("no graph in it")
        metadata = _metadata(model)
        imports = [_string_pair(entry.message()) for entry in model if entry.number == MODEL_OPSET]
        opset = max((int(version) for domain, version in imports if domain in STANDARD_DOMAINS), default=0)
        functions = [entry.message() for entry in model if entry.number == MODEL_FUNCTION]
        _check_digest(data, model, where)
        _check_graph(graphs[0], where)
        if functions:
            raise ModelError(f"{where} defines operators of its own; only standard ONNX operators are taken.")
        inputs, outputs = _shapes(graphs[0], GRAPH_INPUT), _shapes(graphs[0], GRAPH_OUTPUT)
    except ValueError as error:
        raise ModelError(f"{where} is no ONNX model, or it is damaged ({error}); fetch or export it again.") from None
    return Onnx(opset, metadata, inputs, outputs)


def read(data: bytes, *, where: str) -> ModelFile:
    """Check a model file's bytes and give what they state; `where` begins the error sentences.

    Raises ModelError as `check_onnx` does, for bytes that carry no card, and where card and graph disagree.
    """
    model = check_onnx(data, where=where)
    if CARD_KEY not in model.metadata:
        raise ModelError(f"{where} is an ONNX model without a Sfumato card; `sfumato import` makes a model file of it.")
    if DIGEST_KEY not in model.metadata:
        raise ModelError(f"{where} was cut off or edited after it was written; fetch or export it again.")
    if model.opset < MIN_OPSET:
        raise ModelError(f"{where} uses ONNX opset {model.opset}; export it again with opset {MIN_OPSET} or later.")
    found = ModelFile(Card.from_json(model.metadata[CARD_KEY], where=where), model.opset, model.inputs, model.outputs)
    _check_agreement(found, where)
    return found


def seal(model: bytes, card: Card) -> bytes:
    """The model file for an ONNX model: the model's bytes, the card, and the digest of both.

    A card or digest that the bytes already hold is replaced. Raises ModelError where the model cannot carry this card.
    """
    try:
        fields = list(_fields(memoryview(model)))
        kept = [
            model[entry.start : entry.stop]
            for entry in fields
            if entry.number != MODEL_METADATA or _string_pair(entry.message())[0] not in (CARD_KEY, DIGEST_KEY)
        ]
    except ValueError as error:
        raise ModelError(f"The model {card.name!r} is no ONNX model ({error}).") from None
    body = b"".join(kept) + _metadata_field(CARD_KEY, card.to_json())
    sealed = body + _metadata_field(DIGEST_KEY, hashlib.sha256(body).hexdigest())
    read(sealed, where=f"The model {card.name!r}")
    return sealed


def part(data: bytes, *, restorer: bool) -> bytes:
    """Of the bytes of a file that holds two networks, a plain ONNX model of the restorer, or of the other one."""

    def is_kept(entry: _Field) -> bool:
        number = NAMED.get(entry.number)
        if number is None:
            return True
        name = next((inner.text() for inner in _fields(entry.message()) if inner.number == number), "")
        return name.startswith(RESTORER) == restorer

    model = []
    for entry in _fields(memoryview(data)):
        if entry.number == MODEL_GRAPH:
            graph = entry.message()
            kept = b"".join(graph[inner.start : inner.stop] for inner in _fields(graph) if is_kept(inner))
            model.append(_varint(MODEL_GRAPH << 3 | BYTES) + _varint(len(kept)) + kept)
        elif entry.number != MODEL_METADATA:
            model.append(data[entry.start : entry.stop])
    return b"".join(model)


def _check_digest(data: bytes, model: list[_Field], where: str) -> None:
    for entry in model:
        if entry.number == MODEL_METADATA:
            key, digest = _string_pair(entry.message())
            if key == DIGEST_KEY and (
                entry.stop != len(data) or hashlib.sha256(data[: entry.start]).hexdigest() != digest
            ):
                raise ModelError(
                    f"{where} is damaged: its bytes are not those that were written; fetch or export it again."
                )


def _check_graph(graph: memoryview, where: str, depth: int = 0) -> None:
    if depth > MAX_NESTING:
        raise ValueError("graphs nested too deeply")
    for entry in _fields(graph):
        if entry.number == GRAPH_NODE:
            _check_node(entry.message(), where, depth)
        elif entry.number == GRAPH_INITIALIZER:
            _check_tensor(entry.message(), where)
        elif entry.number == GRAPH_SPARSE:
            _check_sparse(entry.message(), where)


def _check_node(node: memoryview, where: str, depth: int) -> None:
    operator, domain = "?", ""
    for entry in _fields(node):
        if entry.number == NODE_OP:
            operator = entry.text()
        elif entry.number == NODE_DOMAIN:
            domain = entry.text()
        elif entry.number == NODE_ATTRIBUTE:
            for inner in _fields(entry.message()):
                if inner.number in (ATTRIBUTE_TENSOR, ATTRIBUTE_TENSORS):
                    _check_tensor(inner.message(), where)
                elif inner.number in (ATTRIBUTE_GRAPH, ATTRIBUTE_GRAPHS):
                    _check_graph(inner.message(), where, depth + 1)
                elif inner.number in (ATTRIBUTE_SPARSE, ATTRIBUTE_SPARSES):
                    _check_sparse(inner.message(), where)
    if domain not in STANDARD_DOMAINS:
        raise ModelError(f"{where} uses the operator {domain}.{operator}; only standard ONNX operators are taken.")


def _check_sparse(sparse: memoryview, where: str) -> None:
    for entry in _fields(sparse):
        if entry.wire == BYTES and entry.number in (1, 2):
            _check_tensor(entry.message(), where)


def _check_tensor(tensor: memoryview, where: str) -> None:
    for entry in _fields(tensor):
        if entry.number == TENSOR_EXTERNAL or (entry.number == TENSOR_LOCATION and entry.varint() != 0):
            raise ModelError(
                f"{where} keeps weights in another file, which is refused: "
                "export it as one file (`external_data=False` in torch.onnx)."
            )


def _check_agreement(found: ModelFile, where: str) -> None:
    fixed = {port.name for card in found.card.parts if card.fixed_size for port in card.inputs}
    for what, ports, shapes in (
        ("input", [port for card in found.card.parts for port in card.inputs], found.inputs),
        ("output", [port for card in found.card.parts for port in card.outputs], found.outputs),
    ):
        if {port.name for port in ports} != set(shapes):
            stated, real = ", ".join(port.name for port in ports), ", ".join(shapes)
            raise ModelError(f"{where}: its card lists the {what}s {stated}, its graph has {real}; export it again.")
        for port in ports:
            shape = shapes[port.name]
            length = 4 if port.kind in MAPS else 2
            if len(shape) != length:
                raise ModelError(
                    f"{where}: {what} {port.name} has {len(shape)} dimensions, a {port.kind} has {length}."
                )
            if isinstance(shape[1], int) and shape[1] != port.channels:
                raise ModelError(
                    f"{where}: {what} {port.name} has {shape[1]} channels, its card says {port.channels}; "
                    "export it again."
                )
            free = (0,) if port.name in fixed or port.kind not in MAPS else (0, 2, 3)
            if what == "input" and any(isinstance(shape[axis], int) for axis in free):
                raise ModelError(
                    f"{where}: {what} {port.name} has a fixed size; export it with dynamic batch, height and width."
                )


def _shapes(graph: memoryview, number: int) -> dict[str, Shape]:
    return dict(_value_info(entry.message()) for entry in _fields(graph) if entry.number == number)


def _value_info(info: memoryview) -> tuple[str, Shape]:
    name, shape = "", []
    for entry in _fields(info):
        if entry.number == 1:
            name = entry.text()
        elif entry.number == 2:
            tensor = _only(entry.message(), 1)
            dims = _only(tensor, 2)
            for dim in _fields(dims):
                size: int | str = ""
                for part in _fields(dim.message()):
                    if part.number == 1:
                        size = part.varint()
                    elif part.number == 2:
                        size = part.text()
                shape.append(size)
    return name, tuple(shape)


def _only(message: memoryview, number: int) -> memoryview:
    for entry in _fields(message):
        if entry.number == number:
            return entry.message()
    raise ValueError("an input or output has no shape")


def _metadata(model: list[_Field]) -> dict[str, str]:
    return dict(_string_pair(entry.message()) for entry in model if entry.number == MODEL_METADATA)


def _string_pair(message: memoryview) -> tuple[str, str]:
    """Key and value of a metadata entry; domain and version of an opset import, which has the same form."""
    pair = ["", ""]
    for entry in _fields(message):
        if entry.number in (1, 2):
            pair[entry.number - 1] = str(entry.value) if entry.wire == VARINT else entry.text()
    return pair[0], pair[1]


def _metadata_field(key: str, value: str) -> bytes:
    texts = (key.encode(), value.encode())
    pair = b"".join(bytes([number << 3 | BYTES]) + _varint(len(text)) + text for number, text in enumerate(texts, 1))
    return _varint(MODEL_METADATA << 3 | BYTES) + _varint(len(pair)) + pair


def _fields(data: memoryview) -> Iterator[_Field]:
    position = 0
    while position < len(data):
        start = position
        tag, position = _read_varint(data, position)
        number, wire = tag >> 3, tag & 7
        value: int | memoryview
        if wire == VARINT:
            value, position = _read_varint(data, position)
        elif wire in (FIXED64, FIXED32, BYTES):
            size, position = _read_varint(data, position) if wire == BYTES else (8 if wire == FIXED64 else 4, position)
            if size > len(data) - position:
                raise ValueError("it ends too early")
            value = data[position : position + size]
            position += size
        else:
            raise ValueError("not a protobuf message")
        if number == 0:
            raise ValueError("not a protobuf message")
        yield _Field(number, wire, value, start, position)


def _read_varint(data: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if position == len(data):
            raise ValueError("it ends too early")
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
    raise ValueError("a number is too long")


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])
