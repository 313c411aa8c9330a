"""Photographs of anywhere as undamaged pictures to measure on."""

from pathlib import Path

from PIL import Image

SIDE, REDUCED = 320, 3


def middles(folder: Path, out: Path) -> Path:
    """The middle 320x320 pixels of each photograph reduced to a third, as PNG in `out`: what its file did to it, and
    the mosaic of its camera, are gone."""
    for path in sorted(folder.iterdir()):
        picture = Image.open(path).convert("RGB")
        width, height = (length // REDUCED for length in picture.size)
        left, top = (width - SIDE) // 2, (height - SIDE) // 2
        box = (left, top, left + SIDE, top + SIDE)
        picture.resize((width, height), Image.Resampling.LANCZOS).crop(box).save(out / f"{path.stem}.png")
    return out
