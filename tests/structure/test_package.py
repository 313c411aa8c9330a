"""What a user downloads: the wheel's content and size, what it installs, and that every system can install it."""

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECOND = ROOT / "packages" / "sfumato-models"
MAX_WHEEL_BYTES = 40_000_000
MAX_SECOND_WHEEL_BYTES = 100_000_000
MAX_INSTALLED_BYTES = 260_000_000
MAX_SERVING_BYTES = 40_000_000
LEARN_ONLY = {"torch", "onnx", "onnxscript", "accelerate", "tensorboard", "matplotlib"}
# Older releases of pip take a platform by its letter, so that those below it are named too.
SYSTEMS = {
    "linux-x86_64": [f"manylinux{tag}_x86_64" for tag in ("_2_28", "_2_27", "_2_17", "2014")],
    "linux-aarch64": [f"manylinux{tag}_aarch64" for tag in ("_2_28", "_2_27", "_2_26", "_2_17", "2014")],
    "macos-arm64": ["macosx_14_0_arm64"],
    "windows": ["win_amd64"],
}


def built(project: Path, folder: Path) -> Path:
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(project)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def second_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(SECOND, tmp_path_factory.mktemp("second"))


def test_wheel_is_small_and_holds_the_package_alone(wheel: Path) -> None:
    assert wheel.stat().st_size < MAX_WHEEL_BYTES
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0] for name in names}
    assert tops == {"sfumato", next(top for top in tops if top.endswith(".dist-info"))}
    page = {".html", ".css", ".js", ".svg"}
    suffixes = {Path(name).suffix for name in names if name.startswith("sfumato/")}
    assert suffixes == {".py", ".onnx", ".md", ".typed"} | page
    assert "sfumato/py.typed" in names
    assert any(name.endswith("/licenses/LICENSE") for name in names)


def files(wheel: Path, suffix: str) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if name.endswith(suffix)}


def test_the_two_wheels_hold_every_shipped_model_once(wheel: Path, second_wheel: Path) -> None:
    from sfumato.models import zoo

    second = zoo.IN_SECOND_PACKAGE
    assert files(wheel, ".onnx") == {f"sfumato/models/zoo/{name}.onnx" for name in zoo.SHIPPED if name not in second}
    assert files(second_wheel, ".onnx") == {f"sfumato_models/{name}.onnx" for name in second}
    assert files(second_wheel, ".md") == {f"sfumato_models/{name}.md" for name in second}


def test_second_wheel_holds_files_and_asks_for_nothing(second_wheel: Path) -> None:
    assert second_wheel.stat().st_size < MAX_SECOND_WHEEL_BYTES
    assert files(second_wheel, ".py") == {"sfumato_models/__init__.py"}
    assert any(name.endswith("/licenses/LICENSE") for name in files(second_wheel, "LICENSE"))
    project = tomllib.loads((SECOND / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "dependencies" not in project


def requirements(extra: str | None = None) -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["optional-dependencies"][extra] if extra else project["dependencies"]


def test_run_half_asks_for_nothing_of_the_learn_half() -> None:
    assert not [line for line in requirements() if line.split(">")[0].split("[")[0] in LEARN_ONLY]


def test_everything_that_development_installs_is_pinned() -> None:
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = {
        canonicalize_name((pin := Requirement(line)).name): pin for line in lines if line and not line.startswith("#")
    }
    assert all(str(pin.specifier).startswith("==") for pin in pins.values())
    wanted = [
        Requirement(line)
        for extra in (None, "train", "media", "serve", "redis", "dev", "docs")
        for line in requirements(extra)
    ]
    for requirement in wanted:
        pin = pins[canonicalize_name(requirement.name)]
        version = str(pin.specifier).removeprefix("==")
        assert requirement.specifier.contains(version), f"{pin} is outside the range {requirement}"


def pip(*arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", "pip", *arguments], capture_output=True, text=True, timeout=500)
    if done.returncode and any(
        word in done.stderr for word in ("NewConnectionError", "Max retries", "No route to host")
    ):
        pytest.skip("the package index cannot be reached")
    assert done.returncode == 0, done.stderr


@pytest.mark.doors
@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("python", ["3.11", "3.13"])
def test_run_half_has_wheels_for_every_system(system: str, python: str, tmp_path: Path) -> None:
    # pyvips itself is published as a source archive alone, of pure Python once its optional C part does not compile;
    # what it needs to have as a wheel is libvips (pyvips-binary) and cffi.
    wanted = [line for line in requirements() if not line.startswith("pyvips[binary]")]
    assert len(wanted) == len(requirements()) - 1
    platforms = [part for tag in SYSTEMS[system] for part in ("--platform", tag)]
    target = [*platforms, "--python-version", python, "--target", str(tmp_path)]
    pip("install", "--dry-run", "--ignore-installed", "--only-binary=:all:", *target, *wanted, "pyvips-binary", "cffi")


@pytest.mark.doors
def test_serving_adds_little(tmp_path: Path) -> None:
    pip("install", "--ignore-installed", "--target", str(tmp_path), *requirements("serve"))
    size = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    assert size < MAX_SERVING_BYTES, f"{size / 1e6:.0f} MB"


@pytest.mark.doors
def test_installed_run_half_is_small_and_enough(wheel: Path, second_wheel: Path, tmp_path: Path) -> None:
    pip("install", "--ignore-installed", "--target", str(tmp_path), str(wheel))
    size = sum(os.path.getsize(Path(parent) / name) for parent, _, names in os.walk(tmp_path) for name in names)
    assert size < MAX_INSTALLED_BYTES, f"{size / 1e6:.0f} MB"
    assert not {path.name for path in tmp_path.iterdir()} & LEARN_ONLY

    # Without site-packages (-S) nothing but what the wheel asked for is there.
    picture = ROOT / "examples" / "astronaut-noisy.png"

    def sfumato(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-S", "-m", "sfumato", *arguments]
        environment = os.environ | {"PYTHONPATH": str(tmp_path)}
        return subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment, cwd=tmp_path)

    done = sfumato("restore", str(picture), "-o", "out.png")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.png").stat().st_size > 0

    # The rest of the models comes with the second wheel.
    emoji = ("generate", "emoji", "-n", "1", "--steps", "1", "-o", "emoji.png")
    assert "`pip install ./packages/sfumato-models`" in sfumato(*emoji).stderr.replace("\n", " ")
    assert sfumato("models").returncode == 0
    pip("install", "--no-deps", "--target", str(tmp_path), str(second_wheel))
    done = sfumato(*emoji)
    assert done.returncode == 0, done.stderr
