"""Write tables and sheets of docs/comparing-generators.md from the models' files: `python tools/generation_page.py`.

The figures are those of the files' cards, measured by bench_generation.py when they were shipped; the sheets are drawn
here, with seed 0, none picked out.
"""

import sys
from pathlib import Path

from sfumato.conditions.classes import grouped
from sfumato.generation.generate import generate
from sfumato.models.card import Card
from sfumato.models.engine import load

ROOT = Path(__file__).parents[1]
PAGE, SHEETS = ROOT / "docs" / "comparing-generators.md", ROOT / "docs" / "images" / "generation"
sys.path.insert(0, str(ROOT / "benchmarks"))  # what measures

from bench_generation import MEASURED, path_of


def cards(prefix: str) -> list[Card]:
    return [load(path_of(name)).card for name in MEASURED if name.startswith(prefix)]


def table(shown: list[Card]) -> str:
    """A row for each model, a column for each measure that most of them have."""
    names = list(dict.fromkeys((row["metric"], row["protocol"]) for card in shown for row in card.scores))
    measures = list(dict.fromkeys(metric for metric, _ in names))
    lines = [
        "| model | parameters | trained, s | pictures seen | " + " | ".join(measures) + " |",
        "|---|---:|---:|---:|" + "---:|" * len(measures),
    ]
    for card in shown:
        values = {row["metric"]: f"{row['value']:g}" for row in card.scores}
        side = card.size[0] * card.size[1] if card.size else 28 * 28
        seen = f"{card.training['pixels'] / side:,.0f}"
        facts = [f"`{card.name}`", f"{card.num_parameters:,}", f"{card.training['seconds']:,}", seen]
        lines.append("| " + " | ".join([*facts, *(values.get(metric, "") for metric in measures)]) + " |")
    return "\n".join(lines)


def rows(card: Card) -> str:
    """All that was measured of one model, with the protocol of each figure."""
    told = [f"| {r['data']} | {r['protocol']} | {r['metric']} | {r['value']:g} |" for r in card.scores]
    return "\n".join(["| data | protocol | measure | value |", "|---|---|---|---:|", *told])


def sheet(card: Card) -> Path:
    """80 pictures, or eight of each class or group of classes, as they come."""
    kinds = len(grouped(card.classes))
    made = generate(path_of(card.name), 8 * kinds if kinds else 80, seed=0, label="mix" if kinds else None)
    return made.sheet(None if kinds else 10).save(SHEETS / f"{card.name}.png", overwrite=True)


def parts() -> dict[str, str]:
    """What stands between the markers of the page, by their names."""
    digits = [card for card in cards("mnist") if card.task == "generate"]
    emoji, cifar = cards("emoji"), cards("jpeg-cifar10")
    judge = next(card for card in cards("mnist") if card.task == "classify")
    found = {"digits": table(digits), "judge": rows(judge), "emoji": table(emoji), "emoji-protocols": rows(emoji[0])}
    return found | {"protocols": rows(digits[0]), "cifar": table(cifar), "cifar-protocols": rows(cifar[0])}


def filled(page: str) -> str:
    """The page with what lies between `<!-- NAME: begin -->` and `<!-- NAME: end -->` renewed."""
    for name, text in parts().items():
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        before, rest = page.split(begin)
        _, after = rest.split(end)
        page = f"{before}{begin}\n{text}\n{end}{after}"
    return page


def main() -> None:
    SHEETS.mkdir(parents=True, exist_ok=True)
    for card in cards(""):
        if card.task == "generate":
            print(sheet(card).relative_to(ROOT))
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)} is in step with the cards")


if __name__ == "__main__":
    main()
