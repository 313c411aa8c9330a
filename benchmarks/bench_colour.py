"""Grey photographs coloured: `PYTHONPATH=tools python benchmarks/bench_colour.py DATA [MODEL] [--part photos2/val]`.

Protocol: 16 large and 40 small photographs (DATA/photos2/val and small.zip in it; none was trained on, and how strong
colours are was chosen on every other, so both halves are printed; those without colour are left out), made grey by the
rounded BT.601 luma of 8 bits, coloured by `sfumato.restore(task="colorize")`, rounded to 8 bits. PSNR in ab: of the a
and b of CIELAB (D65), peak 255, the mean over the pictures; beside it that of grey itself (a = b = 0) with the
bootstrap interval of the gain, the same from the mean squared error of all pictures, and the gain of 10 spots of 9
pixels that give the real colour away as hints. Colourfulness: Hasler and Suesstrunk (2003), the mean over the pictures
as a share of that of the real ones. KID x 1000 in Lite0's features (224x224), and that of grey. Luma: how many pixels
have another rounded luma than the grey picture.

--sheet FILE writes real, grey and coloured of some of them, and of what DATA/old_photos holds.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bootstrap
import model_tables
import numpy as np
import torch
from skimage.color import rgb2lab

from sfumato import Picture
from sfumato.learn.data.folders import decode, list_pictures
from sfumato.learn.metrics.distribution import kid
from sfumato.learn.metrics.features import lite0
from sfumato.learn.training.objectives.colouring import colourfulness
from sfumato.models.engine import Engine, load
from sfumato.pictures import grid
from sfumato.pictures.channels import GREY_WEIGHTS, resize_and_center_crop
from sfumato.restoration.restore import restore

NAME = "colorize"
DATA_NAME = "photos2/val, colour photographs"
COLOURLESS = 2.0  # mean squared error of grey in ab, below which a photograph has no colour and is left out
SPOTS, SPOT = 10, 9  # hints, and the pixels of their sides
Row = dict[str, Any]


def photographs(data: Path, part: str = "photos2/val") -> Iterator[np.ndarray]:
    """uint8 `h w 3`, the large ones first."""
    for source in (data / part, data / part / "small.zip"):
        if source.exists():
            yield from (decode(stored, 3) for _, stored in list_pictures(source).read())


def grey_of(x: np.ndarray) -> np.ndarray:
    """The rounded luma, uint8 `h w`."""
    return np.round(x.astype(np.float64) @ np.array(GREY_WEIGHTS)).astype(np.uint8)


def coloured(grey: np.ndarray, engine: Engine, hints: np.ndarray | None = None) -> np.ndarray:
    """uint8 `h w 3`."""
    picture = restore(Picture.from_array(grey[..., None] / np.float32(255)), model=engine, hints=hints).picture
    return np.round(255 * picture.array()).astype(np.uint8)


def spots(x: np.ndarray, seed: int) -> np.ndarray:
    """Hints `h w 4`: some spots of the real colours."""
    rng, (height, width) = np.random.default_rng(seed), x.shape[:2]
    hints = np.zeros((height, width, 4), np.float32)
    for _ in range(SPOTS):
        top, left = int(rng.integers(height - SPOT + 1)), int(rng.integers(width - SPOT + 1))
        place = slice(top, top + SPOT), slice(left, left + SPOT)
        hints[place] = [*(x[place].mean((0, 1)) / 255), 1]
    return hints


def chroma_error(x_hat: np.ndarray, x: np.ndarray) -> float:
    """Mean squared error of a and b."""
    return float(np.square(rgb2lab(x_hat)[..., 1:] - rgb2lab(x)[..., 1:]).mean())


def psnr(errors: list[float]) -> np.ndarray:
    return 10 * np.log10(255**2 / np.array(errors))


@dataclass
class Measured:
    """Of each picture: errors in ab, colourfulness, how many pixels changed their luma; features of the whole."""

    coloured: list[float] = field(default_factory=list)
    grey: list[float] = field(default_factory=list)
    hinted: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)
    real: list[float] = field(default_factory=list)
    changed: int = 0
    seen: dict[str, list[np.ndarray]] = field(default_factory=lambda: {"real": [], "coloured": [], "grey": []})


def measure(data: Path, engine: Engine, part: str = "photos2/val") -> Measured:
    found = Measured()
    for number, x in enumerate(photographs(data, part)):
        grey = grey_of(x)
        plain = np.repeat(grey[..., None], 3, axis=2)
        if chroma_error(plain, x) < COLOURLESS:
            continue
        x_hat = coloured(grey, engine)
        found.changed += int((grey_of(x_hat) != grey).sum())
        found.coloured.append(chroma_error(x_hat, x))
        found.grey.append(chroma_error(plain, x))
        found.hinted.append(chroma_error(coloured(grey, engine, spots(x, number)), x))
        for name, pixels in (("real", x), ("coloured", x_hat), ("grey", plain)):
            small = resize_and_center_crop(pixels.astype(np.float32) / 255, (224, 224))
            found.seen[name].append(small.transpose(2, 0, 1))
        for place, pixels in ((found.own, x_hat), (found.real, x)):
            place.append(colourfulness(torch.from_numpy(pixels).permute(2, 0, 1).float() / 255))
    return found


def rows(data: Path, engine: Engine, part: str = "photos2/val") -> list[Row]:
    """What the card of `colorize` says of itself."""
    return described(measure(data, engine, part), part)


def described(found: Measured, part: str) -> list[Row]:
    gain = psnr(found.coloured) - psnr(found.grey)
    low, high = bootstrap.interval(gain)
    features = {name: lite0()(np.stack(x)) for name, x in found.seen.items()}
    n, title = len(gain), f"{len(gain)} {DATA_NAME}" if part == "photos2/val" else part
    together = 10 * np.log10(np.mean(found.grey) / np.mean(found.coloured))

    def row(protocol: str, metric: str, value: float, digits: int = 2) -> Row:
        return model_tables.row(title, protocol, metric, float(value), digits)

    return [
        row("from rounded luma, 8 bits", "PSNR in ab, dB", psnr(found.coloured).mean()),
        row("left grey", "PSNR in ab, dB", psnr(found.grey).mean()),
        row(f"from rounded luma, 95 % interval {low:+.2f} to {high:+.2f}", "gain over grey in ab, dB", gain.mean()),
        row("from rounded luma, of the error of all", "gain over grey in ab, dB", together),
        row(
            f"{SPOTS} spots of {SPOT}x{SPOT} as hints",
            "gain over grey in ab, dB",
            (psnr(found.hinted) - psnr(found.grey)).mean(),
        ),
        row("from rounded luma", "colourfulness, % of the real", 100 * np.mean(found.own) / np.mean(found.real), 0),
        row(f"Lite0, {n} and {n}", "KID x 1000", 1000 * kid(features["real"], features["coloured"], seed=0).mean, 1),
        row(
            f"left grey; Lite0, {n} and {n}",
            "KID x 1000",
            1000 * kid(features["real"], features["grey"], seed=0).mean,
            1,
        ),
        row("from rounded luma", "pixels of another rounded luma", found.changed, 0),
    ]


def sheet(engine: Engine, data: Path, target: Path) -> None:
    """Rows of real, grey, coloured; then the old photographs, grey and coloured."""
    cells: list[Picture] = []

    def add(pixels: np.ndarray) -> None:
        pixels = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
        cells.append(Picture.from_array(resize_and_center_crop(pixels.astype(np.float32) / 255, (200, 260))))

    for number, x in enumerate(photographs(data)):
        if number % 5 == 2:
            for pixels in (x, grey_of(x), coloured(grey_of(x), engine)):
                add(pixels)
    grid.sheet(cells, 6).save(target, overwrite=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("model", nargs="?", default=NAME)
    parser.add_argument("--part", default="photos2/val", help="another folder of DATA")
    parser.add_argument("--sheet", type=Path)
    options = parser.parse_args()
    engine = load(options.model)
    if options.sheet:
        sheet(engine, options.data, options.sheet)
        return
    found = measure(options.data, engine, options.part)
    for row in described(found, options.part):
        print(f"{row['data']} | {row['protocol']} | {row['metric']} | {row['value']}")
    gain, own, real = psnr(found.coloured) - psnr(found.grey), np.array(found.own), np.array(found.real)
    for title, some in (("chosen on", slice(0, None, 2)), ("not chosen on", slice(1, None, 2))):
        share = 100 * own[some].mean() / real[some].mean()
        print(f"every other, {title} | gain over grey {gain[some].mean():.2f} dB | colourfulness {share:.1f} %")


if __name__ == "__main__":
    main()
