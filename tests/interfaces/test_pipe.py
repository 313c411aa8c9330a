"""Pictures through pipes, options that change nothing, and the time that a result bears."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from command_line import Run, make_picture

from sfumato import Picture

MODEL = ("--model", "level.onnx", "--noise", "50")


def test_a_picture_goes_through_a_pipe(here: Path) -> None:
    source = make_picture(here / "a.png")
    command = [sys.executable, "-m", "sfumato", "restore", *MODEL]
    piped = subprocess.run([*command, "-"], input=source.read_bytes(), capture_output=True, check=True)
    subprocess.run([*command, "a.png", "-o", "b.png"], check=True)
    assert piped.stdout == (here / "b.png").read_bytes()
    out = subprocess.run([*command, "a.png", "-o", "-", "-q"], capture_output=True, check=True)
    assert (out.stdout, out.stderr) == (piped.stdout, b"")


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_stdin_into_a_file_of_another_format(
    here: Path, run: Run, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    contents = make_picture(here / "a.png").read_bytes()
    for overwrite in ((), (), ("--overwrite",)):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(contents)))
        ran = run("restore", "-", "-o", f"b{suffix}", *MODEL, *overwrite)
    assert ran.status == 0
    assert Picture.open(here / f"b{suffix}").format in ("jpeg", "tiff")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(contents)))
    ran = run("restore", "-", "-o", f"b{suffix}", *MODEL)
    assert (ran.status, "exists already; pass --overwrite" in ran.err) == (1, True)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert "no picture on stdin" in run("restore", "-", *MODEL).err
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(contents)))
    assert "would do denoise" in run("restore", "-", "--dry-run").out


def test_a_pipe_holds_one_picture(here: Path, run: Run) -> None:
    make_picture(here / "a.png")
    for arguments in (("a.png", "-"), ("a.png", "-o", "-", "--compare"), ("-", "--mask-out", "m.png")):
        ran = run("restore", *arguments, *MODEL)
        assert (ran.status, "- is one picture" in ran.err) == (2, True)
    for source, option, why in (("-", "--keep-time", "a stream has no time"), ("a.png", "--json", "stdout holds")):
        ran = run("restore", source, "-o", "-", option, *MODEL)
        assert (ran.status, ran.err.count("\n")) == (2, 1)
        assert f"goes without {option}: {why}" in ran.err


def test_the_time_of_the_source_is_kept_where_asked(here: Path, run: Run) -> None:
    source = make_picture(here / "a.png")
    os.utime(source, ns=(10**18, 10**18))
    assert run("restore", "a.png", *MODEL).status == 0
    assert (here / "a.restored.png").stat().st_mtime_ns != 10**18
    assert run("restore", "a.png", *MODEL, "--keep-time", "--overwrite").status == 0
    assert (here / "a.restored.png").stat().st_mtime_ns == 10**18


def test_a_dry_run_says_which_options_it_has_no_use_for(here: Path, run: Run) -> None:
    make_picture(here / "a.png")
    ran = run("restore", "a.png", "--dry-run", "-o", "out", "--compare", "--quality", "80", *MODEL)
    assert ran.status == 0
    for option in ("-o", "--compare", "--quality"):
        assert f"{option} had no effect: --dry-run writes no results." in ran.out
    assert not (here / "out").exists()
    assert "had no effect" not in run("restore", "a.png", "--dry-run", *MODEL).out


def test_options_without_effect_are_said_or_refused(here: Path, run: Run) -> None:
    make_picture(here / "a.png")
    make_picture(here / "b.jpg")
    ran = run("restore", "a.png", *MODEL, "--quality", "80", "--mask-out", "masks")
    looked = run("restore", "a.png", "-o", "looked.png", "--look", "sharp", "--task", "clean")
    assert "--look had no effect: nothing was enlarged or filled in." in looked.out
    assert "--quality had no effect: no result was written anew in a format that has one." in ran.out
    assert "--mask-out had no effect: nothing was filled in." in ran.out
    assert "no effect" not in run("restore", "a.png", "b.jpg", "-o", "out", *MODEL, "--quality", "80").out
    for arguments in (
        ("--scale", "4"),
        ("--model", "upscale-2x", "--scale", "4"),
        ("--task", "dejpeg", "--scale", "4"),
    ):
        ran = run("restore", "a.png", "-o", "c.png", *arguments)
        assert (ran.status, ran.err.startswith("sfumato: --scale is 4, but ")) == (2, True)
        assert not (here / "c.png").exists()


def test_one_task_after_what_is_found(here: Path, run: Run) -> None:
    make_picture(here / "a.png", size=(32, 40))
    ran = run("restore", "a.png", "-o", "b.png", "--task", "auto,upscale")
    assert ran.status == 0
    assert Picture.open(here / "b.png").width == 80
    assert "would do denoise, upscale." in run("restore", "a.png", "--task", "auto,upscale", "--dry-run").out


def test_a_mask_that_means_nothing_is_told(here: Path, run: Run) -> None:
    make_picture(here / "a.png")
    Picture.from_array(np.full((24, 33), 0.2, np.float32)).save(here / "mask.png")
    ran = run("restore", "a.png", "--task", "inpaint", "--mask", "mask.png")
    assert (ran.status, "brightest value of the mask is 51 of 255" in ran.err) == (1, True)
