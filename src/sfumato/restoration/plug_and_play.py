"""Known linear damage undone by a denoiser: half-quadratic splitting, as in DPIR (arXiv:2008.13751).

Two steps take turns, from much assumed noise to as much as was measured: the picture that agrees with what was measured
and is near to the last one (the operator's proximal step), and what a denoiser makes of it, which knows how pictures
look and nothing of the damage.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..models.card import Card
from ..models.engine import Engine
from ..operators import Operator
from ..pictures.picture import Picture
from ..pictures.pixels import finite
from ..tiling import tiles
from ..tiling.strips import STRIP_ROWS, Planes, Rows
from .denoisers import Denoiser, denoiser_of

TRUST = 0.23  # lambda in DPIR
LEAST = 0.1 / 255  # noise of what is exact
HALO = 96  # pixels of y around a window beside the kernel's reach
BYTES_PER_PIXEL = 320  # of x, that a window takes beside the network
BRIGHTEST = 4.0  # what a light may have been
DATA_STEP = 1.5  # times that of the network alone: what a step takes
# Lights brighter than white: what is left unexplained beside them by a trial of this rho (at most 0.07 around the white
# skies of 4 photographs, by 4 kernels, at least 0.09 around lights of 1.5 to 6), and the weight of what lies there.
UNEXPLAINED, TRIAL, NEAR_LIGHTS = 0.08, 0.02, 0.01
REACHED = 1e-3
END = 1 / 510  # from black or white, within which a value may have been cut off


@dataclass
class Residual:
    """How far the result, damaged again, is from what was measured; filled as windows are done."""

    squares: float = 0.0
    count: float = 0.0

    @property
    def rms(self) -> float:
        """Root mean square, in [0, 1] units."""
        return math.sqrt(self.squares / self.count) if self.count else 0.0


@dataclass(frozen=True)
class Schedule:
    """How many steps there are, and which noise the denoiser is told: from `first` down to `last`, in [0, 1] units.

    least_noise: what is taken for noise where none is found: rounding, or a trace of compression, which is none.
    noise_shows: whether the noise can be estimated from the picture as it is.
    """

    steps: int = 8
    first: float = 49 / 255
    last: float = 0.0
    least_noise: float = 1 / 255
    noise_shows: bool = True


@dataclass(frozen=True)
class Problem:
    """What is to be undone. sigma: of the noise, in [0, 1] units. clipped: values beyond [0, 1] were cut off."""

    operator: Operator
    sigma: float
    schedule: Schedule = Schedule()
    clipped: bool = True

    @property
    def levels(self) -> list[float]:
        """The noise that the denoiser is told in each step."""
        last = max(self.schedule.last, self.sigma, LEAST)
        return np.geomspace(max(self.schedule.first, 2 * last), last, self.schedule.steps).tolist()


def solve(
    y: Rows,
    known: NDArray[np.float32],
    problem: Problem,
    denoise: Denoiser,
    advance: Callable[[int], None] | None = None,
) -> tuple[Rows, Residual]:
    """The picture x (h, w, c) behind y (h', w', c') with its margins, and the residual.

    known: (h', w', 1), 1 where y was measured. advance is called with the steps that are done.
    """
    operator, sigma = problem.operator, max(problem.sigma, LEAST)
    x: Rows = operator.smooth_estimate(y, weights=known)
    if problem.clipped:
        x = x.clip(0, 1)
    lights = _lights(x, y, known, problem)
    limits = _limits(lights, y, problem)
    if lights is not None:
        known = (known * np.where(lights, NEAR_LIGHTS, 1)).astype(np.float32)
    for done, level in enumerate(problem.levels, 1):
        rho = TRUST * (sigma / level) ** 2
        z: Rows = operator.proximal(y, x, rho, weights=known * _informative(operator.apply(x), y, problem))
        x = _bounded(denoise(z, level), limits)
        if isinstance(limits, np.ndarray):  # a denoiser knows nothing brighter than white, so lights are dimmed for it
            dimmed = denoise((z / BRIGHTEST).astype(np.float32), level / BRIGHTEST) * np.float32(BRIGHTEST)
            x = np.where(limits > 1, _bounded(dimmed, limits), x)
        if advance:
            advance(done)
    again = operator.apply(x)
    counted = known * _informative(again, y, problem)
    residual = Residual(float(np.sum(counted * np.square(again - y), dtype=np.float64)), float(counted.sum()))
    return x, residual


def _informative(again: Rows, y: Rows, problem: Problem) -> Rows:
    """1 where y says something about x; white says only that there was white or more light, as x may have already."""
    if not problem.clipped:
        return np.ones_like(y)
    beyond = ((y >= 1 - END) & (again >= y)) | ((y <= END) & (again <= y))
    return (~beyond).astype(np.float32)


def _lights(x: Rows, y: Rows, known: NDArray[np.float32], problem: Problem) -> NDArray[np.bool_] | None:
    """Pixels (h', w', 1) of y around lights brighter than white, None where there are none.

    They show by what no x up to white explains beside what is white in y: how bright they were was cut off, and what is
    measured around them would be explained by ringing all over the picture.
    """
    operator = problem.operator
    white = known * (y >= 1 - END)
    if not problem.clipped or not white.any():
        return None
    near = _reached(white, operator)
    explained = operator.apply(operator.proximal(y, x, TRIAL, weights=known).clip(0, 1))
    unexplained = near & (np.abs(explained - y).max(axis=2, keepdims=True) > UNEXPLAINED)
    return _reached(unexplained.astype(np.float32) * np.ones_like(y), operator) if unexplained.any() else None


def _reached(marked: Rows, operator: Operator) -> NDArray[np.bool_]:
    """Pixels (h', w', 1) of y that depend on some x on which a marked one depends."""
    return operator.apply(operator.adjoint(marked)).max(axis=2, keepdims=True) > REACHED


def _limits(lights: NDArray[np.bool_] | None, y: Rows, problem: Problem) -> NDArray[np.float32] | np.float32 | None:
    """The most that x can be, None for no bound: white, and more around lights."""
    if not problem.clipped:
        return None
    if lights is None:
        return np.float32(1)
    behind = problem.operator.adjoint(lights * np.ones_like(y))
    return np.where(behind > REACHED, np.float32(BRIGHTEST), np.float32(1))


def _bounded(x: Rows, limits: NDArray[np.float32] | np.float32 | None) -> Rows:
    return x if limits is None else np.clip(x, np.float32(0), limits)


def apply(
    picture: Picture,
    engine: Engine,
    problem: Problem,
    memory: int,
    *,
    missing: NDArray[np.bool_] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Iterator[Rows], Residual]:
    """Strips (r, w, c) of the picture behind `picture`, which was damaged as the problem says, and the residual.

    The residual is whole when the strips are through. missing: (h, w), pixels that were not measured. Large pictures
    are worked on in windows, each with what surrounds it, of `memory` bytes and as many for the network.
    Raises PictureError where the operator does not fit the picture.
    """
    shape = picture.height, picture.width, picture.num_channels
    channels = problem.operator.input_shape(shape)[2]
    denoise = denoiser_of(engine, channels, memory)
    plan = _plan(problem.operator, engine.card, shape, memory)
    total, count = picture.width * picture.height, len(plan.rows) * len(plan.columns)
    residual, begun, steps = Residual(), 0, problem.schedule.steps

    def compute(tile: Planes) -> Planes:
        nonlocal begun
        y, known = tile[:-1].transpose(1, 2, 0), tile[-1:].transpose(1, 2, 0)
        before, begun = begun, begun + 1

        def advance(done: int) -> None:
            if progress:
                progress(total * (before * steps + done) // (count * steps), total)

        x, found = solve(y, known, problem, denoise, advance)
        residual.squares, residual.count = residual.squares + found.squares, residual.count + found.count
        rows, columns = problem.operator.inside((y.shape[0], y.shape[1], y.shape[2]))
        return x[rows, columns].transpose(2, 0, 1)

    strips = _with_known(picture, missing)
    if problem.operator.stride is None:
        return iter([compute(np.concatenate(list(strips)).transpose(2, 0, 1)).transpose(1, 2, 0)]), residual
    return tiles.stream(strips, plan, compute), residual


def _with_known(picture: Picture, missing: NDArray[np.bool_] | None) -> Iterator[Rows]:
    """The strips (r, w, c + 1): finite values, and 1 where all channels are known."""
    top = 0
    for strip in picture.strips(STRIP_ROWS):
        known = np.isfinite(strip).all(axis=2, keepdims=True)
        if missing is not None:
            known &= ~missing[top : top + len(strip), :, None]
        top += len(strip)
        yield np.concatenate([np.where(known, finite(strip), 0), known], axis=2, dtype=np.float32)


def _plan(operator: Operator, card: Card, shape: tuple[int, int, int], memory: int) -> tiles.Plan:
    """The windows of y, which begin where the network's inner grids over x agree."""
    height, width, channels = shape
    reach = math.ceil(max(operator.margin) / operator.scale)
    scale = operator.scale if operator.stride is not None else 1
    return tiles.make_plan(
        height,
        width,
        stride=operator.stride or 1,
        grid=math.lcm(operator.stride or 1, card.stride // math.gcd(card.stride, round(scale))),
        halo=None if operator.stride is None else reach + math.ceil(HALO / operator.scale),
        bytes_per_pixel=round(BYTES_PER_PIXEL * operator.scale**2),
        scale=round(scale),
        channels=channels + 1,
        memory=memory,
    )


def estimate_seconds(
    engine: Engine, operator: Operator, shape: tuple[int, int, int], steps: int, memory: int, probe: int = 192
) -> float:
    """About how long `apply` takes for a picture of `shape` (h, w, c): by the denoiser's time for a few pixels."""
    plan = _plan(operator, engine.card, shape, memory)
    worked_on = sum(row.stop - row.start for row in plan.rows) * sum(span.stop - span.start for span in plan.columns)
    denoise = denoiser_of(engine, operator.input_shape(shape)[2], memory)
    patch = np.full((probe, probe, operator.input_shape(shape)[2]), 0.5, np.float32)
    denoise(patch, 0.1)  # the first call finds its memory
    started = time.perf_counter()
    denoise(patch, 0.1)
    each = (time.perf_counter() - started) / probe**2
    return worked_on * operator.scale**2 * steps * each * DATA_STEP
