"""Refusals and failures as problem details (RFC 9457), whose text is the library's sentence."""

import errno
import re
import sqlite3
from typing import Any

from starlette.exceptions import HTTPException

from ...errors import AudioError, MissingExtra, Option, PictureError, SfumatoError, UsageError
from .store import DiskFull

MEDIA_TYPE = "application/problem+json"
# Form fields that are named otherwise than the option in Python.
NAMES = {"memory_mb": "memory", "label": "class", "frames": "num", "max_pixels": "size of the picture"}
# Folders of the machine that the service runs on are none of a client's business: the last name of a path stays. The
# service's own addresses are meant for clients.
PATHS = re.compile(r"(?<![\w.:/])(?!/v1/)(?:[A-Za-z]:)?[\\/](?:[^\s\\/:,;]+[\\/])+([^\s\\/:,;]*)")
Problem = dict[str, Any]


class Refusal(HTTPException):
    """An answer that is no result. headers: such as Retry-After."""

    def __init__(self, status: int, kind: str, title: str, detail: str, **headers: str) -> None:
        super().__init__(status, detail, {name.replace("_", "-"): value for name, value in headers.items()})
        self.problem = problem(status, kind, title, detail)


def problem(status: int, kind: str, title: str, detail: str, **more: Any) -> Problem:
    """type: a word for programs. title: the same for people. detail: the sentence on this one case."""
    return {"type": kind, "title": title, "status": status, "detail": detail, **more}


def problem_of(error: Exception, reference: str = "") -> Problem:
    """What a client is told of an error. reference: of what the service's log says about an unforeseen one."""
    if isinstance(error, Refusal):
        return error.problem
    if isinstance(error, DiskFull) or (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)):
        return _disk_full(str(error)) if isinstance(error, DiskFull) else _disk_full()
    if isinstance(error, SfumatoError):
        sentence = without_paths(error.spelled(spelled))
        if re.search(r"No space left|Disk quota", sentence):
            return _disk_full()
        more = {"option": NAMES.get(error.option, error.option)} if error.option else {}
        if isinstance(error, PictureError):
            return problem(422, "picture", "The picture cannot be used", sentence, **more)
        if isinstance(error, AudioError):
            return problem(422, "audio", "The recording cannot be used", sentence, **more)
        if isinstance(error, MissingExtra):
            return problem(422, "not-installed", "Not installed on this service", sentence, **more)
        return problem(422, "option" if isinstance(error, UsageError) else "model", "Not possible", sentence, **more)
    if isinstance(error, sqlite3.OperationalError) and "full" in str(error):
        return _disk_full()
    if isinstance(error, sqlite3.OperationalError) or type(error).__module__.startswith("redis."):
        return problem(503, "queue", "The queue is away", "The service cannot reach its queue; try again later.")
    if isinstance(error, MemoryError):
        return problem(413, "memory", "Too large", "There is not enough memory for this picture; send a smaller one.")
    sentence = "Something unforeseen went wrong; the service's log says more" + (
        f" under {reference}." if reference else "."
    )
    return problem(500, "unforeseen", "An error of the service", sentence)


def _disk_full(sentence: str = "The service's disk is full; try again later.") -> Problem:
    return problem(507, "disk-full", "No room on the disk", sentence)


def spelled(option: Option) -> str:
    """An option as a field of a form."""
    name = NAMES.get(option.name, option.name)
    return name if option.value is None or option.value is True else f"{name}={option.value}"


def without_paths(sentence: str) -> str:
    """The sentence with files' names instead of their paths."""
    return PATHS.sub(r"\1", sentence)
