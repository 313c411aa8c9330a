"""How fast models are for which `ship.speed` has no measure, by processor time of one core, put into their cards.

`PYTHONPATH=benchmarks python tools/speed_rows.py`, then `python tools/model_tables.py`. What a process has used of one
core hardly depends on what else runs on the machine. `colorize` looks at a reduced copy, so it is measured on whole
pictures of 12 megapixels and not by its network; generators by what `generate` takes in batches, by their own steps.
"""

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import model_tables
import numpy as np
from ship import processor

from sfumato import Picture, generate
from sfumato.models import zoo
from sfumato.models.engine import Engine
from sfumato.restoration import colorize

TIMES = 5


def used(run: Callable[[], object]) -> float:
    """Seconds of processor time of the quickest of several runs, after one that is not counted."""
    run()
    found = []
    for _ in range(TIMES):
        started = time.process_time()
        run()
        found.append(time.process_time() - started)
    return min(found)


def of_colours(engine: Engine) -> dict[str, Any]:
    grey = Picture.from_array(np.random.default_rng(0).random((3000, 4000, 1), np.float32), depth=8)
    rate = 12 / used(lambda: [None for _ in colorize.apply(grey, engine)])
    protocol = f"whole pictures, {_core()}"
    return model_tables.row("12 megapixels", protocol, model_tables.SPEED, rate)


def of_pictures(engine: Engine, num: int, **given: Any) -> dict[str, Any]:
    height, width = engine.card.size
    rate = num / used(lambda: generate(engine, num, **given))
    return model_tables.row(f"{width}x{height}", f"default steps, {_core()}", "pictures a second", rate, 1)


def _core() -> str:
    return f"one core of an {processor()} by processor time"


def of_facades(engine: Engine) -> dict[str, Any]:
    labels = np.random.default_rng(0).integers(len(engine.card.config["palette"]), size=(16, 16))
    palette = [[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in engine.card.config["palette"]]
    return of_pictures(engine, 16, layout=np.uint8(palette)[labels].repeat(8, axis=0).repeat(8, axis=1))


MEASURED: dict[str, Callable[[Engine], dict[str, Any]]] = {
    "colorize": of_colours,
    "facades": of_facades,
    "emoji-text": lambda engine: of_pictures(engine, 8, text="red apple, food & drink"),
}


def with_row(rows: list[dict[str, Any]], found: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows with this one in place of what was measured of the same before."""
    return [*(row for row in rows if row["metric"] != found["metric"]), found]


def with_speed(rows: list[dict[str, Any]], name: str, engine: Engine) -> list[dict[str, Any]]:
    """The rows with the model's speed, where it is measured here; for `ship.py`, which writes a card anew."""
    return with_row(rows, MEASURED[name](engine)) if name in MEASURED else rows


def main() -> None:
    for name, measure in MEASURED.items():
        path = zoo.path(name)
        engine = Engine(path, threads=1)
        found = measure(engine)
        scores = tuple(with_row(list(engine.card.scores), found))
        model_tables.write(dataclasses.replace(engine.card, scores=scores), path)
        print(name, found)


if __name__ == "__main__":
    main()
