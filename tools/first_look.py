"""Make the pictures of README.md and of the documentation's home, gallery and tasks: `python tools/first_look.py`.

Every source is free: photographs that scikit-image and matplotlib carry, and those in examples/ (docs/credits.md names
them with their licences). Where damage is drawn, because no freely licensed picture with such damage is at hand, the
pages say so. Needs the development environment and both packages of models; takes about a minute.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pyvips
import skimage.data
import torch
from skimage.draw import line

import sfumato
from sfumato import Picture
from sfumato.learn.degradations.blur import Defocus
from sfumato.learn.degradations.damage import Scratches
from sfumato.learn.degradations.degradation import Degradation
from sfumato.learn.degradations.fading import Fading
from sfumato.learn.degradations.screens import Screened
from sfumato.pictures.channels import GREY_WEIGHTS

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
TILE = 320  # pixels a side, of each half of a pair
GAP = 8
MAGENTA = (255, 0, 255)

Pixels = np.ndarray


@dataclass(frozen=True)
class Pair:
    """A picture before and after: what is restored, with which options, and the square of the source that is shown."""

    source: Callable[[], Pixels]
    corner: tuple[int, int]
    side: int
    options: dict[str, Any] = field(default_factory=dict)
    scale: int = 1  # of the result beside the source


def photograph(name: str) -> Callable[[], Pixels]:
    return lambda: np.asarray(getattr(skimage.data, name)())


def hopper() -> Pixels:
    path = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    return pyvips.Image.new_from_file(str(path)).numpy()


def mona_lisa() -> Pixels:
    return pyvips.Image.new_from_file(str(ROOT / "examples" / "mona-lisa.jpg")).numpy()


def damaged(source: Callable[[], Pixels], damage: Degradation, seed: int) -> Callable[[], Pixels]:
    """The source with damage drawn on it."""

    def draw() -> Pixels:
        x = torch.from_numpy(np.atleast_3d(source()).astype(np.float32) / 255).permute(2, 0, 1)
        y = damage(x, torch.Generator().manual_seed(seed)).y
        return (255 * y.clamp(0, 1)).round().byte().permute(1, 2, 0).numpy()

    return draw


def painted(source: Callable[[], Pixels], *strokes: tuple[int, int, int, int, int]) -> Callable[[], Pixels]:
    """The source, painted over in magenta: strokes from a row and column to another, so many pixels wide."""

    def paint() -> Pixels:
        pixels = source().copy()
        for top, left, bottom, right, width in strokes:
            for row, column in zip(*line(top, left, bottom, right), strict=True):
                half = width // 2
                pixels[max(row - half, 0) : row + half + 1, max(column - half, 0) : column + half + 1] = MAGENTA
        return pixels

    return paint


def reduced(source: Callable[[], Pixels], scale: int) -> Callable[[], Pixels]:
    return lambda: pyvips.Image.new_from_array(source()).resize(1 / scale, kernel="cubic").numpy()


def compressed(source: Callable[[], Pixels], quality: int) -> Callable[[], Pixels]:
    def store() -> Pixels:
        stored = pyvips.Image.new_from_array(source()).jpegsave_buffer(Q=quality)
        return pyvips.Image.new_from_buffer(stored, "").numpy()

    return store


def greyed(source: Callable[[], Pixels]) -> Callable[[], Pixels]:
    return lambda: np.rint(source() @ np.array(GREY_WEIGHTS)).astype(np.uint8)


def strokes(size: tuple[int, int], *painted: tuple[int, int, int, int, int, tuple[int, int, int]]) -> Pixels:
    """Colours on a transparent layer: strokes from a row and column to another, so many pixels wide."""
    layer = np.zeros((*size, 4), np.uint8)
    for top, left, bottom, right, width, colour in painted:
        for row, column in zip(*line(top, left, bottom, right), strict=True):
            layer[row - width // 2 : row + width // 2 + 1, column - width // 2 : column + width // 2 + 1] = *colour, 255
    return layer


PRINTED = Screened(printed=1, coloured=0, soft=0, partial=0, scanned=1, compressed=1, pitch=(4.5, 4.5))
COARSE = replace(PRINTED, pitch=(11, 11))
INPAINT = {"task": "inpaint", "mask": "#ff00ff"}
STROKES = ((20, 90, 190, 330, 5), (250, 60, 60, 300, 5), (150, 20, 110, 380, 5), (230, 150, 255, 390, 5))
PAINTED = ((330, 260, 345, 330, 9, (40, 90, 180)), (240, 220, 250, 260, 9, (40, 90, 180)))
PAIRS = {
    # What it does well, ...
    "denoise": Pair(photograph("hubble_deep_field"), (385, 367), 80),
    "dejpeg": Pair(photograph("page"), (0, 42), 96),
    "clean": Pair(hopper, (150, 190), 128),
    "old-photo": Pair(
        damaged(hopper, Scratches(whole=0, scanned=0, zoom=(1.6, 1.6)), 8), (90, 50), 320, {"task": "old-photo"}
    ),
    "old-print": Pair(photograph("coins"), (0, 0), 150, {"task": "old-photo"}),
    "inpaint": Pair(painted(photograph("chelsea"), *STROKES), (110, 40), 220, INPAINT),
    "upscale": Pair(reduced(photograph("chelsea"), 2), (45, 40), 80, {"task": "upscale"}, 2),
    "deblur": Pair(damaged(photograph("coffee"), Defocus(radius=(2.0, 2.0)), 0), (280, 130), 200, {"task": "deblur"}),
    "descreen": Pair(damaged(photograph("camera"), PRINTED, 3), (150, 40), 200, {"task": "descreen"}),
    "fade": Pair(damaged(photograph("coffee"), Fading(undamaged=0, monochrome=0), 2), (60, 0), 400, {"task": "fade"}),
    "colorize": Pair(photograph("camera"), (0, 40), 330, {"task": "colorize"}),
    "colorize-hints": Pair(
        greyed(photograph("coffee")), (60, 0), 400, {"task": "colorize", "hints": strokes((400, 600), *PAINTED)}
    ),
    # ... and what it does not.
    "denoise-bad": Pair(mona_lisa, (140, 80), 160),
    "dejpeg-bad": Pair(compressed(photograph("chelsea"), 6), (80, 40), 160, {"task": "dejpeg"}),
    "inpaint-bad": Pair(painted(photograph("chelsea"), (80, 175, 80, 181, 58)), (80, 0), 220, INPAINT),
    "scratches-bad": Pair(photograph("chelsea"), (20, 120), 180, {"task": "scratches"}),
    "upscale-bad": Pair(reduced(photograph("page"), 4), (0, 0), 40, {"task": "upscale", "scale": 4}, 4),
    "deblur-bad": Pair(photograph("clock"), (100, 50), 200, {"task": "deblur"}),
    "descreen-bad": Pair(damaged(photograph("astronaut"), COARSE, 1), (150, 20), 200, {"task": "descreen"}),
    "colorize-bad": Pair(photograph("coins"), (0, 0), 300, {"task": "colorize"}),
    "fade-bad": Pair(photograph("rocket"), (180, 100), 320, {"task": "fade"}),
}
FIRST = ("denoise", "old-photo", "dejpeg", "inpaint")


def restored(pair: Pair) -> tuple[pyvips.Image, pyvips.Image]:
    before = Picture.from_array(np.atleast_3d(pair.source()) / 255)
    result = sfumato.restore(before, **pair.options)
    print("  ", *result.notes)
    return tuple(image(picture.array()) for picture in (before, result.picture))


def image(values: Pixels) -> pyvips.Image:
    pixels = np.rint(255 * values.clip(0, 1)).astype(np.uint8)
    shown = pyvips.Image.new_from_array(pixels)
    return (shown if shown.bands == 3 else shown.bandjoin([shown, shown])).copy(interpretation="srgb")


def tiles(pair: Pair, side: int = TILE) -> list[pyvips.Image]:
    """The square that is shown, before and after, each pixel enlarged as it is."""
    found = []
    for picture, scale in zip(restored(pair), (1, pair.scale), strict=True):
        left, top = (scale * place for place in pair.corner)
        cut = picture.crop(left, top, scale * pair.side, scale * pair.side)
        zoom = side / cut.width
        found.append(cut.resize(zoom, kernel="nearest" if zoom >= 2 else "cubic"))
    return found


def labelled(tile: pyvips.Image, text: str) -> pyvips.Image:
    """The tile with a word in its corner, in white on black."""
    letters = pyvips.Image.text(text, font="sans bold 11", dpi=96).gravity("centre", 64, 22)
    return tile.insert(letters.bandjoin([letters, letters]).copy(interpretation="srgb"), 0, 0)


def joined(pictures: list[pyvips.Image], across: int) -> pyvips.Image:
    """Tiles with transparent gaps, for light pages and dark ones."""
    opaque = [picture.bandjoin(255) for picture in pictures]
    return pyvips.Image.arrayjoin(opaque, across=across, shim=GAP, background=[0, 0, 0, 0])


def save(picture: pyvips.Image, name: str) -> None:
    path = IMAGES / f"{name}.webp"
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.write_to_file(str(path), Q=90, smart_subsample=True, effort=6, keep="none")
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB")


def generated() -> pyvips.Image:
    """Two rows of digits and two of emoji, with seed 0, none picked out."""
    digits = sfumato.generate("mnist-gan", 24, seed=0, label="mix").pictures
    emoji = sfumato.generate("emoji", 24, seed=0, label="mix").pictures
    shown = []
    for picture in [*digits[:12], *emoji[:24]]:
        tile = pyvips.Image.new_from_array(np.rint(255 * picture.array()).astype(np.uint8))
        alpha = picture.alpha()
        if tile.bands == 1:
            tile = tile.bandjoin([tile, tile])
        cover = 255 if alpha is None else pyvips.Image.new_from_array(np.rint(255 * alpha).astype(np.uint8))
        tile = tile.copy(interpretation="srgb").bandjoin(cover)
        shown.append(tile.resize(100 / tile.width, kernel="cubic" if tile.width > 30 else "nearest"))
    return pyvips.Image.arrayjoin(shown, across=12, shim=GAP, background=[0, 0, 0, 0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="of pairs; by default all, and the pictures put together of them")
    names = parser.parse_args().names
    shown: dict[str, list[pyvips.Image]] = {}
    for name in names or PAIRS:
        before, after = shown[name] = tiles(PAIRS[name])
        save(joined([labelled(before, "before"), labelled(after, "after")], 2), f"tasks/{name}")
    if not names:
        rows = [labelled(shown[name][half], word) for half, word in enumerate(("before", "after")) for name in FIRST]
        save(joined(rows, len(FIRST)), "first-look")
        save(joined([rows[place + half] for place in range(4) for half in (0, 4)], 2), "first-look-narrow")
        for half, word in zip(tiles(PAIRS["old-photo"], 640), ("before", "after"), strict=True):
            save(half, f"slider-{word}")
        save(generated(), "generated")


if __name__ == "__main__":
    main()
