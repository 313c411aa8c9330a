"""What a network does with pictures, found out by running it: its scale, its size rule, how far it looks.

The one question that tiles ask is put to the network itself: is what it makes of a part of a picture what it makes of
the whole, and from how far behind the cut on? That answers, without knowing its layers, on which grid parts may begin
(the stride), how much must be seen beyond them (the halo), and whether they can be cut at all.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sfumato.errors import ModelError
from sfumato.models.card import Card
from sfumato.tiling import tiles, windows
from sfumato.tiling.strips import Planes

Array = NDArray[np.float32]
Network = Callable[[Planes], Planes]  # (c, h, w) -> (c, h * scale, w * scale)

SIDES = (64, 96, 128, 256, 512)  # of the first picture that is tried
STRIDES = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 60, 64, 72, 80, 96, 128)
COARSE = (64, 48, 56, 80)  # of these one is on the grid of any other, as far as windows of attention go
LEAST_SIDE = 33  # many networks refuse smaller pictures, whatever their stride
MAX_SCALE = 16
SAME = 1e-6  # of the largest value: below it two results are the same, summed up in another order
NEAR = 5e-5  # the same where a network is so deep that what is far away still shows, and makes no difference
TOLERANCE = 1e-4  # by which tiles may differ from the whole and be called exact: a fortieth of a step of 8 bit
LENGTHS = (192, 384, 768)  # of the strips that are cut
MAX_HALO = 256  # beyond it tiles cost more than they give
UNIT, BYTES = (0.0, 1.0), (0.0, 255.0)
LIKE, UNLIKE = 0.1, 0.25  # how far, root mean square, a picture comes out from itself where the range is right, or not
WINDOW = 256  # in which the difference of blended windows is measured


@dataclass(frozen=True)
class Geometry:
    """scale; stride: the grid of sizes and tiles; halo: how far a pixel sees, None where that is the whole picture."""

    scale: int
    stride: int
    halo: int | None


def no_stage(what: str) -> None:
    """What is called at each stage of an import where nobody wants to know."""


def sample_picture(channels: int, height: int, width: int, seed: int = 0) -> Planes:
    """A picture (c, h, w) in [0, 1] somewhat like a photograph: detail of all sizes, the coarse stronger, and edges."""
    random = np.random.default_rng(seed)
    total = np.zeros((channels, height, width), np.float32)
    for step in (1, 2, 4, 8, 16, 32):
        coarse = random.standard_normal((channels, -(-height // step), -(-width // step))).astype(np.float32)
        total += step**0.7 * coarse.repeat(step, 1).repeat(step, 2)[:, :height, :width]
    low, high = np.percentile(total, (1, 99))
    return ((total - low) / max(high - low, 1e-6)).clip(0, 1).astype(np.float32)


def sample_map(kind: str, y: Planes) -> Planes:
    """The map (1, h, w) that a network is given beside a test picture: noise of 25 of 255, or bright holes."""
    if kind == "mask":
        return (y.mean(axis=0, keepdims=True) > 0.75).astype(np.float32)
    return np.full((1, *y.shape[1:]), 25 / 255, np.float32)


def first_result(run: Network, channels: int, size: tuple[int, int] | None) -> tuple[Planes, Planes]:
    """A picture that the network takes, and its result; ModelError with the runtime's reason where it takes none."""
    reason = ""
    for height, width in [size] if size else [(side, side) for side in SIDES]:
        y = sample_picture(channels, height, width)
        try:
            return y, run(y)
        except ModelError as error:
            reason = reason or str(error)
    raise ModelError(reason)


def scale_of(y: Planes, x_hat: Planes) -> int:
    """How far the result is enlarged; raises ModelError where it is no picture of a whole multiple of the size."""
    if x_hat.ndim != 3 or x_hat.shape[0] != y.shape[0]:
        raise ModelError(f"makes {_shape(x_hat)} of a picture of {_shape(y)}; the channels must stay")
    scales = {made / given for made, given in zip(x_hat.shape[1:], y.shape[1:], strict=True)}
    scale = scales.pop()
    if scales or scale != int(scale) or not 1 <= scale <= MAX_SCALE:
        raise ModelError(f"makes {_shape(x_hat)} of a picture of {_shape(y)}; the size must stay or become a multiple")
    return int(scale)


def _shape(planes: Planes) -> str:
    return "x".join(map(str, planes.shape))


def range_of(run: Network, y: Planes, scale: int) -> tuple[float, float]:
    """0..255 where a picture in 0..1 does not come out like itself and one in 0..255 does; 0..1 otherwise.

    A network on -1..1 can't be told from one on 0..1 so, since a picture in 0..1 is a bright one in -1..1.
    """

    def error(low: float, high: float) -> float:
        span = high - low
        x_hat = (run((span * y + low).astype(np.float32)) - low) / span
        target = y.repeat(scale, 1).repeat(scale, 2)
        found = float(np.sqrt(np.mean(np.square(x_hat - target, dtype=np.float64))))
        return found if math.isfinite(found) else math.inf

    return BYTES if error(*UNIT) > UNLIKE and error(*BYTES) < LIKE else UNIT


def geometry_of(run: Network, channels: int, scale: int, multiple: int = 1, *, whole: bool = False) -> Geometry:
    """Of a network of free size, or of any multiples of a number.

    With `whole` it is taken to see a picture whole, and only sizes are tried.

    Raises ModelError where no rule of sizes is found.
    """
    known = [stride for stride in STRIDES if stride % multiple == 0] or [multiple]
    taken = [stride for stride in known if _takes(run, channels, scale, stride)]
    if not taken:
        raise ModelError("takes no sizes of pictures that a rule explains")
    if whole:
        return Geometry(scale, taken[0], None)
    fitting = [stride for stride in taken if stride % taken[0] == 0]
    grids = [stride for stride in COARSE if stride in fitting] or fitting[-1:]
    trials = [(grids[0], length) for length in LENGTHS] + [(grid, LENGTHS[0]) for grid in grids[1:]]
    length = next((n for grid, n in trials if _reach(run, channels, scale, grid, n)[NEAR] <= n // 3), None)
    if length is None:
        return Geometry(scale, taken[0], None)
    for stride in fitting:
        halo = _halo(run, channels, scale, stride, length)
        if halo is not None:
            return Geometry(scale, stride, halo)
    return Geometry(scale, taken[0], None)


def _takes(run: Network, channels: int, scale: int, stride: int) -> bool:
    """Whether a picture whose sides are multiples of the stride, and of no larger number, comes out as it should."""
    count = -(-LEAST_SIDE // stride)
    height = stride * (count + 1 - count % 2)
    try:
        x_hat = run(sample_picture(channels, height, height + 2 * stride))
    except ModelError:
        return False
    return x_hat.shape == (channels, height * scale, (height + 2 * stride) * scale)


def _halo(run: Network, channels: int, scale: int, stride: int, length: int) -> int | None:
    """The farthest that any of several cuts is seen, exactly where that is near; None where one is seen everywhere."""
    farthest = dict.fromkeys((SAME, NEAR), 0.0)
    for times in (1, 3, 2):
        reach = _reach(run, channels, scale, stride, length, times=times)
        farthest = {tolerance: max(farthest[tolerance], reach[tolerance]) for tolerance in farthest}
        if farthest[NEAR] > min(length // 2, MAX_HALO):
            return None
    # Beyond its true radius a network of convolutions gives the very same; one more for what no sample showed.
    halo = farthest[SAME] + 1 if farthest[SAME] <= MAX_HALO else farthest[NEAR] * 1.25
    return stride * math.ceil(halo / stride) if farthest[NEAR] else 0


def _reach(run: Network, channels: int, scale: int, stride: int, length: int, *, times: int = 1) -> dict[float, float]:
    """How many pixels behind a cut the result differs from the whole's by SAME and by NEAR, at any end, at most."""
    length, height = stride * -(-length // stride), stride * -(-LEAST_SIDE // stride)
    cut = stride * times
    farthest = dict.fromkeys((SAME, NEAR), 0.0)
    for turned in (False, True):
        # Half of it hard black and white, half as in a photograph.
        x = np.random.default_rng(times).random((channels, height, length)).round().astype(np.float32)
        x[:, height // 2 :] = sample_picture(channels, height - height // 2, length, seed=times)

        def along(planes: Planes, turned: bool = turned) -> Planes:
            return run(planes.transpose(0, 2, 1)).transpose(0, 2, 1) if turned else run(planes)

        whole = along(x)
        first, last = along(x[..., cut:]), along(x[..., : length - cut])
        behind = np.abs(first - whole[..., cut * scale :]).max((0, 1))
        before = np.abs(last - whole[..., : (length - cut) * scale]).max((0, 1))[::-1]
        for tolerance in farthest:
            differs = np.maximum(behind, before) > tolerance * max(1.0, float(np.abs(whole).max()))
            if differs.any():
                reach = math.ceil((np.flatnonzero(differs)[-1] + 1) / scale)
                farthest[tolerance] = max(farthest[tolerance], math.inf if reach > length - cut - stride else reach)
        if farthest[NEAR] == math.inf:
            break
    return farthest


def tiling_error(run: Network, card: Card) -> float | None:
    """How much the pieces of a test picture differ from the whole, at most; None for a size that is fixed.

    Exact tiles are the smallest that there are; blended windows are of 256 pixels a side.
    """
    channels = card.picture_channels or 3
    if card.fixed_size:
        return None
    stride = card.stride
    if card.halo is not None:
        height, width = stride * -(-48 // stride), 2 * card.halo + 6 * stride + 48 // stride * stride
        y = sample_picture(channels, height, width)
        plan = tiles.make_plan(
            height, width, stride=stride, halo=card.halo, bytes_per_pixel=1, scale=card.scale, memory=1
        )
        pieces = tiles.whole(y.transpose(1, 2, 0), plan, run)
    else:
        window = stride * max(1, WINDOW // stride)
        y = sample_picture(channels, window, window + stride * max(1, window // 2 // stride))
        pieces = np.concatenate(list(_windowed(run, card, y, window)))
    return float(np.abs(pieces.transpose(2, 0, 1) - run(y)).max())


def _windowed(run: Network, card: Card, y: Planes, window: int) -> Iterator[NDArray[np.float32]]:
    _, height, width = y.shape
    sides = window, window
    return windows.stream(
        [y.transpose(1, 2, 0)], height, width, sides, lambda batch: run(batch[0])[None], scale=card.scale
    )
