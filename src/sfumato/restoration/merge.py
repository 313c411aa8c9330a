"""Many noisy pictures of one scene in, one clean picture out: aligned, averaged without ghosts, then restored.

What shows something else than the reference, since it moved or lies outside, counts less or not at all there (compare
Hasinoff and others, Burst photography for high dynamic range, SIGGRAPH Asia 2016); what noise is left then differs
from place to place, and restoring is told.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import Option, PictureError, UsageError
from ..estimation.noise import NoiseCurve, UnevenNoise, estimate_noise
from ..models import zoo
from ..models.engine import Engine, shipped
from ..pictures.picture import Picture
from ..pictures.span import span_of
from ..tiling.strips import Rows
from . import restorer
from .alignment import align, blurred, brightness, gradient, outside, warped
from .diagnosis import Diagnosis
from .options import AUTO, DEFAULT_MODEL, MAX_PIXELS, Level, RestoreOptions
from .restore import carry_out, open_source, prepare
from .result import Restored

LEAST = 0.004  # of black to white: noise below it is taken for that of rounding
SOFT = 1.5  # pixels over which differences are averaged before they are judged
WIDE = 4.0  # pixels over which what was judged is averaged
WHITE, MOST_KEPT = 1 / (4 * np.pi * SOFT**2), 0.4  # of its variance noise keeps over that mean: white, and the coarsest
EDGES = 0.03  # of the contrast beside a pixel: how far pictures differ there that lie right
# Times the variance that noise explains: from where on a picture counts less, and from where on not at all.
FINE, SOFTER = (1.2, 1.6), (1.5, 2.5)
MEDIAN, MOST_TAKEN = 0.79, 3.0  # of the mean of three squares of a normal deviate; times what was estimated
QUIETEST, EVEN = 0.1, 2.0  # of a picture, what differs least; times that what differs usually, where noise does it
UNRELATED = 0.15  # of a picture that agrees with the reference: what has less shows another scene
BRIGHTER = 2.0  # times: by which exposures may differ and are made equal
INTERPOLATED = np.float32(0.85)  # of the variance of its noise a picture keeps between its pixels
NUM_JUDGED = 1_000_000  # pixels on which the sharpest picture is found


@dataclass(frozen=True)
class Merged:
    """What `merge` gives back.

    picture: the result, with the depth and the metadata of the reference. mean: the mean of the aligned pictures, from
    which it was restored. restored: what restoring did to that. agreeing: how many pictures each pixel is the mean of,
    (h, w). reference: the number, from 0, of the picture whose place and moment the result has. notes: sentences on
    what was found, decided and lost.
    """

    picture: Picture
    mean: Picture
    restored: Restored
    agreeing: NDArray[np.float32]
    reference: int
    seconds: float
    notes: tuple[str, ...]


def merge(
    sources: Sequence[str | Path | Picture | NDArray[Any]],
    *,
    reference: int | None = None,
    task: str = AUTO,
    model: str | Path | Engine = DEFAULT_MODEL,
    noise: Level = AUTO,
    strength: float = 1.0,
    device: str = "auto",
    threads: int | None = None,
    memory_mb: int | None = None,
    max_pixels: int = MAX_PIXELS,
    progress: Callable[[int, int], None] | None = None,
) -> Merged:
    """Merge a burst: several pictures of one scene, taken from a hand that hardly moved, into one clean picture.

    sources: files, Pictures or arrays, as `sfumato.restore` takes them, two or more of one size. They are aligned to
    one of them, the sharpest, or that of the number `reference` from 0; their mean is taken without what moved, and
    what noise is left in it is removed. task, model, noise, strength, device, threads, memory_mb, max_pixels: of that
    restoring, as in `sfumato.restore`. progress is called with pictures done and all pictures.

    About 250 bytes a pixel are needed, whatever the number of pictures.

    Raises UsageError for fewer than two pictures, PictureError for pictures of different sizes or scenes.
    """
    options = RestoreOptions(
        task=task,
        model=model,
        noise=noise,
        strength=strength,
        device=device,
        threads=threads,
        memory_mb=memory_mb,
        max_pixels=max_pixels,
    )
    pictures = [open_source(source, max_pixels) for source in sources]
    return merge_pictures(pictures, options, reference=reference, progress=progress)


def merge_pictures(
    pictures: Sequence[Picture],
    options: RestoreOptions,
    *,
    reference: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Merged:
    """The same for Pictures and options that lie together."""
    started = time.perf_counter()
    _check(pictures, reference)
    chosen = _sharpest(pictures) if reference is None else reference
    base = pictures[chosen]
    span = span_of(base)
    inside = [picture if span is None else picture.in_span(span) for picture in pictures]
    curve = estimate_noise(inside[chosen], device=options.device, threads=options.threads)
    reference_pixels = inside[chosen].array()
    mean, agreeing, left, unrelated = _averaged(inside, _judge(reference_pixels, curve, options), chosen, progress)
    if len(unrelated) == len(pictures) - 1:
        others = "the others show" if len(unrelated) > 1 else "the other shows"
        raise PictureError(f"Of {_name(base, chosen)} {others} another scene; a burst shows one from one place.")
    diagnosis = MergedDiagnosis(mean, options.device, options.threads, single=curve, left=left)
    restored = carry_out(mean, options, prepare(mean, options, diagnosis))
    strips: Iterator[Rows] = restored.picture.strips()
    if span is not None:
        strips = (span.unscaled(strip) for strip in strips)
    picture = base.with_strips(strips, restored.picture.height, restored.picture.width)
    notes = [f"{_name(pictures[number], number)} shows another scene and was left out." for number in unrelated]
    notes += base.notes
    seconds = time.perf_counter() - started
    return Merged(picture, mean, restored, agreeing, chosen, seconds, (*notes, *restored.notes))


@dataclass(frozen=True, eq=False)
class MergedDiagnosis(Diagnosis):
    """Of a mean of pictures, in which more noise is left where fewer agreed.

    single: the noise of one picture. left: (h, w), the share of its deviation that is left in the mean.
    """

    single: NoiseCurve = field(default_factory=lambda: NoiseCurve.constant(0))
    left: NDArray[np.float32] = field(default_factory=lambda: np.ones((1, 1), np.float32))

    @cached_property
    def noise(self) -> NoiseCurve:
        return UnevenNoise.of(self.single, self.left)


@dataclass(frozen=True)
class Judge:
    """Says where an aligned picture shows the same as the reference (h, w, c), but for noise.

    noise: of the reference. removed: (h, w, c), what a denoiser takes from it, which shows how coarse the noise is.
    """

    reference: Rows
    noise: NoiseCurve
    removed: Rows

    @cached_property
    def _expected(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The variance of a difference that noise explains, (h, w), and the same after blurring."""
        variance = 2 * np.square(np.maximum(self.noise.level_map(self.reference), LEAST))
        # Where the estimate is too low, the denoiser still takes more than that.
        removed = _squares(self.removed)
        taken = float(np.median(removed[0] / variance)) * 2 / MEDIAN
        variance *= np.float32(np.clip(taken, 1, MOST_TAKEN))
        allowed = np.square(EDGES * np.hypot(*gradient(blurred(brightness(self.reference), SOFT))))
        whole, soft = (float(np.median(squares)) for squares in removed)
        kept = np.clip(soft / max(whole, 1e-12), WHITE, MOST_KEPT)
        return variance + allowed, np.float32(kept) * variance + allowed

    def agreement(self, moved: Rows) -> NDArray[np.float32]:
        """How much each pixel may count, (h, w) in [0, 1]: 0 where the picture shows something else."""
        excess = np.zeros(moved.shape[:2], np.float32)
        for square, expected, (least, most) in zip(
            _squares(moved - self.reference), self._expected, (FINE, SOFTER), strict=True
        ):
            ratio = blurred(square / expected, WIDE)
            # Pictures that differ everywhere by much the same do so by more noise than was found; motion is uneven.
            quiet, middle = np.quantile(ratio, (QUIETEST, 0.5))
            if quiet > 1 and middle < EVEN * quiet:
                ratio /= np.float32(quiet)
            excess = np.maximum(excess, (ratio - least) / (most - least))
        return (1 - excess).clip(0, 1).astype(np.float32)


def _squares(difference: Rows) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The mean over channels (h, w) of the squares of a difference, and of what blurring leaves of it."""
    soft = np.stack([blurred(difference[..., channel], SOFT) for channel in range(difference.shape[2])], axis=2)
    return brightness(np.square(difference)), brightness(np.square(soft))


def _averaged(
    pictures: Sequence[Picture], judge: Judge, chosen: int, progress: Callable[[int, int], None] | None
) -> tuple[Picture, NDArray[np.float32], NDArray[np.float32], list[int]]:
    """The mean, how many agree in each pixel, the share of noise that is left there, and what shows another scene."""
    reference = judge.reference
    grey = brightness(reference)
    total, agreeing, squares = reference.copy(), np.ones_like(grey), np.ones_like(grey)
    unrelated = []
    for number, picture in enumerate(pictures):
        if number != chosen:
            other = _as_bright(picture.array(), reference)
            places = align(grey, brightness(other)).places(*grey.shape)
            moved = warped(other, places, sharp=True)
            share = judge.agreement(moved)
            share[outside(places, *grey.shape)] = 0
            if share.mean() < UNRELATED:
                unrelated.append(number)
            else:
                total += share[..., None] * moved
                agreeing += share
                squares += INTERPOLATED * np.square(share)
        if progress is not None:
            progress(number + 1, len(pictures))
    mean = Picture.from_array(total / agreeing[..., None], depth=32, format="tiff")
    return mean, agreeing, (np.sqrt(squares) / agreeing).astype(np.float32), unrelated


def _judge(reference: Rows, curve: NoiseCurve, options: RestoreOptions) -> Judge:
    denoiser = shipped(zoo.FOR_TASK["denoise"], options.device, options.threads)
    strips, _ = restorer.apply(Picture.from_array(reference, depth=32, format="tiff"), denoiser, curve, options.memory)
    return Judge(reference, curve, reference - np.concatenate(list(strips)))


def _as_bright(other: Rows, reference: Rows) -> Rows:
    """The other picture with the exposure of the reference, unless it is another one by far."""
    gain = float(reference.mean()) / max(float(other.mean()), 1e-6)
    return other * np.float32(gain) if 1 / BRIGHTER < gain < BRIGHTER else other


def _sharpest(pictures: Sequence[Picture]) -> int:
    """The number of the picture with the most contrast from pixel to pixel, noise being much the same in all."""
    return int(np.argmax([_sharpness(picture) for picture in pictures]))


def _sharpness(picture: Picture) -> float:
    rows = max(8, min(picture.height, NUM_JUDGED // picture.width))
    top, past = (picture.height - rows) // 2, 0
    total, count = 0.0, 0
    for strip in picture.strips():
        part = strip[max(top - past, 0) : max(top + rows - past, 0)]
        past += len(strip)
        if len(part) > 1:
            down, across = gradient(blurred(brightness(part), 1.0))
            total += float(np.square(down).sum() + np.square(across).sum())
            count += part.shape[0] * part.shape[1]
    return total / max(count, 1)


def _check(pictures: Sequence[Picture], reference: int | None) -> None:
    if len(pictures) < 2:
        raise UsageError("A burst is two pictures or more of one scene; to restore one there is `sfumato restore`.")
    if reference is not None and not 0 <= reference < len(pictures):
        raise UsageError(Option("reference"), f" is {reference}; there are pictures 0 to {len(pictures) - 1}.")
    first = pictures[0]
    for number, picture in enumerate(pictures):
        if (picture.height, picture.width) != (first.height, first.width) or picture.num_channels != first.num_channels:
            raise PictureError(
                f"{_name(picture, number)} is {_kind(picture)}, and {_name(first, 0)} {_kind(first)}; pictures of a "
                "burst are of one kind and size."
            )
    if min(first.height, first.width) < 16:
        raise PictureError(f"{_name(first, 0)} is {_kind(first)}, which is too small to be aligned.")


def _kind(picture: Picture) -> str:
    return f"{picture.width}x{picture.height} in {'grey' if picture.num_channels == 1 else 'colour'}"


def _name(picture: Picture, number: int) -> str:
    return f"Picture {number + 1}" if picture.path is None else str(picture.path)
