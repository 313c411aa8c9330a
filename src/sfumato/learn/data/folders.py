"""Pictures in a folder, a zip, a tar or IDX files: listed in a stable order, decoded to arrays, with their labels."""

import hashlib
import json
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path, PurePosixPath

import numpy as np

from sfumato.errors import SfumatoError, TrainingError
from sfumato.pictures.channels import with_channels
from sfumato.pictures.picture import Picture

from .idx import find_idx, read_idx

# BMP and netpbm files cannot be read, but listed they are named among the unreadable ones instead of passed over.
SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".avif", ".heic", ".gif", ".bmp", ".ppm", ".pgm"}
SOUNDS = {".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a", ".aac"}
METADATA = "metadata.jsonl"


@dataclass(frozen=True)
class Listing:
    """The pictures below `source`: their names inside it, sorted, and a key that changes when they do."""

    source: Path
    names: tuple[str, ...]
    key: str

    def labels(self, by: str) -> dict[str, str]:
        """The label of every picture: the name of its folder (`by` is "folder"), or that key in metadata.jsonl.

        metadata.jsonl has one JSON object a line, whose `file_name` is that of a picture beside it or below. Several
        keys with slashes between them, the coarser first, give labels that lie in groups: "category/kind" gives
        "animal/cat". Raises TrainingError where a picture has no label.
        """
        if by == "folder":
            labelled = {name: PurePosixPath(name).parent.name for name in self.names}
        else:
            rows = self.metadata()
            keys = [by] if any(by in row for row in rows.values()) else by.split("/")
            labels = {
                name: "/".join(str(row[key]) for key in keys)
                for name, row in rows.items()
                if all(row.get(key) not in (None, "") for key in keys)
            }
            labelled = {name: labels.get(plain_name(name), "") for name in self.names}
        bare = [name for name in self.names if not labelled[name]]
        if bare:
            where = "lies in no folder that names it" if by == "folder" else f"has no {by!r} in a metadata.jsonl"
            raise TrainingError(f"{self.source}: {bare[0]} {where} ({len(bare)} such); each picture needs a label.")
        return labelled

    def metadata(self) -> dict[str, dict]:
        """The rows of every metadata.jsonl, by the picture that they speak of; raises TrainingError for bad lines."""
        rows: dict[str, dict] = {}
        for name, stored in self.texts(lambda name: PurePosixPath(name).name == METADATA):
            for number, line in enumerate(filter(None, stored.decode(errors="replace").splitlines())):
                try:
                    row = json.loads(line)
                    rows[plain_name(str(PurePosixPath(name).parent / row["file_name"]))] = row
                except (ValueError, KeyError, TypeError):
                    raise TrainingError(
                        f"{self.source}: line {number + 1} of {name} is no JSON object with a file_name."
                    ) from None
        return rows

    def texts(self, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
        """Name and contents of the other files in the folder or archive whose names are `wanted`, in their order."""
        yield from _texts(self.source, wanted)

    def read(self) -> Iterator[tuple[str, bytes | np.ndarray]]:
        """Name and file bytes of every picture, in the order of `names`; no bytes for a file that cannot be read.

        Pictures of IDX files come as uint8 `h w`. A compressed tar can only be read through: its pictures come in its
        own order. Raises TrainingError where the archive itself is broken.
        """
        if idx := find_idx(self.source):
            yield from zip(self.names, read_idx(idx)[0], strict=True)
        elif self.source.is_dir():
            for name in self.names:
                yield name, _bytes_of(self.source / name)
        elif zipfile.is_zipfile(self.source):
            with zipfile.ZipFile(self.source) as archive:
                for name in self.names:
                    try:
                        yield name, archive.read(name)
                    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError, OSError):
                        yield name, b""  # damaged, encrypted, or packed in a way that Python does not know
        else:
            yield from self._read_tar()

    def _read_tar(self) -> Iterator[tuple[str, bytes]]:
        try:
            with tarfile.open(self.source) as archive:
                # Of members of one name the last one holds, as when the archive is unpacked.
                members = {member.name: member for member in archive if member.isfile()}
                wanted = [members[name] for name in self.names]
                if not _is_plain_tar(self.source):
                    wanted.sort(key=lambda member: member.offset)
                for member in wanted:
                    file = archive.extractfile(member)
                    assert file is not None, "a regular member has contents"
                    yield member.name, file.read()
        except (tarfile.TarError, zlib.error, EOFError, OSError) as broken:
            raise TrainingError(f"{self.source} is a damaged archive ({broken}); get another copy.") from broken


@dataclass(frozen=True)
class Listings(Listing):
    """Several sources as one: the pictures of each are named after its place among them, `0/name`, `1/name`."""

    several: tuple[Listing, ...] = ()

    def metadata(self) -> dict[str, dict]:
        return {
            f"{i}/{name}": row for i, listing in enumerate(self.several) for name, row in listing.metadata().items()
        }

    def texts(self, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
        for i, listing in enumerate(self.several):
            yield from ((f"{i}/{name}", stored) for name, stored in listing.texts(wanted))

    def read(self) -> Iterator[tuple[str, bytes | np.ndarray]]:
        for i, listing in enumerate(self.several):
            wanted = tuple(n.removeprefix(f"{i}/") for n in self.names if n.startswith(f"{i}/"))
            yield from ((f"{i}/{name}", stored) for name, stored in replace(listing, names=wanted).read())


def list_pictures(source: str | Path) -> Listing:
    """Every picture file below a folder, or in a zip or tar, hidden ones left out; raises TrainingError for none.

    Several folders and archives have commas between them.
    """
    several = str(source).split(",")
    if len(several) > 1 and not Path(source).expanduser().exists():
        listings = tuple(list_pictures(part.strip()) for part in several)
        names = tuple(f"{i}/{name}" for i, listing in enumerate(listings) for name in listing.names)
        key = hashlib.blake2b(" ".join(listing.key for listing in listings).encode(), digest_size=12)
        return Listings(Path(source), names, key.hexdigest(), listings)
    source = Path(source).expanduser()
    if not source.exists():
        raise TrainingError(f"{source} does not exist; give a folder, a zip or a tar of pictures.")
    if idx := find_idx(source):
        return _list_idx(source, idx)
    return _listed(source, _readable_entries(source), SUFFIXES, "pictures")


def list_recordings(source: str | Path) -> Listing:
    """Every sound file below a folder, or in a zip or tar, hidden ones left out; raises TrainingError for none."""
    source = Path(source).expanduser()
    if not source.exists():
        raise TrainingError(f"{source} does not exist; give a folder, a zip or a tar of recordings.")
    return _listed(source, _readable_entries(source), SOUNDS, "recordings")


def _listed(source: Path, entries: list[tuple[str, int, int]], suffixes: set[str], what: str) -> Listing:
    last = {name: (name, size, date) for name, size, date in entries if _is_one_of(suffixes, PurePosixPath(name))}
    if not last:
        raise TrainingError(f"{source} holds no {what} ({', '.join(sorted(suffixes))} are looked for).")
    entries = [last[name] for name in sorted(last, key=plain_name)]
    key = hashlib.blake2b(repr((str(source.resolve()), entries)).encode(errors="surrogateescape"), digest_size=12)
    return Listing(source, tuple(name for name, *_ in entries), key.hexdigest())


def _list_idx(source: Path, idx: Path) -> Listing:
    """Pictures named LABEL/NUMBER, so that their folder is their label, as it is with files."""
    pictures, labels = read_idx(idx)
    names = [f"{i:05d}" for i in range(len(pictures))]
    if labels is not None:
        names = [f"{label}/{name}" for label, name in zip(labels, names, strict=True)]
    key = hashlib.blake2b(repr((str(idx.resolve()), idx.stat().st_mtime_ns)).encode(), digest_size=12)
    return Listing(source, tuple(names), key.hexdigest())


def plain_name(name: str) -> str:
    """The name of a picture inside its folder or archive, without the `./` that some archives put before it."""
    return str(PurePosixPath(name))


def _readable_entries(source: Path) -> list[tuple[str, int, int]]:
    try:
        return _entries(source)
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, OSError) as broken:
        raise TrainingError(f"{source} cannot be listed ({broken}).") from broken


def _entries(source: Path) -> list[tuple[str, int, int]]:
    """Name, size and date (or checksum) of every file below `source`."""
    if source.is_dir():
        paths = [p for p in source.rglob("*") if p.is_file()]
        return [(p.relative_to(source).as_posix(), p.stat().st_size, p.stat().st_mtime_ns) for p in paths]
    facts = source.stat()
    return _entries_of_archive(source.resolve(), facts.st_mtime_ns, facts.st_size)


@lru_cache(maxsize=8)
def _entries_of_archive(source: Path, _date: int, _size: int) -> list[tuple[str, int, int]]:
    """Those of an archive, remembered: a run asks several times, and a compressed tar is read through to tell."""
    if zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as archive:
            return [(i.filename, i.file_size, i.CRC) for i in archive.infolist() if not i.is_dir()]
    if tarfile.is_tarfile(source):
        with tarfile.open(source) as archive:
            return [(m.name, m.size, int(m.mtime)) for m in archive if m.isfile()]
    raise TrainingError(f"{source} is neither a folder nor a zip or tar archive.")


def _is_one_of(suffixes: set[str], name: PurePosixPath) -> bool:
    return name.suffix.lower() in suffixes and not any(part.startswith(".") for part in name.parts if part != "..")


def _is_plain_tar(source: Path) -> bool:
    try:
        tarfile.open(source, "r:").close()
    except tarfile.TarError:
        return False
    return True


def _texts(source: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Name and contents of the wanted files in a folder or an archive."""
    if source.is_dir():
        names = {path.relative_to(source).as_posix(): path for path in source.rglob("*")}
        for name in sorted(filter(wanted, names)):
            if names[name].is_file():
                yield name, _bytes_of(names[name])
    elif zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as archive:
            for name in filter(wanted, archive.namelist()):
                yield name, archive.read(name)
    elif tarfile.is_tarfile(source):
        with tarfile.open(source) as tar:
            for member in tar:
                if wanted(member.name) and (file := tar.extractfile(member)):
                    yield member.name, file.read()


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def decode(stored: bytes | np.ndarray, channels: int) -> np.ndarray:
    """File bytes (or grey pixels, uint8 `h w`) -> uint8 `h w channels` (1 grey, 3 RGB, 4 RGBA), upright.

    Alpha that is dropped is laid over white. Read as `Picture` reads, so that a network is trained on what it will be
    given: 16 bit and float are rounded, CMYK is converted, of several pages the first is taken. Raises ValueError
    where the bytes are no whole picture.
    """
    if isinstance(stored, np.ndarray):
        return _bytes(with_channels(stored[..., None].astype(np.float32) / 255, None, channels))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture"
        path.write_bytes(stored)
        try:
            picture = Picture.open(path, page=1)
            alpha = picture.alpha()
            pixels = np.empty((picture.height, picture.width, channels), np.uint8)
            row = 0
            for strip in picture.strips():
                rows = slice(row, row + len(strip))
                pixels[rows] = _bytes(with_channels(strip, None if alpha is None else alpha[rows], channels))
                row += len(strip)
        except SfumatoError as broken:
            raise ValueError(str(broken).replace(str(path), "it").rstrip(".")) from broken
    return pixels


def _bytes(pixels: np.ndarray) -> np.ndarray:
    return (np.nan_to_num(pixels).clip(0, 1) * 255).round().astype(np.uint8)
