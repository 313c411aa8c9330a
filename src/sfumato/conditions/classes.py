"""Names of classes that lie in groups: "animal/cat" lies in "animal", and is found by "cat", too."""

from collections.abc import Sequence

import numpy as np

from .text import plain_text

MIX = "mix"


def within(classes: Sequence[str], asked: str) -> tuple[str, ...]:
    """The class of that name, or else those of that group, or else those with that name among their parts.

    In the order of the classes; () for a name that nothing has.
    """
    if asked in classes:
        return (asked,)
    return tuple(name for name in classes if name.startswith(f"{asked}/")) or tuple(
        name for name in classes if f"/{asked}/" in f"/{name}/"
    )


def named_in(classes: Sequence[str], caption: str) -> str | None:
    """The class whose name is one of the parts of a caption between commas; None where none is, or several are."""
    parts = [plain_text(part) for part in caption.split(",")]
    found = [name for name in classes if plain_text(name) in parts]
    return found[0] if len(found) == 1 else None


def part_of(classes: Sequence[str], name: str) -> str | None:
    """The class that is this one, or the nearest group around it; None where there is neither."""
    around = [known for known in classes if name == known or name.startswith(f"{known}/")]
    return max(around, key=len, default=None)


def grouped(classes: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The classes of each outermost group, in the order of their first; one without a group is its own."""
    found: dict[str, tuple[str, ...]] = {}
    for name in classes:
        group = outermost(name)
        found[group] = (*found.get(group, ()), name)
    return found


def outermost(name: str) -> str:
    """The outermost group of a class; its own name where it lies in none."""
    return name.split("/")[0]


def listed(classes: Sequence[str]) -> str:
    """Names in a line: "animal (cat, dog), house"."""
    listed_groups = []
    for group, names in grouped(classes).items():
        inside = [name.removeprefix(f"{group}/") for name in names]
        listed_groups.append(group if inside == [group] else f"{group} ({', '.join(inside)})")
    return ", ".join(listed_groups)


def any_of(seed: int, index: int, names: Sequence[str], shares: Sequence[float] = ()) -> str:
    """One of the names, as likely as its share, or all alike, which depends on seed, index and those alone."""
    if len(names) == 1:
        return names[0]
    rng = np.random.RandomState(np.random.PCG64(np.random.SeedSequence([seed, index, len(names)])))
    upto = np.cumsum(shares if sum(shares) else np.ones(len(names)))
    return names[min(int(np.searchsorted(upto / upto[-1], rng.random_sample(), side="right")), len(names) - 1)]
