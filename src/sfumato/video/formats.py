"""Which reader and which writer a clip needs, by its name and by what it holds."""

from __future__ import annotations

from pathlib import Path

from ..errors import PictureError, SfumatoError
from .codecs import SUFFIXES
from .containers import ContainerReader
from .encoding import ContainerWriter
from .frames import Reader, Writer
from .options import ClipOptions


def is_clip(path: str | Path) -> bool:
    """Whether a file is restored as a clip rather than as a picture: by its name."""
    return Path(path).suffix.lower() in SUFFIXES


def measured(path: Path) -> int:
    """Pixels of all frames together, as far as the file says; 0 for one that cannot be read."""
    try:
        with open_clip(path, ClipOptions()) as reader:
            clip = reader.clip
            return clip.width * clip.height * (clip.num_frames or 1)
    except (SfumatoError, OSError):
        return 0  # restoring it will say what is wrong


def open_clip(path: Path, options: ClipOptions, threads: int | None = None) -> Reader:
    """The clip, opened. Raises PictureError for what is none."""
    if path.is_dir():
        raise PictureError(f"{path} is a folder, not a clip.")
    if not path.exists():
        raise PictureError(f"{path} does not exist; check the name.")
    return ContainerReader(path, threads)


def open_writer(
    place: Path, target: Path, reader: Reader, options: ClipOptions, threads: int | None, size: tuple[int, int]
) -> Writer:
    """A writer to `place` of what will be named `target`; size: height and width of the frames.

    Of a video file all but the frames goes along too, unless a piece is written.
    """
    source = reader if isinstance(reader, ContainerReader) else None
    return ContainerWriter(
        *(place, target, reader.clip, source, size),
        codec=options.codec,
        crf=options.crf,
        threads=threads,
        with_sound=options.preview is None,
    )
