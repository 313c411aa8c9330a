"""A generator's run that fine-tunes a restorer besides: one file, stopped and gone on with, on any kind of folder."""

import dataclasses

import numpy as np
import pytest
import pyvips
import torch
from training_files import picture_folder

from sfumato import generate, restore
from sfumato.errors import TrainingError, UsageError
from sfumato.learn.export import read_weights
from sfumato.learn.joining import joined
from sfumato.learn.training import launch, own_restorer
from sfumato.learn.training.objectives import generation, objective_for
from sfumato.learn.training.stores import stores
from sfumato.learn.training.transfer import load_weights
from sfumato.models import zoo
from sfumato.models.engine import Engine, read_file

SMALL = ["model.size=[16,16]", "model.widths=[6,8]", "batch=4", "steps=3", "num_drawn=10", "restorer=0.7"]


@pytest.fixture(autouse=True)
def quick(tmp_path, monkeypatch):
    """A cache of its own, and features that need no network."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(generation, "lite0", Means)


class Means:
    name = "means of rows"

    def __call__(self, pictures):
        return np.asarray(pictures, np.float32).mean(3).reshape(len(pictures), -1)


def configured(folder, *settings, recipe="gan"):
    return launch.configure(recipe, data=str(folder), settings=[*SMALL, "threads=1", "precision=fp32", *settings])


def test_mixed_grey_and_transparent_pictures_give_one_file(tmp_path, monkeypatch):
    folder = picture_folder(tmp_path / "data", 8)
    outcome = launch.start(configured(folder, "model.channels=4"), tmp_path / "run")
    assert outcome.model == tmp_path / "run" / "model.onnx"
    engine = Engine(outcome.model, threads=1)
    assert generate(engine, 1).pictures[0].has_alpha
    own = engine.card.restorer
    assert own.training["started_from"] == "denoise-fast"
    assert own.training["steps"] == 2
    assert {f"psnr_gaussian:{level}" for level in (15, 25, 50)} <= own.training["validation"].keys()
    y = np.random.default_rng(0).random((24, 30), np.float32)
    assert not np.array_equal(restore(y, model=engine, noise=25).picture.array(), y)
    assert (tmp_path / "run" / "restorer" / "report.md").exists()


def test_a_run_stopped_within_the_restorer_goes_on_there(tmp_path, monkeypatch):
    run, config = tmp_path / "run", configured(picture_folder(tmp_path / "data", 4))
    trained = launch.train

    def stopped(own, folder, **options):
        if folder.name == own_restorer.FOLDER:
            raise KeyboardInterrupt
        return trained(own, folder, **options)

    monkeypatch.setattr(launch, "train", stopped)
    with pytest.raises(KeyboardInterrupt):
        launch.start(config, run)
    monkeypatch.setattr(launch, "train", trained)
    assert Engine(launch.export_run(run, tmp_path / "now.onnx"), threads=1).card.restorer is None
    assert Engine(launch.resume(run).model, threads=1).card.restorer is not None


def test_both_hold_out_the_same_pictures(tmp_path):
    config = configured(picture_folder(tmp_path / "data", 12))
    held_out = []
    for one in (config, own_restorer.config_for(config)):
        train, kept = stores(one, objective_for(one))
        held_out.append(kept.names)
        assert not set(train.names) & set(kept.names)
    assert held_out[0] == held_out[1]


@pytest.mark.parametrize(("side", "patch"), [(16, 32), (48, 48), (50, 64), (256, 96)])
def test_patches_are_no_larger_than_what_is_generated(side, patch, tmp_path):
    config = configured(picture_folder(tmp_path / "data", 12))
    config = dataclasses.replace(config, model=config.model | {"size": (side, side)})
    assert own_restorer.config_for(config).patch == patch


def test_what_cannot_be_done_is_a_sentence(tmp_path):
    folder = picture_folder(tmp_path / "data", 12)
    with pytest.raises(UsageError, match="restorer is for recipes that generate pictures; denoise-fast does not"):
        launch.configure("denoise-fast", data=str(folder), settings=["restorer=0.3"])
    with pytest.raises(UsageError, match="restorer must not be negative"):
        configured(folder, "restorer=-1")
    (tmp_path / "one").mkdir()
    pyvips.Image.black(9, 9).write_to_file(str(tmp_path / "one" / "a.png"))
    (tmp_path / "one" / "broken.png").write_bytes(b"no picture")
    launch.start(configured(tmp_path / "one"), tmp_path / "run")
    (tmp_path / "none").mkdir()
    with pytest.raises(TrainingError, match="holds no pictures"):
        configured(tmp_path / "none")


def test_going_on_with_the_restorer_of_a_file(tmp_path):
    folder, file = picture_folder(tmp_path / "data", 4), tmp_path / "both.onnx"
    denoiser = zoo.path("denoise-fast")
    file.write_bytes(joined(read_file(zoo.path("mnist-gan")), read_file(denoiser)))
    config = launch.configure("denoise-fast", data=str(folder), settings=["steps=1"], start_from=str(file))
    network = objective_for(config).networks["restorer"]
    load_weights(network, config.family, str(file))
    wanted = read_weights(denoiser)[1]
    assert all(torch.equal(value, wanted[name]) for name, value in network.state_dict().items())
