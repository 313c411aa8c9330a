"""Whether drawings are told from JPEG files of them: `python benchmarks/bench_drawn.py [FOLDER ...] [--seed N]`.

Drawings are made by this program: text in six pairs of colours and many sizes, terminals of 8x16 and 9x18 pixels a
letter, charts of bars and lines, and icons of shaded shapes. FOLDER: pictures by others, such as Debian's
/usr/share/icons/Adwaita/512x512 and /usr/share/openclipart/png (packages adwaita-icon-theme and openclipart-png); of
each about --most pictures of 129 to 900 pixels on the longer side, spread over the folder, laid on white. Each drawing
is also stored as JPEG of quality 30, 45, 60, 75 and 90 with all pixels of colour, and of 60 with a quarter of them. All
are looked at whole and cropped: the crop begins at one of the 63 places of a block that are not its corner, drawn for
each anew.

Printed is what passes for a drawing. Of drawings it should be all, of JPEG files none. --misses names the wrong ones.
"""

import argparse
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from sfumato import Picture
from sfumato.estimation.cells import BLOCK, windows
from sfumato.restoration.diagnosis import ICON, NUM_COMPARED
from sfumato.restoration.drawn import is_drawn

Drawing = tuple[str, Image.Image]  # and its name
SIZE = 320, 208  # pixels of what is drawn here
LARGEST = 900
COLOURS = ("black", "white"), ("white", "black"), ("#00dc50", "black"), ("#f5f0e6", "#28283c"), ("#c81e1e", "white")
COLOURS += (("#ffd75f", "#1e1e1e"),)
FILES = (*((quality, "4:4:4") for quality in (30, 45, 60, 75, 90)), (60, "4:2:0"))
WORDS = "even", "ground", "hard edge", "ringing", "block", "grid", "drawn chart", "index", "value", "error", "line"


def text(random: np.random.Generator) -> Image.Image:
    """Lines of words, smooth at their rims."""
    ink, ground = COLOURS[random.integers(len(COLOURS))]
    x, side = Image.new("RGB", SIZE, ground), int(random.integers(10, 40))
    pen, font = ImageDraw.Draw(x), ImageFont.load_default(side)
    left, top = random.integers(0, 16, 2).tolist()
    while top < SIZE[1]:
        pen.text((left, top), " ".join(random.choice(WORDS, 12)), ink, font)
        top += round(1.6 * side)
    return x


def terminal(random: np.random.Generator) -> Image.Image:
    """Letters in cells of one size, some in colours of their own."""
    wide, high = ((8, 16), (9, 18))[random.integers(2)]
    ink, ground = COLOURS[random.integers(len(COLOURS))]
    x = Image.new("RGB", SIZE, ground)
    pen, font = ImageDraw.Draw(x), ImageFont.load_default(high - 4)
    for row in range(SIZE[1] // high):
        colour = ink if random.random() < 0.7 else tuple(random.integers(60, 256, 3).tolist())
        for column, letter in enumerate(" ".join(random.choice(WORDS, 6))[: int(random.integers(5, SIZE[0] // wide))]):
            pen.text((column * wide + 1, row * high + 1), letter, colour, font)
    return x


def chart(random: np.random.Generator) -> Image.Image:
    """Bars and smooth lines on a ground with rules, drawn four times as large and reduced."""
    wide, high = 4 * SIZE[0], 4 * SIZE[1]
    ground = "white" if random.random() < 0.7 else "#202028"
    x = Image.new("RGB", (wide, high), ground)
    pen, count = ImageDraw.Draw(x), int(random.integers(4, 12))
    for level in range(1, 6):
        pen.line([(80, high * level // 6), (wide - 40, high * level // 6)], "#b0b0b0", 4)
    for number in range(count):
        left, colour = 100 + number * (wide - 160) // count, tuple(random.integers(0, 256, 3).tolist())
        if random.random() < 0.6:
            pen.rectangle([left, int(random.integers(100, high - 100)), left + 300 // count * 2, high - 60], colour)
    for _ in range(int(random.integers(1, 4))):
        heights = np.cumsum(random.normal(0, 60, 24)) + high / 2
        points = [(80 + 50 * step, float(height)) for step, height in enumerate(heights)]
        pen.line(points, tuple(random.integers(0, 200, 3).tolist()), int(random.integers(4, 14)), joint="curve")
    return x.resize(SIZE, Image.Resampling.BOX)


def icon(random: np.random.Generator) -> Image.Image:
    """Shaded shapes on white, with smooth rims."""
    side = int(random.choice((160, 200, 256)))
    rows, columns = np.mgrid[0 : 2 * side, 0 : 2 * side] / (2 * side)
    pixels = np.full((2 * side, 2 * side, 3), 255.0)
    for _ in range(5):
        middle, radius = random.uniform(0.2, 0.8, 2), random.uniform(0.1, 0.35)
        off = rows - middle[0], columns - middle[1]
        far = np.hypot(*off) if random.random() < 0.5 else np.maximum(np.abs(off[0]), 1.5 * np.abs(off[1]))
        shade = random.uniform(0, 255, 3) + random.uniform(-80, 80, 3) * (off[0] + off[1])[..., None] / radius
        pixels = np.where((far <= radius)[..., None], shade.clip(0, 255), pixels)
    return Image.fromarray(np.rint(pixels).astype(np.uint8)).resize((side, side), Image.Resampling.BOX)


def made(
    draw: Callable[[np.random.Generator], Image.Image], each: int, random: np.random.Generator
) -> Iterator[Drawing]:
    for number in range(each):
        yield f"{draw.__name__} {number}", draw(random)


def others(folder: Path, most: int) -> Iterator[Drawing]:
    """Pictures of a folder, on white."""
    Image.MAX_IMAGE_PIXELS = None  # headers alone are read of larger ones
    files = sorted(file for file in folder.rglob("*.png") if ICON < max(Image.open(file).size) <= LARGEST)
    for file in files[:: -(-len(files) // most)]:
        x = Image.open(file).convert("RGBA")
        yield file.stem, Image.alpha_composite(Image.new("RGBA", x.size, "white"), x).convert("RGB")


def stored(x: Image.Image, quality: int, subsampling: str) -> Image.Image:
    file = io.BytesIO()
    x.save(file, "JPEG", quality=quality, subsampling=subsampling)
    return Image.open(file)


def passes(x: Image.Image, place: tuple[int, int]) -> bool:
    """Whether a picture that begins at a row and column of x passes for a drawing."""
    pixels: NDArray[np.float32] = np.asarray(x, np.float32)[place[0] :, place[1] :] / np.float32(255)
    return is_drawn(list(windows(Picture.from_array(pixels, depth=8), NUM_COMPARED)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="*", metavar="FOLDER")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--each", type=int, default=32, help="drawings of a kind")
    parser.add_argument("--most", type=int, default=40, help="pictures of a FOLDER")
    parser.add_argument("--misses", action="store_true", help="names of what passes, or does not, wrongly")
    given = parser.parse_args()
    random, places = np.random.default_rng(given.seed), np.random.default_rng(given.seed + 1)
    kinds = {draw.__name__: made(draw, given.each, random) for draw in (text, terminal, chart, icon)}
    kinds |= {str(folder): others(folder, given.most) for folder in given.folders}
    print("| pass for drawings | drawings | cropped | JPEG files | cropped off the grid |\n|---|---:|---:|---:|---:|")
    for kind, pictures in kinds.items():
        counts = np.zeros((2, 2, 2), int)  # drawings, files; whole, cropped; of how many
        for name, x in pictures:
            for file in (None, *FILES):
                shown = x if file is None else stored(x, *file)
                place = int(places.integers(1, BLOCK**2))
                for cropped, at in enumerate(((0, 0), divmod(place, BLOCK))):
                    found = passes(shown, at)
                    counts[int(file is not None), cropped] += found, 1
                    if given.misses and found == (file is not None):
                        print(f"<!-- {name}, {file or 'drawn'}, from {at} -->", flush=True)
        cells = " | ".join(f"{passed} of {count}" for passed, count in counts.reshape(4, 2))
        print(f"| {kind} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
