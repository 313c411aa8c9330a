"""A picture in tiles equals the picture in one piece, whatever its size, and the plan keeps its promises."""

from collections.abc import Callable, Iterator
from functools import cache

import model_files
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfumato import load
from sfumato.models import zoo
from sfumato.models.engine import Engine
from sfumato.tiling import resize
from sfumato.tiling import strips as tiles
from sfumato.tiling import tiles as tiles_

SIZES = ((1, 1), (1, 9), (9, 1), (8, 8), (17, 23), (7, 513), (131, 97))
CARDS = {name: load(name).card for name in zoo.SHIPPED}
SHIPPED = [name for name, card in CARDS.items() if card.halo is not None and not card.entries]
TOLERANCE = 1e-4


@cache
def engine_of(name: str) -> Engine:
    return Engine(model_files.TILED[name](), threads=1) if name in model_files.TILED else Engine(zoo.path(name))


def network(engine: Engine) -> Callable[[tiles.Planes], tiles.Planes]:
    """The engine on planes: the channels of all its inputs, one after the other."""

    def compute(planes: tiles.Planes) -> tiles.Planes:
        feed, first = {}, 0
        for port in engine.card.inputs:
            feed[port.name] = planes[None, first : first + port.channels]
            first += port.channels
        return engine.run(feed)[engine.card.outputs[0].name][0]

    return compute


def picture_for(engine: Engine, height: int, width: int) -> tiles.Rows:
    channels = sum(port.channels for port in engine.card.inputs)
    return np.random.default_rng(height * width).random((height, width, channels), np.float32)


def plan_for(engine: Engine, height: int, width: int, *, memory: int, halo: int | None) -> tiles_.Plan:
    card = engine.card
    return tiles_.make_plan(
        height, width, stride=card.stride, scale=card.scale, halo=halo, bytes_per_pixel=1, memory=memory
    )


def difference(engine: Engine, height: int, width: int, *, memory: int = 0, halo: int | None = None) -> float:
    """The largest difference between the picture in tiles and in one piece; memory 0 asks for the smallest tiles."""
    picture, compute = picture_for(engine, height, width), network(engine)
    halo = engine.card.halo if halo is None else halo
    in_one = tiles_.whole(picture, plan_for(engine, height, width, memory=0, halo=None), compute)
    in_tiles = tiles_.whole(picture, plan_for(engine, height, width, memory=memory, halo=halo), compute)
    scale = engine.card.scale
    assert in_one.shape[:2] == in_tiles.shape[:2] == (height * scale, width * scale)
    return float(np.abs(in_one - in_tiles).max())


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[1]}x{size[0]}")
@pytest.mark.parametrize("name", [*model_files.TILED, *SHIPPED])
def test_tiled_equals_whole_with_the_smallest_tiles(name: str, size: tuple[int, int]) -> None:
    assert difference(engine_of(name), *size) < TOLERANCE


@settings(max_examples=40, deadline=None)
@given(
    name=st.sampled_from(list(model_files.TILED)),
    height=st.integers(1, 150),
    width=st.integers(1, 150),
    memory=st.integers(0, 60_000),
)
def test_tiled_equals_whole_at_any_size_and_budget(name: str, height: int, width: int, memory: int) -> None:
    assert difference(engine_of(name), height, width, memory=memory) < TOLERANCE


@pytest.mark.parametrize(("name", "halo"), [("plain", 2), ("unshuffled", 2), ("u_net", 16), ("doubled", 1)])
def test_a_halo_too_small_would_show(name: str, halo: int) -> None:
    assert difference(engine_of(name), 131, 97, halo=halo) > 10 * TOLERANCE


SIDES = st.integers(1, 20_000)
Case = tuple[tiles_.Plan, int, int, int]  # with its grid, halo and memory
PLANS = st.builds(
    lambda height, width, stride, coarser, halo, memory: (
        tiles_.make_plan(
            height, width, stride=stride, halo=halo, bytes_per_pixel=200, memory=memory, grid=stride * coarser
        ),
        stride * coarser,
        halo,
        memory,
    ),
    SIDES,
    SIDES,
    st.sampled_from([1, 2, 8, 16]),
    st.sampled_from([1, 4, 8]),
    st.integers(0, 100),
    st.integers(0, 400_000_000),
)


@settings(max_examples=60, deadline=None)
@given(PLANS)
def test_plan_covers_each_pixel_once_with_legal_tiles_of_one_size(case: Case) -> None:
    plan, grid, halo, _ = case
    for spans, side in ((plan.rows, plan.height), (plan.columns, plan.width)):
        end = spans[-1].stop
        assert side <= end < side + plan.stride
        assert len({span.stop - span.start for span in spans}) == 1
        assert [span.keep_start for span in spans] == [0, *(span.keep_stop for span in spans[:-1])]
        assert spans[-1].keep_stop == end
        for span in spans:
            assert span.start % grid == span.stop % plan.stride == 0
            assert span.start == 0 or span.keep_start - span.start >= halo
            assert span.stop == end or span.stop - span.keep_stop >= halo
            assert span.start <= span.keep_start < span.keep_stop <= span.stop


@settings(max_examples=60, deadline=None)
@given(PLANS)
def test_plan_stays_within_its_memory_unless_the_smallest_tile_is_larger(case: Case) -> None:
    plan, grid, halo, memory = case
    rows, columns = (spans[0].stop - spans[0].start for spans in (plan.rows, plan.columns))
    smallest = 2 * (halo + grid - 1) + 2 * grid
    needed = rows * columns * 200 + rows * plan.padded_width * 7 * 4
    assert needed <= memory or (rows <= smallest and columns <= smallest)


def test_more_memory_never_costs_more_work() -> None:
    def work(memory: int) -> int:
        plan = tiles_.make_plan(3_000, 4_000, stride=8, halo=72, bytes_per_pixel=200, memory=memory)
        return sum(
            (row.stop - row.start) * (column.stop - column.start) for row in plan.rows for column in plan.columns
        )

    amounts = [work(memory) for memory in (10**7, 3 * 10**7, 10**8, 4 * 10**8, 10**10)]
    assert amounts == sorted(amounts, reverse=True)
    assert amounts[-1] == 3_000 * 4_000


def test_strips_are_read_once_and_no_earlier_than_needed() -> None:
    plan = tiles_.make_plan(4_000, 64, stride=8, halo=8, bytes_per_pixel=100, memory=500_000)
    rows_read = 0

    def strips() -> Iterator[tiles.Rows]:
        nonlocal rows_read
        for top in range(0, 4_000, 16):
            rows_read += 16
            yield np.full((16, 64, 3), top, np.float32)

    given_back = 0
    for strip in tiles_.stream(strips(), plan, lambda tile: tile):
        given_back += len(strip)
        assert rows_read <= min(4_000, given_back + 8 + 16)
    assert rows_read == given_back == 4_000


def test_progress_counts_every_pixel_of_the_picture() -> None:
    told: list[tuple[int, int]] = []
    plan = tiles_.make_plan(61, 35, stride=8, halo=8, bytes_per_pixel=1, memory=0)
    picture = np.zeros((61, 35, 3), np.float32)
    list(tiles_.stream([picture], plan, lambda tile: tile, progress=lambda *step: told.append(step)))
    assert told[-1] == (61 * 35, 61 * 35)
    assert told == sorted(told)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=8).filter(any), st.integers(1, 30))
def test_recut_keeps_the_rows_and_their_order(heights: list[int], rows: int) -> None:
    picture = np.arange(sum(heights), dtype=np.float32)[:, None, None]
    strips = np.split(picture, np.cumsum(heights)[:-1])
    cut = list(tiles.recut(strips, rows))
    assert all(len(strip) == rows for strip in cut[:-1])
    assert np.array_equal(np.concatenate(cut), picture)


@settings(deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 9), st.integers(1, 40))
def test_a_reduced_copy_holds_block_means_and_enlarges_smoothly(
    height: int, width: int, factor: int, rows: int
) -> None:
    picture = np.random.default_rng(0).random((height, width, 3), np.float32)
    strips = [picture[top : top + rows] for top in range(0, height, rows)]
    small = resize.downsample(strips, factor)
    assert small.shape == (-(-height // factor), -(-width // factor), 3)
    assert np.allclose(small[0, 0], picture[:factor, :factor].mean(axis=(0, 1)), atol=1e-5)
    enlarged = np.concatenate(list(resize.add_upsampled(strips, small, factor))) - picture
    assert enlarged.shape == picture.shape
    assert small.min() - 1e-5 <= enlarged.min() <= enlarged.max() <= small.max() + 1e-5
    if factor == 1:
        assert np.allclose(enlarged, picture, atol=1e-5)


@given(st.integers(1, 5_000), st.integers(1, 5_000), st.sampled_from([1, 8]), st.integers(64, 10**6))
def test_the_reduction_is_the_least_that_fits(height: int, width: int, stride: int, max_pixels: int) -> None:
    def padded(factor: int) -> int:
        sides = (-(-side // factor) for side in (height, width))
        return int(np.prod([-(-side // stride) * stride for side in sides]))

    factor = resize.reduction(height, width, stride=stride, max_pixels=max_pixels)
    assert padded(factor) <= max_pixels or factor >= max(height, width)
    assert factor == 1 or padded(factor - 1) > max_pixels
