"""Where a picture comes from: a file, or bytes that somebody holds."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from ..errors import PictureError
from .vips import vips

if TYPE_CHECKING:
    import pyvips


@dataclass(frozen=True)
class Source:
    """A file by its path, or its contents; as text what begins a sentence about it."""

    path: Path | None = None
    contents: bytes = field(default=b"", repr=False)

    @classmethod
    def of(cls, source: str | Path | bytes | BinaryIO) -> Source:
        """Of a path, of bytes, or of an open binary file, which is read to its end."""
        if isinstance(source, str | os.PathLike):
            return cls(Path(source))
        return cls(contents=bytes(source) if isinstance(source, bytes | bytearray | memoryview) else source.read())

    def __str__(self) -> str:
        return "The picture" if self.path is None else str(self.path)

    def check_regular(self) -> None:
        """Raises PictureError for a pipe, a device or a socket: to open one may wait for ever."""
        if self.path is not None and not stat.S_ISREG(mode := self.path.stat().st_mode) and not stat.S_ISDIR(mode):
            raise PictureError(f"{self} is no regular file but a pipe, a device or a socket.")

    def open(self) -> BinaryIO:
        return BytesIO(self.contents) if self.path is None else self.path.open("rb")

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.contents) if self.path is None else self.path.stat().st_size

    @property
    def suffix(self) -> str:
        return "" if self.path is None else self.path.suffix.lower()

    @property
    def state(self) -> tuple[int, int]:
        """What differs after the file was changed."""
        if self.path is None:
            return 0, len(self.contents)
        try:
            found = os.stat(self.path)
        except OSError:
            return 0, 0
        return found.st_mtime_ns, found.st_size

    def image(self, loader: str, **options: Any) -> pyvips.Image:
        """What the loader of this name in libvips makes of it."""
        if self.path is None:
            return getattr(vips().Image, f"{loader}_buffer")(self.contents, **options)
        try:
            return getattr(vips().Image, loader)(str(self.path), **options)
        except UnicodeEncodeError:
            name = str(self.path).encode(errors="replace")
            raise PictureError(f"{name!r} is no valid file name here; rename it.") from None
