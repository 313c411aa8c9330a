"""Results that are no longer those of their inputs and options are made again, and nobody's own files are."""

import os
from pathlib import Path

import pytest
from command_line import Run, make_picture

from sfumato import Picture
from sfumato.batch import fingerprint, records
from sfumato.restoration.options import RestoreOptions

MODEL = ("--model", "level.onnx", "--noise", "50")


@pytest.fixture
def done(here: Path, run: Run) -> Path:
    for name in "ab":
        make_picture(here / f"in/{name}.png")
    assert run("restore", "in", "-o", "out", *MODEL).status == 0
    return here / "out"


def test_a_changed_input_is_restored_again(here: Path, run: Run, done: Path) -> None:
    kept = (done / "b.png").stat().st_mtime_ns
    make_picture(here / "new.png", seed=5).replace(here / "in/a.png")
    ran = run("restore", "in", "-o", "out", *MODEL)
    assert (ran.status, "1 picture restored" in ran.out) == (0, True)
    assert "1 of them again, since the input or the options had changed" in ran.out
    assert (done / "b.png").stat().st_mtime_ns == kept
    assert Picture.open(done / "a.png").array().mean() == pytest.approx(
        Picture.open(here / "in/a.png").array().mean() - 0.1 * 50 / 255, abs=1e-3
    )
    assert "2 already there" in run("restore", "in", "-o", "out", *MODEL).out


def test_other_options_make_results_again(here: Path, run: Run, done: Path) -> None:
    before = (done / "a.png").read_bytes()
    assert "2 already there" in run("restore", "in", "-o", "out", *MODEL, "--threads", "1").out
    ran = run("restore", "in", "-o", "out", *MODEL, "--strength", "0.5")
    assert "2 of them again" in ran.out
    assert (done / "a.png").read_bytes() != before


def test_a_result_that_somebody_changed_is_left_alone(run: Run, done: Path) -> None:
    (done / "a.png").write_bytes(b"precious")
    ran = run("restore", "in", "-o", "out", *MODEL, "--strength", "0.5")
    assert "1 of them again" in ran.out
    assert (done / "a.png").read_bytes() == b"precious"


def test_without_a_record_a_result_counts_as_finished(run: Run, done: Path) -> None:
    for text in ("", "no JSON\n", '{"name": 3}\n[]\n{"na'):
        (done / records.NAME).write_text(text)
        assert "2 already there" in run("restore", "in", "-o", "out", *MODEL, "--strength", "0.5").out


def test_older_than_its_input(here: Path, run: Run, done: Path) -> None:
    (done / records.NAME).unlink()
    os.utime(done / "a.png", ns=(10**18, 10**18))
    assert "1 of them again" in run("restore", "in", "-o", "out", *MODEL).out
    assert "2 already there" in run("restore", "in", "-o", "out", *MODEL).out


def test_the_time_of_a_source_is_no_change(here: Path, run: Run) -> None:
    source = make_picture(here / "in/a.png")
    os.utime(source, ns=(10**18, 10**18))
    for words in ("1 already there", "1 already there"):
        run("restore", "in", "-o", "out", *MODEL, "--keep-time")
        assert words in run("restore", "in", "-o", "out", *MODEL, "--keep-time").out


def test_fingerprints_differ_by_what_matters(tmp_path: Path) -> None:
    first = fingerprint(RestoreOptions())
    assert first == fingerprint(RestoreOptions(threads=2, memory_mb=100))
    assert first != fingerprint(RestoreOptions(noise=20))
    assert first != fingerprint(RestoreOptions(), 3)
    mask = make_picture(tmp_path / "mask.png")
    before = fingerprint(RestoreOptions(mask=mask))
    make_picture(tmp_path / "other.png", seed=3, size=(9, 9)).replace(mask)
    assert fingerprint(RestoreOptions(mask=mask)) != before


def test_files_that_are_not_read_are_counted(here: Path, run: Run) -> None:
    make_picture(here / "in/a.png")
    for name in ("notes.txt", "film.mp4", "deep/raw.x3f", ".hidden"):
        (here / "in" / name).parent.mkdir(exist_ok=True)
        (here / "in" / name).write_bytes(b"none")
    assert "3 files of other kinds not read" in run("restore", "in", "-o", "out", *MODEL).out
