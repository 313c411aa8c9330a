"""`sfumato serve` refuses in a sentence what it cannot do."""

import importlib.util
import socket
from pathlib import Path

import pytest
from command_line import Run

from sfumato.interfaces.cli import serve


def test_an_open_address_without_a_token_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SFUMATO_TOKEN", raising=False)
    ran = run("serve", "--host", "0.0.0.0")
    assert ran.status == 2
    assert "--host 0.0.0.0 can be reached from other machines, so a token is needed" in ran.err
    assert "--token-file" in ran.err


def test_a_port_that_is_taken_and_files_that_are_missing(run: Run, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ran = run("serve", "--port", str(port), "--work", tmp_path)
    assert (ran.status, ran.err) == (2, f"sfumato: --port {port} is taken by another program; give another.\n")
    ran = run("serve", "--token-file", tmp_path / "none")
    assert "cannot be read: No such file or directory" in ran.err
    ran = run("serve", "--models", tmp_path / "none")
    assert "there is no such folder" in ran.err
    ran = run("serve", "--queue", "redis://127.0.0.1:1/0", "--work", tmp_path)
    assert ran.err.startswith("sfumato: --queue: no Redis answers there")


def test_without_its_libraries_a_sentence_says_what_to_install(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "find_spec", lambda name: None if name == "uvicorn" else importlib.util.find_spec(name))
    ran = run("serve")
    assert ran.status == 2
    assert 'pip install ".[serve]"' in ran.err


def test_the_token_comes_from_a_file_or_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("0123456789abcdef\n")
    monkeypatch.setenv("SFUMATO_TOKEN", "fedcba9876543210")
    assert serve.settings_for(work=tmp_path, token_file=tmp_path / "token").token == "0123456789abcdef"
    assert serve.settings_for(work=tmp_path).token == "fedcba9876543210"
