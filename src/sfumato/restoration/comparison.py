"""Before, after and what changed, side by side in one labelled picture."""

import math
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from ..pictures.picture import Picture
from ..tiling.resize import downsample
from ..tiling.strips import STRIP_ROWS

Pixels = NDArray[np.float32]
Mask = NDArray[np.bool_]

SHOWN_RMS = 0.2  # the most that the change map may deviate from grey on the whole; more would be cut off
MAX_GAIN = 32
MAX_PANEL = 1_000  # longest side of a panel; beyond it a picture is shown reduced, with a detail at full size below
DETAIL = 480
MARGIN = 12
LETTER_SCALE = 2
PAPER, INK = 0.96, 0.15

# Fonts are not there on every machine, and the labels need few letters: five columns by nine rows each, the lowest
# two for what hangs below the line.
LETTERS = {
    "a": "..... ..... .###. ....# .#### #...# .#### ..... .....",
    "b": "#.... #.... ####. #...# #...# #...# ####. ..... .....",
    "c": "..... ..... .###. #.... #.... #...# .###. ..... .....",
    "d": "....# ....# .#### #...# #...# #...# .#### ..... .....",
    "e": "..... ..... .###. #...# ##### #.... .###. ..... .....",
    "f": "..##. .#..# .#... ###.. .#... .#... .#... ..... .....",
    "g": "..... ..... .#### #...# #...# #...# .#### ....# .###.",
    "h": "#.... #.... ####. #...# #...# #...# #...# ..... .....",
    "i": "..#.. ..... .##.. ..#.. ..#.. ..#.. .###. ..... .....",
    "l": ".##.. ..#.. ..#.. ..#.. ..#.. ..#.. .###. ..... .....",
    "n": "..... ..... ####. #...# #...# #...# #...# ..... .....",
    "o": "..... ..... .###. #...# #...# #...# .###. ..... .....",
    "r": "..... ..... #.##. ##..# #.... #.... #.... ..... .....",
    "t": ".#... .#... ####. .#... .#... .#..# ..##. ..... .....",
    "x": "..... ..... #...# .#.#. ..#.. .#.#. #...# ..... .....",
    "j": "...#. ..... ..##. ...#. ...#. ...#. ...#. #..#. .##..",
    "k": "#.... #.... #..#. #.#.. ##... #.#.. #..#. ..... .....",
    "m": "..... ..... ##.#. #.#.# #.#.# #.#.# #.#.# ..... .....",
    "p": "..... ..... ####. #...# #...# #...# ####. #.... #....",
    "q": "..... ..... .#### #...# #...# #...# .#### ....# ....#",
    "s": "..... ..... .#### #.... .###. ....# ####. ..... .....",
    "u": "..... ..... #...# #...# #...# #...# .#### ..... .....",
    "v": "..... ..... #...# #...# #...# .#.#. ..#.. ..... .....",
    "w": "..... ..... #...# #.#.# #.#.# #.#.# .#.#. ..... .....",
    "y": "..... ..... #...# #...# #...# #...# .#### ....# .###.",
    "z": "..... ..... ##### ...#. ..#.. .#... ##### ..... .....",
    "-": "..... ..... ..... ..... .###. ..... ..... ..... .....",
    "+": "..... ..... ..#.. ..#.. ##### ..#.. ..#.. ..... .....",
    ".": "..... ..... ..... ..... ..... ..##. ..##. ..... .....",
    "0": ".###. #...# #..## #.#.# ##..# #...# .###. ..... .....",
    "1": "..#.. .##.. ..#.. ..#.. ..#.. ..#.. .###. ..... .....",
    "2": ".###. #...# ....# ..##. .#... #.... ##### ..... .....",
    "3": "##### ...#. ..#.. ...#. ....# #...# .###. ..... .....",
    "4": "...#. ..##. .#.#. #..#. ##### ...#. ...#. ..... .....",
    "5": "##### #.... ####. ....# ....# #...# .###. ..... .....",
    "6": "..##. .#... #.... ####. #...# #...# .###. ..... .....",
    "7": "##### ....# ...#. ..#.. .#... .#... .#... ..... .....",
    "8": ".###. #...# #...# .###. #...# #...# .###. ..... .....",
    "9": ".###. #...# #...# .#### ....# ...#. .##.. ..... .....",
    " ": "..... ..... ..... ..... ..... ..... ..... ..... .....",
}


def change_gain(before: Picture, after: Picture) -> int:
    """The power of two, 1 to 32, by which the difference is to be multiplied to be well seen."""
    total = sum(float(np.square(np.nan_to_num(b - a)).sum(dtype=np.float64)) for a, b in _pairs(before, after))
    rms = math.sqrt(total / (before.width * before.height * before.num_channels))
    return 1 if rms == 0 else 2 ** int(np.clip(math.floor(math.log2(SHOWN_RMS / rms)), 0, math.log2(MAX_GAIN)))


def change_map(before: Picture, after: Picture, gain: float, marked: Mask | None = None) -> Picture:
    """Mid-grey plus `gain` times the difference, clipped to [0, 1], a picture of the kind of `before`.

    marked: (h, w), pixels that are shown half magenta (in grey pictures half white).
    """
    return before.with_strips(_with_mark(_changes(before, after, gain), marked))


def _changes(before: Picture, after: Picture, gain: float) -> Iterator[Pixels]:
    return (_change(a, b, gain) for a, b in _pairs(before, after))


def _with_mark(strips: Iterable[Pixels], marked: Mask | None) -> Iterator[Pixels]:
    top = 0
    for strip in strips:
        yield strip if marked is None else _marked(strip, marked[top : top + len(strip)])
        top += len(strip)


def _marked(change: Pixels, marked: Mask) -> Pixels:
    colour = np.array([1, 0, 1] if change.shape[2] == 3 else [1], np.float32)
    return np.where(marked[..., None], (change + colour) / 2, change)


def draw_comparison(before: Picture, after: Picture, *, gain: float, marked: Mask | None = None) -> Picture:
    """Three panels: before, after, and mid-grey plus `gain` times the difference; 8 bit PNG.

    marked: (h, w), pixels whose change is shown half magenta.

    Pictures with a side above 1000 pixels are shown reduced; since that averages noise away, a second row shows the
    part that changed most at full size. Colour is shown as it is stored, whatever the alpha.
    """
    factor = max(1, math.ceil(max(before.width, before.height) / MAX_PANEL))
    if factor == 1:
        rows = [_panels(before.array(), after.array(), gain, marked)]
    else:
        small, small_after = downsample(before.strips(STRIP_ROWS), factor), downsample(after.strips(STRIP_ROWS), factor)
        small_marked = None
        if marked is not None:
            small_marked = downsample([marked[..., None].astype(np.float32)], factor)[..., 0] > 0.25
        top, left = _most_changed(small, small_after, factor)
        detail, detail_after = (_cut(picture.strips(STRIP_ROWS), top, left) for picture in (before, after))
        detail_marked = None if marked is None else marked[top : top + DETAIL, left : left + DETAIL]
        rows = [
            _panels(small, small_after, gain, small_marked),
            _panels(detail, detail_after, gain, detail_marked, what="detail "),
        ]
    width = max(row.shape[1] for row in rows)
    padded = [np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0)), constant_values=PAPER) for row in rows]
    sheet = np.pad(np.concatenate(padded), ((0, MARGIN), (MARGIN, 0), (0, 0)), constant_values=PAPER)
    return Picture.from_array(sheet, depth=8, format="png")


def _pairs(before: Picture, after: Picture) -> Iterator[tuple[Pixels, Pixels]]:
    return zip(before.strips(STRIP_ROWS), after.strips(STRIP_ROWS), strict=True)


def _change(before: Pixels, after: Pixels, gain: float) -> Pixels:
    return np.nan_to_num(0.5 + gain * (after - before), nan=0.5).clip(0, 1)


def _panels(before: Pixels, after: Pixels, gain: float, marked: Mask | None, what: str = "") -> Pixels:
    change = _change(before, after, gain)
    panels = before, after, change if marked is None else _marked(np.broadcast_to(change, (*marked.shape, 3)), marked)
    shown = zip(panels, (f"{what}before", f"{what}after", f"change x{gain:g}"), strict=True)
    columns = [labelled(np.nan_to_num(pixels).clip(0, 1), text) for pixels, text in shown]
    return np.concatenate(columns, axis=1)


def labelled(pixels: Pixels, text: str) -> Pixels:
    """The panel with its label above, on paper wide enough for both."""
    colour = np.broadcast_to(pixels, (*pixels.shape[:2], 3))
    label = _letters(text)
    height, width = label.shape[0] + MARGIN + len(colour), max(label.shape[1], colour.shape[1]) + MARGIN
    paper = np.full((height, width, 3), PAPER, np.float32)
    paper[MARGIN // 2 : MARGIN // 2 + label.shape[0], : label.shape[1]] -= (PAPER - INK) * label[..., None]
    paper[label.shape[0] + MARGIN :, : colour.shape[1]] = colour
    return paper


def _letters(text: str) -> Pixels:
    glyphs = [
        [[mark == "#" for mark in row + "."] for row in LETTERS.get(letter, LETTERS["-"]).split()]
        for letter in text.lower()
    ]
    return np.concatenate(np.array(glyphs, np.float32), axis=1).repeat(LETTER_SCALE, 0).repeat(LETTER_SCALE, 1)


def _most_changed(small: Pixels, small_after: Pixels, factor: int) -> tuple[int, int]:
    """Top and left of the window that changed most, judged on the copies reduced by `factor`."""
    change = np.abs(small_after - small).mean(axis=2)
    side = max(1, DETAIL // factor)
    sums = np.pad(change, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    tall, wide = min(side, change.shape[0]), min(side, change.shape[1])
    totals = sums[tall:, wide:] - sums[:-tall, wide:] - sums[tall:, :-wide] + sums[:-tall, :-wide]
    top, left = (int(place) * factor for place in np.unravel_index(totals.argmax(), totals.shape))
    return top, left


def _cut(strips: Iterable[Pixels], top: int, left: int) -> Pixels:
    parts, row = [], 0
    for strip in strips:
        parts.append(strip[max(top - row, 0) : max(top + DETAIL - row, 0), left : left + DETAIL].copy())
        row += len(strip)
    return np.concatenate(parts)
