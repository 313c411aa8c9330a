"""A card comes back as it was written, and one that cannot be meant is refused with a sentence that helps."""

import json
from collections.abc import Callable
from typing import Any

import model_files
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfumato.card import CARD_VERSION, Card, Entry, Input, Output
from sfumato.errors import ModelError

FULL = model_files.make_card(
    "full",
    sigma=True,
    stride=8,
    halo=72,
    config={"widths": [32, 64], "act": "relu"},
    entries={"restore": Entry(("y", "sigma"), ("x_hat",))},
    training={"data": "photographs", "steps": 100},
    scores=({"data": "CBSD68", "protocol": "gaussian:25", "metric": "PSNR", "value": 31.2},),
)


def changed(change: Callable[[dict[str, Any]], Any]) -> str:
    values = json.loads(FULL.to_json())
    change(values)
    return json.dumps(values)


def test_full_card_comes_back() -> None:
    assert Card.from_json(FULL.to_json()) == FULL


@given(
    name=st.text(),
    stride=st.integers(1, 64),
    halo=st.integers(0, 500),
    kinds=st.lists(st.sampled_from(["picture", "sigma"]), min_size=1, max_size=4),
)
def test_any_card_comes_back(name: str, stride: int, halo: int, kinds: list[str]) -> None:
    inputs = tuple(Input(f"in{index}", kind, 1 + index) for index, kind in enumerate(kinds))
    card = model_files.make_card(name, stride=stride, halo=halo, inputs=inputs, outputs=(Output("x_hat"),))
    assert Card.from_json(card.to_json()) == card


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        (lambda card: card.update(strid=8), "'stride' meant"),
        (lambda card: card["inputs"][0].update(chanels=3), "'inputs.channels'|'channels' meant"),
        (lambda card: card.update(card_version=CARD_VERSION + 1), "pip install --upgrade sfumato"),
        (lambda card: card.pop("halo"), "lacks the key 'halo'"),
        (lambda card: card.update(stride="8"), "'stride'"),
        (lambda card: card.update(stride=True), "'stride'"),
        (lambda card: card.update(stride=0), "at least 1"),
        (lambda card: card.update(halo=-1), "negative halo"),
        (lambda card: card.update(halo=None), "halo"),
        (lambda card: card.update(max_pixels=100), "halo"),
        (lambda card: card.update(inputs=[]), "no inputs"),
        (lambda card: card["inputs"][0].update(kind="smell"), "smell"),
        (lambda card: card["inputs"][0].update(range=[0]), "right length"),
        (lambda card: card["outputs"][0].update(name="y"), "one name"),
        (lambda card: card.update(entries={"restore": {"inputs": ["z"], "outputs": []}}), "'z'"),
        (lambda card: card.update(config=[1]), "'config'"),
    ],
)
def test_card_that_cannot_be_meant_is_refused(change: Callable[[dict[str, Any]], Any], hint: str) -> None:
    with pytest.raises(ModelError, match=hint) as caught:
        Card.from_json(changed(change), where="attic.onnx")
    assert "attic.onnx" in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", "{" * 10_000, '{"name": NaN}', "\x00"])
def test_what_is_no_card_is_refused(text: str) -> None:
    with pytest.raises(ModelError, match=r"attic\.onnx"):
        Card.from_json(text, where="attic.onnx")
