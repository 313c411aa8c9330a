"""Printed and dithered pictures by other programs than those that `sfumato train descreen` learns from: for measuring.

Where training thresholds photographs by lattices of its own, here Ghostscript sets the dots (its command `gs` is
needed), Pillow diffuses errors, and blue noise is made by Ulichney's void-and-cluster (1993).
"""

import io
import subprocess
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

Pixels = NDArray[np.float32]

# Spot functions in PostScript, as its manual and printers have them: x and y in [-1, 1] are on the stack.
SPOTS = {
    "euclidean": "{abs exch abs 2 copy add 1 gt {1 sub dup mul exch 1 sub dup mul add 1 sub} "
    "{dup mul exch dup mul add 1 exch sub} ifelse}",
    "cosine": "{180 mul cos exch 180 mul cos add 2 div}",
    "rhomboid": "{abs exch abs 0.9 mul add 2 div neg}",
    "line": "{exch pop abs neg}",
    "ellipse": "{dup 5 mul 8 div mul exch dup mul exch add sqrt 1 exch sub}",
    "cross": "{abs exch abs 2 copy gt {exch} if pop neg}",
}
ANGLES = (15.0, 75.0, 0.0, 45.0)  # of cyan, magenta, yellow and black


@dataclass(frozen=True)
class Print:
    """A screen of Ghostscript's, with `fine` x `fine` printer's dots a pixel, averaged, and what a scanner did then.

    pitch: pixels from one row of dots to the next. soft: standard deviation of a blur in pixels. noise: of 255.
    quality: of the JPEG, 0 for none. inks: in four colours, each at an angle of its own.
    """

    spot: str
    pitch: float
    angle: float
    fine: int = 1
    soft: float = 0.0
    noise: float = 0.0
    quality: int = 0
    inks: bool = False

    def __call__(self, x: Pixels, random: np.random.Generator) -> Pixels:
        """x `h w 3`, or `h w 1` without inks -> the scan in the same shape, in whole steps of 1/255."""
        if self.inks:
            black = 0.6 * (1 - x.max(2))
            planes = np.concatenate([1 - x / (1 - black[..., None]), black[..., None]], axis=2)
            dots = [1 - self._set(1 - planes[..., i], self.angle + angle) for i, angle in enumerate(ANGLES)]
            y = np.stack([(1 - dots[i]) * (1 - dots[3]) for i in range(3)], axis=2)
        else:
            y = self._set(x[..., 0], self.angle)[..., None]
        height, width = x.shape[:2]
        y = y.reshape(height, self.fine, width, self.fine, -1).mean((1, 3))
        y = gaussian_filter(y, (self.soft, self.soft, 0)) + random.normal(0, self.noise / 255, x.shape)
        return stored(y.astype(np.float32), self.quality)

    def _set(self, grey: Pixels, angle: float) -> Pixels:
        size = (grey.shape[1] * self.fine, grey.shape[0] * self.fine)
        return ghostscript(grey, size, self.spot, self.pitch * self.fine, angle)


def ghostscript(grey: Pixels, size: tuple[int, int], spot: str, pitch: float, angle: float) -> Pixels:
    """Grey `h w` in black and white dots, in a size of (width, height)."""
    height, width = grey.shape
    data = (grey.clip(0, 1) * 255).round().astype(np.uint8).tobytes().hex()
    program = (
        f"{72 / pitch} {angle} {SPOTS[spot]} setscreen\n{size[0]} {size[1]} scale\n"
        f"{width} {height} 8 [{width} 0 0 -{height} 0 {height}]\n"
        f"{{currentfile {width} string readhexstring pop}} image\n"
        f"{data}\nshowpage\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        page, out = Path(folder) / "page.ps", Path(folder) / "out.pbm"
        page.write_text("%!PS\n" + program)
        command = ["gs", "-q", "-dBATCH", "-dNOPAUSE", "-sDEVICE=pbmraw", "-r72", f"-g{size[0]}x{size[1]}"]
        subprocess.run([*command, f"-sOutputFile={out}", str(page)], check=True)
        return np.asarray(Image.open(out).convert("L"), np.float32) / 255


def stored(y: Pixels, quality: int = 0) -> Pixels:
    """In 8 bits, and as a JPEG file of the quality by Pillow, unless that is 0."""
    pixels = (y.clip(0, 1) * 255).round().astype(np.uint8)
    if quality:
        file = io.BytesIO()
        Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(file, "JPEG", quality=quality)
        pixels = np.asarray(Image.open(file)).reshape(pixels.shape)
    return pixels.astype(np.float32) / 255


def diffused(x: Pixels, random: np.random.Generator) -> Pixels:
    """`h w 1` in black and white by Pillow, which diffuses errors as Floyd and Steinberg did."""
    bits = Image.fromarray((x[..., 0] * 255).round().astype(np.uint8)).convert("1")
    return np.asarray(bits, np.float32)[..., None]


def diffused_colours(x: Pixels, random: np.random.Generator) -> Pixels:
    """`h w 3` in eight colours by Pillow, which diffuses errors."""
    palette = Image.new("P", (1, 1))
    palette.putpalette([255 * (number >> bit & 1) for number in range(8) for bit in range(3)])
    picture = Image.fromarray((x * 255).round().astype(np.uint8))
    done = picture.quantize(8, palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
    return np.asarray(done.convert("RGB"), np.float32) / 255


def blue(x: Pixels, random: np.random.Generator) -> Pixels:
    """`h w 1` in black and white by thresholds of blue noise."""
    limits = void_and_cluster()
    height, width = x.shape[:2]
    tiled = np.tile(limits, (height // len(limits) + 1, width // len(limits) + 1))[:height, :width]
    return (x > tiled[..., None]).astype(np.float32)


@lru_cache
def void_and_cluster(side: int = 32) -> Pixels:
    """`side side` thresholds: each next point of a pattern lies in its largest void, the first in no cluster."""
    random = np.random.default_rng(1)

    def density(points: NDArray[np.bool_]) -> NDArray[np.float64]:
        return gaussian_filter(points.astype(float), 1.5, mode="wrap")

    def tightest(points: NDArray[np.bool_]) -> int:
        return int(np.where(points, density(points), -1).argmax())

    def emptiest(points: NDArray[np.bool_]) -> int:
        return int(np.where(points, 2, density(points)).argmin())

    points = random.random((side, side)) < 0.1
    while True:  # until moving a point from a cluster into a void brings it back
        out = tightest(points)
        points.flat[out] = False
        into = emptiest(points)
        points.flat[into] = True
        if into == out:
            break
    ranks, fewer, count = np.zeros(side**2), points.copy(), int(points.sum())
    for rank in reversed(range(count)):
        place = tightest(fewer)
        fewer.flat[place], ranks[place] = False, rank
    for rank in range(count, side**2):
        place = emptiest(points)
        points.flat[place], ranks[place] = True, rank
    return ((ranks.reshape(side, side) + 0.5) / side**2).astype(np.float32)
