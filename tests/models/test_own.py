"""Model files in a folder of one's own go by their names; shipped names stay those of the package."""

from pathlib import Path

import model_files
import pytest
from command_line import Run

from sfumato import load
from sfumato.errors import ModelError, UsageError
from sfumato.interfaces.service.catalog import Catalog


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("mine.onnx", "theirs.sfumato.onnx", "denoise-fast.onnx"):
        (tmp_path / name).write_bytes(model_files.plain())
    (tmp_path / "broken.onnx").write_bytes(b"nothing")
    monkeypatch.setenv("SFUMATO_MODELS", str(tmp_path))
    return tmp_path


def test_names_are_known_everywhere(folder: Path, run: Run) -> None:
    assert load("mine").card.name == load("theirs").card.name == "plain"
    assert load("denoise-fast").card.name == "denoise-fast"
    assert {"mine", "theirs", "broken"} < set(Catalog.of(None).paths)
    assert "plain" in run("info", "theirs").out
    with pytest.raises(ModelError, match="is 'theirs' meant"):
        load("their")
    with pytest.raises(ModelError, match="is no ONNX model"):
        load("broken")


def test_they_are_listed_with_what_is_wrong(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for ran in (run("models"), run("models", "--dir", folder)):
        assert ran.status == 0
        assert ran.out.index("theirs") < ran.out.index("denoise-fast")
        assert "is no ONNX model" in ran.out
    monkeypatch.delenv("SFUMATO_MODELS")
    assert "theirs" not in run("models").out


def test_a_folder_that_is_not_there(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    monkeypatch.setenv("SFUMATO_MODELS", "nowhere")
    with pytest.raises(UsageError, match="is no folder"):
        load("mine")
    assert run("models", "--dir", "nowhere").status == 2
