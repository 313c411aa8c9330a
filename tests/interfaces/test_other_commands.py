"""`sfumato models`, `info`, `--version`, help texts, and how pictures and models are shown."""

import re
import sys
from pathlib import Path

import model_files
import pytest
import pyvips
from command_line import Run, make_picture

from sfumato import __version__
from sfumato.interfaces.cli.main import app, main
from sfumato.interfaces.cli.presentation import count, megapixels
from sfumato.models import zoo

# What the issue tracker and the documentation promise; an option that is renamed breaks people's scripts.
PROMISED = {
    "restore": [
        *("--output", "-o", "--model", "--noise", "--strength", "--compare", "--quality", "--overwrite"),
        *("--json", "-q", "-v"),
    ],
    "generate": ["-n", "--seed", "--class", "--text", "--audio", "--layout", "--steps", "--guidance", "--size", "-o"],
    "interpolate": ["-n", "--class", "--steps", "-o"],
    "vary": ["-n", "--amount", "--seed", "--class", "--text", "--layout", "--audio", "--steps", "-o"],
    "reconstruct": ["--class", "-o"],
    "recipes": [],
    "train": ["--data", "--run", "--set", "--resume", "--from", "--time"],
    "evaluate": ["--data", "--protocol"],
    "export": ["--output", "--to", "--noise"],
    "invert": ["--mask", "--class", "--starts", "--steps", "--seed", "--output"],
    "serve": ["--host", "--port", "--work", "--queue", "--token-file", "--models", "--workers", "--threads", "--page"],
    "ask": ["--device", "--threads"],
    "merge": ["--output", "--reference", "--task", "--strength"],
    "web": ["--port"],
    "compare": ["--models", "--task", "--clean", "--crop", "--strength", "--ensemble", "--output"],
    "import": ["--output", "--task", "--licence", "--scale", "--range"],
    "models": ["--scores", "--dir"],
    "info": [],
}


def test_version(run: Run) -> None:
    assert run("--version").out == f"sfumato {__version__}\n"


def test_every_command_is_promised_and_every_promise_kept(run: Run) -> None:
    names = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    assert names == set(PROMISED)
    for name, options in PROMISED.items():
        ran = run(name, "--help")
        assert ran.status == 0
        for option in options:
            assert re.search(rf"(?<![\w-]){option}(?![\w-])", ran.out), f"{name} {option}"


def test_without_arguments_the_commands_are_shown(run: Run) -> None:
    ran = run()
    assert "restore" in ran.out
    assert ran.err == ""


def test_unknown_command_is_one_sentence(run: Run) -> None:
    ran = run("restroe")
    assert ran.status == 2
    assert "restroe" in ran.err
    assert len(ran.err.splitlines()) == 1


def test_info_of_a_picture(here: Path, run: Run) -> None:
    make_picture(here / "a.png", size=(24, 33))
    facts = dict(re.split(r"\s{2,}", line, maxsplit=1) for line in run("info", "a.png").out.splitlines())
    assert (facts["format"], facts["width"], facts["height"], facts["depth"]) == ("png", "33", "24", "8 bit")


def test_info_of_a_moving_picture_says_how_many_frames_it_has(here: Path, run: Run) -> None:
    frames = pyvips.Image.xyz(12, 40).extract_band(1).cast("uchar").copy(interpretation="b-w")
    frames.set_type(pyvips.GValue.gint_type, "page-height", 20)
    frames.write_to_file(str(here / "moving.webp"), lossless=True)
    facts = dict(re.split(r"\s{2,}", line, maxsplit=1) for line in run("info", "moving.webp").out.splitlines())
    assert (facts["height"], facts["pages"]) == ("20", "2")


def test_info_of_a_model_file(here: Path, run: Run) -> None:
    (here / "plain.onnx").write_bytes(model_files.plain())
    out = run("info", "plain.onnx").out
    assert "plain" in out
    assert "3 px" in out


def test_info_of_a_shipped_model_and_the_list_of_them(run: Run) -> None:
    listed = run("models").out
    for name in zoo.SHIPPED:
        assert name in listed
        assert name in run("info", name).out
    assert f"{zoo.FOR_TASK['denoise']} *" in listed
    assert len(listed.splitlines()) == len(zoo.SHIPPED) + 2, "one line a model, with a head and a foot"
    scores = run("models", "--scores").out
    assert "gaussian sigma 25" in scores
    assert len(scores.splitlines()) > 100


def test_help_pages_have_groups_and_examples_and_no_types_of_switches(run: Run) -> None:
    for name in PROMISED:
        page = run(name, "--help").out
        assert "<bool>" not in page
        assert name == "models" or f"sfumato {name}" in page.split("Examples")[-1]
    for title in ("What to do", "How", "Output", "Limits"):
        assert title in run("restore", "--help").out
    for title in ("Restorers", "Generators", "Flows", "Likelihoods"):
        assert title in run("evaluate", "--help").out


def test_every_recipe_is_listed_in_a_group_with_a_line(run: Run) -> None:
    from sfumato.learn.training.recipes import GROUPS, RECIPES

    lines = run("recipes").out.splitlines()
    assert len(lines) == len(GROUPS) + len(RECIPES)
    listed = [line.split()[0] for line in lines if line.startswith("  ")]
    assert sorted(listed) == sorted(RECIPES)
    assert all(len(line.split()) > 3 for line in lines if line.startswith("  "))


def test_info_of_nothing(here: Path, run: Run) -> None:
    ran = run("info", "nosuch")
    assert ran.status == 2
    assert "nosuch" in ran.err


@pytest.mark.parametrize(("pixels", "text"), [(0, "0.000 MP"), (120_000, "0.120 MP"), (12_192_768, "12.2 MP")])
def test_megapixels(pixels: int, text: str) -> None:
    assert megapixels(pixels) == text


def test_count() -> None:
    assert (count(1, "picture"), count(2, "picture"), count(0, "file")) == ("1 picture", "2 pictures", "0 files")


@pytest.mark.skipif(sys.platform == "win32", reason="names there are always text")
def test_a_file_name_that_is_no_text_is_shown_escaped(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    name = b"caf\xe9.png".decode(errors="surrogateescape")
    (here / name).write_bytes(b"no picture")
    assert main(["restore", name, "--model", "level.onnx"]) == 1
    assert "caf" in capfd.readouterr().err


def test_a_second_value_of_an_option_is_refused_and_lists_grow(run: Run) -> None:
    twice = run("generate", "mnist-gan", "--class", "3", "--class", "4", "-o", "x.png")
    assert twice.status == 2
    assert twice.err == "sfumato: --class was given more than once, and takes one value.\n"
    assert "more than once" not in run("train", "flow", "--set", "batch=1", "--set", "lr=1", "--data", "none").err
    assert "more than once" not in run("restore", "none.png", "-q", "-q").err
