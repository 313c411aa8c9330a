"""How well `--task auto` chooses between `dejpeg` and `clean`: `python benchmarks/bench_auto.py DATA`.

Every second picture of DATA/photos/val (the rule was chosen on these, so they are no benchmark), a crop of 256x224, as
it is and at 35 % of its brightness, with white, photon or correlated noise of 0 to 25 and a JPEG of quality 40 to 85,
drawn with seed 0. Printed: dB gained over always taking `dejpeg`, how often noise of 8 or more was overlooked, and how
often `clean` was taken where there was no noise.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from sfumato import Picture
from sfumato.learn.data.folders import list_pictures
from sfumato.learn.data.store import PictureStore
from sfumato.learn.degradations.jpeg import Compression
from sfumato.learn.degradations.noise import CorrelatedNoise, GaussianNoise, PoissonGaussianNoise
from sfumato.measures import psnr
from sfumato.restoration.diagnosis import Diagnosis
from sfumato.restoration.restore import restore

NOISE, QUALITIES, BRIGHTNESS = (0, 4, 8, 15, 25), (40, 60, 75, 85), (1.0, 0.35)
KINDS = {
    "white": lambda level: GaussianNoise((level, level), clip=True),
    "photon": lambda level: PoissonGaussianNoise((1.5 * level, 1.5 * level), (0, 3), clip=True),
    "correlated": lambda level: CorrelatedNoise((level, level), clip=True),
}


def mixtures(data: Path):
    """Clean and damaged `h w 3`, and the level of the noise."""
    store = PictureStore.build(list_pictures(data / "photos" / "val"))
    draw = np.random.default_rng(0)
    for number in range(0, len(store), 2):
        crop = torch.from_numpy(store[number][40:264, 40:296].copy()).permute(2, 0, 1).float() / 255
        for brightness in BRIGHTNESS:
            for level in NOISE:
                kind = draw.choice(list(KINDS))
                quality = int(draw.choice(QUALITIES))
                generator = torch.Generator().manual_seed(int(draw.integers(2**31)))
                before = KINDS[kind](level) if level else None
                found = Compression((quality, quality), before)(brightness * crop, generator)
                yield *(part.permute(1, 2, 0).contiguous().numpy() for part in (found.x, found.y)), level


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    gains: dict[str, list[float]] = {"always `clean`": [], "auto": [], "always the better": []}
    overlooked, needless = [], []
    for x, y, level in mixtures(parser.parse_args().data):
        dejpeg, clean = (psnr(restore(y, task=task).picture.array(), x) for task in ("dejpeg", "clean"))
        chosen = Diagnosis(Picture.from_array(y, depth=32, format="tiff")).is_noisy_beneath
        gains["always `clean`"].append(clean - dejpeg)
        gains["auto"].append(clean - dejpeg if chosen else 0.0)
        gains["always the better"].append(max(clean - dejpeg, 0.0))
        if level >= 8:
            overlooked.append(not chosen)
        if level == 0:
            needless.append(chosen)
    print(f"dB gained over always taking `dejpeg`, {len(gains['auto'])} mixtures")
    for name, values in gains.items():
        print(f"{name}: {np.mean(values):.2f}")
    print(f"noise of 8 or more overlooked: {100 * np.mean(overlooked):.0f} %")
    print(f"`clean` taken without noise: {100 * np.mean(needless):.0f} %")


if __name__ == "__main__":
    main()
