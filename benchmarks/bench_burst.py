"""A burst merged beside its best single picture: `python benchmarks/bench_burst.py DATA [--count N]`.

DATA holds photos2/val (no benchmark: the rejection of ghosts was looked at on its pictures, nothing was trained there)
and video/davis/val. Eight pictures are drawn of each photograph as a moved hand takes them: its middle 640x512 at
shifts of up to 8 pixels of the result, the first at none, through a lens (Gaussian of 0.35 pixels) and reduced by two
to 320x256, then white Gaussian noise, not clipped, not rounded, generator seeded by the picture's number. "turned":
by up to half a degree besides. The last rows are eight successive frames of video (427x240), whose scene moves.
Printed: PSNR in dB over RGB, whole picture, mean of pictures. "best single": the best of the eight, each restored by
itself and held against its own clean picture. "true motion": the mean of the eight aligned by the motion that they
were drawn with, then restored. All restoring is `denoise`, level estimated.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sfumato import Picture, merge, restore
from sfumato.measures import psnr
from sfumato.pictures.vips import vips
from sfumato.restoration.alignment import blurred, outside, warped

SIGMAS = (10, 25, 50)
NUM_FRAMES, REACH, DEGREES = 8, 8.0, 0.5
SIZE = (256, 320)
LENS = 0.35  # pixels of the result


@dataclass(frozen=True)
class Pose:
    """How a frame lies to the first: rows and columns of the result, and radians around its middle."""

    down: float = 0.0
    across: float = 0.0
    turn: float = 0.0

    def to_scene(self, places: np.ndarray) -> np.ndarray:
        """Places (2, h, w) of the frame, from its middle, as places of the scene."""
        cos, sin = np.cos(self.turn), np.sin(self.turn)
        return np.stack(
            [cos * places[0] - sin * places[1] + self.down, sin * places[0] + cos * places[1] + self.across]
        )

    def from_scene(self, places: np.ndarray) -> np.ndarray:
        """The inverse."""
        down, across = places[0] - self.down, places[1] - self.across
        cos, sin = np.cos(self.turn), np.sin(self.turn)
        return np.stack([cos * down + sin * across, -sin * down + cos * across])


def middle_out(height: int, width: int) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width].astype(np.float64)
    return np.stack([rows - (height - 1) / 2, columns - (width - 1) / 2])


def photographed(scene: np.ndarray, pose: Pose) -> np.ndarray:
    """A frame (h, w, 3) of a scene of twice its resolution, which is softened already."""
    height, width = SIZE
    places = 2 * pose.to_scene(middle_out(2 * height, 2 * width) / 2)
    places += np.array([(length - 1) / 2 for length in scene.shape[:2]])[:, None, None]
    found = warped(scene, places.astype(np.float32))
    return found.reshape(height, 2, width, 2, 3).mean(axis=(1, 3)).astype(np.float32)


def bursts(data: Path, sigma: float, turned: bool, count: int | None) -> Iterator[tuple]:
    """Clean frames, noisy frames and poses."""
    least = [2 * length + 4 * REACH + 16 for length in SIZE]
    number = 0
    for path in sorted((data / "photos2" / "val").glob("*.avif")):
        scene = Picture.open(path).array()
        if scene.shape[2] != 3 or any(have < need for have, need in zip(scene.shape, least, strict=False)):
            continue
        scene = np.stack([blurred(scene[..., c], 2 * LENS) for c in range(3)], axis=2)
        random = np.random.default_rng(number)
        drawn = [(*random.uniform(-REACH, REACH, 2), random.uniform(-1, 1)) for _ in range(NUM_FRAMES - 1)]
        poses = [Pose(), *(Pose(a, b, turned * np.deg2rad(DEGREES) * c) for a, b, c in drawn)]
        clean = [photographed(scene, pose) for pose in poses]
        yield clean, [noisy(frame, sigma, random) for frame in clean], poses
        number += 1
        if number == count:
            return


def videos(data: Path, sigma: float) -> Iterator[tuple]:
    for number, folder in enumerate(sorted((data / "video" / "davis" / "val").iterdir())):
        clean = [Picture.open(path).array() for path in sorted(folder.glob("*.avif"))[:NUM_FRAMES]]
        yield clean, [noisy(frame, sigma, np.random.default_rng(number)) for frame in clean], None


def noisy(frame: np.ndarray, sigma: float, random: np.random.Generator) -> np.ndarray:
    return (frame + random.normal(0, sigma / 255, frame.shape)).astype(np.float32)


def by_true_motion(frames: list[np.ndarray], poses: list[Pose]) -> np.ndarray:
    height, width = SIZE
    total, count = frames[0].astype(np.float64), np.ones((height, width, 1))
    middle = np.array([(height - 1) / 2, (width - 1) / 2])[:, None, None]
    for frame, pose in zip(frames[1:], poses[1:], strict=True):
        places = (pose.from_scene(middle_out(height, width)) + middle).astype(np.float32)
        seen = ~outside(places, height, width)[..., None]
        total += seen * warped(frame, places, sharp=True)
        count += seen
    return (total / count).astype(np.float32)


def denoised(pixels: np.ndarray) -> np.ndarray:
    return restore(pixels, task="denoise").picture.array()


def measured(clean: list[np.ndarray], frames: list[np.ndarray], poses: list[Pose] | None) -> tuple[float, ...]:
    single = max(psnr(denoised(y), x) for y, x in zip(frames, clean, strict=True))
    merged = merge(frames, reference=0, task="denoise")
    true = float("nan") if poses is None else psnr(denoised(by_true_motion(frames, poses)), clean[0])
    first = psnr(denoised(frames[0]), clean[0])
    return first, single, psnr(merged.mean.array(), clean[0]), psnr(merged.picture.array(), clean[0]), true


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--count", type=int, metavar="N", help="photographs; all unless given")
    options = parser.parse_args()
    columns = ("first, restored", "best single, restored", "mean", "merged", "true motion, restored")
    print(f"Bursts of {NUM_FRAMES}, PSNR in dB (libvips {vips().version(0)}.{vips().version(1)})\n")
    print("| what | sigma | " + " | ".join(columns) + " |\n|---|---|" + "---|" * len(columns))
    for what in ("shifts", "turned", "video"):
        for sigma in SIGMAS:
            drawn = (
                videos(options.data, sigma)
                if what == "video"
                else bursts(options.data, sigma, what == "turned", options.count)
            )
            scores = np.mean([measured(*burst) for burst in drawn], axis=0)
            cells = ["" if np.isnan(score) else f"{score:.2f}" for score in scores]
            print(f"| {what} | {sigma} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
