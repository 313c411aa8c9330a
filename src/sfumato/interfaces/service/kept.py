"""A restoration kept beside its source, so that it can be had at other strengths without running a model again."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...estimation.noise import NoiseCurve
from ...files import write_whole, written_whole
from ...pictures.picture import Picture
from ...pictures.pixels import nominal, quantised
from ...pictures.span import Span
from ...restoration.result import Restored, Step
from ...tiling.strips import STRIP_ROWS

FACTS = "kept.json"


def keep(restored: Restored, folder: Path) -> None:
    """Write what `kept` needs into a folder: the full result as the values of its depth, and the facts."""
    full = restored.full
    if full is not None:
        rows = (quantised(strip, full.depth) for strip in full.strips(STRIP_ROWS))
        first = next(rows)
        shape = (full.height, full.width, full.num_channels)
        with written_whole(folder / "full.npy") as partial:
            stored = np.lib.format.open_memmap(partial, mode="w+", dtype=first.dtype, shape=shape)
            top = 0
            for strip in (first, *rows):
                stored[top : top + len(strip)] = strip
                top += len(strip)
            stored.flush()
        if (alpha := full.alpha()) is not None:
            _save(folder / "alpha.npy", quantised(alpha, full.depth))
    for name, array in (("filled", restored.filled), ("region", restored.region), ("doubtful", restored.doubtful)):
        if array is not None:
            _save(folder / f"{name}.npy", array)
    facts = {
        "steps": [asdict(step) for step in restored.steps],
        "strength": restored.strength,
        "seconds": restored.seconds,
        "notes": restored.notes,
        "advice": restored.advice,
        "size": restored.size,
        "span": None if restored.span is None else asdict(restored.span),
    }
    write_whole(folder / FACTS, json.dumps(facts))


def kept(folder: Path, source: Picture) -> Restored:
    """What `keep` wrote, with the picture that was restored; its `picture` is to be taken by `at_strength`."""
    facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    span = None if facts["span"] is None else Span(**facts["span"])
    return Restored(
        source,
        source,
        tuple(_step(step) for step in facts["steps"]),
        1.0,
        facts["seconds"],
        tuple(facts["notes"]),
        _loaded(folder / "filled.npy"),
        facts["advice"],
        span,
        None if facts["size"] is None else (facts["size"][0], facts["size"][1]),
        full=_full(folder, source if span is None else source.in_span(span)),
        region=_loaded(folder / "region.npy"),
        doubtful=_loaded(folder / "doubtful.npy"),
    )


def is_kept(folder: Path) -> bool:
    return (folder / FACTS).is_file()


def _full(folder: Path, worked_on: Picture) -> Picture | None:
    stored = _loaded(folder / "full.npy", mapped=True)
    if stored is None:
        return None
    height, width = stored.shape[:2]
    strips = (nominal(stored[top : top + STRIP_ROWS], worked_on.depth) for top in range(0, height, STRIP_ROWS))
    full = worked_on.with_strips(strips, height, width)
    alpha = _loaded(folder / "alpha.npy")
    return full if alpha is None else full.with_alpha(nominal(alpha, worked_on.depth))


def _step(facts: dict[str, Any]) -> Step:
    noise = facts.pop("noise")
    curve = None if noise is None else NoiseCurve(tuple(noise["brightness"]), tuple(noise["sigma"]), noise["doubt"])
    return Step(**facts, noise=curve)


def _save(path: Path, array: NDArray[Any]) -> None:
    with written_whole(path) as partial, open(partial, "wb") as file:
        np.save(file, array, allow_pickle=False)


def _loaded(path: Path, *, mapped: bool = False) -> NDArray[Any] | None:
    return np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False) if path.is_file() else None
