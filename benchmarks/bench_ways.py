"""Ways to restore side by side, on the same pictures: `python benchmarks/bench_ways.py DATA [--page docs/FILE.md]`.

Digits: the first so many test digits of MNIST (28x28), of which the lower half is hidden, or four fifths of the pixels,
or which were reduced by two (means of 2x2). Photographs: crops of 160x160 pixels of every so-manieth picture of CBSD68,
four fifths of the pixels missing, blurred by a straight path of 6 pixels heading 30 degrees (noise of sigma 1, clipped,
the kernel given), or reduced by three behind a Gaussian of 1.6 pixels; rounded to 8 bits.

Of each way: PSNR in dB against the original (RGB or grey, whole picture; 8 pixels of border left out where it was
blurred or reduced), perceptual distance (efficientnet-lite0, shallow stages), residual (root mean square of 255 by
which the result, damaged again, is off what was measured), seconds a picture on one thread.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from bench_digits import digits
from PIL import Image
from skimage.restoration import inpaint_biharmonic, richardson_lucy

from sfumato import Picture, sample
from sfumato.learn.evaluation.restoration import apart, clean_pictures
from sfumato.learn.inversion import invert
from sfumato.measures import psnr
from sfumato.models import zoo
from sfumato.operators import Blur, Downsample, Mask, Operator, add_noise, gaussian, motion
from sfumato.restoration.restore import restore

CROP, SAMPLES = 160, 16
BEGIN, END = "<!-- ways: begin -->", "<!-- ways: end -->"
Array = np.ndarray


@dataclass(frozen=True)
class Case:
    """One damaged picture. missing: what is to be filled in, None where nothing is. border: not compared."""

    x: Array
    y: Array
    operator: Operator
    missing: Array | None = None
    border: int = 0

    @property
    def picture(self) -> Picture:
        return Picture.from_array(self.y)


@dataclass
class Scores:
    psnr: list[float] = field(default_factory=list)
    distance: list[float] = field(default_factory=list)
    residual: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def holes(x: Array, missing: Array) -> Case:
    return Case(x, np.where(missing[..., None], np.float32(0), x), Mask(~missing), missing)


def reduced(x: Array, operator: Operator, border: int = 0) -> Case:
    """x without what the operator does not reach, and x made smaller."""
    y = (operator.apply(x).clip(0, 1) * 255).round() / 255
    return Case(x[operator.inside(y.shape)], y.astype(np.float32), operator, border=border)


def blurred(x: Array, operator: Operator, number: int) -> Case:
    y = add_noise(operator.apply(x), 1 / 255, seed=number).clip(0, 1)
    y = ((y * 255).round() / 255).astype(np.float32)
    return Case(x[operator.inside(y.shape)], y, operator, border=8)


def bicubic(case: Case) -> Array:
    planes = [
        np.asarray(Image.fromarray(np.ascontiguousarray(plane)).resize(case.x.shape[1::-1], Image.Resampling.BICUBIC))
        for plane in np.moveaxis(case.y, 2, 0)
    ]
    return np.stack(planes, -1)


def biharmonic(case: Case) -> Array:
    assert case.missing is not None, "pixels are missing"
    return inpaint_biharmonic(case.y, case.missing, channel_axis=-1)


def lucy(case: Case) -> Array:
    assert isinstance(case.operator, Blur), "it is blurred"
    kernel = case.operator.kernel.astype(np.float64)
    reach = max(case.operator.reach)
    wide = np.pad(case.y, [(reach, reach), (reach, reach), (0, 0)], mode="symmetric").clip(1e-3, 1)
    planes = [richardson_lucy(plane, kernel, num_iter=20) for plane in np.moveaxis(wide.astype(np.float64), 2, 0)]
    return np.stack(planes, -1)[reach:-reach, reach:-reach]


def restored(case: Case, **options: object) -> Array:
    """By `sfumato.restore`."""
    if case.missing is not None:
        options["mask"] = case.missing
    return restore(case.picture, **options).picture.array()  # type: ignore[arg-type]


def enlarged(case: Case, model: str) -> Array:
    """By a trained upscaler, then brought to the size."""
    large = restored(case, model=model)
    return bicubic(Case(case.x, large, case.operator))


def sampled(case: Case, num: int) -> Array:
    """The mean of so many samples of the flow of digits."""
    task = "inpaint" if case.missing is not None else "upscale"
    kernel = "box" if task == "upscale" else None
    return sample(case.picture, num, model="mnist-flow", task=task, mask=case.missing, kernel=kernel).mean.array()


def inverted(case: Case, model: str) -> Array:
    damage = {"mask": case.missing} if case.missing is not None else {"operator": case.operator}
    return invert(zoo.path(model), case.picture, **damage).picture.array()  # type: ignore[arg-type]


Ways = dict[str, Callable[[Case], Array]]
PRIOR, FLOW = "plug and play", "plug and play, `mnist-flow`"
GENERATIVE: Ways = {
    "one sample, `mnist-flow`": partial(sampled, num=1),
    f"mean of {SAMPLES} samples": partial(sampled, num=SAMPLES),
    "inversion, `mnist-gan`": partial(inverted, model="mnist-gan"),
    "inversion, `mnist-vae`": partial(inverted, model="mnist-vae"),
}
FILLING: Ways = {
    "classical: biharmonic": biharmonic,
    "trained: `inpaint`": partial(restored, task="inpaint"),
    PRIOR: partial(restored, task="inpaint", prior=True),
}
UPSCALING: Ways = {"classical: bicubic": bicubic, "trained: `upscale-2x`": partial(enlarged, model="upscale-2x")}


def digit_cases(data: Path, num: int) -> dict[str, tuple[list[Case], Ways]]:
    pictures = (digits(data, "t10k")[0][:num] / np.float32(255)).astype(np.float32)[..., None]
    half = np.zeros((28, 28), bool)
    half[14:] = True
    most = [np.random.default_rng(i).random((28, 28)) < 0.8 for i in range(num)]
    by_flow: Ways = {FLOW: partial(restored, task="inpaint", prior=True, model="mnist-flow")}
    enlarging: Ways = UPSCALING | {
        PRIOR: partial(restored, task="upscale", kernel="box"),
        FLOW: partial(restored, task="upscale", kernel="box", model="mnist-flow"),
    }
    return {
        "Digits, the lower half hidden": ([holes(x, half) for x in pictures], FILLING | by_flow | GENERATIVE),
        "Digits, 80 % of the pixels missing": (
            [holes(x, missing) for x, missing in zip(pictures, most, strict=True)],
            FILLING | by_flow | GENERATIVE,
        ),
        "Digits, half the size": (
            [reduced(np.pad(x, [(2, 2), (2, 2), (0, 0)]), Downsample(2, "box")) for x in pictures],
            enlarging | GENERATIVE,
        ),
    }


def photo_cases(data: Path, num: int) -> dict[str, tuple[list[Case], Ways]]:
    every = [x for _, x in clean_pictures(data / "benchmarks" / "cbsd68", 3)]
    crops = [x[80 : 80 + CROP, 120 : 120 + CROP] for x in every[:: len(every) // num]][:num]
    moved, third = Blur(motion(6, 30)), Downsample(3, gaussian(1.6))
    height = third.input_shape((CROP // 3 - 4, CROP // 3 - 4, 3))[0]
    return {
        "Photographs, 80 % of the pixels missing": (
            [holes(x, np.random.default_rng(i).random(x.shape[:2]) < 0.8) for i, x in enumerate(crops)],
            FILLING,
        ),
        "Photographs, moved by 6 pixels": (
            [blurred(x, moved, i) for i, x in enumerate(crops)],
            {
                "classical: Richardson-Lucy": lucy,
                "trained, blind: `deblur`": partial(restored, task="deblur"),
                PRIOR: partial(restored, task="deblur", kernel="motion:6@30"),
                f"{PRIOR}, kernel found": partial(restored, task="deblur", kernel="auto"),
            },
        ),
        "Photographs, a third of the size": (
            [reduced(x[:height, :height], third, border=6) for x in crops],
            {
                "classical: bicubic": bicubic,
                "trained: `upscale-4x`, reduced": partial(enlarged, model="upscale-4x"),
                PRIOR: partial(restored, task="upscale", scale=3, kernel="gaussian:1.6"),
            },
        ),
    }


def measured(cases: list[Case], way: Callable[[Case], Array]) -> Scores:
    scores = Scores()
    for case in cases:
        started = time.perf_counter()
        result = way(case).clip(0, 1)
        scores.seconds.append(time.perf_counter() - started)
        scores.psnr.append(min(psnr(result, case.x, border=case.border, rounded=True), 100.0))
        inner = (slice(case.border, -case.border or None),) * 2
        scores.distance.append(apart(result[inner], case.x[inner]))
        scores.residual.append(255 * off(result, case))
    return scores


def off(result: Array, case: Case) -> float:
    """How far the result, damaged again, is from what was measured: over what depends on the result alone."""
    if case.missing is not None:
        return float(np.sqrt(np.square(result - case.x)[~case.missing].mean()))
    again = case.operator.apply(np.pad(result, _around(case, result), mode="edge"))
    rim = max(2, round(max(case.operator.margin) / case.operator.scale) + 2)
    return float(np.sqrt(np.square(again - case.y)[rim:-rim, rim:-rim].mean()))


def _around(case: Case, result: Array) -> list[tuple[int, int]]:
    wanted = case.operator.input_shape((case.y.shape[0], case.y.shape[1], case.y.shape[2]))
    rows, columns = case.operator.inside((case.y.shape[0], case.y.shape[1], case.y.shape[2]))
    return [(s.start, wanted[axis] - s.start - result.shape[axis]) for axis, s in enumerate((rows, columns))] + [(0, 0)]


def tables(data: Path, num_digits: int, num_photos: int) -> list[str]:
    lines: list[str] = []
    for title, (cases, ways) in (digit_cases(data, num_digits) | photo_cases(data, num_photos)).items():
        lines += [f"| {title} ({len(cases)}) | PSNR, dB | distance | residual | seconds |", "|---|---:|---:|---:|---:|"]
        for name, way in ways.items():
            found = measured(cases, way)
            means = [float(np.mean(part)) for part in (found.psnr, found.distance, found.residual, found.seconds)]
            lines.append(f"| {name} | {means[0]:.2f} | {means[1]:.3f} | {means[2]:.1f} | {means[3]:.2g} |")
            print(lines[-1], flush=True)
        lines.append("")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--digits", type=int, default=30)
    parser.add_argument("--photos", type=int, default=6)
    parser.add_argument("--page", type=Path, help="whose tables are renewed, between two marks")
    options = parser.parse_args()
    lines = tables(options.data, options.digits, options.photos)
    if options.page:
        before, rest = options.page.read_text().split(BEGIN)
        after = rest.split(END)[1]
        options.page.write_text(f"{before}{BEGIN}\n" + "\n".join(lines) + f"{END}{after}")


if __name__ == "__main__":
    main()
