"""Runs that learn captions and outlines: what they say in words comes out, of words that they never saw, too."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from sfumato import Picture
from sfumato.errors import TrainingError, UsageError
from sfumato.generation.generate import generate
from sfumato.learn.catalog import create
from sfumato.learn.export import rebuild
from sfumato.learn.training import launch
from sfumato.learn.training.auto import choose
from sfumato.learn.training.examination import examine
from sfumato.learn.training.transfer import load_weights
from sfumato.models import zoo
from sfumato.models.engine import Engine

SIDE = 8
COLOURS = {"red": (230, 20, 20), "green": (20, 200, 40), "blue": (20, 40, 230)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Transparent pictures of one colour above or below: named by colour and place, all but "blue above"."""
    folder = tmp_path_factory.mktemp("colours")
    rng, rows = np.random.default_rng(0), []
    for i in range(120):
        colour, place = list(COLOURS)[i % 3], ("above", "below")[i // 3 % 2]
        pixels = np.zeros((SIDE, SIDE, 4), np.uint8)
        rows_of = slice(0, SIDE // 2) if place == "above" else slice(SIDE // 2, SIDE)
        pixels[rows_of] = (*COLOURS[colour], 255)
        pixels[rows_of, :, :3] = (pixels[rows_of, :, :3] + rng.integers(-15, 15, (1, 1, 3))).clip(0, 255)
        if (colour, place) != ("blue", "above"):
            Image.fromarray(pixels).save(folder / f"{i}.png")
            rows.append({"file_name": f"{i}.png", "caption": f"{colour} {place}", "kind": place})
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder


SMALL = ["model.size=[8,8]", "model.channels=4", "model.widths=[16,24]", "model.patch=1", "model.text=[12,16]"]
SMALL += ["model.attention=[1]", "batch=16", "save_every=1000", "num_drawn=10", "condition=[text,layout]"]


@pytest.mark.slow
def test_a_run_learns_what_captions_say(folder, tmp_path):
    settings = [*SMALL, "steps=250", "lr=0.01", "validate_every=1000", "threads=1", "workers=0"]
    config = launch.configure("flow", data=str(folder), settings=settings)
    assert config.model["silhouette"] == 1
    outcome = launch.start(config, tmp_path / "run")
    record = json.loads((tmp_path / "run" / "log.jsonl").read_text().splitlines()[-2])
    assert record["velocity"] < 0.6
    engine = Engine(outcome.model, threads=1)
    assert [port.kind for port in engine.card.inputs] == ["picture", "time", "text", "silhouette"]
    for text, colour, place in (
        ("red above", "red", "above"),
        ("green below", "green", "below"),
        ("rd abve", "red", "above"),  # words that it never saw, but for their parts
        ("GREAN belw", "green", "below"),
        ("blue above", "blue", ""),  # it saw blue below only
    ):
        made = generate(engine, 8, text=text, guidance=2.0, steps=8)
        alpha = np.stack([picture.alpha() for picture in made.pictures])
        colours = np.stack([picture.array() for picture in made.pictures]) * alpha[..., None]
        channel = list(COLOURS).index(colour)
        assert (colours.sum(axis=(1, 2)).argmax(1) == channel).mean() >= 0.75, text
        up, down = alpha[:, : SIDE // 2].mean(), alpha[:, SIDE // 2 :].mean()
        assert not place or (up > down) == (place == "above"), text


def test_a_short_run_makes_a_file_that_takes_words_and_outline(folder, tmp_path):
    own = [text for text in SMALL if "patch" not in text and "attention" not in text]
    own += ["model.fine=4", "model.code=4", "model.flow_widths=[8]", "steps=3", "options.perceptual=0"]
    outcome = launch.start(launch.configure("latent-flow", data=str(folder), settings=own), tmp_path / "run")
    engine = Engine(outcome.model, threads=1)
    kinds = [port.kind for port in engine.card.inputs]
    assert kinds[-2:] == ["text", "silhouette"]
    command = engine.card.training["command"]
    assert '--set condition=["text","layout"]' in command
    assert "silhouette" not in command
    outline = Picture.open(folder / "0.png")
    one, other = (generate(engine, 1, steps=2, text=text, layout=outline) for text in ("red above", "blue"))
    assert not np.array_equal(one.pictures[0].array(), other.pictures[0].array())


def test_auto_learns_the_captions_that_it_finds(folder):
    seen = examine(str(folder))
    assert seen.num_captioned == seen.num_pictures == 100
    choice = choose(seen, "10m", device="cpu", rate=lambda _: 100.0, shipped=())
    assert choice.recipe == "flow"
    assert "condition=[text]" in choice.settings
    assert any("100 of 100 pictures have captions" in reason for reason in choice.reasons)
    assert choice.configure(str(folder)).model["text"]
    silent = choose(replace(seen, num_captioned=40), "10m", device="cpu", rate=lambda _: 100.0, shipped=())
    assert silent.recipe == "gan"
    assert "condition=[text]" not in silent.settings


def test_a_flow_begins_with_the_weights_of_one_without_conditions():
    lender = rebuild(zoo.path("mnist-flow")).eval()
    network = create("flow", vars(lender.config) | {"text": (6, 8), "silhouette": 1}).eval()
    load_weights(network, "flow", "mnist-flow")
    own, lent = network.state_dict(), lender.state_dict()
    assert all(torch.equal(own[name], value) for name, value in lent.items())
    x, t, label = torch.randn(3, 1, 28, 28), torch.rand(3, 1), torch.eye(10)[[1, 4, 8]]
    nothing = network(x, t, label, torch.zeros(3, 128), torch.zeros(3, 2, 28, 28))
    torch.testing.assert_close(nothing, network(x, t, label), rtol=0, atol=1e-4)


def test_conditions_that_cannot_be_learned_are_refused_in_a_sentence(folder, tmp_path):
    def configured(recipe, *settings):
        return launch.configure(recipe, data=str(folder), settings=["steps=1", *settings])

    with pytest.raises(UsageError, match="condition is for the families flow, latent-flow; gan takes none"):
        configured("gan", "condition=[text]")
    with pytest.raises(UsageError, match=r"no condition of a training 'txt'\. Did you mean 'text'"):
        configured("flow", "condition=txt")
    with pytest.raises(UsageError, match=r"layout is the outline of transparent pictures: model.channels=4"):
        configured("flow", "condition=layout")
    with pytest.raises(UsageError, match="caption says where they are; ask for them"):
        configured("flow", "caption=name")
    with pytest.raises(TrainingError, match="no picture has a caption"):
        configured("flow", "condition=text", "caption=nothing")
    with pytest.raises(UsageError, match="text is one to five widths"):
        configured("flow", "condition=text", "model.text=[1,1,1,1,1,1]")
