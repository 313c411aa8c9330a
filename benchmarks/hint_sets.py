"""The pictures that hints are measured on: without damage, scratched, faded, and drawings by others.

DATA holds photographs without damage (photos/val, photos2/val with small.zip, benchmarks/cbsd68, every second of
generation/facades/test, old_*.png of old_photos) and two really scratched ones (scratched_*.png there). 26 more are
those that scikit-image carries as PNG and JPEG. A set is a title with names and pixels `h w 3` in [0, 1].
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import skimage.data
import torch
from damage_drawn_otherwise import damaged

from sfumato import Picture
from sfumato.learn.data.folders import decode, list_pictures
from sfumato.learn.degradations.damage import Scratches
from sfumato.learn.degradations.degradation import Degradation
from sfumato.learn.degradations.fading import Fading

Members = Iterator[tuple[str, np.ndarray]]
PHOTOGRAPHS = ("photos/val", "photos2/val", "photos2/val/small.zip", "benchmarks/cbsd68")
SMALL = ("photos/val", "photos2/val/small.zip", "benchmarks/cbsd68")  # those of which all are small
FACADES, OLD = "generation/facades/test", "old_photos"


def members(data: Path, folder: str) -> Members:
    """Names and pixels of a folder or a zip, in the order of their names."""
    for name, stored in sorted(list_pictures(data / folder).read(), key=lambda item: item[0]):
        array = decode(stored, 3) if isinstance(stored, bytes) else stored
        yield Path(name).stem, array.astype(np.float32) / 255


def picture_of(x: np.ndarray) -> Picture:
    return Picture.from_array(x.astype(np.float32), depth=32, format="tiff")


def carried(noise: float) -> Members:
    """The pictures that scikit-image carries, or the same in grey with noise."""
    for file in sorted(Path(skimage.data.__file__).parent.iterdir()):
        if file.suffix in (".png", ".jpg"):
            x = Picture.open(file).array().clip(0, 1)
            if noise:
                x = x.mean(axis=2, keepdims=True)
                x = (x + noise * np.random.default_rng(1).standard_normal(x.shape)).clip(0, 1)
            yield file.stem, np.repeat(x, 3, axis=2) if x.shape[2] == 1 else x


def undamaged(data: Path) -> Iterator[tuple[str, Members]]:
    for folder in PHOTOGRAPHS:
        yield folder, members(data, folder)
    yield "scikit-image", carried(0)
    # The folder holds a label map beside each photograph.
    yield "facades", (item for number, item in enumerate(members(data, FACADES)) if number % 4 == 0)
    yield "old photographs", (item for item in members(data, OLD) if item[0].startswith("old"))


def drawn_over(data: Path, folder: str, every: int = 1) -> Members:
    """Each so many of a folder's photographs, damaged otherwise than training damages them."""
    for number, (name, x) in enumerate(members(data, folder)):
        if number % every == 0:
            yield name, damaged(x, np.random.default_rng(number)).y


def trained_on(data: Path) -> Members:
    return degraded(data, "photos/val", Scratches(whole=0))


def really_scratched(data: Path) -> Members:
    return (item for item in members(data, OLD) if item[0].startswith("scratched"))


def degraded(data: Path, folder: str, degradation: Degradation) -> Members:
    for number, (name, pixels) in enumerate(members(data, folder)):
        x = torch.from_numpy(pixels).permute(2, 0, 1)
        yield name, degradation(x, torch.Generator().manual_seed(number)).y.permute(1, 2, 0).numpy()


def faded(data: Path) -> Iterator[tuple[str, Members]]:
    for folder in SMALL:
        yield f"{folder}, faded", degraded(data, folder, Fading(undamaged=0))


def marked(x: np.ndarray, damaged: np.ndarray, file: Path) -> None:
    """The pixels with what was found in red, half their brightness elsewhere."""
    array = 0.3 + 0.6 * x
    array[damaged] = (1, 0, 0)
    file.parent.mkdir(parents=True, exist_ok=True)
    Picture.from_array(array.astype(np.float32)).save(file, overwrite=True)
