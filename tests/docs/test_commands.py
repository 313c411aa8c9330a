"""Every command and every Python block of README.md and docs/ runs, page by page, in one folder of sample files.

- ```bash holds `sfumato` commands, which run here in order; what follows a # is a comment.
- ```python runs here too; the blocks of a page share their names.
- ```sh holds what belongs to other programs (pip, make) and does not run; the list of those programs is exact.
- ```text is no code.

Training commands run with the settings of TINY added (and `--time` replaced), and FEW pictures are generated where
more are asked for, so that a page takes seconds.
"""

import contextlib
import dataclasses
import json
import re
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import get_origin

import clips
import foreign_files
import known_generators
import numpy as np
import pytest
from command_line import Run
from generator_files import brightening
from sound_files import glide, write_sound

from sfumato import Picture
from sfumato.learn.catalog import FAMILIES
from sfumato.learn.training.recipes import RECIPES

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "README.zh-CN.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCES = {"bash", "python", "sh", "text", "mermaid"}
NOT_RUN = {"pip install", "pip uninstall", "make demo", "make test", "accelerate launch"}
# Those of docs/service.md run in tests/interfaces/service, against a service.
NOT_RUN |= {"curl -fsS", "docker build", "docker run", "sfumato serve", "sfumato web"}
TINY = {
    "batch": "2",
    "patch": "32",
    "model.widths": "[8,12]",
    "model.blocks": "[1,1]",
    "val_protocols": '["gaussian:25"]',
}
TIME = "1s"
FEW = 6
# Pages that train and export one network after another, half a minute each.
TRAINING = {"conditions.md", "folder-of-pictures.md", "prior.md", "generating.md", "layouts.md"}


@dataclass(frozen=True)
class Block:
    language: str
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    """Fenced blocks of a page in order; a fence without a language, or with an unknown one, is a mistake."""
    found: list[Block] = []
    lines = page.read_text(encoding="utf-8").splitlines()
    start: int | None = None
    for number, line in enumerate(lines):
        if not line.startswith("```"):
            continue
        if start is None:
            start = number
        else:
            language = lines[start].removeprefix("```").split(" ")[0]
            found.append(Block(language, "\n".join(lines[start + 1 : number]), start + 1))
            start = None
    assert start is None, f"{page.name}:{start}: a block that does not end"
    return found


def commands(block: Block) -> list[list[str]]:
    return [words for line in block.text.splitlines() if (words := shlex.split(line, comments=True))]


def for_tests(words: list[str]) -> list[str]:
    """A command made small; a fine-tuning keeps its network, and a family gets only settings that it has."""
    if words[1] == "generate":
        return [str(min(int(w), FEW)) if before == "-n" else w for before, w in zip(["", *words], words, strict=False)]
    if words[1] != "train" or "--resume" in words or "--dry-run" in words:
        return words
    if words[2] == "auto":  # which would look at all samples and time networks; tests of its own say what it takes
        words = [*words[:2], "gan", *words[3:], "--set", "restorer=0.5", "--set", "model.size=[16,16]"]
    words = [TIME if before == "--time" else word for before, word in zip(["", *words], words, strict=False)]
    takes = set(TINY)
    if "--from" in words:
        takes = {key for key in TINY if not key.startswith("model.")}
    elif words[2] in RECIPES:
        settings = dataclasses.fields(FAMILIES[RECIPES[words[2]]().family].config)
        fields = {field.name for field in settings if get_origin(field.type) is tuple}  # blocks can be one number, too
        takes = {key for key in TINY if not key.startswith("model.") or key.removeprefix("model.") in fields}
    wanted = {key: value for key, value in TINY.items() if key in takes}
    return [*words, *(part for key, value in wanted.items() for part in ("--set", f"{key}={value}"))]


@pytest.fixture(scope="module")
def drawn_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the pages speak of, small, in a folder from which each page has a copy."""
    folder = tmp_path_factory.mktemp("drawn")
    with contextlib.chdir(folder):
        draw_files()
    return folder


@pytest.fixture
def sample_files(drawn_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those files in the working directory."""
    shutil.copytree(drawn_files, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)


def draw_files() -> None:
    random = np.random.default_rng(0)
    ramp = np.linspace(0.2, 0.8, 72)[None, :, None] * np.ones((64, 1, 3))
    names = [
        "attic.jpg",
        "scans/one.png",
        "scans/album/two.tif",
        "photos/2019/a.jpg",
        "incoming/b.jpg",
        "incoming/c.png",
    ]
    for name in [*names, *(f"DATA/{number}.png" for number in range(8))]:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        noise = 0.0 if name.startswith("DATA") else 0.08
        Picture.from_array(ramp + random.normal(0, noise, ramp.shape)).save(name)
    for number in range(12):
        digit = Path(f"DATA/mnist/{number % 2}/{number}.png")
        digit.parent.mkdir(parents=True, exist_ok=True)
        Picture.from_array(random.uniform(0, 1, (28, 28, 1))).save(digit)
    for number in range(8):
        fruit = Path(f"DATA/captioned/{number}.png")
        fruit.parent.mkdir(exist_ok=True)
        Picture.from_array(random.uniform(0, 1, (32, 32, 3))).save(fruit)
        fruit.with_suffix(".txt").write_text(("red apple", "green pear")[number % 2])
    asked = []
    for number in range(8):
        shape = Path(f"DATA/questions/{number}.png")
        shape.parent.mkdir(exist_ok=True)
        Picture.from_array(random.uniform(0, 1, (64, 64, 3))).save(shape)
        asked.append(json.dumps({"file_name": shape.name, "questions": {"is it red?": ("yes", "no")[number % 2]}}))
    Path("DATA/questions/metadata.jsonl").write_text("\n".join(asked))
    Picture.open("DATA/questions/0.png").save("six.png")
    Picture.from_array(random.uniform(0, 1, (8, 8, 3))).save("tiny.png")
    Picture.from_array(np.zeros((32, 32, 3)), alpha=np.tri(32, dtype=np.float32), depth=8).save("shape.png")
    Picture.open("shape.png").save("apple.png")
    for name in ("RECORDINGS/0/zero.wav", "RECORDINGS/1/one.wav", "seven.wav"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        write_sound(Path(name), glide())
    hole = np.zeros(ramp.shape[:2])
    hole[20:30, 20:40] = 1
    Picture.from_array(hole).save("holes.png")
    Picture.from_array(np.where(hole[..., None] > 0, (1.0, 0.0, 1.0), ramp)).save("painted.png")
    Picture.from_array(np.tri(28)).save("half.png")
    Picture.from_array(ramp, alpha=hole).save("strokes.png")
    for number in range(8):
        left = (np.arange(40) < 10 + number) * np.ones((40, 1))
        labels = np.where(left[..., None] > 0, (0.0, 0.0, 1.0), (0.0, 85 / 255, 1.0))
        for name, pixels in (("DATA/houses", 0.8 * labels + 0.1), ("LABELS", labels), ("SKETCHES", left)):
            Path(name).mkdir(parents=True, exist_ok=True)
            Picture.from_array(pixels).save(f"{name}/{number}.png")
    Picture.from_array(labels).save("house.png")
    Picture.from_array(left).save("sketch.png")
    Picture.from_array(random.uniform(0, 1, (28, 28, 1))).save("digit.png")
    clips.make_clip(Path("holiday.mp4"), [clips.noisy(number) for number in range(12)], with_sound=True)
    for name in "abc":
        Path("burst").mkdir(exist_ok=True)
        Picture.from_array(clips.noisy(0) + random.normal(0, 0.05, (48, 64, 3))).save(f"burst/{name}.jpg")
    frames = [clips.noisy(number) for number in range(4)]
    for number, frame in enumerate(frames):
        Path("frames").mkdir(exist_ok=True)
        Picture.from_array(frame).save(f"frames/shot_{number:03d}.png")
    from PIL import Image

    moving = [Image.fromarray((255 * frame).astype(np.uint8)) for frame in frames]
    moving[0].save("moving.gif", save_all=True, append_images=moving[1:], duration=80)
    pages = [Image.fromarray(random.integers(0, 255, (40, 40, 3), dtype=np.uint8)) for _ in range(2)]
    pages[0].save("book.tif", save_all=True, append_images=pages[1:])
    Path("upscaler.onnx").write_bytes(foreign_files.plain(foreign_files.upscaler(2)))
    stand_ins = {"flowers": known_generators.flow(), "faces": known_generators.autoencoder(), "moving": brightening()}
    for name, model in stand_ins.items():
        Path("runs", name).mkdir(parents=True)
        Path("runs", name, "model.onnx").write_bytes(model)


# blocks.md runs in test_blocks.py, which also compares what it prints.
@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, id=str(page.relative_to(ROOT)), marks=[pytest.mark.doors] * (page.name in TRAINING))
        for page in PAGES
        if page.name != "blocks.md"
    ],
)
def test_commands_and_code_of_a_page_run(page: Path, sample_files: None, run: Run) -> None:
    names: dict[str, object] = {"__name__": "documentation"}
    for block in blocks(page):
        if block.language == "python":
            exec(compile(block.text, f"{page.name}:{block.line}", "exec"), names)
        elif block.language == "bash":
            for words in commands(block):
                ran = run(*for_tests(words)[1:])
                assert ran.status == 0, f"{page.name}:{block.line}: {' '.join(words)}\n{ran.out}{ran.err}"


def test_every_fence_says_what_it_is() -> None:
    for page in PAGES:
        for block in blocks(page):
            assert block.language in FENCES, f"{page.name}:{block.line}: {block.language!r}"


def test_bash_blocks_are_sfumato_and_sh_blocks_are_the_listed_others() -> None:
    seen: set[str] = set()
    for page in PAGES:
        for block in blocks(page):
            if block.language == "bash":
                assert {words[0] for words in commands(block)} == {"sfumato"}, f"{page.name}:{block.line}"
            elif block.language == "sh":
                seen |= {" ".join(words[:2]) for words in commands(block)}
    assert seen == NOT_RUN


def test_commands_inside_sentences_name_real_options(run: Run) -> None:
    commands = (
        "restore",
        "merge",
        "generate",
        "web",
        "serve",
        "train",
        "evaluate",
        "export",
        "import",
        "compare",
        "invert",
        "info",
        "models",
        "ask",
    )
    known = {name: run(name, "--help").out for name in commands}
    for page in PAGES:
        for command in re.findall(r"`sfumato ([^`]+)`", page.read_text(encoding="utf-8")):
            words = shlex.split(command)
            assert words[0] in known or words[0].startswith("--"), f"{page.name}: sfumato {command}"
            for option in re.findall(r"--[a-z-]+", command) if words[0] in known else ():
                assert option in known[words[0]], f"{page.name}: sfumato {command}"


def test_make_targets_of_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)[ `]", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert named
    assert named <= targets


def test_model_tables_are_in_step_with_the_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import model_tables

    for path, text in model_tables.pages(model_tables.shipped_cards()).items():
        assert path.read_text(encoding="utf-8") == text, f"run `python tools/model_tables.py`: {path.name}"


def test_tables_of_generators_are_in_step_with_the_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import generation_page

    page = generation_page.PAGE.read_text(encoding="utf-8")
    assert generation_page.filled(page) == page, "run `python tools/generation_page.py`"
