"""libvips, set up for this package on first use: nothing remembered between files, nothing printed, errors in words."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import PictureError


@functools.cache
def vips() -> Any:
    """pyvips, imported on first use and set up: nothing remembered between files, nothing printed."""
    import pyvips

    # The operation cache knows files by name: a file that was rewritten would come back as it was.
    pyvips.cache_set_max(0)
    pyvips.cache_set_max_mem(0)
    pyvips.cache_set_max_files(0)
    # libvips' warnings come through this logger; without a handler Python prints them.
    logging.getLogger("pyvips").addHandler(logging.NullHandler())
    return pyvips


@contextmanager
def decoding(path: Path | None) -> Iterator[None]:
    """Turns libvips' errors into a sentence about `path`."""
    try:
        yield
    except vips().Error as error:
        raise PictureError(f"{path or 'The picture'} {complaint(error)}.") from None


def complaint(error: Exception) -> str:
    """libvips' report as the end of a sentence that starts with the file's name."""
    detail = str(getattr(error, "detail", "") or error)
    lines = [line.strip() for line in detail.splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith("unable to call")] or lines or ["no reason given"]
    said = lines[0].rstrip(".")
    if re.search(r"premature|truncat|end of (file|stream|image)|not enough|too short|unexpected eof", detail.lower()):
        return f"is cut off: the file ends before the picture does, so get a complete copy ({said})"
    return f"is damaged or not a picture that can be read, so get another copy ({said})"
