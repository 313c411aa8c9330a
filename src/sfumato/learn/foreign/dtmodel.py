"""darktable's packages of models: a zip of `ID/config.json` and ONNX files beside it (darktable, dev-doc/AI_Tasks.md).

A package is read in memory and never unpacked; names that lead out of it are refused all the same, since what made
them is not to be trusted with the rest either.
"""

import io
import json
import zipfile
from pathlib import PurePosixPath
from typing import Any

from sfumato.errors import ModelError, Option
from sfumato.models.engine import MAX_FILE_BYTES

CONFIG, WEIGHTS = "config.json", ".onnx"
MAX_ENTRIES = 64
MAX_CONFIG_BYTES = 1_000_000
TASKS = ("denoise", "upscale")  # of a picture that is developed; the others are about masks, depth, raw files


def is_package(data: bytes) -> bool:
    """Whether these are the bytes of a zip with a config.json in it; PyTorch's files are zips without one."""
    if data[:4] != b"PK\x03\x04":
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            return any(PurePosixPath(name).name == CONFIG for name in package.namelist())
    except zipfile.BadZipFile:
        return False


def read(data: bytes, where: str, *, scale: int | None = None) -> tuple[bytes, dict[str, str]]:
    """The ONNX file of a package, and its config's texts by name.

    scale: which one, of a package with an upscaler for each of several. Raises ModelError for a package that holds no
    model that restores pictures, or is not sound.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            entries = [entry for entry in package.infolist() if not entry.is_dir()]
            _check_entries(entries, where)
            config = _config(package, entries, where)
            networks = [entry for entry in entries if entry.filename.endswith(WEIGHTS)]
            return _read(package, _chosen(networks, scale, where), where), config
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise ModelError(f"{where} is a damaged package ({error}); fetch it again.") from None


def _check_entries(entries: list[zipfile.ZipInfo], where: str) -> None:
    if len(entries) > MAX_ENTRIES:
        raise ModelError(f"{where} holds {len(entries)} files, more than a package of one model has.")
    for entry in entries:
        path = PurePosixPath(entry.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in entry.filename:
            raise ModelError(f"{where} holds the path {entry.filename!r}, which leads out of it, and is refused.")
        if entry.file_size > MAX_FILE_BYTES:
            raise ModelError(f"{where} holds {entry.filename!r} of {entry.file_size:,} bytes, too large for a model.")


def _read(package: zipfile.ZipFile, entry: zipfile.ZipInfo, where: str) -> bytes:
    with package.open(entry) as file:
        contents = file.read(entry.file_size + 1)
    if len(contents) > entry.file_size:
        raise ModelError(f"{where} holds more in {entry.filename!r} than it says, and is refused.")
    return contents


def _config(package: zipfile.ZipFile, entries: list[zipfile.ZipInfo], where: str) -> dict[str, str]:
    entry = next((entry for entry in entries if PurePosixPath(entry.filename).name == CONFIG), None)
    if entry is None or entry.file_size > MAX_CONFIG_BYTES:
        raise ModelError(f"{where} holds no {CONFIG} of a model.")
    try:
        values = json.loads(_read(package, entry, where))
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{where}: its {CONFIG} is no JSON ({error}).") from None
    config: dict[str, Any] = values if isinstance(values, dict) else {}
    if config.get("backend", "onnx") != "onnx":
        raise ModelError(f"{where} is made for the backend {config['backend']!r}; packages of ONNX files are taken.")
    if config.get("task") not in TASKS:
        raise ModelError(
            f"{where} is for the task {config.get('task')!r} of darktable; what restores pictures is for "
            f"{' or '.join(TASKS)}."
        )
    return {name: value for name, value in config.items() if isinstance(value, str)}


def _chosen(networks: list[zipfile.ZipInfo], scale: int | None, where: str) -> zipfile.ZipInfo:
    if scale is not None:
        networks = [entry for entry in networks if entry.filename.endswith(f"_x{scale}{WEIGHTS}")]
    if len(networks) == 1:
        return networks[0]
    names = ", ".join(PurePosixPath(entry.filename).name for entry in networks) or "none"
    raise ModelError(
        f"{where} must hold one ONNX file for what is wanted; there {'are' if networks else 'is'} {names}",
        *(("; give ", Option("scale"), ".") if networks else (".",)),
    )
