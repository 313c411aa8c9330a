"""A command line that runs in this process, in a folder with a small model file."""

from pathlib import Path

import model_files
import pytest
from command_line import Ran, Run

from sfumato.interfaces.cli import main


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run one command as the shell would: exit status, stdout, stderr."""

    def run(*arguments: str | Path) -> Ran:
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Ran(status, captured.out, captured.err)

    return run


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory that holds the model file level.onnx: y minus a tenth of the noise level."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "level.onnx").write_bytes(model_files.level_identity())
    return tmp_path
