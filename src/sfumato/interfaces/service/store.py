"""The folder of a service: uploads and results under ids that cannot be guessed, removed by age.

pictures/ID/contents, name      what was uploaded, and what the client calls it
jobs/ID/NUMBER/...              inputs and results of an item
jobs/ID/mask, jobs/ID/hints
temporary/                      uploads on their way, intermediate pictures of the workers
"""

import contextlib
import os
import re
import secrets
import shutil
import time
from pathlib import Path
from typing import BinaryIO

from ...errors import SfumatoError
from ...files import write_whole, written_whole

ID = re.compile(r"[A-Za-z0-9_-]{22}")
MAX_NAME = 120
CONTENTS = "contents"


class DiskFull(SfumatoError):
    """There is no room for an upload or a result."""


def new_id() -> str:
    """128 random bits in 22 letters."""
    return secrets.token_urlsafe(16)


class Store:
    """Files of the service. reserve: bytes of the disk that stay free."""

    def __init__(self, work: Path, reserve: int) -> None:
        self.work, self.reserve = work.resolve(), reserve
        self.pictures, self.jobs, self.temporary = (self.work / name for name in ("pictures", "jobs", "temporary"))
        for folder in (self.pictures, self.jobs, self.temporary):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def check_room(self, size: int = 0) -> None:
        """Raises DiskFull where `size` more bytes would go into the reserve."""
        if shutil.disk_usage(self.work).free < self.reserve + size:
            raise DiskFull("There is no room for another picture on the service's disk; try again later.")

    def add_picture(self, contents: BinaryIO, name: str) -> str:
        """Keep an upload; its id."""
        id = new_id()
        folder = self.pictures / id
        folder.mkdir(mode=0o700)
        write_whole(folder / "name", name)
        self.write(folder / CONTENTS, contents)
        return id

    def picture(self, id: str) -> Path | None:
        """The file of an upload, None for an id that is unknown."""
        path = self.pictures / id / CONTENTS
        if not ID.fullmatch(id) or not path.is_file():
            return None
        os.utime(path.parent)  # what is used does not grow old
        return path

    def forget_picture(self, id: str) -> bool:
        """Remove an upload; False for an id that is unknown."""
        if self.picture(id) is None:
            return False
        shutil.rmtree(self.pictures / id, ignore_errors=True)
        return True

    def name_of(self, id: str) -> str:
        return (self.pictures / id / "name").read_text(encoding="utf-8")

    def folder_of(self, job: str, number: int | None = None) -> Path:
        """Of a job, or of one of its items; whether it is there or not."""
        assert ID.fullmatch(job)
        return self.jobs / job if number is None else self.jobs / job / str(number)

    def write(self, path: Path, contents: BinaryIO) -> None:
        """A whole file, synced to disk; DiskFull where there is no room."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with written_whole(path) as partial, open(partial, "wb") as file:
                shutil.copyfileobj(contents, file, 1 << 20)
        except OSError as error:
            raise no_room(error) from None

    def link(self, source: Path, target: Path) -> None:
        """The same file under another name, which stays when the first is removed."""
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            target.hardlink_to(source)
        except OSError:  # a file system without hard links
            with source.open("rb") as contents:
                self.write(target, contents)

    def forget(self, job: str) -> None:
        """Remove the files of a job."""
        shutil.rmtree(self.folder_of(job), ignore_errors=True)

    def remove_old(self, seconds: float) -> None:
        """Remove uploads and what crashes have left, once they are older; jobs go by their own time."""
        limit = time.time() - seconds
        for folder in (self.pictures, self.temporary):
            for entry in folder.iterdir():
                with contextlib.suppress(OSError):
                    if entry.stat().st_mtime < limit:
                        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def no_room(error: OSError) -> SfumatoError:
    """A failure to write, for a client."""
    return DiskFull(f"The service could not write to its disk ({error.strerror or error}); try again later.")


def shown_name(name: str | None, otherwise: str = "picture") -> str:
    """What a client calls its file, without folders and control characters: to be shown, never to be opened."""
    last = re.split(r"[\\/]", name or "")[-1]
    kept = "".join(letter for letter in last if letter.isprintable()).strip(" .")
    return kept[:MAX_NAME] or otherwise
