"""Known damage undone by a prior, beside classical methods and a peer: `python benchmarks/bench_prior.py DATA`.

blur: as in bench_deblur.py (every fourth picture of CBSD68, noise of sigma 1, clipped, RGB, 16 pixels of border left
out), every method being told the kernel. Ours sees the blurred picture alone and estimates the noise; Wiener and
Richardson-Lucy get 32 pixels more on every side, and of each the best of several settings on this very set is printed.
DPIR is deepinv's (`pip install --no-deps deepinv==0.5.0`, which imports torchvision, h5py, natsort and einops) with our
denoiser in it, told the noise, on what ours sees: its blur of "valid" border, its proximal step by conjugate gradients.

scattered: four fifths of the pixels missing at random (whole picture), a mosaic (4 pixels of border left out), a third
of the size behind a Gaussian of 1.6 pixels (6 left out), without noise; RGB, rounded to 8 bits, as are the small
pictures. Peers: biharmonic inpainting, bilinear and Menon's demosaicing (`pip install --no-deps colour-demosaicing
colour-science`), bicubic enlarging, `upscale-4x` reduced bicubically.

found: as blur, of 8 bits, the kernel found by `--kernel auto`, by `denoise-fast`; "not undone" counts the pictures for
which no kernel was certain, or which were called sharp. digits: see bench_digits.py.
"""

import argparse
import time
from pathlib import Path

import bench_digits
import numpy as np
from bench_deblur import INSIDE, PEERS, compared, deconvolved, pairs, row
from colour_demosaicing import demosaicing_CFA_Bayer_bilinear, demosaicing_CFA_Bayer_Menon2007
from PIL import Image
from skimage.restoration import inpaint_biharmonic

from sfumato import Picture
from sfumato.learn.evaluation.restoration import clean_pictures
from sfumato.measures import psnr
from sfumato.models.engine import Engine, load
from sfumato.operators import Blur, Downsample, Mosaic, gaussian
from sfumato.restoration.restore import restore

FOUND = ("motion:6", "motion:12", "defocus:2.5")
BLURS = ("motion:3", "motion:6", "motion:12", "defocus:1.5", "defocus:2.5", "defocus:4")


def dpir(engine: Engine, y: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """deepinv's half-quadratic splitting with this denoiser."""
    import deepinv as dinv
    import torch

    class Denoiser(torch.nn.Module):
        def forward(self, x: torch.Tensor, sigma: object, *_: object, **__: object) -> torch.Tensor:
            height, width = x.shape[-2:]
            padded = np.pad(x.numpy(), ((0, 0), (0, 0), (0, -height % 8), (0, -width % 8)), mode="reflect")
            level = np.full((1, 1, *padded.shape[2:]), float(torch.as_tensor(sigma).ravel()[0]), np.float32)
            return torch.from_numpy(engine(y=padded, sigma=level)[..., :height, :width])

    measured = torch.from_numpy(np.ascontiguousarray(y)).permute(2, 0, 1)[None]
    filters = torch.from_numpy(kernel)[None, None]
    physics = dinv.physics.Blur(filter=filters, padding="valid", max_iter=100, tol=1e-5)
    rows, columns = (length // 2 for length in kernel.shape)
    with torch.no_grad():
        model = dinv.optim.DPIR(sigma=1 / 255, denoiser=Denoiser(), device="cpu")
        return model(measured, physics)[0].permute(1, 2, 0).numpy()[rows:-rows, columns:-columns]


def blur(data: Path, pictures: int, peers: bool) -> None:
    given = {c: list(pairs(data / "benchmarks" / "cbsd68", c))[:pictures] for c in BLURS}
    row(f"{pictures} pictures of CBSD68, PSNR in dB", list(BLURS))
    print("|---|" + "---:|" * len(BLURS))
    row("as damaged", [f"{np.mean([compared(y[INSIDE], x) for x, y, _ in given[c]]):.2f}" for c in BLURS])
    for name in ("denoise-best", "denoise-fast"):
        engine, cells, residuals, started, pixels = load(name), [], [], time.perf_counter(), 0
        for column in BLURS:
            found = []
            for x, y, kernel in given[column]:
                result = restore(y[INSIDE], model=engine, operator=Blur(kernel))
                found.append(compared(result.picture.array(), x))
                residuals.append(255 * (result.steps[0].residual or 0))
                pixels += x.shape[0] * x.shape[1]
            cells.append(f"{np.mean(found):.2f}")
        row(f"plug and play, `{name}`", cells)
        each = (time.perf_counter() - started) / pixels * 1e6
        print(f"<!-- residual {np.mean(residuals):.2f} of 255 on the mean, {each:.1f} s a megapixel -->", flush=True)
    if not peers:
        return
    engine = load("denoise-best")
    row(
        "DPIR (deepinv), `denoise-best`",
        [f"{np.mean([compared(dpir(engine, y[INSIDE], kernel), x) for x, y, kernel in given[c]]):.2f}" for c in BLURS],
    )
    for name, methods in PEERS.items():
        cells = []
        for column in BLURS:
            scores = {
                setting: float(np.mean([compared(deconvolved(method, y, k), x) for x, y, k in given[column]]))
                for setting, method in methods.items()
            }
            best = max(scores, key=lambda setting: scores[setting])
            cells.append(f"{scores[best]:.2f} ({best})")
        row(name, cells)


def found(data: Path, pictures: int, peers: bool) -> None:
    """The kernel found in the picture (8 bits), beside the same kernel given and the blind network."""
    given = {c: list(pairs(data / "benchmarks" / "cbsd68", c))[:pictures] for c in FOUND}
    engine, blind = load("denoise-fast"), load("deblur")
    row(f"{pictures} pictures of CBSD68, 8 bits, PSNR in dB", list(given))
    print("|---|" + "---:|" * len(given))
    cells: dict[str, list[str]] = {"`deblur`, blind": [], "kernel given": [], "kernel found": [], "not undone": []}
    for column, cases in given.items():
        scores: dict[str, list[float]] = {name: [] for name in cells}
        for x, wide, kernel in cases:
            y = Picture.from_array(wide[INSIDE].clip(0, 1))
            results = {"`deblur`, blind": restore(y, model=blind)}
            results["kernel found"] = restore(y, task="deblur", kernel="auto", model=engine)
            results["kernel given"] = restore(y, operator=Blur(kernel), model=engine) if kernel is not None else None
            for name, result in results.items():
                if result is not None:
                    scores[name].append(compared(result.picture.array(), x))
            models = [step.model for step in results["kernel found"].steps]
            scores["not undone"].append(float(models != [engine.card.name]))
        for name, values in scores.items():
            counted = f"{round(sum(values))} of {len(values)}" if name == "not undone" else f"{np.mean(values):.2f}"
            cells[name].append(counted if values else "")
        print(f"<!-- {column}: {', '.join(f'{name} {found[-1]}' for name, found in cells.items())} -->", flush=True)
    for name, values in cells.items():
        row(name, values)


def digits(data: Path, pictures: int, peers: bool) -> None:
    bench_digits.measure(data, round(500 * pictures / 17))


def scattered(data: Path, pictures: int, peers: bool) -> None:
    """Four fifths of the pixels missing, a mosaic, and a third of the size behind a Gaussian."""
    clean = [x for _, x in clean_pictures(data / "benchmarks" / "cbsd68", 3)[::4]][:pictures]
    found: dict[str, dict[str, list[float]]] = {"80 % missing": {}, "mosaic": {}, "a third": {}}

    def note(column: str, name: str, result: np.ndarray, x: np.ndarray, border: int) -> None:
        found[column].setdefault(name, []).append(psnr(result, x, border=border, rounded=True))

    engine = load("denoise-best")
    for number, x in enumerate(clean):
        missing = np.random.default_rng(number).random(x.shape[:2]) < 0.8
        y = np.where(missing[..., None], np.float32(0), x)
        filled = restore(Picture.from_array(y), model=engine, task="inpaint", prior=True, mask=missing)
        note("80 % missing", "plug and play", filled.picture.array(), x, 0)
        mosaic = Mosaic().apply(x)
        note("mosaic", "plug and play", restore(mosaic, model=engine, task="demosaic").picture.array(), x, 4)
        reduced = Downsample(3, gaussian(1.6))
        height, width, _ = reduced.input_shape(((x.shape[0] - 18) // 3, (x.shape[1] - 18) // 3, 3))
        small = Picture.from_array(reduced.apply(x[:height, :width]))
        truth = x[:height, :width][reduced.inside((small.height, small.width, 3))]
        larger = restore(small, model=engine, task="upscale", scale=3, kernel="gaussian:1.6")
        note("a third", "plug and play", larger.picture.array(), truth, 6)
        note("a third", "bicubic", bicubic(small.array(), truth.shape), truth, 6)
        by_four = restore(small, model="upscale-4x").picture.array()
        note("a third", "`upscale-4x`, reduced", bicubic(by_four, truth.shape), truth, 6)
        if peers:
            note("80 % missing", "biharmonic", inpaint_biharmonic(y, missing, channel_axis=-1), x, 0)
            note(
                "80 % missing",
                "`inpaint`",
                restore(Picture.from_array(y), task="inpaint", mask=missing).picture.array(),
                x,
                0,
            )
            note("mosaic", "bilinear", demosaicing_CFA_Bayer_bilinear(mosaic[..., 0]), x, 4)
            note("mosaic", "Menon 2007", demosaicing_CFA_Bayer_Menon2007(mosaic[..., 0]), x, 4)
        print(f"<!-- {number + 1} of {len(clean)} -->", flush=True)
    for column, scores in found.items():
        row(f"{len(clean)} pictures of CBSD68, {column}", ["PSNR in dB"])
        print("|---|---:|")
        for name, values in scores.items():
            row(name, [f"{np.mean(values):.2f}"])
        print(flush=True)


def bicubic(x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """x (h, w, c) in another size, as Pillow does it."""
    planes = [
        Image.fromarray(np.ascontiguousarray(x[..., channel])).resize((shape[1], shape[0]), Image.Resampling.BICUBIC)
        for channel in range(x.shape[2])
    ]
    return np.stack([np.asarray(plane) for plane in planes], -1)


PARTS = {"blur": blur, "found": found, "scattered": scattered, "digits": digits}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--pictures", type=int, default=17)
    parser.add_argument("--part", action="append", choices=list(PARTS), help="default: all")
    parser.add_argument("--no-peers", action="store_true")
    options = parser.parse_args()
    for part in options.part or PARTS:
        PARTS[part](options.data, options.pictures, not options.no_peers)


if __name__ == "__main__":
    main()
