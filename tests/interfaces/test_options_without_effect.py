"""Options that changed nothing in any picture of a batch are said once, at its end, or refused; no others are."""

from pathlib import Path

import numpy as np
import pytest
from command_line import Run, make_picture

from sfumato import Picture
from sfumato.interfaces.cli.batch_display import WITHOUT_EFFECT
from sfumato.restoration.effects import given
from sfumato.restoration.options import RestoreOptions

NOISY = ("--model", "level.onnx", "--noise", "50")
# An option, what it is given with in vain, and with effect; None where there is no such case for two small pictures.
CASES = {
    "--seed": (("--seed", "3", *NOISY), None),
    "--all-pages": (("--all-pages", *NOISY), None),
    "--page": (("--page", "1", *NOISY), None),
    "--noise": (("--task", "dejpeg", "--jpeg-quality", "30", "--noise", "10"), NOISY),
    "--jpeg-quality": (("--jpeg-quality", "30", *NOISY), ("--task", "dejpeg", "--jpeg-quality", "30")),
    "--ensemble": (("--task", "dejpeg", "--ensemble"), (*NOISY, "--ensemble")),
    "--strength": (("--task", "dejpeg", "--strength", "0.5"), (*NOISY, "--strength", "0.5")),
    "--mask": (("--task", "dejpeg", "--mask", "mask.png"), (*NOISY, "--mask", "mask.png")),
    "--width": (("--width", "33", *NOISY), ("--width", "20", *NOISY)),
    "--fps": (("--fps", "25", *NOISY), None),
    "--quality": (("--quality", "90", *NOISY), None),
}


@pytest.fixture
def two(here: Path) -> Path:
    """Two pictures that were never compressed, so that the task dejpeg leaves them, and a white mask."""
    for number in (1, 2):
        make_picture(here / f"{number}.png", seed=number)
    Picture.from_array(np.ones((24, 33), np.float32)).save(here / "mask.png")
    return here


@pytest.mark.parametrize("option", CASES)
def test_what_changes_nothing_is_said_once_and_nothing_else(two: Path, run: Run, option: str) -> None:
    in_vain, with_effect = CASES[option]
    ran = run("restore", "1.png", "2.png", "-o", "out", *in_vain)
    assert ran.status == 0, ran.err
    assert ran.out.count("had no effect") == 1
    assert f"\n{option} had no effect: " in ran.out
    if with_effect is not None:
        ran = run("restore", "1.png", "2.png", "-o", "out", *with_effect)
        assert (ran.status, "had no effect" in ran.out) == (0, False)


def test_one_picture_on_which_it_has_an_effect_is_enough(two: Path, run: Run) -> None:
    rng = np.random.default_rng(0)
    grey = np.clip(0.5 + 0.1 * rng.standard_normal((24, 33, 1)), 0, 1).astype(np.float32)
    Picture.from_array(grey).save(two / "3.jpg", quality=20)
    assert "had no effect" not in run("restore", "1.png", "3.jpg", "-o", "out", *NOISY, "--quality", "80").out


def test_programs_and_pipes_are_told_on_stderr(two: Path, run: Run) -> None:
    for arguments in (
        ("-o", "out", "--json"),
        (
            "-o",
            "out.png",
        ),
    ):
        ran = run("restore", "1.png", *arguments, *NOISY, "--page", "1")
        said = ran.out if "out.png" in arguments else ran.err
        assert said.count("--page had no effect: every picture has one page.") == 1


def test_samples_refuse_what_they_have_no_use_for(two: Path, run: Run) -> None:
    for option in (
        ("--ensemble",),
        ("--strength", "0.5"),
        ("--quality", "80"),
        ("--jpeg-quality", "30"),
        ("--scale", "4"),
    ):
        ran = run("restore", "1.png", "--samples", "2", "-o", "out", "--task", "denoise", *NOISY, *option)
        assert (ran.status, option[0] in ran.err) == (2, True)
        assert not (two / "out").exists()


def test_each_option_of_a_picture_has_a_reason() -> None:
    everything = RestoreOptions(
        noise=1.0, jpeg_quality=1.0, look="sharp", strength=0.5, mask="m", hints="h", ensemble=True, steps=3
    )
    judged = {*given(everything), *given(RestoreOptions(width=3)), "quality", "mask_out", "page", "all_pages", "seed"}
    assert judged <= set(WITHOUT_EFFECT)
