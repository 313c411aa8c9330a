"""Label maps: pictures in which each colour of a palette means something, such as window or wall."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import Option, PictureError, UsageError
from ..pictures.channels import resize_and_center_crop, width_and_height, with_channels
from ..pictures.picture import Picture
from ..pictures.pixels import finite

MAX_LABELS = 64
COLOUR = re.compile(r"#[0-9a-f]{6}")
NEAR = 40  # of 255: how far a colour may be from the palette's, as JPEG leaves it
FLAT = 8  # likewise, of a pixel that cannot be the mixture of two regions
REACH = 4  # pixels from a region within which its colour may be mixed with another's: soft edges, JPEG's coarse colour
STRANGE = 0.02  # share of the pixels but edges that may be something else
LEAST_FLAT = 0.1  # of the pixels; with fewer that are no edges, all count

Bytes = NDArray[np.uint8]
LayoutSource = str | Path | bytes | Picture | Bytes


def check_palette(palette: Sequence[str], labels: Sequence[str] = ()) -> None:
    """Raises UsageError for colours that are not written #rrggbb or come twice, and for names that are not theirs."""
    for colour in palette:
        if not COLOUR.fullmatch(colour):
            raise UsageError(f"palette: {colour!r} is no colour; write it as #rrggbb, such as #ff00ff.")
    if len(set(palette)) != len(palette) or len(palette) > MAX_LABELS:
        raise UsageError(f"palette: give each colour once, and at most {MAX_LABELS}.")
    if labels and len(set(labels)) != len(palette):
        raise UsageError(f"labels: {len(labels)} names for {len(palette)} colours; give one for each, all different.")


def colours_of(palette: Sequence[str]) -> NDArray[np.int64]:
    """A palette's colours as `n 3`, 0 to 255."""
    return np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in palette], np.int64).reshape(-1, 3)


def palette_in(pixels: Bytes) -> list[str]:
    """The colours of `h w 3`, those of MAX_LABELS + 1 at most, the most frequent first."""
    values, counts = np.unique(_coded(pixels), return_counts=True)
    return [f"#{value:06x}" for value in values[np.argsort(-counts, kind="stable")][: MAX_LABELS + 1]]


def numbers_of(pixels: Bytes, palette: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Of `h w 3`, the number of the nearest colour at each place, and how far off it is: the most of three channels."""
    found, where = np.unique(_coded(pixels), return_inverse=True)
    seen = np.stack([found >> 16, found >> 8 & 255, found & 255], axis=1)
    distances = np.abs(seen[:, None] - colours_of(palette)[None]).max(axis=2)
    nearest = distances.argmin(axis=1).astype(np.uint8)
    shape = pixels.shape[:2]
    return nearest[where].reshape(shape), distances.min(axis=1)[where].reshape(shape)


def labels_of(pixels: Bytes, palette: Sequence[str]) -> NDArray[np.uint8]:
    """Of `h w 3`, the label at each place.

    What lies between regions may be a mixture of their colours (soft edges, JPEG): it is taken as the nearest of these,
    not as a third label that the mixture happens to be like. All else is the nearest colour of the palette.
    """
    numbers, off = numbers_of(pixels, palette)
    rows, columns = np.nonzero(off > FLAT)
    if not len(rows):
        return numbers
    colours = colours_of(palette)
    padded = np.pad(numbers, REACH, mode="edge")
    inner = np.pad(_inner(numbers, off <= NEAR), REACH)
    around = np.zeros((len(rows), len(palette)), bool)
    for down in range(2 * REACH + 1):
        for across in range(2 * REACH + 1):
            places = rows + down, columns + across
            within = np.flatnonzero(inner[places])
            around[within, padded[places][within]] = True
    between = np.flatnonzero(around.sum(axis=1) > 1)
    rows, columns, around = rows[between], columns[between], around[between]
    seen = pixels[rows, columns].astype(np.int64)
    low = np.stack([np.where(around, channel, 255).min(axis=1) for channel in colours.T], axis=1)
    high = np.stack([np.where(around, channel, 0).max(axis=1) for channel in colours.T], axis=1)
    mixed = ((seen >= low - NEAR) & (seen <= high + NEAR)).all(axis=1)
    rows, columns, around, seen = rows[mixed], columns[mixed], around[mixed], seen[mixed]
    distances = np.stack([np.abs(seen - colour).max(axis=1) for colour in colours], axis=1)
    numbers[rows, columns] = np.where(around, distances, 256).argmin(axis=1)
    return numbers


def unknown_places(pixels: Bytes, off: NDArray[np.int64]) -> tuple[NDArray[np.bool_], float]:
    """Where `h w 3` has a colour that is none of the palette's, and their share; `off` by `numbers_of`.

    Edges do not count, where colours mix: only what is of nearly one colour with all eight places around it.
    """
    spread = np.zeros(off.shape, np.int64)
    for channel in np.moveaxis(pixels, 2, 0):
        most, least = (_around(channel, extreme) for extreme in (np.maximum, np.minimum))
        spread = np.maximum(spread, most.astype(np.int64) - least)
    flat = spread <= NEAR
    if flat.mean() < LEAST_FLAT:
        flat = np.ones_like(flat)
    unknown = flat & (off > NEAR)
    return unknown, float(unknown.sum() / flat.sum())


def _around(values: NDArray, extreme: np.ufunc) -> NDArray:
    """The extreme of each place of `h w` and the eight around it."""
    padded = np.pad(values, 1, mode="edge")
    rows = extreme(extreme(padded[:-2], padded[1:-1]), padded[2:])
    return extreme(extreme(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:])


def _inner(numbers: NDArray[np.uint8], known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where a region is: places that are known, and all eight around them, too, and of the same label."""
    alike = _around(numbers, np.maximum) == _around(numbers, np.minimum)
    return alike & _around(known, np.logical_and)


def _coded(pixels: Bytes) -> NDArray[np.int64]:
    red, green, blue = (pixels[..., i].astype(np.int64) for i in range(3))
    return red << 16 | green << 8 | blue


def nearest_cover(pixels: NDArray, size: tuple[int, ...]) -> NDArray:
    """The middle of `h w ...` scaled to cover `size` just, each pixel one of those before, so that no colours mix."""
    lengths = pixels.shape[:2]
    scale = max(wanted / length for wanted, length in zip(size, lengths, strict=True))
    places = [
        np.floor((np.arange(wanted) + 0.5 - wanted / 2) / scale + length / 2).astype(int).clip(0, length - 1)
        for wanted, length in zip(size, lengths, strict=True)
    ]
    return pixels[places[0]][:, places[1]]


@dataclass(frozen=True)
class Layout:
    """A label map as a model takes it, `values` `n h w`, one-hot; or, `is_label_map` being False, a picture `3 h w`.

    notes: sentences on what was done to fit it.
    """

    values: NDArray[np.float32]
    notes: tuple[str, ...] = ()
    is_label_map: bool = True


def read_layout(
    source: LayoutSource,
    palette: Sequence[str],
    size: tuple[int, int],
    labels: Sequence[str] = (),
) -> Layout:
    """A label map from a picture file, its bytes, a Picture or an array `h w 3`, fitted to `size` (height, width).

    Transparent pixels are white. Raises UsageError where more than 2 % of the pixels, edges aside, have a colour that
    is not in the palette, and PictureError for what is no picture.
    """
    pixels, name = _pixels(source)
    _, off = numbers_of(pixels, palette)
    strange, share = unknown_places(pixels, off)
    notes = []
    if share > STRANGE:
        worst = palette_in(pixels[strange][None])[0]
        said = ", ".join(f"{c} {n}" for c, n in zip(palette, labels, strict=True)) if labels else ", ".join(palette)
        raise UsageError(
            Option("layout", name),
            f": {100 * share:.0f} % of it has other colours, such as {worst}; the model knows {said}.",
        )
    numbers = labels_of(pixels, palette)
    if off.any():
        notes.append(
            f"Of the layout {100 * float((off > 0).mean()):.1f} % was taken as the nearest colour of the palette."
        )
    if numbers.shape != tuple(size):
        notes.append(
            f"The layout, {width_and_height(numbers.shape)}, was fitted to {width_and_height(size)}"
            + (", its middle." if numbers.shape[1] * size[0] != numbers.shape[0] * size[1] else ".")
        )
        numbers = nearest_cover(numbers, size)
    values = (numbers[None] == np.arange(len(palette))[:, None, None]).astype(np.float32)
    return Layout(values, tuple(notes))


def read_picture(source: LayoutSource, size: tuple[int, int]) -> Layout:
    """The same of a picture that another is to be made of: `3 h w` in [0, 1], its middle scaled to cover `size`."""
    pixels, _ = _pixels(source)
    notes = []
    if pixels.shape[:2] != tuple(size):
        notes.append(f"The picture, {width_and_height(pixels.shape)}, was fitted to {width_and_height(size)}.")
    fitted = resize_and_center_crop(pixels.astype(np.float32) / 255, size)
    return Layout(np.ascontiguousarray(fitted.transpose(2, 0, 1)), tuple(notes), is_label_map=False)


def picture_of(source: LayoutSource) -> Picture:
    """The picture that a file, its bytes or an array uint8 `h w 3` holds; raises PictureError for another array."""
    if isinstance(source, Picture):
        return source
    if not isinstance(source, np.ndarray):
        return Picture.open(source)
    if source.dtype != np.uint8 or source.ndim != 3 or source.shape[2] != 3 or 0 in source.shape:
        raise PictureError(f"An array of {source.dtype}, shape {source.shape}, is no layout; give uint8 (h, w, 3).")
    return Picture.from_array(source / np.float32(255))


def _pixels(source: LayoutSource) -> tuple[Bytes, str]:
    """uint8 `h w 3`, and what the source is called in sentences."""
    picture = picture_of(source)
    name = str(picture.path or "the picture")
    colour = with_channels(finite(picture.array()), picture.alpha(), 3)
    return np.round(255 * colour.clip(0, 1)).astype(np.uint8), name
