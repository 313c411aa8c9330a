"""The noise of real cameras, and colour-rich photographs beside FFDNet: `python benchmarks/bench_real.py DATA`.

DATA holds real_noise (NAME_real and NAME_mean: a noisy photograph and the mean of some 500 of the same scene; Nam's
set of JPEG files as the cameras wrote them), photos2/val and its small.zip, and peers/ (see peers.py). Name parts to
print some only: `... DATA kind noise simulated blotches colour looks`.

kind: what the noise is like, of the half CHOSEN and of `Camera` as it is trained with: the standard deviation of luma
and of red less luma, their correlation with the neighbours one, two and four pixels to the right, and the deviation of
all channels in four ranges of brightness; of `Camera` quantiles, each column by itself, of 96 pictures.

noise: PSNR of what comes out of `restore` in whole steps of 1/255, with its gain, least gain and number of pictures
that lost; the rule of auto and the checkpoints were chosen with the half CHOSEN in sight, the other half is a test.
simulated: `Camera` with a lens on photos2/val, middle 256x256, at three gains of the sensor; the goal has no noise.
blotches: noise of 12, fine in luma, in blotches of 2.5 pixels in colour, on the middles of photos2/val and on CBSD68.
colour: white noise, unclipped, seed 0, on the middle 512x512 of the large pictures and on the small ones as they are.
looks: beside the PSNR the perceptual distance (metrics/perceptual.py) and the fine texture, as a share of that of the
clean picture (sfumato.measures.texture), of the real pictures and of the large ones in colour.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import peers
from bench_denoising import SIGMAS, Denoiser, measure, ours, peer

from sfumato.learn.data.folders import list_pictures
from sfumato.learn.degradations.camera import Camera
from sfumato.learn.degradations.noise import GaussianNoise
from sfumato.learn.evaluation.protocols import BLOTCHES
from sfumato.learn.evaluation.restoration import apart, before_and_after, clean_pictures, degraded
from sfumato.measures import psnr, texture
from sfumato.pictures.channels import GREY_WEIGHTS
from sfumato.pictures.picture import Picture
from sfumato.restoration.restore import restore

CHOSEN = ("5dmark3", "d600")
GAINS = (5e-4, 2e-3, 8e-3)
STEPS, BRIGHTNESS = (1, 2, 4), (0, 0.15, 0.35, 0.6, 1)
Pair = tuple[str, np.ndarray, np.ndarray]
Restorer = Callable[[np.ndarray], np.ndarray]


def said(**options: object) -> Restorer:
    """`restore` with these options, its result as a file of 8 bits holds it."""

    def run(y: np.ndarray) -> np.ndarray:
        stored = (y.clip(0, 1) * 255).round().astype(np.uint8)
        return (restore(stored, **options).picture.array().clip(0, 1) * 255).round() / 255

    return run


ROWS: dict[str, Restorer] = {
    "nothing said (auto)": said(),
    "`clean`": said(task="clean"),
    "`denoise-fast`, level estimated": said(model="denoise-fast"),
    "`denoise-best`, level estimated": said(model="denoise-best"),
}


def pairs(data: Path) -> list[Pair]:
    """Name, mean and noisy picture `h w 3`."""
    found = []
    for path in sorted((data / "real_noise").glob("*_real.*")):
        mean = next(path.parent.glob(path.stem.replace("_real", "_mean") + ".*"))
        found.append((path.stem.removesuffix("_real"), Picture.open(mean).array(), Picture.open(path).array()))
    return found


def simulated(data: Path, gain: float) -> list[Pair]:
    """The middle of the pictures of photos2/val through a camera of one sensitivity, with its noise and without."""
    camera, found = Camera((gain, gain), lens=1.0, reduced=0.0), []
    for number, (name, x) in enumerate(clean_pictures(data / "photos2" / "val", 3)):
        goal, y, _ = before_and_after(middle(x, 256), camera, number)
        found.append((name, goal, y))
    return found


def middle(x: np.ndarray, side: int) -> np.ndarray:
    top, left = ((length - side) // 2 for length in x.shape[:2])
    return np.ascontiguousarray(x[max(top, 0) :, max(left, 0) :][:side, :side])


def table(title: str, halves: dict[str, list[Pair]], rows: Iterable[str]) -> None:
    """One row a way to restore; of every half the mean PSNR, the mean and least gain, and how many lost."""
    columns = [f"{name} ({len(half)}) | gain | least | lost" for name, half in halves.items()]
    print(f"\n| {title} | " + " | ".join(columns) + " |\n|---|" + "---:|" * (4 * len(halves)))
    before = {name: np.array([psnr(y, x) for _, x, y in half]) for name, half in halves.items()}
    print("| (damaged) | " + " | ".join(f"{figures.mean():.2f} | | |" for figures in before.values()))
    for row in rows:
        cells = []
        for name, half in halves.items():
            after = np.array([psnr(ROWS[row](y), x) for _, x, y in half])
            gain = after - before[name]
            cells.append(f"{after.mean():.2f} | {gain.mean():.2f} | {gain.min():.2f} | {(gain < -0.05).sum()}")
        print(f"| {row} | " + " | ".join(cells) + " |", flush=True)


def noise(data: Path) -> None:
    found = pairs(data)
    chosen = [pair for pair in found if pair[0].startswith(CHOSEN)]
    halves = {"all": found, "chosen with": chosen, "test": [pair for pair in found if not pair[0].startswith(CHOSEN)]}
    table("real cameras, ISO 1600-6400", halves, ROWS)
    print("\n| each, nothing said | damaged | restored |\n|---|---:|---:|")
    for name, x, y in found:
        print(f"| {name} | {psnr(y, x):.2f} | {psnr(ROWS['nothing said (auto)'](y), x):.2f} |", flush=True)


def kind(data: Path) -> None:
    columns = ["luma", "red less luma"] + [f"{part}, {step}" for part in ("luma", "red") for step in STEPS]
    columns += [f"from {low:g}" for low in BRIGHTNESS[:-1]]
    print("\n| noise of | " + " | ".join(columns) + " |\n|---|" + "---:|" * len(columns))
    for name, x, y in pairs(data):
        if name.startswith(CHOSEN):
            print(f"| {name} | " + " | ".join(f"{value:.2f}" for value in described(x, y)) + " |")
    pictures, found = clean_pictures(data / "photos2" / "val", 3), []
    for number in range(64):
        x = middle(pictures[number % len(pictures)][1], 256)
        found.append(described(*before_and_after(x, Camera(), number)[:2]))
    for share in (0.1, 0.3, 0.5, 0.7, 0.9):
        values = np.nanquantile(np.array(found), share, axis=0)
        print(f"| `Camera`, {100 * share:.0f} % | " + " | ".join(f"{value:.2f}" for value in values) + " |")


def described(x: np.ndarray, y: np.ndarray) -> list[float]:
    """Deviations, correlations and deviations by brightness of the noise in y."""
    noise, brightness = y - x, x @ np.array(GREY_WEIGHTS)
    grey = noise @ np.array(GREY_WEIGHTS)
    red = noise[..., 0] - grey
    found = [255 * float(part.std()) for part in (grey, red)]
    for part in (grey, red):
        found += [float((part[:, k:] * part[:, :-k]).mean() / np.square(part).mean()) for k in STEPS]
    for low, high in pairwise(BRIGHTNESS):
        there = noise[(brightness >= low) & (brightness < high)]
        found.append(255 * float(there.std()) if len(there) > 500 else np.nan)
    return found


def camera(data: Path) -> None:
    table("camera simulated, photos2/val", {f"gain {gain:g}": simulated(data, gain) for gain in GAINS}, ROWS)


def blotches(data: Path) -> None:
    noise, halves = replace(BLOTCHES, sigma=(12, 12)), {}
    clean = {"photos2/val": [middle(x, 256) for _, x in clean_pictures(data / "photos2" / "val", 3)]}
    clean["CBSD68"] = [x for _, x in clean_pictures(data / "benchmarks" / "cbsd68", 3)][::4]
    for name, pictures in clean.items():
        halves[name] = [(str(i), x, degraded(x, noise, i)) for i, x in enumerate(pictures)]
    table("fine in luma, blotches in colour, 12", halves, ROWS)


def colour(data: Path) -> None:
    folder = data / "photos2" / "val"
    with tempfile.TemporaryDirectory() as work:
        rows: dict[str, Denoiser] = {name: ours(name) for name in ("denoise-fast", "denoise-best")}
        rows["FFDNet colour"] = peer(peers.engine("FFDNet colour", data / "peers", Path(work)))
    with tempfile.TemporaryDirectory() as work:
        large = Path(work)
        for name, x in clean_pictures(folder, 3):
            Picture.from_array(middle(x, 512), depth=8).save(large / f"{Path(name).stem}.png")
        for title, source in (("large, middle 512x512", large), ("small", folder / "small.zip")):
            sigmas = " | ".join(f"sigma {s}" for s in SIGMAS)
            count = len(list_pictures(source).names)
            print(f"\n| photos2/val, {title} ({count}) | {sigmas} |\n|---|---:|---:|---:|")
            for row, denoise in rows.items():
                cells = [f"{measure(denoise, source, sigma, 3):.2f}" for sigma in SIGMAS]
                print(f"| {row} | " + " | ".join(cells) + " |", flush=True)
    print("\n| undamaged, nothing said | mean | lowest, dB |\n|---|---:|---:|")
    kept = [min(psnr(ROWS["nothing said (auto)"](x), x), 100.0) for _, x in undamaged(data)]
    print(f"| photos2/val and CBSD68 ({len(kept)}) | {np.mean(kept):.2f} | {min(kept):.2f} |")


def looks(data: Path) -> None:
    look_table("real cameras (10), results in 8 bits", pairs(data), ROWS)
    with tempfile.TemporaryDirectory() as work:
        rows: dict[str, Denoiser] = {name: ours(name) for name in ("denoise-fast", "denoise-best")}
        rows["FFDNet colour"] = peer(peers.engine("FFDNet colour", data / "peers", Path(work)))
    clean = [middle(x, 512) for _, x in clean_pictures(data / "photos2" / "val", 3)]
    for sigma in SIGMAS:
        noise = GaussianNoise((sigma, sigma))
        found = [(str(i), x, degraded(x, noise, i)) for i, x in enumerate(clean)]
        told = {row: partial(denoise, sigma=sigma) for row, denoise in rows.items()}
        look_table(f"photos2/val, middle 512x512 ({len(clean)}), sigma {sigma}", found, told)


def look_table(title: str, found: list[Pair], rows: dict[str, Restorer]) -> None:
    print(f"\n| {title} | PSNR, dB | perceptual distance | fine texture |\n|---|---:|---:|---:|")
    for row, restored in {"(damaged)": lambda y: y, **rows}.items():
        results = [(restored(y).clip(0, 1), x) for _, x, y in found]
        means = [np.mean([measure(x_hat, x) for x_hat, x in results]) for measure in (psnr, apart, texture)]
        print(f"| {row} | {means[0]:.2f} | {means[1]:.3f} | {means[2]:.2f} |", flush=True)


def undamaged(data: Path) -> Iterable[tuple[str, np.ndarray]]:
    for name, x in clean_pictures(data / "photos2" / "val", 3):
        yield name, middle(x, 512)
    yield from clean_pictures(data / "photos2" / "val" / "small.zip", 3)
    yield from clean_pictures(data / "benchmarks" / "cbsd68", 3)


PARTS = {"kind": kind, "noise": noise, "simulated": camera, "blotches": blotches, "colour": colour, "looks": looks}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("parts", nargs="*", default=list(PARTS), metavar="PART")
    options = parser.parse_args()
    for part in options.parts:
        PARTS[part](options.data)


if __name__ == "__main__":
    main()
