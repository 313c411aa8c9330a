"""Restorers that make up details: what the discriminator sees, what counts, and what the file says of itself."""

import dataclasses
import json

import pytest
import torch
from training_files import picture_folder, tiny_config

from sfumato.errors import UsageError
from sfumato.learn.training.launch import export_run
from sfumato.learn.training.objectives import objective_for
from sfumato.learn.training.objectives.sharpening import RISING
from sfumato.learn.training.recipes import RECIPES
from sfumato.learn.training.trainer import train
from sfumato.models.card import Card
from sfumato.models.engine import load

SHARP = [name for name, made in RECIPES.items() if made().objective == "sharpening"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return picture_folder(tmp_path_factory.mktemp("data"))


def small(recipe, data, **changes):
    plain = RECIPES[recipe]()
    tiny = (
        {"widths": (6, 8, 8, 10), "blocks": (1, 1, 1, 1)} if plain.family == "gated-unet" else {"width": 8, "blocks": 1}
    )
    told = {
        name: getattr(plain, name) for name in ("name", "family", "objective", "degradation", "loss", "val_protocols")
    }
    model = {key: value for key, value in plain.model.items() if key == "scale"} | tiny
    return dataclasses.replace(tiny_config(data, model=model), **told | changes)


def batch_of(scale=1, size=32):
    draw = torch.Generator().manual_seed(0)
    x = torch.rand(2, 3, size, size, generator=draw)
    level = torch.zeros(2, 1, size, size)
    level[:, :, 8:20, 4:16] = 1
    y = torch.nn.functional.avg_pool2d(x, scale) if scale > 1 else x * (1 - level)
    return {"x": x, "y": y, "level": level}


@pytest.mark.parametrize("recipe", SHARP)
def test_the_discriminator_learns_to_tell_results_from_pictures(recipe, data):
    objective = objective_for(small(recipe, data))
    batch = batch_of(objective.restorer.scale)
    judge = objective.networks["discriminator"]
    stepper = torch.optim.Adam(judge.parameters(), 1e-3)
    losses = []
    for _ in range(30):
        (loss,) = objective.losses("discriminator", objective.networks, batch).values()
        stepper.zero_grad()
        loss.backward()
        stepper.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]
    assert all(p.grad is None for p in objective.restorer.parameters()), "its turn trains the discriminator alone"


@pytest.mark.parametrize("recipe", SHARP)
def test_the_adversarial_term_rises_and_reaches_the_restorer(recipe, data):
    objective = objective_for(small(recipe, data))
    batch, found = batch_of(objective.restorer.scale), []
    for fraction in (0.0, RISING / 2, RISING, 1.0):
        objective.fraction = fraction
        found.append(objective.losses("restorer", objective.networks, batch)["adversarial"].item())
    assert found[0] == 0
    assert found[1] == pytest.approx(found[2] / 2, rel=1e-4)
    assert found[3] == found[2] != 0
    objective.losses("restorer", objective.networks, batch)["adversarial"].backward()
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in objective.restorer.parameters())


def test_of_a_picture_with_holes_only_what_shows_them_counts(data):
    objective = objective_for(small("inpaint-sharp", data))
    scores = torch.zeros(2, 1, 8, 8)
    scores[:, :, 2:5, 1:4] = 3  # the cells of the hole in batch_of
    assert objective._mean(scores, batch_of()).item() == 3
    nothing = batch_of() | {"level": torch.zeros(2, 1, 32, 32)}
    assert objective._mean(scores, nothing).item() == 0


def test_wrong_options_are_refused(data):
    for options in ({"adversarial": -1.0}, {"scales": 4}, {"teacher": "inpaint"}):
        with pytest.raises(UsageError, match="scales is from 1 to 3"):
            objective_for(small("inpaint-sharp", data, options=options))


def test_its_file_says_that_it_invents_and_others_say_nothing(data, tmp_path):
    train(small("upscale-4x-sharp", data, steps=2), tmp_path / "sharp")
    card = load(export_run(tmp_path / "sharp")).card
    assert card.invents
    assert Card.from_json(card.to_json()) == card
    faithful = load("upscale-4x").card
    assert not faithful.invents
    assert "invents" not in json.loads(faithful.to_json())
