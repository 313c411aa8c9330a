"""What `--kernel auto` comes to: the kernel that was found in a picture, tried, and undone where it is certain."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..estimation.blur import SHARP, FoundBlur, KernelClasses
from ..estimation.spectra import Spectrum, mean_power
from ..models import zoo
from ..models.engine import Engine, shipped
from ..operators import Blur, RegionBlur
from ..pictures.picture import Picture
from ..pictures.pixels import finite
from ..tiling.tiles import DEFAULT_MEMORY
from . import plug_and_play
from .damage import Damage
from .denoisers import denoiser_of
from .diagnosis import Diagnosis

CERTAIN = 0.4  # probability of a kernel and its neighbours from which on it is undone
TRIED = 176  # pixels a side on which both turns of a path are tried
BENT = 2.0  # degrees from which on it matters which way
SAME = 2.5  # pixels by which the ends of paths, or the sizes of other kernels, may differ from region to region
MOST_BY_REGIONS = 4_000_000  # pixels: a blur by regions is undone in one piece


@dataclass(frozen=True)
class FoundKernel:
    """damage: None where there is nothing to undo or no kernel is certain. note: a sentence on it. is_sharp: whether
    the picture is left as it is."""

    damage: Damage | None
    note: str
    is_sharp: bool = False


def found_kernel(diagnosis: Diagnosis) -> FoundKernel:
    """The kernel that was found in a picture, as a damage where it is certain enough."""
    picture, blur = diagnosis.picture, diagnosis.blur
    whole = blur.whole
    sure = f"{100 * whole.certainty:.0f} % sure"
    certain = [[region.certainty >= CERTAIN for region in row] for row in blur.regions]
    differ = [
        region.certainty >= CERTAIN and _apart(region, whole) > SAME * max(1, whole.size / 8)
        for row in blur.regions
        for region in row
    ]
    if np.mean(differ) > 0.25 and np.mean(certain) > 0.5 and picture.height * picture.width <= MOST_BY_REGIONS:
        operator = by_regions(picture, blur.regions, _denoiser(diagnosis), diagnosis.noise.typical)
        kernels = ", ".join(str(region) for row in blur.regions for region in row)
        return FoundKernel(Damage.by(operator), f"Found kernels that differ over the picture: {kernels}.")
    if whole.kind == SHARP and whole.certainty >= CERTAIN:
        return FoundKernel(None, f"Found no blur to speak of ({sure}): the picture was left as it is.", is_sharp=True)
    if whole.kind == SHARP or whole.certainty < CERTAIN:
        note = f"No kernel is certain (perhaps {whole}, {sure}): sharpened by the network that needs none."
        return FoundKernel(None, note)
    kernel = turned(picture, whole, _denoiser(diagnosis), diagnosis.noise.typical)
    return FoundKernel(Damage.by(Blur(kernel)), f"Found the kernel {whole} ({sure}).")


def _denoiser(diagnosis: Diagnosis) -> Engine:
    """What both turns of a path are tried with."""
    return shipped(zoo.FOR_TASK["denoise"], diagnosis.device, diagnosis.threads)


def turned(picture: Picture, found: FoundBlur, engine: Engine, sigma: float) -> NDArray[np.floating]:
    """The kernel, of a bent path the turn whose undoing leaves less of edges: ringing has many."""
    square = None if found.bend < BENT else textured_square(picture)
    if square is None:
        return found.kernel()
    y = finite(square)
    known = np.ones((*y.shape[:2], 1), np.float32)
    denoise = denoiser_of(engine, y.shape[2], DEFAULT_MEMORY)
    variations = []
    for turn in (1, -1):
        problem = plug_and_play.Problem(Blur(found.kernel(turn)), max(sigma, plug_and_play.Schedule.least_noise))
        x, _ = plug_and_play.solve(y, known, problem, denoise)
        variations.append(sum(float(np.abs(np.diff(x, axis=axis)).mean()) for axis in (0, 1)))
    return found.kernel(1 if variations[0] <= variations[1] else -1)


def textured_square(picture: Picture) -> NDArray[np.float32] | None:
    """(h, w, c): the part of at most TRIED pixels a side with the most edges; None of a single row or column."""
    best, most = None, -1.0
    for strip in picture.strips(TRIED):
        if best is not None and len(strip) < TRIED // 2:
            break
        for left in range(0, max(strip.shape[1] - TRIED // 2, 1), TRIED):
            part = strip[:, left : left + TRIED]
            if min(part.shape[:2]) < 2:
                continue
            edges = float(np.abs(np.diff(part, axis=0)).mean() + np.abs(np.diff(part, axis=1)).mean())
            if edges > most:
                best, most = part, edges
    return best


def by_regions(
    picture: Picture, regions: tuple[tuple[FoundBlur, ...], ...], engine: Engine, sigma: float
) -> RegionBlur:
    """A kernel for each region, blended over the picture; one that is not certain has that of the nearest that is."""
    places = [(row, column) for row in range(len(regions)) for column in range(len(regions[row]))]
    certain = [place for place in places if regions[place[0]][place[1]].certainty >= CERTAIN]
    kernels, shares = [], []
    heights, widths = picture.height / len(regions), picture.width / len(regions[0])
    for row, column in places:
        near = min(certain, key=lambda other: (other[0] - row) ** 2 + (other[1] - column) ** 2)
        found = regions[near[0]][near[1]]
        top, left = round(row * heights), round(column * widths)
        part = picture.crop(
            left, top, min(round(widths), picture.width - left), min(round(heights), picture.height - top)
        )
        power = mean_power(finite(part.array())) if near == (row, column) else None
        kernels.append(turned(part, found if power is None else found.refined(Spectrum(power)), engine, sigma))
        down = _hat(picture.height, len(regions), row)
        shares.append(np.outer(down, _hat(picture.width, len(regions[0]), column)))
    return RegionBlur(kernels, np.stack(shares))


def _hat(length: int, count: int, number: int) -> NDArray[np.float32]:
    """(length): 1 at the middle of part `number` of `count`, 0 at the middles of the others, straight in between."""
    places = (np.arange(length) + 0.5) * count / length - 0.5
    return np.interp(places, np.arange(count), np.eye(count)[number]).astype(np.float32)


def _apart(one: FoundBlur, other: FoundBlur) -> float:
    """Pixels between two kernels: the ends of paths, the radii of discs; those of different kinds by their sizes."""
    if one.kind == other.kind == "motion":
        names = KernelClasses((f"motion:{one.size}@{one.angle}",))
        return float(names.paths_apart(other.size, other.angle)[0])
    return abs(one.size - other.size) if one.kind == other.kind else max(one.size, other.size)
