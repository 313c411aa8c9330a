"""Write what the shipped models' cards say into README.md and docs/models.md, between their markers.

README.md gets a row for each task and each model; the tables of scores are in docs/models.md alone. Run it after a
model file has changed: `python tools/model_tables.py`. A test checks that the pages are in step with the cards, so no
number in them is typed by hand.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sfumato import load
from sfumato.models import zoo
from sfumato.models.card import Card
from sfumato.models.model_file import seal

ROOT = Path(__file__).parents[1]
SECOND_PACKAGE = ROOT / "packages" / "sfumato-models" / "src" / zoo.SECOND_PACKAGE
SPEED = "megapixels a second"
MARKS = " ᵃ", " ᵇ", " ᶜ", " ᵈ"
BEGIN, END = "<!-- shipped models: begin -->", "<!-- shipped models: end -->"


def folder_of(name: str) -> Path:
    """Where in the checkout the file of a shipped model belongs, whether or not it is there yet."""
    return SECOND_PACKAGE if name in zoo.IN_SECOND_PACKAGE else zoo.FOLDER


def first_look(cards: Sequence[Card]) -> str:
    """README's paragraph on the models, and its two tables: a row for each task, and a row for each other model."""
    by_name = {card.name: card for card in cards}
    marks = _marks(cards)
    usual, *others = (f"{machine}{mark}" for machine, mark in marks.items())
    lines = [
        "Without `--task`, `sfumato restore` looks at the picture and chooses. Seconds are for 12 megapixels, by the "
        f"rates in the models' cards: on {usual}; those marked on {', '.join(others)}. Pictures a second are of two "
        "cores at most, whose kind was not noted. [Scores, training data and licences](docs/models.md) of each.",
        "",
    ]
    lines += ["| `--task` | what it does | model | file | 12 megapixels |", "|---|---|---|---:|---:|"]
    for task, name in zoo.FOR_TASK.items():
        facts = f"`{name}`{_second(name)} | {_megabytes(name)} | {_seconds(by_name[name], marks)}"
        lines.append(f"| `{task}` | {by_name[name].summary} | {facts} |")
    lines += ["", "| other models | what they do | file | 12 megapixels, or pictures |", "|---|---|---:|---:|"]
    for card in cards:
        if card.name not in zoo.FOR_TASK.values() and not card.invents:  # these are an option of tasks
            size = _megabytes(card.name)
            lines.append(f"| `{card.name}`{_second(card.name)} | {card.summary} | {size} | {_seconds(card, marks)} |")
    return "\n".join(lines)


def _second(name: str) -> str:
    """The mark of a model that comes with the second package."""
    return " ²" if name in zoo.IN_SECOND_PACKAGE else ""


def _megabytes(name: str) -> str:
    return f"{zoo.path(name).stat().st_size / 1e6:.1f}\N{NO-BREAK SPACE}MB"


def _seconds(card: Card, marks: dict[str, str]) -> str:
    """How long 12 megapixels take by the card's rate; of a generator how many pictures it makes in a second."""
    rates = {row["metric"]: row["value"] for row in card.scores}
    if rate := rates.get(SPEED):
        return f"{12 / rate:.{int(rate > 1.2)}f}\N{NO-BREAK SPACE}s{marks[_machine(card)]}"
    rate = rates.get("pictures a second")
    return f"{rate:,.0f} a second" if rate else ""


def _marks(cards: Sequence[Card]) -> dict[str, str]:
    """A mark for each machine that models were measured on, none for that of the most, which comes first."""
    machines = Counter(filter(None, map(_machine, cards)))
    return dict(zip((machine for machine, _ in machines.most_common()), ("", *MARKS), strict=False))


def _machine(card: Card) -> str:
    """What the card's rate was measured on, such as "2 cores of an AMD EPYC (AVX2)"; "" where it has none."""
    protocols = {row["metric"]: row["protocol"] for row in card.scores}
    return protocols.get(SPEED, "").partition(", ")[2]


def overview(cards: Sequence[Card]) -> str:
    """Models that restore, one below the other: what for, size, work."""
    lines = ["| model | what it does | parameters | GMACs at 256x256 | file |", "|---|---|---:|---:|---:|"]
    for card in filter(_restores, cards):
        default = " (default)" if card.name in zoo.FOR_TASK.values() else ""
        work = card.macs_per_pixel * 256 * 256 / 1e9
        facts = f"{card.num_parameters:,} | {work:.2f} | {_megabytes(card.name)}"
        lines.append(f"| `{card.name}`{default} | {card.summary} | {facts} |")
    return "\n".join(lines)


def generators(cards: Sequence[Card]) -> str:
    """Models that generate, one below the other."""
    lines = ["| model | what it does | parameters | pictures | file |", "|---|---|---:|---|---:|"]
    for card in cards:
        if not _restores(card):
            pictures = f"{card.size[1]}x{card.size[0]}" + (f", {len(card.classes)} classes" if card.classes else "")
            lines.append(
                f"| `{card.name}` | {card.summary} | {card.num_parameters:,} | {pictures} | {_megabytes(card.name)} |"
            )
    return "\n".join(lines)


def _restores(card: Card) -> bool:
    return card.task != "generate"


def scores(cards: Sequence[Card]) -> str:
    """A table for each task, of what the cards of its models say; generators have docs/comparing-generators.md."""
    tables: dict[str, list[Card]] = {}
    for card in cards:
        if card.scores and _restores(card):
            tables.setdefault(card.task, []).append(card)
    return "\n\n".join(map(_scores_of, tables.values()))


def _scores_of(measured: Sequence[Card]) -> str:
    """One row for each measurement, one column for each model."""
    rows: dict[tuple[str, str, str], dict[str, object]] = {}
    for card in measured:
        for row in card.scores:
            rows.setdefault((row["data"], row["protocol"], row["metric"]), {})[card.name] = row["value"]
    lines = [
        "| data | protocol | measure | " + " | ".join(f"`{card.name}`" for card in measured) + " |",
        "|---|---|---|" + "---:|" * len(measured),
    ]
    for key, values in rows.items():
        lines.append("| " + " | ".join([*key, *(str(values.get(card.name, "")) for card in measured)]) + " |")
    return "\n".join(lines)


def details(card: Card) -> str:
    """A section on one model: everything that its card says of use, training and licence."""
    halo = f"{card.halo} pixels" if card.halo is not None else f"none (whole pictures up to {card.max_pixels} pixels)"
    if card.fixed_size:
        halo = f"none: it draws {card.size[1]}x{card.size[0]} pixels"
    facts = {
        "task": card.task,
        **({"restores": f"by samples: {', '.join(card.sampled_tasks)}"} if card.sampled_tasks else {}),
        "family": f"`{card.family}`, {', '.join(f'{key} {_short(value)}' for key, value in card.config.items())}",
        "inputs": ", ".join(f"`{port.name}` ({port.kind}, {port.channels} channels)" for port in card.inputs),
        "size rule": f"padded to multiples of {card.stride} pixels",
        "halo of a tile": halo,
        "memory": f"{card.bytes_per_pixel} bytes for each pixel of a tile",
        "licence": card.licence,
    } | {f"training: {key.replace('_', ' ')}": value for key, value in card.training.items() if value not in ("", None)}
    lines = [f"## {card.name}", "", card.summary, "", "| | |", "|---|---|"]
    return "\n".join([*lines, *(f"| {name} | {value} |" for name, value in facts.items())])


def _short(value: Any) -> str:
    """A setting in words; of a long list how many it holds."""
    return f"({len(value)} of them)" if isinstance(value, list) and len(value) > 40 else str(value)


def row(data: str, protocol: str, metric: str, value: float, digits: int = 2) -> dict[str, Any]:
    """A line of a card's scores."""
    return {"data": data, "protocol": protocol, "metric": metric, "value": round(float(value), digits)}


def page(card: Card) -> str:
    """The model's own page: its facts and its scores."""
    lines = [f"| {r['data']} | {r['protocol']} | {r['metric']} | {r['value']} |" for r in card.scores]
    table = ["| data | protocol | measure | value |", "|---|---|---|---:|", *lines]
    return "\n".join([details(card).removeprefix("#"), "", *table, ""])


def write(card: Card, path: Path) -> None:
    """Seal the card into its file and renew its page."""
    path.write_bytes(seal(path.read_bytes(), card))
    path.with_suffix(".md").write_text(page(card), encoding="utf-8")


def pages(cards: Sequence[Card]) -> dict[Path, str]:
    """The two pages with their generated part renewed."""
    tables = f"{overview(cards)}\n\n{scores(cards)}\n\n{generators(cards)}"
    parts = {
        ROOT / "README.md": first_look(cards),
        ROOT / "docs" / "models.md": "\n\n".join([tables, *(details(card) for card in cards)]),
    }
    return {path: _between_markers(path.read_text(encoding="utf-8"), part) for path, part in parts.items()}


def shipped_cards() -> list[Card]:
    return [load(name).card for name in zoo.SHIPPED]


def _between_markers(page: str, part: str) -> str:
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{part}\n{END}{after}"


def main() -> None:
    for path, text in pages(shipped_cards()).items():
        path.write_text(text, encoding="utf-8")
        print(f"{path.relative_to(ROOT)} is in step with the cards")


if __name__ == "__main__":
    main()
