"""What tests of several folders share: one precision, a command line in this process, exports that cost less."""

import functools
import gc
import os
import signal
import sys
import threading
from pathlib import Path

import model_files
import pytest
from command_line import Ran, Run

from sfumato.interfaces.cli.main import main

# By itself a run takes the precision that is quick on the CPU it finds, and the tests would check another one on each.
# Both are checked where a test says so; `SFUMATO_PRECISION=bf16 make test` has all the others in the other one.
os.environ.setdefault("SFUMATO_PRECISION", "fp32")
# Shells start what runs in the background deaf to Ctrl-C, and what a test starts would be, too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)


# Files that take longest; one that came last would leave the other cores idle.
LONGEST = ("learn/test_families.py", "video/test_scenes.py", "docs/test_commands.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first; the others stay in the order of their folders."""
    places = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(LONGEST)))


def pytest_collection_finish() -> None:
    """What all tests have imported stays to the end; to look through it for garbage takes a tenth of an export."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _operators_of_the_exporter_are_read_once() -> None:
    """Keep the exporter's table of ONNX operators, for which it parses the source of 500 functions: 2 s a network."""
    module = sys.modules.get("torch.onnx._internal.exporter._registration")
    if module is not None and not hasattr(module.ONNXRegistry.from_torchlib, "cache_info"):
        module.ONNXRegistry.from_torchlib = staticmethod(functools.cache(module.ONNXRegistry.from_torchlib))


@pytest.fixture(autouse=True)
def _sizes_are_asked_once_whether_they_are_numbers() -> None:
    """The exporter asks it of each size of each tensor, again and again: a tenth of its time."""
    module = sys.modules.get("sympy.core.expr")
    if module is not None and not hasattr(module.Expr.is_number.fget, "cache_info"):
        module.Expr.is_number = property(functools.lru_cache(1 << 14)(module.Expr.is_number.fget))


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


@pytest.fixture(autouse=True)
def _a_graph_is_traced_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    """In whichever worker needs it first; the others find it in the folder that all of this run's workers have."""
    if "torch" not in sys.modules:
        return  # nothing here that could export; and to load it takes seconds
    from sfumato.learn import export as module

    if not hasattr(module.to_onnx, "__self__"):
        from traced_graphs import TracedGraphs

        own = tmp_path_factory.getbasetemp()
        shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
        graphs = TracedGraphs(Path(shared) / "traced-graphs", module.to_onnx, module.bytes_per_pixel)
        module.to_onnx, module.bytes_per_pixel = graphs.to_onnx, graphs.bytes_per_pixel
