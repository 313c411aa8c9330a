"""One picture through several models: a labelled sheet to choose with one's eyes, and what each took and changed."""

import contextlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .. import measures
from ..errors import PictureError
from ..pictures.picture import Picture
from ..tiling.resize import downsample, upsample
from ..tiling.strips import STRIP_ROWS
from .comparison import MARGIN, PAPER, labelled
from .options import RestoreOptions
from .restore import restore_picture

Pixels = NDArray[np.float32]
Box = tuple[int, int, int, int]  # left, top, width, height, in pixels of the source

DETAIL = 240  # side of the part that is shown at full size, in pixels of the source
OVERVIEW = 400  # longest side of the whole picture on the sheet
MAX_COLUMNS = 4
GRID = 8  # pixels of the source for each of the map on which the part is chosen


@dataclass(frozen=True)
class Entry:
    """One way of restoring: what it is called on the sheet, and its options."""

    label: str
    options: RestoreOptions


@dataclass(frozen=True)
class Outcome:
    """What came of an entry. seconds: of the whole restoration. megabytes: by which the
    process grew at most, None where the system does not tell. change: root mean square, of 255. psnr: to the clean
    picture in dB, None without one.
    """

    label: str
    picture: Picture
    seconds: float
    megabytes: float | None
    change: float
    psnr: float | None
    notes: tuple[str, ...]


def run_contest(
    source: Picture,
    entries: Sequence[Entry],
    *,
    clean: Picture | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Outcome]:
    """Restore the picture once by each entry. progress is called with entries done and all.

    Raises PictureError for a clean picture of a size that no result has, and what restoring raises.
    """
    found = []
    for number, entry in enumerate(entries):
        if progress:
            progress(number, len(entries))
        started, before = time.perf_counter(), _reset_peak()
        restored = restore_picture(source, entry.options)
        seconds = time.perf_counter() - started
        peak = _status("VmHWM")
        megabytes = None if before is None or peak is None else max(0.0, (peak - before) / 1e6)
        squares = [
            float(np.nanmean(np.square(a - b)))
            for a, b in zip(restored.before.strips(STRIP_ROWS), restored.picture.strips(STRIP_ROWS), strict=True)
        ]
        psnr = None if clean is None else _psnr(restored.picture, clean)
        change = 255 * math.sqrt(float(np.mean(squares)))
        found.append(Outcome(entry.label, restored.picture, seconds, megabytes, change, psnr, restored.notes))
    if progress:
        progress(len(entries), len(entries))
    return found


def _psnr(picture: Picture, clean: Picture) -> float:
    if (picture.height, picture.width) != (clean.height, clean.width):
        raise PictureError(
            f"The clean picture is {clean.width}x{clean.height}, a result {picture.width}x{picture.height}: they must "
            "be alike."
        )
    return measures.psnr(picture.array(), np.broadcast_to(clean.array(), picture.array().shape), rounded=True)


def _reset_peak() -> int | None:
    """Bytes that the process holds, its peak set back to them; None where the system has no such thing."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
        return _status("VmRSS")
    return None


def _status(name: str) -> int | None:
    with contextlib.suppress(OSError), open("/proc/self/status", encoding="ascii") as lines:
        return next((1024 * int(line.split()[1]) for line in lines if line.startswith(name)), None)
    return None


def draw_sheet(
    source: Picture, outcomes: Sequence[Outcome], *, clean: Picture | None = None, crop: Box | None = None
) -> Picture:
    """The source and each result, labelled: whole, reduced where large, above one part at full size; 8 bit.

    The part is where the results differ most, unless `crop` names one, which is then shown alone. Results of several
    scales are shown in the size of the largest. Raises UsageError for a crop outside the picture.
    """
    scale = max(outcome.picture.width // source.width for outcome in outcomes)
    shown = [("input", source), *((outcome.label, outcome.picture) for outcome in outcomes)]
    if clean is not None:
        shown.append(("clean", clean))
    box = crop or _most_different(source, [outcome.picture for outcome in outcomes])
    details = [(label, _part(picture, source, box, scale)) for label, picture in shown]
    if crop or (box[2], box[3]) == (source.width, source.height):
        return _paper(details)
    factor = max(1, math.ceil(max(source.width, source.height) / OVERVIEW))
    panels = []
    for (label, picture), (_, detail) in zip(shown, details, strict=True):
        whole = _fitted(downsample(picture.strips(STRIP_ROWS), factor * (picture.width // source.width)))
        panels.append((label, _stacked(whole, detail)))
    return _paper(panels)


def _most_different(source: Picture, results: Sequence[Picture]) -> Box:
    """The square part over which the results spread most, or how far the only one is from the source."""
    reduced = [downsample(source.strips(STRIP_ROWS), GRID)] if len(results) == 1 else []
    for result in results:
        reduced.append(downsample(result.strips(STRIP_ROWS), GRID * (result.width // source.width)))
    spread = np.nan_to_num(np.ptp(np.stack([one.mean(axis=2) for one in reduced]), axis=0))
    tall, wide = (min(DETAIL // GRID, length) for length in spread.shape)
    sums = np.pad(spread, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    totals = sums[tall:, wide:] - sums[:-tall, wide:] - sums[tall:, :-wide] + sums[:-tall, :-wide]
    top, left = (int(place) * GRID for place in np.unravel_index(totals.argmax(), totals.shape))
    width, height = min(DETAIL, source.width), min(DETAIL, source.height)
    return min(left, source.width - width), min(top, source.height - height), width, height


def _part(picture: Picture, source: Picture, box: Box, scale: int) -> Pixels:
    """The part of a picture (h, w, 3) in `scale` times the source's size, interpolated linearly where it is smaller."""
    own = picture.width // source.width
    part, factor = picture.crop(*(own * length for length in box)), scale // own
    return _fitted(np.concatenate(list(upsample(part, part.height * factor, part.width * factor))))


def _fitted(pixels: Pixels) -> Pixels:
    """As it can be shown: colour, black to white."""
    return np.broadcast_to(np.nan_to_num(pixels).clip(0, 1), (*pixels.shape[:2], 3))


def _stacked(above: Pixels, below: Pixels) -> Pixels:
    width = max(above.shape[1], below.shape[1])
    rows = [
        np.pad(one, ((0, MARGIN), (0, width - one.shape[1]), (0, 0)), constant_values=PAPER) for one in (above, below)
    ]
    return np.concatenate(rows)


def _paper(panels: Sequence[tuple[str, Pixels]]) -> Picture:
    """The labelled panels in rows on paper."""
    drawn = [labelled(pixels, label) for label, pixels in panels]
    height, width = (max(panel.shape[axis] for panel in drawn) for axis in (0, 1))
    columns = min(MAX_COLUMNS, len(drawn))
    rows = math.ceil(len(drawn) / columns)
    paper = np.full((rows * height + MARGIN, columns * width + MARGIN, 3), PAPER, np.float32)
    for number, panel in enumerate(drawn):
        top, left = number // columns * height, MARGIN + number % columns * width
        paper[top : top + panel.shape[0], left : left + panel.shape[1]] = panel
    return Picture.from_array(paper, depth=8, format="png")
