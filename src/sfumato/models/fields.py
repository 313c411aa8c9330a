"""Frozen dataclasses from plain values, such as JSON gives them: cards of model files, settings of networks."""

import dataclasses
import math
from collections.abc import Iterable
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from ..errors import ModelError, SfumatoError, UsageError

KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}


def read_fields(
    kind: Any, values: Any, *, what: str, owner: str = "", error: type[SfumatoError] = UsageError, key: str = ""
) -> Any:
    """The dataclass `kind` with `values` by name, each as its field's annotation asks for.

    Lists become tuples, whole floats ints, ints floats; nested dataclasses, `X | None`, tuples and dicts are read
    through. what: what a key is called in complaints, such as "card key"; owner: what begins those about values.
    Raises `error` for unknown and missing keys and values of another kind.
    """
    if not isinstance(values, dict):
        raise error(f"{owner}{key or what} is no object.")
    hints, fields = get_type_hints(kind), {field.name: field for field in dataclasses.fields(kind)}
    prefix = f"{key}." if key else ""
    for name in values:
        known(name, fields, f"{what}", error)
    for name, field in fields.items():
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and name not in values:
            raise error(f"{owner}the {what} '{prefix}{name}' is missing.")
    fail = _Fail(what, owner, error)
    return kind(**{name: _read(hints[name], value, prefix + name, fail) for name, value in values.items()})


def known(name: Any, names: Iterable[str], what: str, error: type[SfumatoError] = UsageError) -> str:
    """`name`, if it is one of `names`; otherwise `error` with the nearest one."""
    names = list(names)
    if isinstance(name, str) and name in names:
        return name
    near = get_close_matches(str(name), names, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"Choose among {', '.join(names)}."
    raise error(f"There is no {what} {name!r}. {hint}")


@dataclasses.dataclass(frozen=True)
class _Fail:
    what: str
    owner: str
    error: type[SfumatoError]

    def __call__(self, key: str, complaint: str) -> SfumatoError:
        return self.error(f"{self.owner}{key} {complaint}.")


def _read(kind: Any, value: Any, key: str, fail: _Fail) -> Any:
    if dataclasses.is_dataclass(kind):
        return read_fields(kind, value, what=fail.what, owner=fail.owner, error=fail.error, key=key)
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if origin is UnionType:
        options = [part for part in inner if part is not NoneType]
        return None if value is None and NoneType in inner else _read(options[0], value, key, fail)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            part = KINDS.get(inner[0], "of its kind")
            raise fail(key, f"is a list, each part {part}, such as [8, 16]; {value!r} is none")
        if inner[-1] is not Ellipsis and len(value) != len(inner):
            raise fail(key, f"is a list of the length {len(inner)}, not {value!r}")
        return tuple(_read(inner[0], item, f"every part of {key}", fail) for item in value)
    if origin is dict:
        if not isinstance(value, dict):
            raise fail(key, f"is an object, not {value!r}")
        return {name: _read(inner[1], item, f"{key}.{name}", fail) for name, item in value.items()}
    if kind not in KINDS:
        return value
    if kind in (int, float) and isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        if kind is float or value == int(value):
            return kind(value)
    elif type(value) is kind and kind in (bool, str):
        return value
    raise fail(key, f"is {KINDS[kind]}, not {value!r}")


def read_card_fields(kind: Any, values: Any) -> Any:
    """The same for the card of a model file; ModelError where it cannot be meant."""
    return read_fields(kind, values, what="card key", owner="card key ", error=ModelError)
