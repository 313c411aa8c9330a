"""The commands of docs/service.md run against a service that a user would start, in order."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from model_files import answerer
from services import picture_bytes

from sfumato import Picture

PAGE = Path(__file__).parents[3] / "docs" / "service.md"
START_WITHIN = 3.0  # seconds until the first restored picture, on a machine that does nothing else
pytestmark = pytest.mark.doors


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "answers.onnx").write_bytes(answerer(longest=32))
    command = [sys.executable, "-m", "sfumato", "serve", "--port", "0", "--work", "work", "--models", "models"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield re.search(r"http://[\w.:]+", process.stdout.readline())[0]
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) in (0, -signal.SIGTERM)


def commands() -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith("curl ")]


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
def test_the_commands_of_the_page_do_what_it_says(address: str) -> None:
    hole = np.zeros((40, 56), np.float32)
    hole[10:20, 12:30] = 1
    Picture.from_array(hole).save("holes.png")
    Path("attic.jpg").write_bytes(picture_bytes(format="jpeg"))
    Path("scan.png").write_bytes(picture_bytes(1))
    Path("six.png").write_bytes(picture_bytes(2))
    environment = os.environ | {"TOKEN": "x"}
    assert len(commands()) > 20
    for command in commands():
        line = command.replace("http://127.0.0.1:8000", address)
        done = subprocess.run(["bash", "-c", line], capture_output=True, timeout=120, env=environment)
        assert done.returncode == 0, f"{command}\n{done.stderr.decode()}"
        if "/v1/jobs " in f"{line} ":
            environment["JOB"] = json.loads(done.stdout)["id"]
        if "/v1/pictures " in f"{line} ":
            environment["PICTURE"] = json.loads(done.stdout)["id"]
        if (made := re.search(r"-o (\S+\.(?:jpg|png|webp))", command)) is not None:
            assert Picture.open(made[1]).width > 0
    assert Picture.open("part.jpg").width == 32


def test_the_first_picture_is_there_soon_after_the_start(tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    picture.write_bytes(picture_bytes())
    command = [sys.executable, "-m", "sfumato", "serve", "--port", "0"]
    seconds: list[float] = []
    # Where others use the machine, each gets a share of it.
    limit = START_WITHIN * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    while len(seconds) < 5 and min(seconds, default=limit) >= limit:
        started = time.monotonic()
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            url = re.search(r"http://[\w.:]+", process.stdout.readline())[0]
            ask = ["curl", "-fsS", "--retry", "50", "--retry-connrefused", "--retry-delay", "0", "-F"]
            subprocess.run([*ask, f"picture=@{picture}", "-o", os.devnull, f"{url}/v1/restore"], check=True, timeout=60)
            seconds.append(time.monotonic() - started)
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
    assert min(seconds) < limit, seconds
