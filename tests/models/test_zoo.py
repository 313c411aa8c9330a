"""Every shipped model file is complete: a card that says where it comes from, and a page that says the same."""

from pathlib import Path

import pytest

from sfumato import load
from sfumato.models import zoo

ZOO = Path(zoo.__file__).parent


def test_the_list_and_the_folder_agree() -> None:
    assert {path.stem for path in ZOO.glob("*.onnx")} == set(zoo.SHIPPED)
    assert set(zoo.FOR_TASK.values()) <= set(zoo.SHIPPED)


@pytest.mark.parametrize("name", zoo.SHIPPED)
def test_card_is_complete(name: str) -> None:
    card = load(name).card
    assert card.name == name
    assert card.summary
    assert card.licence
    assert card.macs_per_pixel > 0
    assert card.num_parameters > 0
    for key in ("data", "data_licence", "steps", "seconds", "command", "commit"):
        assert card.training.get(key), f"{name} does not say its training's {key}"
    assert card.scores
    for row in card.scores:
        assert set(row) >= {"data", "protocol", "metric", "value"}


@pytest.mark.parametrize("name", zoo.SHIPPED)
def test_page_speaks_of_this_file(name: str) -> None:
    card, page = load(name).card, (ZOO / f"{name}.md").read_text(encoding="utf-8")
    assert card.summary in page
    assert card.licence in page
    for row in card.scores:
        assert str(row["value"]) in page
