"""The run half works without torch, starts in a blink, and has the public names that the documentation speaks of."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "sfumato"
RUN_HALF = sorted(path for path in PACKAGE.rglob("*.py") if "learn" not in path.relative_to(PACKAGE).parts)
LEARN_LIBRARIES = {
    "torch",
    "spandrel",
    "onnx",
    "onnxscript",
    "accelerate",
    "torchmetrics",
    "safetensors",
    "tensorboard",
}

# A fresh interpreter in which importing any library of the learn half fails, as it does where only the run half is
# installed; what follows runs in it.
WITHOUT_LEARN_LIBRARIES = f"""
import sys
for name in {sorted(LEARN_LIBRARIES)!r}:
    sys.modules[name] = None
"""


def imported_names(path: Path) -> set[str]:
    """Top-level names of the absolute imports anywhere in a file, those inside functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("path", RUN_HALF, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_run_half_never_imports_the_learn_libraries(path: Path) -> None:
    assert not imported_names(path) & LEARN_LIBRARIES


def in_fresh_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_picture_is_restored_without_torch(tmp_path: Path) -> None:
    in_fresh_python(
        WITHOUT_LEARN_LIBRARIES
        + f"""
import numpy as np, sfumato
y = np.random.default_rng(0).normal(0.5, 0.1, (40, 56, 3)).clip(0, 1)
restored = sfumato.restore(sfumato.Picture.from_array(y), noise=25)
restored.save({str(tmp_path / "out.png")!r})
"""
    )
    assert (tmp_path / "out.png").stat().st_size > 0


def test_every_command_shows_its_help_without_torch() -> None:
    text = in_fresh_python(
        WITHOUT_LEARN_LIBRARIES
        + """
from sfumato.interfaces.cli.main import main
assert main(["--help"]) == 0
for command in ("restore", "generate", "serve", "models", "info", "train", "evaluate", "export", "import"):
    assert main([command, "--help"]) == 0, command
"""
    )
    for word in ("--strength", "--protocol", "--resume"):
        assert word in text


def test_importing_sfumato_or_its_command_line_loads_nothing_heavy() -> None:
    loaded = in_fresh_python("import sys, sfumato.interfaces.cli.main; print(*sys.modules, sep='\\n')").split()
    heavy = {"numpy", "onnxruntime", "pyvips", "rich.progress", *LEARN_LIBRARIES}
    assert not heavy & set(loaded)


TIMED = """
import atexit, sys, time
atexit.register(lambda: print(time.process_time(), file=sys.stderr))
"""


def best_times(*programs: str, repeats: int = 5) -> list[float]:
    """Seconds of a core that a fresh interpreter takes for each, less those of an empty one; the best of several runs.

    They take turns, so that a machine that is slow for a while is so for all of them.
    """
    found: list[list[float]] = []
    for _ in range(repeats):
        found.append([])
        for program in ("", *programs):
            done = subprocess.run([sys.executable, "-c", TIMED + program], capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, done.stderr
            found[-1].append(float(done.stderr.split()[-1]))
    empty, *best = (min(times) for times in zip(*found, strict=True))
    return [seconds - empty for seconds in best]


# Beside what any program must wait for that computes, or that prints such a help: 0.1 and 1.8 times as long as of now.
@pytest.mark.parametrize(
    ("program", "beside", "limit"),
    [
        ("import sfumato", "import numpy", 0.5),
        (
            "from sfumato.interfaces.cli.main import main; main(['--help'])",
            "import typer, rich.console, rich.panel, rich.table",
            3.0,
        ),
    ],
    ids=["import", "help"],
)
def test_start_up_takes_little_beside_that_of_libraries(program: str, beside: str, limit: float) -> None:
    own, other = best_times(program, beside)
    assert own < limit * other


def test_public_names() -> None:
    import sfumato

    assert set(sfumato.__all__) == {
        *("Picture", "ask", "generate", "interpolate", "load", "merge", "reconstruct", "restore"),
        *("restore_video", "sample", "vary"),
    }
    for name in sfumato.__all__:
        value = getattr(sfumato, name)
        assert callable(value), name
        assert value.__doc__, name
    with pytest.raises(AttributeError, match="no_such_name"):
        sfumato.no_such_name  # noqa: B018
