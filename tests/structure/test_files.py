"""Files that appear whole or not at all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sfumato.errors import Option, PictureError, Setting, UsageError
from sfumato.files import write_whole, written_whole
from sfumato.interfaces.cli.options import spelled


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_whole(path, "new")

    def stopped() -> None:
        with written_whole(path) as partial:
            partial.write_text("half")
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        stopped()
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_replaced_file_leaves_its_permissions_and_a_long_name_fits(tmp_path: Path) -> None:
    path = tmp_path / ("\u00e9" * 120 + ".txt")
    write_whole(path, b"old")
    path.chmod(0o640)
    write_whole(path, b"new")
    assert path.stat().st_mode & 0o777 == 0o640
    assert path.read_bytes() == b"new"


def test_processes_that_write_one_file_do_not_meet(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from sfumato.files import write_whole\n"
        "for _ in range(200): write_whole(Path(sys.argv[1]), sys.argv[2] * 1000)"
    )
    path = tmp_path / "a.txt"
    writers = [subprocess.Popen([sys.executable, "-c", code, str(path), letter]) for letter in "ab"]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    assert path.read_text() in ("a" * 1000, "b" * 1000)
    assert os.listdir(tmp_path) == ["a.txt"]


def test_an_error_names_its_option_and_each_interface_spells_it() -> None:
    error = PictureError("a.png exists already; pass ", Option("overwrite", True), " to replace it.")
    assert error.option == "overwrite"
    assert str(error) == "a.png exists already; pass overwrite=True to replace it."
    assert error.spelled(spelled) == "a.png exists already; pass --overwrite to replace it."
    assert spelled(Option("memory_mb", 200)) == "--memory 200"
    assert spelled(Option("num")) == "-n"
    assert spelled(Setting("label", "folder")) == "--set label=folder"
    assert spelled(Setting("flips", True)) == "--set flips=true"
    assert spelled(Setting("seconds", 90.0)) == "--time 90s"
    assert str(Setting("label", "folder")) == "label='folder'"
    assert UsageError("No option.").option is None
