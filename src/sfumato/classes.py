"""Names of classes that lie in groups: "animal/cat" lies in "animal", and is found by "cat", too."""

from collections.abc import Sequence


def is_within(name: str, group: str) -> bool:
    """Whether the class is this one, or one of its parts is: of "a/b/c" each of "a", "b", "c", "a/b" and "b/c" is."""
    return f"/{group}/" in f"/{name}/"


def within(classes: Sequence[str], group: str) -> tuple[str, ...]:
    """The class of that name, or else those that lie in the group, in their order; () for a name that nothing has."""
    return (group,) if group in classes else tuple(name for name in classes if is_within(name, group))


def outermost(name: str) -> str:
    """The outermost group of a class; its own name where it lies in none."""
    return name.split("/")[0]


def groups(classes: Sequence[str]) -> tuple[str, ...]:
    """The outermost groups, in the order of their first classes."""
    return tuple(dict.fromkeys(map(outermost, classes)))


def listed(classes: Sequence[str]) -> str:
    """Names in a line: "animal (cat, dog), house"."""
    told = []
    for group in groups(classes):
        inside = [name.removeprefix(f"{group}/") for name in classes if outermost(name) == group]
        told.append(group if inside == [group] else f"{group} ({', '.join(inside)})")
    return ", ".join(told)
