"""What every file of the project keeps to."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "sfumato"
MAX_LINES = 400
MAX_TEST_NAME = 75
TEXT = {".py", ".md", ".toml", ".yml", ".txt", ".json", ".sh", ""}
# Folders of one machine; documentation says DATA where a user's own folder is meant.
MACHINE_PATHS = re.compile(r"/(?:home|Users|root|work|tmp)/\w|\.\./shared")
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}


def tracked_files() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listing.returncode:
        pytest.skip("not a git checkout: what belongs to the project is not known")
    return [path for name in listing.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_source_files_are_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES
    assert path.stem not in FORBIDDEN_NAMES


def test_no_paths_of_one_machine() -> None:
    found = []
    for path in tracked_files():
        if path.suffix in TEXT and path != Path(__file__):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if MACHINE_PATHS.search(line):
                    found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    assert not found, "\n".join(found)


def test_names_of_tests_can_be_read_in_a_report() -> None:
    names = {
        name for path in (ROOT / "tests").rglob("*.py") for name in re.findall(r"def (test_\w+)", path.read_text())
    }
    assert not {name for name in names if len(name) > MAX_TEST_NAME}


def test_no_stored_pickles() -> None:
    assert not [path for path in tracked_files() if path.suffix in {".pt", ".pth", ".pkl", ".pickle", ".ckpt"}]


def test_licence_is_apache() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "Version 2.0" in text
