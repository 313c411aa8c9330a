"""What made each result, in a hidden file beside the results: whether one is still that of its input and options.

A line of JSON a result, added when it is written; the last one of a name holds. Without such a file, or where a result
was changed by somebody since, a result counts as finished unless it is older than its input.
"""

import contextlib
import hashlib
import json
import os
from dataclasses import fields
from pathlib import Path
from typing import Any

from ..models.engine import Engine
from ..restoration.options import RestoreOptions

NAME = ".sfumato-results.jsonl"
UNIMPORTANT = ("device", "threads", "memory_mb", "max_pixels", "advise")  # options that change nothing in a result

State = tuple[int, int]  # of a file: its time in nanoseconds and its size


def fingerprint(options: RestoreOptions, *further: object) -> str:
    """A short text that differs where options differ that a result depends on, and files that they name."""
    said = {field.name: _said(getattr(options, field.name)) for field in fields(options)}
    kept = {name: value for name, value in said.items() if name not in UNIMPORTANT}
    return hashlib.sha256(json.dumps([kept, list(further)], default=repr).encode()).hexdigest()[:16]


def _said(value: Any) -> Any:
    if isinstance(value, Engine):
        return value.card.name
    text = str(value)
    return [text, _state(Path(text))] if isinstance(value, str | Path) and os.path.isfile(text) else text


def _state(path: Path) -> State | None:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size


class Records:
    """The records of the folders that results lie in, each read once."""

    def __init__(self) -> None:
        self._folders: dict[Path, dict[str, Any]] = {}

    def is_stale(self, source: Path, target: Path, made_by: str) -> bool:
        """Whether the result was made of another state of its source, or by other options.

        One that no record tells of, or that was changed since, is stale where its source is newer.
        """
        record, before, after = self._of(target.parent).get(target.name), _state(source), _state(target)
        if not isinstance(record, dict) or record.get("result") != _listed(after):
            return before is not None and after is not None and before[0] > after[0]
        return record.get("source") != _listed(before) or record.get("options") != made_by

    def _of(self, folder: Path) -> dict[str, Any]:
        if folder not in self._folders:
            self._folders[folder] = found = {}
            with contextlib.suppress(OSError), (folder / NAME).open(encoding="utf-8", errors="replace") as file:
                for line in file:
                    with contextlib.suppress(ValueError):  # a line that was cut off
                        record = json.loads(line)
                        if isinstance(record, dict) and isinstance(record.get("name"), str):
                            found[record["name"]] = record
        return self._folders[folder]


def add_record(source: Path, target: Path, made_by: str) -> None:
    """Says of a result that was just written what it was made of; where that cannot be written, nothing is known."""
    record = {"name": target.name, "options": made_by, "source": _state(source), "result": _state(target)}
    with contextlib.suppress(OSError), (target.parent / NAME).open("a", encoding="utf-8", errors="replace") as file:
        file.write(json.dumps(record) + "\n")


def _listed(state: State | None) -> list[int] | None:
    return None if state is None else list(state)
