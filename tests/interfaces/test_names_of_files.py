"""Names, links and places that are odd: each costs its own picture at most, and is told in a sentence."""

import errno
import os
from pathlib import Path

import pytest
from command_line import Run, make_picture

from sfumato import Picture
from sfumato.batch import BatchReport
from sfumato.batch import jobs as jobs_module
from sfumato.errors import PictureError
from sfumato.interfaces.cli.batch_display import BatchDisplay, Lines
from sfumato.interfaces.cli.lines import speed

MODEL = ("--model", "level.onnx", "--noise", "50")
on_posix = pytest.mark.skipif(os.name == "nt", reason="there are no such files there")


@on_posix
def test_a_name_as_long_as_names_may_be_costs_its_own_result(here: Path, run: Run) -> None:
    longest = "x" * 251 + ".png"
    make_picture(here / "in/ok.png").rename(here / "in" / longest)
    make_picture(here / "in/ok.png")
    ran = run("restore", "in", *MODEL)
    assert ran.status == 1
    assert "too long for the file system" in ran.err
    assert len(ran.err.splitlines()) == 1
    assert (here / "in/ok.restored.png").exists()
    assert run("restore", "in", "-o", "out", *MODEL).status == 0
    assert (here / "out" / longest).exists()


@on_posix
def test_pipes_are_not_waited_for(here: Path, run: Run) -> None:
    make_picture(here / "in/ok.png")
    os.mkfifo(here / "in/pipe.jpg")
    ran = run("restore", "in", *MODEL)
    assert (ran.status, "1 picture restored" in ran.out) == (1, True)
    assert f"{Path('in', 'pipe.jpg')} is no regular file" in ran.err
    with pytest.raises(PictureError, match="no regular file"):
        Picture.open(here / "in/pipe.jpg")
    os.symlink(here / "in/ok.png", here / "link.png")
    assert run("restore", "link.png", *MODEL).status == 0


@on_posix
def test_links_that_lead_nowhere_are_told(here: Path, run: Run) -> None:
    (here / "in").mkdir()
    os.symlink("b.png", here / "in/a.png")
    os.symlink("a.png", here / "in/b.png")
    os.symlink("gone.png", here / "in/c.png")
    make_picture(here / "in/ok.png")
    ran = run("restore", "in", *MODEL)
    assert (ran.status, len(ran.err.splitlines()), "1 picture restored" in ran.out) == (1, 3, True)
    for name, words in (("in/a.png", "lead in a circle"), ("in/c.png", "a link to gone.png, which does not exist")):
        ran = run("restore", name, *MODEL)
        assert (ran.status, words in ran.err) == (2, True), ran.err


def test_a_missing_input_is_told_before_anything_of_the_output(here: Path, run: Run) -> None:
    ran = run("restore", "atic.jpg", "-o", "fixed.png", *MODEL)
    assert (ran.status, ran.err) == (2, "sfumato: atic.jpg: there is no such file or folder.\n")


def test_a_name_with_a_leading_dash_is_told_how_to_be_written(here: Path, run: Run) -> None:
    make_picture(here / "-dash.png")
    ran = run("restore", "-dash.png", *MODEL)
    assert (ran.status, "write ./-dash.png" in ran.err, len(ran.err.splitlines())) == (2, True, 1)
    assert run("restore", "./-dash.png", *MODEL).status == 0


@on_posix
def test_an_output_that_is_the_input_by_a_link_is_refused(here: Path, run: Run) -> None:
    source = make_picture(here / "a.png")
    before = source.read_bytes()
    os.link(source, here / "hard.png")
    os.symlink("a.png", here / "soft.png")
    for name in ("hard.png", "soft.png"):
        ran = run("restore", "a.png", "-o", name, *MODEL)
        assert (ran.status, f"{name} is the input itself" in ran.err) == (2, True)
    assert source.read_bytes() == before


def test_results_that_differ_by_case_alone_may_meet(here: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """As they do in a folder that does not tell letters' case; whether it does is found by looking."""
    make_picture(here / "x/a.png")
    make_picture(here / "y/A.png")
    with monkeypatch.context() as patched:
        patched.setattr(jobs_module, "_folds_case", lambda path: True)
        ran = run("restore", "x/a.png", "y/A.png", "-o", "out", *MODEL)
        assert (ran.status, "would both be written" in ran.err) == (2, True)
    if not (here / "x/A.PNG").exists():
        assert run("restore", "x/a.png", "y/A.png", "-o", "out", *MODEL).status == 0


def test_a_disk_that_fills_costs_a_sentence_a_picture(here: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "abc":
        make_picture(here / f"in/{name}.png")
    replace = os.replace

    def full(source: Path, target: Path) -> None:
        if Path(target).name == "b.png":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    ran = run("restore", "in", "-o", "out", *MODEL)
    assert (ran.status, "2 pictures restored" in ran.out) == (1, True)
    assert f"{Path('out', 'b.png')} could not be written" in ran.err
    assert sorted(path.name for path in (here / "out").glob("*.png")) == ["a.png", "c.png"]


def test_a_rate_is_said_of_work_that_took_time(capsys: pytest.CaptureFixture[str]) -> None:
    display: BatchDisplay = Lines([], 0, verbose=False)
    display.summarize(BatchReport(num_restored=2, num_pixels=960, seconds=1e-9), num_left=3)
    display.summarize(BatchReport(num_restored=2, num_pixels=3_000_000, seconds=2.0), num_left=3)
    first, second = capsys.readouterr().out.splitlines()
    assert "MP/s" not in first
    assert "1.5 MP/s" in second


def test_percent_names(here: Path, run: Run) -> None:
    for name in ("100%d", "IMG%20day", "sub/%04d"):
        make_picture(here / f"in/{name}.png")
    make_picture(here / "in/1005.restored.png")  # what the result of 100%d.png would stand for as a pattern
    assert run("restore", "in/IMG%20day.png", "-o", "z%d.png", "--compare", *MODEL).status == 0
    assert (here / "z%d.png").is_file()
    assert (here / "z%d.compare.png").is_file()
    assert run("restore", "in/100%d.png", *MODEL).status == 0
    assert (here / "in/100%d.restored.png").is_file()
    assert "1 already there" in run("restore", "in/100%d.png", *MODEL).out
    assert run("restore", "in", "-o", "out", *MODEL).status == 0
    assert (here / "out/sub/%04d.png").is_file()


@on_posix
@pytest.mark.parametrize("control", ["\n", "\r", "\x1b[2J", "\x07", "\x85", "\u2028", "\u202e"])
def test_a_terminal_does_not_obey_names_of_files(here: Path, run: Run, control: str) -> None:
    make_picture(here / f"in/a{control}b.png")
    make_picture(here / "in/c.png")
    (here / f"in/d{control}e.jpg").write_bytes(b"no picture")
    escaped = repr(control)[1:-1]
    for arguments in (("in", "-o", "out", "-v", "--compare"), ("in", "--dry-run"), (f"in/x{control}y.png",)):
        ran = run("restore", *arguments, *MODEL)
        said = ran.out + ran.err
        assert control not in said.replace("\n", "") if control != "\n" else "a\nb" not in said
        assert escaped in said
    ran = run("info", f"in/a{control}b.png")
    assert control not in ran.out.replace("\n", "") if control != "\n" else "a\nb" not in ran.out


@pytest.mark.parametrize("exponent", range(-3, 13))
def test_speeds_are_said_without_exponents(exponent: int) -> None:
    for digit in (1, 3.14, 9.99):
        said = speed(digit * 10.0**exponent, 1)
        assert "e" not in said.split()[0]
        assert said.endswith((" MP/s", " pixels/s"))
    assert (speed(87, 1), speed(3e6, 2), speed(123e6, 1)) == ("87 pixels/s", "1.5 MP/s", "123 MP/s")
