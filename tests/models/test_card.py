"""A card comes back as it was written, and one that cannot be meant is refused with a sentence that helps."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import model_files
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfumato.errors import ModelError
from sfumato.models.card import CARD_VERSION, ROLES, Card, Entry, Input, Output

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


DRAWS = model_files.make_card(
    "draws",
    task="generate",
    inputs=(Input("z", "latent", 7), Input("t", "time", 1), Input("label", "class", 2)),
    outputs=(Output("x", channels=4), Output("p", "class", 2), Output("n", "number", 1)),
    entries={"sample": Entry(("z", "label"), ("x",)), "judge": Entry(("t",), ("p", "n"))},
    size=(28, 36),
    stride=4,
    fixed_size=True,
    classes=("cat", "dog"),
    sampling={"steps": 20, "solver": "heun"},
)


def changed(change: Callable[[dict[str, Any]], Any]) -> str:
    values = json.loads(FULL.to_json())
    change(values)
    return json.dumps(values)


@pytest.mark.parametrize("card", [FULL, DRAWS], ids=lambda card: card.name)
def test_full_card_comes_back(card: Card) -> None:
    assert Card.from_json(card.to_json()) == card


def test_a_card_from_before_there_were_classes_and_sizes_is_read() -> None:
    old = json.loads(FULL.to_json())
    for key in ("size", "fixed_size", "classes", "sampling", "entries"):
        del old[key]
    card = Card.from_json(json.dumps(old))
    assert (card.size, card.fixed_size, card.classes, card.sampling, card.entries) == ((), False, (), {}, {})


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
        (lambda card: card.update(strid=8), "Did you mean 'stride'"),
        (lambda card: card["inputs"][0].update(chanels=3), "Did you mean 'channels'"),
        (lambda card: card.update(card_version=CARD_VERSION + 1), "pip install --upgrade sfumato"),
        (lambda card: card.pop("halo"), "'halo' is missing"),
        (lambda card: card.update(stride="8"), "stride is a whole number"),
        (lambda card: card.update(stride=True), "stride is a whole number"),
        (lambda card: card.update(stride=0), "at least 1"),
        (lambda card: card.update(halo=-1), "negative halo"),
        (lambda card: card.update(halo=None), "halo"),
        (lambda card: card.update(max_pixels=100), "halo"),
        (lambda card: card.update(inputs=[]), "no inputs"),
        (lambda card: card["inputs"][0].update(kind="smell"), "smell"),
        (lambda card: card["inputs"][0].update(range=[0]), "list of the length 2"),
        (lambda card: card["outputs"][0].update(name="y"), "one name"),
        (lambda card: card.update(entries={"restore": {"inputs": ["z"], "outputs": []}}), "'z'"),
        (lambda card: card.update(config=[1]), "config is an object"),
    ],
)
def test_card_that_cannot_be_meant_is_refused(change: Callable[[dict[str, Any]], Any], hint: str) -> None:
    with pytest.raises(ModelError, match=hint) as caught:
        Card.from_json(changed(change), where="attic.onnx")
    assert "attic.onnx" in str(caught.value)


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ({"classes": ("cat",)}, "names 1 classes, where 'label' counts 2"),
        ({"size": (28, 30)}, "multiples of its stride 4"),
        ({"size": (28,)}, "height and width"),
        ({"size": (0, 28)}, "height and width"),
        ({"entries": {"sample": Entry(("z", "lable"), ("x",))}}, "input 'lable' in entry 'sample'"),
        ({"entries": {"sample": Entry(("z",), ("y",))}}, "output 'y' in entry 'sample'"),
        ({"outputs": (Output("x", "smell"),)}, "smell"),
        ({"inputs": (Input("z", "latent", 0),)}, "no channels"),
        ({"sampling": {"steps": "abc"}}, "steps is a whole number"),
        ({"sampling": {"shfit": 3}}, "Did you mean 'shift'"),
        ({"sampling": {"solver": "hein"}}, "one of euler, heun"),
        ({"sampling": {"steps": 0}}, "steps is 0"),
        ({"sampling": {"class": [1.0]}}, "a share for each of 2"),
    ],
)
def test_a_generator_that_cannot_be_meant_is_refused(change: dict[str, Any], hint: str) -> None:
    with pytest.raises(ModelError, match=hint):
        dataclasses.replace(DRAWS, **change)


def test_the_role_follows_from_what_a_model_takes_and_gives() -> None:
    picture, level, mask = Input("y"), Input("sigma", "sigma", 1), Input("m", "mask", 1)
    result = Output("x_hat")
    for inputs, output, changes, role in (
        ((picture,), result, {}, "restorer"),
        ((picture, level), result, {}, "restorer"),
        ((picture,), result, {"scale": 2, "task": "upscale"}, "upscaler"),
        ((picture,), result, {"scale": 2}, ""),
        ((picture, mask), result, {}, "inpainter"),
        ((picture,), Output("m", "mask", 1), {}, "finder"),
        ((Input("luma", channels=1), Input("h", "hints", 3)), Output("c", "chroma", 2), {}, "colorizer"),
        ((picture,), Output("level", "sigma", 2), {}, "estimator"),
        ((Input("y", channels=1),), Output("x_hat", channels=1), {}, ""),
        ((picture, mask, level), result, {}, ""),
    ):
        card = model_files.make_card("some", inputs=inputs, outputs=(output,), **changes)
        assert (card.role, card.role in ROLES) == (role, True)
    assert DRAWS.role == "generator"


def test_what_a_gan_of_codes_samples_is_told_from_codes_by_old_files_too() -> None:
    for key in ("arcs", "noise_only"):
        assert dataclasses.replace(DRAWS, sampling={key: True}).noise_only
    assert not DRAWS.noise_only


def test_yes_is_no_number_and_one_is_no_yes() -> None:
    for key, value in (("fixed_size", 1), ("stride", True)):
        with pytest.raises(ModelError, match=key):
            Card.from_json(changed(lambda card, key=key, value=value: card.update({key: value})))


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", "{" * 10_000, '{"name": NaN}', "\x00"])
def test_what_is_no_card_is_refused(text: str) -> None:
    with pytest.raises(ModelError, match=r"attic\.onnx"):
        Card.from_json(text, where="attic.onnx")
