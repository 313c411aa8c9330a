"""Ctrl-C while the command is being loaded: one line, status 130, no traceback, nothing written."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import make_picture

# Runs the command as its launcher does, and says when Python itself has started, which nobody can be quiet about.
START = "import os; os.write(1, b'.'); from sfumato.__main__ import main; raise SystemExit(main())"


@pytest.mark.skipif(os.name == "nt", reason="Windows has another way to stop a process")
@pytest.mark.parametrize("delay", [0.05, 0.15, 0.3, 0.5, 0.8])
def test_no_traceback_whenever_it_comes(here: Path, delay: float) -> None:
    make_picture(here / "a.png", size=(700, 700))
    command = [sys.executable, "-c", START, "restore", "a.png", "-o", "b.png"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0) as process:
        assert process.stdout is not None
        assert process.stdout.read(1) == b"."
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    assert b"Traceback" not in err
    if process.returncode:  # it was in time
        assert process.returncode in (130, -signal.SIGINT)  # which shells show alike
        assert err == b"sfumato: stopped.\n"
        assert not (here / "b.png").exists()
        assert b"->" not in out
