"""The steps of the Dockerfile, in a plain folder: no image is built here."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LINES = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
TOKEN = "a-token-that-is-long-enough"


def instruction(name: str) -> list[str]:
    return [line.removeprefix(name).strip() for line in LINES if line.startswith(f"{name} ")]


def test_the_container_has_a_user_without_rights_and_a_health_check() -> None:
    order = [line.split()[0] for line in LINES if line and not line.startswith((" ", "#"))]
    assert order.index("USER") > order.index("RUN")
    (user,) = instruction("USER")
    assert f"useradd --create-home --uid {user} " in " ".join(instruction("RUN"))
    assert user != "0"
    assert "HEALTHCHECK" in order
    for copied in instruction("COPY"):
        for name in copied.split()[:-1]:
            assert (ROOT / name).exists(), name


@pytest.mark.skipif(sys.platform == "win32", reason="hadolint has no wheel for Windows")
def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    found = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (0, "")


@pytest.mark.doors
@pytest.mark.timeout(500)
def test_the_steps_of_the_dockerfile_lead_to_a_healthy_service(tmp_path: Path) -> None:
    for copied in instruction("COPY"):
        *names, _ = copied.split()
        for name in names:
            source = ROOT / name
            shutil.copytree(source, tmp_path / name) if source.is_dir() else shutil.copy(source, tmp_path / name)
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True, timeout=100)
    binaries = tmp_path / "venv" / "bin"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"PATH": f"{binaries}:{os.environ['PATH']}", "SFUMATO_TOKEN": TOKEN}
    install = instruction("RUN")[0].split("&&")[0]
    done = subprocess.run(
        install, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=400
    )
    if "NewConnectionError" in done.stderr:
        pytest.skip("the package index cannot be reached")
    assert done.returncode == 0, done.stderr
    command = json.loads(instruction("ENTRYPOINT")[0])
    command[command.index("--work") + 1] = str(tmp_path / "data")
    command[command.index("--host") + 1] = "127.0.0.1"
    process = subprocess.Popen(
        [*command, "--port", "0"], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        url = re.search(r"http://[\w.:]+", process.stdout.readline())[0]
        check = json.loads(re.search(r"CMD (\[.*\])", instruction("HEALTHCHECK")[0])[1])
        check = [part.replace("http://127.0.0.1:8000", url) for part in check]
        subprocess.run(check, check=True, env=environment, timeout=60)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) in (0, -signal.SIGTERM)
