"""docs/blocks.md: its code runs from top to bottom, holds what it asserts, and prints what the page shows.

What it trains to compare takes most of the time and is among the doors; the rest runs with the fast tests.

The numbers of small trainings differ a little between machines, so what is compared is the text around them; the
facts that the page rests on are assertions in its own code.
"""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from sfumato.learn.layers.activation import ACTIVATIONS
from sfumato.learn.layers.normalization import NORMALIZATIONS
from sfumato.learn.layers.pooling import POOLINGS
from sfumato.learn.layers.resampling import DOWNSAMPLINGS, UPSAMPLINGS

PROGRAM = Path(__file__).parents[2] / "tools" / "blocks_figures.py"
# Sections that train networks to compare them, 20 in all, and leave no names that later ones use.
COMPARISONS = {"A dense layer against a convolution", "Max, average or strided: an ablation"}


@pytest.fixture(scope="module")
def figures() -> ModuleType:
    spec = importlib.util.spec_from_file_location("blocks_figures", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def page(figures: ModuleType) -> str:
    return figures.PAGE.read_text(encoding="utf-8")


def without_numbers(text: str) -> list[str]:
    """The words of every line: a number's digits, sign and padding are left out."""
    return [" ".join(re.sub(r"-?\d+(\.\d*)?(e[+-]\d+)?", " # ", line).split()) for line in text.splitlines()]


def assert_printed_as_shown(figures: ModuleType, text: str) -> None:
    _, renewed = figures.run_page(text)
    assert without_numbers(renewed) == without_numbers(text), "run `python tools/blocks_figures.py`"


def test_code_but_the_comparisons_prints_what_the_page_shows(figures: ModuleType, page: str) -> None:
    sections = {section.partition("\n")[0]: section for section in re.split(r"^## ", page, flags=re.M)}
    assert sections.keys() > COMPARISONS
    kept = [section for title, section in sections.items() if title not in COMPARISONS]
    assert_printed_as_shown(figures, "".join(kept))


@pytest.mark.doors
def test_code_runs_and_prints_what_the_page_shows(figures: ModuleType, page: str) -> None:
    assert_printed_as_shown(figures, page)


def test_numbers_are_told_from_words() -> None:
    assert without_numbers("a (1, 3) 20.69 dB  [21.  20.9]") == without_numbers("a (2, 16)  3.1 dB [ 4. 5.]")
    assert without_numbers("trained 0.1") != without_numbers("untrained 0.1")


def test_every_layer_is_on_the_page(page: str) -> None:
    layers = PROGRAM.parents[1] / "src" / "sfumato" / "learn" / "layers"
    classes = {name for file in layers.glob("*.py") for name in re.findall(r"^class ([^_]\w*)", file.read_text(), re.M)}
    by_name = {"StridedDown", "ShuffleUp", "GroupNorm"}  # shown as `strided`, `shuffle` and `group`
    assert by_name < classes
    assert {name for name in classes - by_name if name not in page} == set()
    for names in (ACTIVATIONS, NORMALIZATIONS, POOLINGS, DOWNSAMPLINGS, UPSAMPLINGS):
        assert [name for name in names if not re.search(rf"\b{name}\b", page)] == []


def test_pictures_of_the_page_are_those_that_the_program_draws(figures: ModuleType, page: str) -> None:
    shown = re.findall(r"!\[.+?\]\(images/blocks/(.+?)\.png\)", page)
    assert sorted(shown) == sorted(figures.FIGURES)
    assert sorted(file.stem for file in figures.FOLDER.iterdir()) == sorted(shown)
    assert sum(file.stat().st_size for file in figures.FOLDER.iterdir()) < 600_000
