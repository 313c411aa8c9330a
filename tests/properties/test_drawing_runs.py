"""Every recipe that draws or judges pictures: a few steps on a small folder, stopped and gone on with, and its file."""

import shutil

import numpy as np
import pytest
import pyvips
import torch
from safetensors.torch import load_file

from sfumato.errors import TrainingError, UsageError
from sfumato.generate import generate
from sfumato.learn.data.augmentation import AUGMENTATIONS, augment
from sfumato.learn.training import launch, objectives
from sfumato.learn.training.listeners import Listener
from sfumato.learn.training.muon import orthogonal
from sfumato.learn.training.objectives import drawing
from sfumato.learn.training.recipes import RECIPES
from sfumato.learn.training.trainer import train

STEPS = 4
DRAWN = [name for name, recipe in RECIPES.items() if recipe().objective not in ("restoration", "noise-level")]


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    """Discs and squares in folders of their names, transparent outside, of mixed sizes."""
    folder = tmp_path_factory.mktemp("shapes")
    draw = np.random.default_rng(0)
    for kind in ("disc", "square"):
        (folder / kind).mkdir()
        for number in range(12):
            side = int(draw.integers(12, 30))
            rows, columns = np.mgrid[0:side, 0:side] - side / 2
            inside = np.hypot(rows, columns) < side / 3 if kind == "disc" else np.maximum(rows, columns) < side / 4
            pixels = np.zeros((side, side, 4), np.uint8)
            pixels[inside] = [*draw.integers(0, 255, 3), 255]
            pyvips.Image.new_from_array(pixels).write_to_file(str(folder / kind / f"{number}.png"))
    return folder


@pytest.fixture(autouse=True)
def plain_features(monkeypatch):
    """Features that need no network: the pictures themselves, reduced. What is tested is the loop."""

    class Reduced:
        name = "means of 4x4 cells"

        def __call__(self, pictures):
            x = torch.as_tensor(np.asarray(pictures)).float()
            return torch.nn.functional.adaptive_avg_pool2d(x, 4).flatten(1).numpy()

    monkeypatch.setattr(drawing, "lite0", Reduced)


def configured(name, shapes, *more):
    narrow = {"widths": "[6,8]"} if "widths" in RECIPES[name]().model else {"hidden": "[12,8]"}
    settings = {"model.size": "[8,12]", "model.channels": "4"} | {f"model.{k}": v for k, v in narrow.items()}
    if name == "flow":
        settings |= {"model.attention": "[1]"}
    settings |= {"steps": str(STEPS), "batch": "4", "label": "folder", "num_drawn": "10", "precision": "fp32"}
    settings |= {"threads": "1", "validate_every": "2", "save_every": "1", "log_every": "1"}
    pairs = [f"{key}={value}" for key, value in settings.items()]
    return launch.configure(name, data=str(shapes), settings=[*pairs, *more])


@pytest.mark.parametrize("name", DRAWN)
def test_a_run_ends_in_a_file_that_draws_and_a_report(name, shapes, tmp_path):
    outcome = launch.start(configured(name, shapes), tmp_path / "run")
    assert outcome.step == STEPS
    if name != "classifier":
        assert len(generate(outcome.model, 3, label="square").pictures) == 3
    assert "held out" in (tmp_path / "run" / "report.md").read_text()


@pytest.mark.parametrize("name", DRAWN)
def test_a_run_that_was_cut_off_goes_on_to_the_bit(name, shapes, tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    train(configured(name, shapes), whole)

    class PowerCut(Listener):
        def logged(self, record):
            if record["step"] == 3:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(configured(name, shapes), cut, listeners=[PowerCut()])
    train(configured(name, shapes), cut, resume=True)
    one, other = (load_file(next(run.glob("state-*.safetensors"))) for run in (whole, cut))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[key], other[key]) for key in one)


def test_labels_that_tell_nothing_apart_are_refused(shapes, tmp_path):
    shutil.copytree(shapes / "disc", tmp_path / "disc")
    with pytest.raises(UsageError, match="one class only"):
        configured("gan", tmp_path)
    with pytest.raises(TrainingError, match="lies in no folder that names it"):
        configured("gan", shapes / "disc")


def test_copies_of_training_pictures_raise_the_alarm_and_new_ones_do_not(shapes, tmp_path):
    config = configured("gan", shapes)
    objective = objectives.objective_for(config)
    real, known = np.random.default_rng(0).standard_normal((2, 60, 8)).astype(np.float32)
    figures = {"kid": 10.0, "precision": 1.0, "recall": 1.0}
    objective.real, objective.known = real, known
    assert "memorization" in objective._alarm(figures | {"near_copies": 0.5})
    assert not objective._alarm(figures | {"near_copies": 0.01})
    assert "collapse" in objective._alarm(figures | {"near_copies": 0.01, "kid": 300.0})


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_augmentations_pass_gradients_and_can_be_left_out(name, channels):
    torch.manual_seed(0)
    x = torch.rand(5, channels, 16, 12, requires_grad=True)
    assert torch.equal(augment(x, 0.0, (name,)), x)
    changed = augment(x, 1.0, (name,))
    assert changed.shape == x.shape
    assert not torch.equal(changed, x)
    changed.sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0


@pytest.mark.parametrize("shape", [(8, 8), (6, 20), (20, 6)])
def test_muon_makes_singular_values_nearly_equal(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonal(matrix))
    assert values.min() > 0.3
    assert values.max() < 1.4
