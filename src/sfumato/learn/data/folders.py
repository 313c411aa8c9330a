"""Pictures in a folder, a zip or a tar: listed in a stable order, decoded to arrays of a wanted channel count."""

import hashlib
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sfumato.errors import TrainingError

SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".avif", ".gif", ".bmp", ".ppm", ".pgm"}


@dataclass(frozen=True)
class Listing:
    """The pictures below `source`: their names inside it, in order, and a key that changes when they do."""

    source: Path
    names: tuple[str, ...]
    key: str

    def read(self) -> Iterator[tuple[str, bytes]]:
        """Name and file bytes of every picture, in the order of `names` (an archive is read through once)."""
        if self.source.is_dir():
            for name in self.names:
                yield name, (self.source / name).read_bytes()
        elif zipfile.is_zipfile(self.source):
            with zipfile.ZipFile(self.source) as archive:
                for name in self.names:
                    yield name, archive.read(name)
        else:
            with tarfile.open(self.source) as archive:
                for name in self.names:
                    member = archive.extractfile(name)
                    if member is not None:
                        yield name, member.read()

    def split(self, share: float = 0.05, *, at_most: int = 64) -> tuple["Listing", "Listing | None"]:
        """Pictures to train on and pictures held out, chosen by name, so that new pictures move no old ones.

        At least one is held out; None where there is only one picture.
        """
        if len(self.names) < 2:
            return self, None
        order = sorted(self.names, key=lambda name: hashlib.blake2b(name.encode()).digest())
        held = set(order[: max(1, min(at_most, round(share * len(order))))])
        kept = tuple(name for name in self.names if name not in held)
        return (
            Listing(self.source, kept, f"{self.key}-train"),
            Listing(self.source, tuple(n for n in self.names if n in held), f"{self.key}-val"),
        )


def list_pictures(source: str | Path) -> Listing:
    """Every picture file below a folder, or in a zip or tar; raises TrainingError when there is none."""
    source = Path(source).expanduser()
    if not source.exists():
        raise TrainingError(f"{source} does not exist; --data takes a folder, a zip or a tar of pictures.")
    if source.is_dir():
        found = sorted(p for p in source.rglob("*") if p.is_file())
        entries = [(str(p.relative_to(source)), p.stat().st_size, p.stat().st_mtime_ns) for p in found]
    elif zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as archive:
            entries = [(i.filename, i.file_size, i.CRC) for i in archive.infolist() if not i.is_dir()]
    elif tarfile.is_tarfile(source):
        with tarfile.open(source) as archive:
            entries = [(m.name, m.size, int(m.mtime)) for m in archive if m.isfile()]
    else:
        raise TrainingError(f"{source} is neither a folder nor a zip or tar archive.")
    entries = [e for e in entries if Path(e[0]).suffix.lower() in SUFFIXES and not Path(e[0]).name.startswith(".")]
    if not entries:
        raise TrainingError(f"{source} holds no pictures ({', '.join(sorted(SUFFIXES))} are looked for).")
    key = hashlib.blake2b(repr((str(source.resolve()), entries)).encode(), digest_size=12).hexdigest()
    return Listing(source, tuple(name for name, *_ in entries), key)


def decode(stored: bytes, channels: int) -> np.ndarray:
    """File bytes -> uint8 `h w channels` (1 grey, 3 RGB, 4 RGBA), upright; dropped alpha is laid over white.

    Raises ValueError where the bytes are no whole picture.
    """
    import pyvips

    try:
        image = pyvips.Image.new_from_buffer(stored, "", fail_on="truncated").autorot()
        has_alpha = image.hasalpha()
        space = "b-w" if channels == 1 else "srgb"
        image = image.colourspace(space) if image.interpretation != space else image
        if has_alpha and channels != 4:
            image = image.flatten(background=255)
        if channels == 4 and not has_alpha:
            image = image.addalpha()
        pixels = np.asarray(image.cast("uchar").numpy())
    except pyvips.Error as broken:
        raise ValueError(str(broken).strip().splitlines()[0] if str(broken).strip() else "unreadable") from broken
    return pixels.reshape(*pixels.shape[:2], -1)[:, :, :channels]
