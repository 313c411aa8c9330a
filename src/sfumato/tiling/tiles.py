"""A big picture piece by piece: seamless, in bounded memory, and equal to the whole picture in one piece.

Three rules make it exact. The picture is padded once, to the network's stride. Tiles begin and end on multiples of the
stride, so that the network's inner grids agree. Each tile sees `halo` pixels beyond the part of it that is kept,
except where the padded picture itself ends: there the network's own border treatment is what the whole picture gets.
All tiles of a picture have one size, so that the runtime finds the memory of the last tile fit for the next one, and
accelerators compile or choose their kernels once; the last tile is moved inwards instead of being made smaller.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from ..models.card import Card
from .strips import Planes, Rows

DEFAULT_MEMORY = 400_000_000  # bytes
TILE_OVERHEAD = 4_000  # fixed cost of one call of the network, in pixels of work


@dataclass(frozen=True)
class Span:
    """One tile along one axis of the padded picture: it reads start:stop and gives keep_start:keep_stop."""

    start: int
    stop: int
    keep_start: int
    keep_stop: int


@dataclass(frozen=True)
class Plan:
    """How a picture of height x width is cut; every tile is rows x columns, all of one size."""

    height: int
    width: int
    stride: int
    scale: int
    rows: tuple[Span, ...]
    columns: tuple[Span, ...]

    @property
    def padded_width(self) -> int:
        return self.columns[-1].stop

    @property
    def padded_height(self) -> int:
        return self.rows[-1].stop


def make_plan(
    height: int,
    width: int,
    *,
    stride: int,
    halo: int | None,
    bytes_per_pixel: int,
    scale: int = 1,
    channels: int = 7,
    memory: int = DEFAULT_MEMORY,
    grid: int | None = None,
) -> Plan:
    """The cheapest cut of a picture whose tile and row band fit into `memory` bytes.

    halo None means one tile, whatever it takes. channels: float32 planes that are held for a whole row band, three of
    them of the result. Where even the smallest legal tile does not fit, that one is taken. grid: tiles begin at its
    multiples, where that is more than the stride, to which the picture is padded.
    """
    grid = grid or stride
    padded_height, padded_width = _round_up(height, stride), _round_up(width, stride)
    if halo is None:
        rows, columns = _spans(padded_height, 1, 0, grid), _spans(padded_width, 1, 0, grid)
        return Plan(height, width, stride, scale, rows, columns)
    halo = _round_up(halo, grid)
    band_bytes = padded_width * 4 * (channels - 3 + 3 * scale * scale)

    best: tuple[float, int, int] | None = None
    smallest = min(2 * halo + grid + padded_height % grid, padded_height)
    for num_rows in range(1, _max_tiles(padded_height, halo, grid) + 1):
        tile_height = _tile_size(padded_height, num_rows, halo, grid)
        budget = (memory - tile_height * band_bytes) // (tile_height * bytes_per_pixel)
        num_columns = _tiles_within(padded_width, int(budget), halo, grid)
        if num_columns is None:
            if tile_height > smallest or best is not None:
                continue
            num_columns = _max_tiles(padded_width, halo, grid)
        tile_width = _tile_size(padded_width, num_columns, halo, grid)
        cost = num_rows * num_columns * (tile_height * tile_width + TILE_OVERHEAD)
        if best is None or cost < best[0]:
            best = (cost, num_rows, num_columns)
    assert best is not None
    rows, columns = _spans(padded_height, best[1], halo, grid), _spans(padded_width, best[2], halo, grid)
    return Plan(height, width, stride, scale, rows, columns)


def plan_for(card: Card, height: int, width: int, *, memory: int = DEFAULT_MEMORY) -> Plan:
    """The same for a model, by its card."""
    return make_plan(
        height,
        width,
        stride=card.stride,
        halo=card.halo,
        bytes_per_pixel=card.bytes_per_pixel,
        scale=card.scale,
        memory=memory,
    )


def stream(
    strips: Iterable[Rows],
    plan: Plan,
    compute: Callable[[Planes], Planes],
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Rows]:
    """Strips (r, w, c) of the picture in, strips of the result out, from top to bottom, each read once.

    compute takes a tile (c, h, w) and gives (c', h * scale, w * scale). progress is called with pixels done and in
    all.
    """
    padded = _padded(strips, plan)
    waiting: list[Planes] = []
    band: Planes | None = None
    top = filled = done = 0
    for row in plan.rows:
        tile_height = row.stop - row.start
        if band is None:
            waiting.append(next(padded))
            band = np.empty((waiting[0].shape[0], tile_height, plan.padded_width), np.float32)
        else:
            kept = filled - (row.start - top)
            band[:, :kept] = band[:, filled - kept : filled]
            filled = kept
        top = row.start
        while filled < tile_height:
            strip = waiting.pop() if waiting else next(padded)
            taken = min(strip.shape[1], tile_height - filled)
            band[:, filled : filled + taken] = strip[:, :taken]
            filled += taken
            if taken < strip.shape[1]:
                waiting.append(strip[:, taken:])
        keep_rows = min(row.keep_stop, plan.height) - row.keep_start
        if keep_rows <= 0:
            continue
        result: Rows | None = None
        for column in plan.columns:
            keep_columns = min(column.keep_stop, plan.width) - column.keep_start
            if keep_columns <= 0:
                continue
            tile = compute(np.ascontiguousarray(band[:, :, column.start : column.stop]))
            y, x = (row.keep_start - row.start) * plan.scale, (column.keep_start - column.start) * plan.scale
            kept_tile = tile[:, y : y + keep_rows * plan.scale, x : x + keep_columns * plan.scale]
            if result is None:
                result = np.empty((keep_rows * plan.scale, plan.width * plan.scale, tile.shape[0]), np.float32)
            left = column.keep_start * plan.scale
            result[:, left : left + keep_columns * plan.scale] = kept_tile.transpose(1, 2, 0)
            done += keep_rows * keep_columns
            if progress:
                progress(done, plan.height * plan.width)
        assert result is not None
        yield result


def whole(
    picture: Rows,
    plan: Plan,
    compute: Callable[[Planes], Planes],
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Rows:
    """The same for a picture (h, w, c) that lies in memory."""
    return np.concatenate(list(stream([picture], plan, compute, progress=progress)))


def _padded(strips: Iterable[Rows], plan: Plan) -> Iterator[Planes]:
    """The strips as planes, mirrored at the right and at the bottom up to the plan's size."""
    right, bottom = plan.padded_width - plan.width, plan.padded_height - plan.height
    tail: Planes | None = None
    count = 0
    for strip in strips:
        assert strip.shape[1] == plan.width, "strips of one picture have its width"
        if not len(strip):
            continue
        count += len(strip)
        planes = np.pad(strip.transpose(2, 0, 1), ((0, 0), (0, 0), (0, right)), mode="reflect")
        if bottom:
            tail = planes if tail is None else np.concatenate([tail, planes], axis=1)
            tail = tail[:, -plan.stride :].copy()  # all that mirroring at the bottom can reach
        yield planes
    assert count == plan.height, "strips of one picture have its height"
    if tail is not None:
        yield np.pad(tail, ((0, 0), (0, bottom), (0, 0)), mode="reflect")[:, tail.shape[1] :]


def _spans(size: int, count: int, halo: int, grid: int) -> tuple[Span, ...]:
    tile = _tile_size(size, count, halo, grid)
    spans: list[Span] = []
    kept = 0
    for _ in range(count):
        start = min(max((kept - halo) // grid * grid, 0), size - tile)
        stop = start + tile
        keep_stop = size if stop == size else stop - halo
        spans.append(Span(start, stop, kept, keep_stop))
        kept = keep_stop
        if kept == size:
            break
    assert kept == size
    return tuple(spans)


def _tile_size(size: int, count: int, halo: int, grid: int) -> int:
    """The smallest tile of which `count` cover `size`: the first and last keep one halo more than those between.

    It leaves as much beside the grid as the size does, so that the last tile, moved inwards, begins on the grid.
    """
    if count == 1:
        return size
    beside = size % grid
    return min(size, _round_up(-(-(size - beside - 2 * halo) // count), grid) + 2 * halo + beside)


def _max_tiles(size: int, halo: int, grid: int) -> int:
    return max(1, (size - 2 * halo) // grid)


def _tiles_within(size: int, limit: int, halo: int, grid: int) -> int | None:
    """The least number of tiles, each at most `limit` long, that cover `size`; None where a tile would be illegal."""
    if size <= limit:
        return 1
    beside = size % grid
    core = (limit - beside - 2 * halo) // grid * grid
    return None if core < grid else -(-(size - beside - 2 * halo) // core)


def _round_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
