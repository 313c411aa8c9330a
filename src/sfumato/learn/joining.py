"""A generator and a restorer in one model file: their graphs beside each other, the restorer's card in the other's.

No value of one graph is used in the other. All names of the restorer's begin with RESTORER, so that either can be taken
out again.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import onnx
from onnx import compose

from sfumato.errors import ModelError
from sfumato.models.card import Card, Entry
from sfumato.models.model_file import RESTORER, part, read, seal


def joined(generator: bytes, restorer: bytes, *, summary: str = "") -> bytes:
    """The model file that does what both do, named as the generator is.

    Raises ModelError where they are no generator and no restorer, or of different opsets.
    """
    card, own = (read(data, where="The model").card for data in (generator, restorer))
    model, other = (onnx.load_model_from_string(data) for data in (generator, restorer))
    if [(o.domain, o.version) for o in model.opset_import] != [(o.domain, o.version) for o in other.opset_import]:
        raise ModelError(f"{card.name} and {own.name} are of different ONNX opsets; export both again.")
    other = compose.add_prefix(other, RESTORER)
    for value in (*other.graph.input, *other.graph.output):
        for length in value.type.tensor_type.shape.dim:
            if length.dim_param:
                length.dim_param = RESTORER + length.dim_param
    for name in ("node", "initializer", "input", "output"):
        getattr(model.graph, name).extend(getattr(other.graph, name))
    own = replace(_renamed(own, lambda name: RESTORER + name), name=f"{card.name}-restorer")
    return seal(model.SerializeToString(), replace(card, summary=summary or card.summary, restorer=own))


def restorer_alone(data: bytes) -> bytes:
    """The restorer of such a file as a model file of its own; of any other file, its own bytes."""
    card = read(data, where="The model").card.restorer
    if card is None:
        return data
    model = onnx.load_model_from_string(part(data, restorer=True))
    graph = model.graph
    for item in (*graph.node, *graph.initializer, *graph.input, *graph.output):
        item.name = item.name.removeprefix(RESTORER)
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [name.removeprefix(RESTORER) for name in names]
    return seal(model.SerializeToString(), _renamed(card, lambda name: name.removeprefix(RESTORER)))


def _renamed(card: Card, rename: Callable[[str], str]) -> Card:
    """The card with other names of inputs and outputs."""

    def named(ports: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(replace(port, name=rename(port.name)) for port in ports)

    entries = {
        name: Entry(tuple(map(rename, uses.inputs)), tuple(map(rename, uses.outputs)))
        for name, uses in card.entries.items()
    }
    return replace(card, inputs=named(card.inputs), outputs=named(card.outputs), entries=entries)
