"""What noise is found in clips whose encoder has kept some of it: `python benchmarks/bench_kept_noise.py DATA`.

Pans of two pixels a frame over the middle 208x208 of the photographs of DATA/photos/val and DATA/photos2/val (the large
ones reduced by two) and of ten of scikit-image's pictures; five frames, white noise of a seed that is the same for all,
H.264 (x264, preset medium). For each row: in how many `auto` finds noise by the rules for pictures alone ("denoise" or
"clean"), in how many with what the network for clips says, and which pictures those are where there was none.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import numpy as np
from skimage import data as samples

from sfumato.learn.data.folders import decode, list_pictures
from sfumato.learn.degradations.clips import encoded
from sfumato.restoration.diagnosis import Diagnosis
from sfumato.video.restorers import _to_look_at

SAMPLES = (
    "grass",
    "gravel",
    "brick",
    "astronaut",
    "coffee",
    "chelsea",
    "rocket",
    "camera",
    "coins",
    "hubble_deep_field",
)
ROWS = {
    "nothing": (0, None),
    "crf 14": (0, 14),
    "crf 20": (0, 20),
    "crf 26": (0, 26),
    "noise of 10, crf 20": (10, 20),
    "noise of 8, crf 23": (8, 23),
}
SIDE, STEP, FRAMES, LARGE = 208, 2, 5, 900


def pictures(folder: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Names and pixels uint8 (h, w, 3)."""
    for name in SAMPLES:
        pixels = getattr(samples, name)()
        yield name, np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels[..., :3]
    for part in ("photos/val", "photos2/val"):
        for name, stored in sorted(list_pictures(folder / part).read(), key=lambda item: item[0]):
            pixels = decode(stored, 3) if isinstance(stored, bytes) else stored
            if "zip" in name:
                continue
            yield Path(name).stem, pixels if min(pixels.shape[:2]) <= LARGE else halved(pixels)


def halved(pixels: np.ndarray) -> np.ndarray:
    height, width = (length // 2 for length in pixels.shape[:2])
    cells = pixels[: 2 * height, : 2 * width].reshape(height, 2, width, 2, 3)
    return cells.mean(axis=(1, 3)).round().astype(np.uint8)


def clip(pixels: np.ndarray, noise: float, crf: int | None) -> list[np.ndarray]:
    """Frames float32 (SIDE, SIDE, 3) of a pan."""
    top, left = (pixels.shape[0] - SIDE) // 2, (pixels.shape[1] - SIDE - STEP * FRAMES) // 2
    windows = [pixels[top : top + SIDE, left + STEP * t : left + STEP * t + SIDE] for t in range(FRAMES)]
    frames = np.stack(windows) + noise * np.random.default_rng(0).standard_normal((FRAMES, SIDE, SIDE, 3))
    whole = frames.clip(0, 255).round().astype(np.uint8)
    return list((whole if crf is None else encoded(whole, crf=crf)).astype(np.float32) / 255)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    least = (SIDE, SIDE + STEP * FRAMES)
    chosen = [
        (name, x) for name, x in pictures(options.data) if all(a >= b for a, b in zip(x.shape, least, strict=False))
    ]
    print("| | clips | found by the rules for pictures | with the network for clips | found where there is none |")
    print("|---|---:|---:|---:|---|")
    for title, (noise, crf) in ROWS.items():
        alone, together = [], []
        for name, pixels in chosen:
            opening = _to_look_at(clip(pixels, noise, crf), "")
            diagnosis = Diagnosis(opening, "cpu", options.threads, clip=True)
            with patch.object(Diagnosis, "has_kept_noise", False):
                alone += [name] * bool({"denoise", "clean"} & set(diagnosis.tasks))
            together += [name] * bool({"denoise", "clean"} & set(diagnosis.tasks))
        wrong = "" if noise else ", ".join(together)
        print(f"| {title} | {len(chosen)} | {len(alone)} | {len(together)} | {wrong} |", flush=True)


if __name__ == "__main__":
    main()
