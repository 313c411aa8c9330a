"""IDX files, as MNIST comes: pictures in one file, their labels in another beside it."""

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np

from sfumato.errors import TrainingError

PICTURES, LABELS = "images-idx3-ubyte", "labels-idx1-ubyte"


def find_idx(source: Path) -> Path | None:
    """The IDX file of pictures that `source` is, or that the folder `source` holds (the training part of two)."""
    if source.is_dir():
        found = sorted(path for path in source.iterdir() if _is_pictures(path))
        return next((path for path in found if "train" in path.name), found[0] if found else None)
    return source if _is_pictures(source) else None


def read_idx(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    """Pictures uint8 `n h w` and labels `n`, or None where no file of labels lies beside; raises TrainingError."""
    pictures = _array(path)
    beside = path.with_name(path.name.replace(PICTURES, LABELS))
    labels = _array(beside) if beside.exists() else None
    if pictures.ndim != 3 or (labels is not None and labels.shape != pictures.shape[:1]):
        raise TrainingError(f"{path} and {beside.name} do not fit together; get both again.")
    return pictures, labels


def _is_pictures(path: Path) -> bool:
    return path.name.removesuffix(".gz").endswith(PICTURES)


def _array(path: Path) -> np.ndarray:
    try:
        stored = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        zeros, kind, dimensions = struct.unpack(">HBB", stored[:4])
        shape = struct.unpack(f">{dimensions}I", stored[4 : 4 + 4 * dimensions])
        if zeros or kind != 8:
            raise ValueError("not of unsigned bytes")
        return np.frombuffer(stored, np.uint8, offset=4 + 4 * dimensions).reshape(shape)
    except (OSError, EOFError, zlib.error, struct.error, ValueError) as broken:
        raise TrainingError(f"{path} is no sound IDX file ({broken}); get it again.") from None
