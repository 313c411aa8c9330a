"""Files that appear under their names whole or not at all."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

MAX_STEM = 60  # characters of the name that go into the temporary one: with 4 bytes each it stays below 255


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A temporary name beside `path`; what is written there takes its place at the end, or is gone after an exception.

    The contents reach the disk first, or a power cut could leave the name alone. A file that is replaced leaves its
    permissions. Writers of other processes are not met: each has a name of its own.
    """
    partial = path.with_name(f".{path.name[:MAX_STEM]}.{secrets.token_hex(4)}.part")
    try:
        yield partial
        with contextlib.suppress(FileNotFoundError):
            partial.chmod(path.stat().st_mode & 0o777)
        with open(partial, "rb+") as contents:
            os.fsync(contents.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_whole(path: Path, contents: bytes | str) -> None:
    """`contents` as the file `path`, text in UTF-8."""
    with written_whole(path) as partial:
        partial.write_bytes(contents.encode() if isinstance(contents, str) else contents)
