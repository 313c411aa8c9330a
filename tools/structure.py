"""Print how the code is built: `python tools/structure.py`.

Packages of the run half and of the learn half, the imports between them, the floors that import-linter keeps apart, and
the way of a picture through `sfumato.restore`: how often the call goes from one package into another.
"""

import sys
import tomllib
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

import grimp
import numpy as np

import sfumato

ROOT = Path(__file__).parents[1]


def room_of(module: str) -> str:
    """The package (below `sfumato`, below `sfumato.learn` in the learn half) that a module lies in."""
    parts = module.split(".")[1:]
    return ".".join(parts[: 2 if parts[:1] == ["learn"] else 1]) or "sfumato"


def main() -> None:
    """Print the figures."""
    graph = grimp.build_graph("sfumato")
    pairs = {
        (room_of(importer), room_of(imported))
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
    }
    between = {(a, b) for a, b in pairs if a != b}
    run_half = {room for pair in between for room in pair if not room.startswith("learn")} - {"sfumato"}
    arrows = [(a, b) for a, b in between if a in run_half and b in run_half]
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    print(f"run half: {len(run_half)} packages and modules ({', '.join(sorted(run_half))})")
    print(f"imports between them: {len(arrows)} pairs; floors: {len(contract['layers'])}")
    learn = {room for pair in between for room in pair if room.startswith("learn")}
    print(f"learn half: {len(learn)} packages and modules")
    crossings, rooms = way_of_a_picture()
    print(f"a picture on its way through restore: {len(rooms)} packages, {crossings} calls from one into another")


def way_of_a_picture() -> tuple[int, Counter[str]]:
    """Calls from one package into another while a picture is restored, and how often each package is entered."""
    package, rooms, crossings = str(Path(sfumato.__file__).parent), Counter[str](), 0
    picture = sfumato.Picture.from_array(np.random.default_rng(0).normal(0.5, 0.1, (64, 64, 3)).clip(0, 1))
    sfumato.restore(picture, noise=25)  # models are loaded now

    def name(frame: FrameType | None) -> str:
        return "" if frame is None else room_of(frame.f_globals.get("__name__", ""))

    def inside(frame: FrameType | None) -> bool:
        return frame is not None and frame.f_code.co_filename.startswith(package)

    def watch(frame: FrameType, event: str, _: Any) -> None:
        nonlocal crossings
        if event == "call" and inside(frame) and inside(frame.f_back) and name(frame) != name(frame.f_back):
            crossings += 1
            rooms[name(frame)] += 1

    sys.setprofile(watch)
    try:
        sfumato.restore(picture, noise=25)
    finally:
        sys.setprofile(None)
    return crossings, rooms


if __name__ == "__main__":
    main()
