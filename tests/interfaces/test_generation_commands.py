"""`sfumato evaluate --protocol generation` and `sfumato train auto`, as they are typed."""

import json

import known_generators
import numpy as np
import pytest
import torch
from generator_files import drawing_from, flat_features, noise_pictures, write_pictures

from sfumato.learn.training.objectives import generation as drawing
from sfumato.models.engine import load


@pytest.fixture
def place(tmp_path, monkeypatch):
    """DATA with 24 pictures, TEST with others, a generator that repeats DATA, and pixels as features."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    pictures = noise_pictures(24, 0)
    write_pictures(tmp_path / "DATA", pictures)
    write_pictures(tmp_path / "TEST", noise_pictures(12, 1))
    (tmp_path / "copies.onnx").write_bytes(drawing_from(pictures))
    flat_features(tmp_path / "pixels.onnx")
    return tmp_path


def test_a_generator_is_measured(place, run):
    command = ["evaluate", "copies.onnx", "--data", "DATA", "--val", "TEST", "--protocol", "generation"]
    ran = run(*command, "--features", "pixels.onnx", "--num", "15", "--seed", "3", "--sheet", "sheet.png")
    assert ran.status == 0, ran.err
    for words in ("15 pictures of 12x8, RGB, seed 3, against 12 pictures of TEST", "pixels.onnx", "near-copies 100.0%"):
        assert words in ran.out
    assert (place / "sheet.png").exists()
    ran = run(*command, "--features", "pixels.onnx", "--sheet", "sheet.png")
    assert ran.status == 1
    assert "sheet.png exists already" in ran.err


def test_a_likelihood_is_measured_beside_other_figures(place, run):
    (place / "vae.onnx").write_bytes(known_generators.vae())
    command = ["evaluate", "vae.onnx", "--data", "DATA", "--val", "TEST", "--label", "folder", "--samples", "4"]
    for name in ("DATA", "TEST"):
        (place / name).rename(place / "rose")
        (place / name).mkdir()
        (place / "rose").rename(place / name / "rose")
    generation = ("--protocol", "generation", "--features", "pixels.onnx", "--num", "10")
    flat_features(place / "pixels.onnx", channels=1)
    ran = run(*command, "--protocol", "likelihood", *generation)
    assert ran.status == 0, ran.err
    for words in ("10 pictures of TEST, 12x8, grey, classes by folder", "weighted with 4 samples", "near-copies"):
        assert words in ran.out


@pytest.mark.parametrize(
    ("more", "status", "says"),
    [
        (["--protocol", "gaussian:25", "--num", "20"], 2, "--num goes with --protocol generation or likelihood only"),
        (["--protocol", "gaussian:25", "--val", "TEST"], 2, "--val goes with --protocol generation or likelihood only"),
        (["--protocol", "generation", "--samples", "5"], 2, "--samples goes with --protocol likelihood only"),
        (["--protocol", "likelihood", "--steps", "5"], 2, "--steps goes with --protocol generation only"),
        (["--protocol", "generation", "--perceptual"], 2, "--perceptual goes with a protocol of damage only"),
        (["--protocol", "likelihood", "--ensemble"], 2, "--ensemble goes with a protocol of damage only"),
        (["--protocol", "likelihood"], 1, "has no likelihood"),
        (["--protocol", "generations"], 2, "generations"),
        ([], 2, "or generation, or likelihood"),
        (["--protocol", "generation", "--num", "3"], 2, "-n 3"),
        (["--protocol", "generation", "--features", "none.onnx"], 2, "neither lite0"),
        (["--protocol", "generation", "--features", "pixels.onnx", "--label", "folder"], 2, "without classes"),
        (["--protocol", "generation", "--features", "pixels.onnx", "--val", "nowhere"], 1, "nowhere does not exist"),
    ],
)
def test_mistakes_are_one_sentence(more, status, says, place, run):
    ran = run("evaluate", "copies.onnx", "--data", "DATA", *more)
    assert (ran.status, len(ran.err.splitlines())) == (status, 1), ran.err
    assert says in ran.err


def test_auto_says_what_it_saw_and_why_and_its_command_gives_the_same_run(place, run):
    ran = run("train", "auto", "--data", "DATA", "--time", "3m", "--dry-run")
    assert ran.status == 0, ran.err
    config = json.loads(ran.out)
    assert (config["family"], config["model"]["size"]) == ("gan", [8, 12])
    assert config["seconds"] * (1 + config["restorer"]) == pytest.approx(180, abs=0.1), (
        "the restorer's share is within the time"
    )
    for words in ("24, about 24 different ones", "12 px wide, 8 px high", "relativistic GAN", "3 min, at about"):
        assert words in ran.err
    command = next(line for line in ran.err.splitlines() if line.startswith("the same by")).split()[3:]
    assert command[:4] == ["sfumato", "train", "gan", "--data"]
    again = run(*command[1:], "--dry-run")
    assert json.loads(again.out) == config
    assert not (place / "runs").exists()


def test_auto_trains_what_it_chose(place, run, monkeypatch):
    class Pixels:
        name = "pixels"

        def __call__(self, pictures):
            return torch.as_tensor(np.asarray(pictures)).float().flatten(1).numpy()

    monkeypatch.setattr(drawing, "lite0", Pixels)
    settings = ["steps=2", "batch=4", "num_drawn=10", "threads=1"]
    ran = run("train", "auto", "--data", "DATA", "--run", "mine", *(p for s in settings for p in ("--set", s)))
    assert ran.status == 0, ran.err
    assert ran.out.strip() == "mine/model.onnx"
    assert load("mine/model.onnx").card.family == "gan"


def test_auto_refuses_what_nothing_can_be_learned_from(place, run):
    write_pictures(place / "two", noise_pictures(2, 0))
    (place / "empty").mkdir()
    for data, says in (("two", "2 different readable pictures"), ("empty", "holds no pictures"), ("none", "not exist")):
        ran = run("train", "auto", "--data", data)
        assert ran.status == 1
        assert says in ran.err.splitlines()[-1]
        assert "Traceback" not in ran.err
    ran = run("train", "auto", "--data", "DATA", "--from", "copies.onnx")
    assert ran.status == 2
    assert "name the recipe" in ran.err
    assert not (place / "runs").exists()


@pytest.mark.parametrize(
    ("data", "more", "status", "says"),
    [
        ("empty", [], 1, "empty holds no pictures"),
        ("broken", [], 1, "None of the 2 picture files in broken can be read; the first: a.png"),
        ("one", ["label=folder"], 2, "gives one class only, 'cat'; leave label out"),
        ("DATA", ["model.size=[9,9]"], 2, "multiples of"),
        ("DATA", ["model.size=[0,8]"], 2, "size needs a height and a width"),
        ("DATA", ["model.size=[8]"], 2, "size"),
        ("DATA", ["model.channels=7"], 2, "channels is 7; pictures have 1 (grey)"),
    ],
)
def test_what_no_generator_can_be_trained_on_is_one_sentence(data, more, status, says, place, run):
    (place / "empty").mkdir()
    write_pictures(place / "one" / "cat", noise_pictures(6, 0))
    (place / "broken").mkdir()
    for name, content in (("a.png", b"no picture"), ("b.png", b"")):
        (place / "broken" / name).write_bytes(content)
    settings = ["steps=1", "threads=1", "model.size=[8,12]", "model.widths=[6,8]", *more]
    ran = run("train", "gan", "--data", data, "--run", "mine", *(p for s in settings for p in ("--set", s)))
    assert ran.status == status, ran.err
    assert "Traceback" not in ran.err
    assert says in ran.err.splitlines()[-1]
