"""Pictures that lie elsewhere, in whatever fsspec reads: fetched, restored beside, and put back whole.

fsspec comes with the extra `cluster`; a store such as S3 needs its own package (s3fs) beside it.
"""

import contextlib
import posixpath
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import MissingExtra, Option, UsageError
from ..files import MAX_STEM
from .jobs import PICTURE_SUFFIXES, Job, Plan, result_name


@dataclass(frozen=True)
class RemoteJob(Job):
    """A job whose source and target are URLs; `source` and `target` are their ends, to be named."""

    source_url: str = ""
    target_url: str = ""


def is_remote(text: str) -> bool:
    """Whether it is a URL, such as s3://bucket/scans."""
    return "://" in text


def plan_remote(inputs: Sequence[str], output: str | None, *, overwrite: bool = False) -> Plan:
    """The pictures below URLs of folders, or such files, whose results go below the URL `output`.

    A result that is there counts as finished. Raises UsageError where nothing is found or the store is not known.
    """
    if output is None or not all(map(is_remote, (*inputs, output))):
        raise UsageError(Option("output"), " and all inputs must be URLs where one is, such as s3://bucket/restored.")
    there = _files(output)
    target_root, unread = output.rstrip("/"), 0
    jobs: list[Job] = []
    finished: list[Job] = []
    for root in inputs:
        found = _files(root)
        if not found:
            raise UsageError(f"{root} holds no files.")
        for inside, url in found.items():
            if posixpath.splitext(inside)[1].lower() not in PICTURE_SUFFIXES:
                unread += 1
                continue
            place = Path(posixpath.dirname(inside))
            target = place / result_name(Path(inside), mark="")
            job = RemoteJob(Path(inside), target, None, place, False, url, f"{target_root}/{target.as_posix()}")
            (finished if target.as_posix() in there and not overwrite else jobs).append(job)
    return Plan(tuple(jobs), tuple(finished), 0, unread)


@contextlib.contextmanager
def beside(job: RemoteJob) -> Iterator[Job]:
    """The same job on copies in a folder of its own; what it leaves there is put in the target's place at the end."""
    with tempfile.TemporaryDirectory(prefix="sfumato-") as folder:
        source = Path(folder) / "in" / job.source.name
        target = Path(folder) / "out" / job.target.name
        source.parent.mkdir()
        target.parent.mkdir()
        system, path = _system(job.source_url)
        system.get_file(path, str(source))
        yield replace(Job(source, target), place=job.place)
        if target.exists():
            _put(target, job.target_url)


def _put(file: Path, url: str) -> None:
    """Whole or not at all: stores of objects put them so; elsewhere the file gets its name when it is all there."""
    system, path = _system(url)
    parent, name = posixpath.split(path)
    system.makedirs(parent, exist_ok=True)
    partial = f"{parent}/.{name[:MAX_STEM]}.{secrets.token_hex(4)}.part"
    system.put_file(str(file), partial)
    system.mv(partial, path)


def _files(root: str) -> dict[str, str]:
    """URLs of all files below a folder, by their places in it, in the order of these; of a file, that one."""
    system, path = _system(root)
    path = path.rstrip("/")
    if not system.exists(path):
        return {}
    if system.isfile(path):
        return {posixpath.basename(path): root}
    found = {}
    for name in system.find(path):
        inside = name[len(path) :].lstrip("/")
        if not any(part.startswith(".") for part in inside.split("/")):
            found[inside] = f"{root.rstrip('/')}/{inside}"
    return dict(sorted(found.items()))


def _system(url: str) -> tuple[Any, str]:
    """The store of a URL, and the path in it."""
    try:
        import fsspec
    except ImportError:
        raise MissingExtra(f'{url} is elsewhere; to reach it: pip install "sfumato[cluster]".') from None
    try:
        system, path = fsspec.core.url_to_fs(url)
    except (ValueError, ImportError) as error:
        raise UsageError(f"{url} cannot be reached: {str(error).rstrip('.')}.") from None
    return system, str(path)
