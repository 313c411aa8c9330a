"""Every shipped model file is complete: a card that says where it comes from, and a page that says the same."""

import subprocess
import sys
from pathlib import Path

import pytest

from sfumato import load
from sfumato.errors import ModelError
from sfumato.models import zoo

ESTIMATORS = "noise-level", "jpeg-quality", "blur-kernel"  # work within other models' steps, in cells or crops


def test_the_list_and_the_two_folders_agree() -> None:
    second = zoo.path("emoji").parent
    assert second != zoo.FOLDER
    assert {path.stem for path in second.glob("*.onnx")} == zoo.IN_SECOND_PACKAGE
    assert {path.stem for path in zoo.FOLDER.glob("*.onnx")} == set(zoo.SHIPPED) - zoo.IN_SECOND_PACKAGE
    assert zoo.installed() == zoo.SHIPPED


def test_restoring_needs_the_first_package_alone_but_for_colours() -> None:
    chosen = {*zoo.FOR_TASK.values(), *zoo.UPSCALERS.values(), *zoo.ROBUST_UPSCALERS.values()}
    assert chosen & zoo.IN_SECOND_PACKAGE == {"colorize", "deblur"}
    assert all(load(name).card.task != "generate" for name in chosen)
    assert next(name for name in zoo.SHIPPED if load(name).card.task == "generate") not in zoo.IN_SECOND_PACKAGE


def test_a_model_that_is_not_installed_is_named_with_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(zoo, "SECOND_PACKAGE", "no_such_package")
    with pytest.raises(ModelError, match=r"'emoji' is not installed; .*`pip install \./packages/sfumato-models`"):
        load("emoji")
    assert zoo.installed() == tuple(name for name in zoo.SHIPPED if name not in zoo.IN_SECOND_PACKAGE)
    monkeypatch.setattr(zoo, "FOLDER", tmp_path)
    with pytest.raises(ModelError, match=r"'clean' is not installed; .*`pip install --force-reinstall \.`"):
        load("clean")
    assert zoo.installed() == ()


def test_the_second_package_is_found_without_being_imported() -> None:
    code = (
        "import sys\nfrom sfumato.models import zoo\n"
        "assert zoo.path('emoji').is_file()\nassert zoo.SECOND_PACKAGE not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", zoo.SHIPPED)
def test_card_is_complete(name: str) -> None:
    card = load(name).card
    assert card.name == name
    assert card.summary
    assert card.licence
    assert card.macs_per_pixel > 0
    assert card.num_parameters > 0
    for key in ("data", "data_licence", "steps", "seconds", "command", "commit"):
        assert card.training.get(key), f"{name} does not say its training's {key}"
    assert card.scores
    for row in card.scores:
        assert set(row) >= {"data", "protocol", "metric", "value"}
    if card.task not in ESTIMATORS:
        speed = "pictures a second" if card.task == "generate" else "megapixels a second"
        assert [row["value"] > 0 for row in card.scores if row["metric"] == speed] == [True], f"{name}: no speed"


@pytest.mark.parametrize("name", zoo.SHIPPED)
def test_page_speaks_of_this_file(name: str) -> None:
    card, page = load(name).card, zoo.path(name).with_suffix(".md").read_text(encoding="utf-8")
    assert card.summary in page
    assert card.licence in page
    for row in card.scores:
        assert str(row["value"]) in page
