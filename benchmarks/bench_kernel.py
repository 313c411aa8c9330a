"""Kernels that are found in blurred pictures: `python benchmarks/bench_kernel.py DATA`.

The pictures of CBSD68, each blurred by two paths of 4 to 12 pixels, bent by up to 0.6 radians, and one disc of a
radius of 1 to 5, with noise of sigma 1 to 3, clipped and rounded to 8 bits; 16 pixels of border, which were blurred
with the mirror image, are cut off before. A path is right where its kind is, its length within 1 pixel and its angle
within 10 degrees; a disc where its radius is within 0.25 pixels; a picture that nothing was done to where it is called
sharp.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import model_tables
import numpy as np
import torch

from sfumato import Picture
from sfumato.estimation.blur import SHARP, FoundBlur, find_blur
from sfumato.learn.data.seeds import sample_seed
from sfumato.learn.degradations.blur import Defocus, MotionBlur
from sfumato.learn.degradations.degradation import Chain, Degradation, in_8_bits
from sfumato.learn.degradations.noise import GaussianNoise
from sfumato.learn.evaluation.restoration import clean_pictures
from sfumato.learn.training.objectives.blur import is_right
from sfumato.restoration.found_kernel import CERTAIN

BORDER = 16
NOISE = (1.0, GaussianNoise((1, 3), clip=True))
KINDS: dict[str, tuple[int, Degradation]] = {
    "paths of 4-12 pixels": (2, Chain(((1.0, MotionBlur((4, 12))), NOISE))),
    "discs of radius 1-5": (1, Chain(((1.0, Defocus((1, 5))), NOISE))),
    "sharp": (1, GaussianNoise((0, 0))),
}


def found(sets: Path, kind: str) -> Iterator[tuple[FoundBlur, dict[str, Any]]]:
    """What is found in each picture, and what was done to it."""
    times, degradation = KINDS[kind]
    for number, (_, x) in enumerate(clean_pictures(sets / "cbsd68", 3)):
        for time in range(times):
            generator = torch.Generator().manual_seed(sample_seed(0, f"{number} {time}"))
            done = degradation(torch.from_numpy(x).permute(2, 0, 1).contiguous(), generator)
            y = in_8_bits(done.y)[:, BORDER:-BORDER, BORDER:-BORDER].permute(1, 2, 0).numpy()
            yield find_blur(Picture.from_array(y)).whole, done.parameters


def right(blur: FoundBlur, parameters: dict[str, Any]) -> bool:
    if "length" in parameters:
        return blur.kind == "motion" and is_right(blur.size, blur.angle, parameters)
    if "radius" in parameters:
        return blur.kind == "disc" and abs(blur.size - parameters["radius"]) <= 0.25
    return blur.kind == SHARP


def rows(sets: Path) -> list[dict[str, Any]]:
    """For the card: percent right, and of those that are certain enough to be undone."""
    lines = []
    for kind in KINDS:
        pairs = list(found(sets, kind))
        all_right = [right(*pair) for pair in pairs]
        certain = [is_right for is_right, (blur, _) in zip(all_right, pairs, strict=True) if blur.certainty >= CERTAIN]
        protocol = f"{kind}, noise of sigma 1-3, clipped, 8 bits" if kind != SHARP else kind
        lines.append(model_tables.row("CBSD68", protocol, "percent right", 100 * float(np.mean(all_right))))
        share = 100 * len(certain) / len(pairs)
        lines.append(model_tables.row("CBSD68", protocol, "percent that are certain", share))
        lines.append(
            model_tables.row("CBSD68", protocol, "percent right of the certain", 100 * float(np.mean(certain)))
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    for line in rows(parser.parse_args().data / "benchmarks"):
        print(f"{line['protocol']}: {line['metric']} {line['value']}")


if __name__ == "__main__":
    main()
