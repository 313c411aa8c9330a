"""What tests of several folders share: a command line that runs in this process, and exports that cost less."""

import functools
import sys
from pathlib import Path

import model_files
import pytest
from command_line import Ran, Run

from sfumato.interfaces.cli.main import main


@pytest.fixture(autouse=True)
def _operators_of_the_exporter_are_read_once() -> None:
    """Keep the exporter's table of ONNX operators, for which it parses the source of 500 functions: 2 s a network."""
    module = sys.modules.get("torch.onnx._internal.exporter._registration")
    if module is not None and not hasattr(module.ONNXRegistry.from_torchlib, "cache_info"):
        module.ONNXRegistry.from_torchlib = staticmethod(functools.cache(module.ONNXRegistry.from_torchlib))


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
