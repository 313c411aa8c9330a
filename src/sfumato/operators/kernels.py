"""Blur kernels: what a moved hand, a missed focus or a soft lens makes of a point, and the words that name them."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import Option, UsageError

Array = NDArray[Any]
MAX_REACH = 256  # pixels from a kernel's middle to its end
SUM_TOLERANCE = 0.01


def motion(length: float, angle: float, bend: float = 0.0) -> Array:
    """(k, k) with sum 1: a path of `length` pixels about the middle, a hand's.

    angle: degrees that it heads for in the middle, 0 to the right and 90 down. bend: degrees by which it turns from end
    to end.
    """
    places = np.linspace(-0.5, 0.5, 16 * math.ceil(length) + 1)
    headings = math.radians(angle) + math.radians(bend) * places
    path = np.stack([np.sin(headings).cumsum(), np.cos(headings).cumsum()], axis=1) * (length / (len(places) - 1))
    path = path - path.mean(axis=0)
    offsets = _offsets(math.ceil(float(np.abs(path).max())) + 1)
    near = (1 - np.abs(path[:, :, None] - offsets)).clip(min=0)  # how much of each point a row and a column get
    return _of_sum_one(np.einsum("pr,pc->rc", near[:, 0], near[:, 1]))


def disc(radius: float) -> Array:
    """(k, k) with sum 1: a missed focus, a disc of `radius` pixels whose edge falls off over a pixel."""
    offsets = _offsets(math.ceil(radius) + 1)
    return _of_sum_one((radius + 0.5 - np.hypot(offsets[:, None], offsets[None])).clip(0, 1))


def gaussian(width: float) -> Array:
    """(k, k) with sum 1: a soft lens, a Gaussian of standard deviation `width` pixels."""
    offsets = _offsets(max(3, math.ceil(3.5 * width)))
    profile = np.exp(-0.5 * (offsets / width) ** 2)
    return _of_sum_one(np.outer(profile, profile))


def parse(text: str) -> Array | None:
    """The kernel that a text such as "motion:12@30", "disc:2.5" or "gaussian:1.8" names; None where it names none.

    Raises UsageError for numbers that a kernel cannot have.
    """
    kind, _, numbers = text.partition(":")
    if kind not in ("motion", "disc", "gaussian") or not numbers:
        return None
    size, has_angle, angle = numbers.partition("@")
    found = _number(size, text)
    if not 0 < found <= MAX_REACH / (4 if kind == "gaussian" else 1) or bool(has_angle) != (kind == "motion"):
        raise wrong_kernel(text)
    if kind == "motion":
        return motion(found, _number(angle, text))
    return disc(found) if kind == "disc" else gaussian(found)


def from_picture(pixels: Array, name: str) -> Array:
    """The kernel that a picture (h, w) shows, bright on black, in any place and brightness: cut out, of sum 1.

    Its middle is its centre of mass, so that it moves nothing. Raises UsageError for a picture that shows none.
    """
    if not np.isfinite(pixels).all() or pixels.min() < 0:
        raise UsageError(Option("kernel"), f": {name} has values that are negative or no numbers; a kernel has none.")
    if pixels.max() == 0:
        raise UsageError(Option("kernel"), f": {name} is all black; a kernel is bright where light went.")
    rim = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    if rim.min() > 0.5 * pixels.max() > pixels.min():
        raise UsageError(Option("kernel"), f": {name} is dark on a bright ground; a kernel is bright on black.")
    weight = pixels / pixels.sum(dtype=np.float64)
    lengths = []
    for axis in (0, 1):
        line = weight.sum(axis=1 - axis)
        places = np.flatnonzero(line)
        middle = round(float(line @ np.arange(len(line))))
        reach = max(middle - int(places[0]), int(places[-1]) - middle)
        lengths.append((middle, reach))
    if max(reach for _, reach in lengths) > MAX_REACH:
        raise UsageError(
            Option("kernel"), f": {name} shows a kernel of more than {2 * MAX_REACH} pixels; the largest is that."
        )
    (row, down), (column, right) = lengths
    around = max(down, right)
    padded = np.pad(weight, around)
    return padded[row + around - down : row + around + down + 1, column + around - right : column + around + right + 1]


def checked_kernel(kernel: Array) -> Array:
    """The kernel as float32 with odd sides; raises UsageError for what is none."""
    kernel = np.asarray(kernel, np.float32)
    if kernel.ndim != 2 or 0 in kernel.shape:
        raise UsageError(Option("kernel"), f" has the shape {kernel.shape}; give an array (k, l).")
    if not np.isfinite(kernel).all() or kernel.min() < 0:
        raise UsageError(Option("kernel"), " has values that are negative or no numbers; a kernel has none.")
    total = float(kernel.sum(dtype=np.float64))
    if total == 0:
        raise UsageError(Option("kernel"), " is zero everywhere; a kernel has the sum 1.")
    if abs(total - 1) > SUM_TOLERANCE:
        raise UsageError(
            Option("kernel"), f" has the sum {total:.4g}, which would change the brightness; divide it by its sum."
        )
    if max(kernel.shape) > 2 * MAX_REACH + 1:
        raise UsageError(Option("kernel"), f" has a side of {max(kernel.shape)}; {2 * MAX_REACH + 1} is the most.")
    return np.pad(kernel, [(0, 1 - side % 2) for side in kernel.shape])


def _offsets(reach: int) -> Array:
    return np.arange(-reach, reach + 1, dtype=np.float64)


def _of_sum_one(kernel: Array) -> Array:
    return (kernel / kernel.sum()).astype(np.float32)


def _number(text: str, whole: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise wrong_kernel(whole) from None
    if not math.isfinite(number):
        raise wrong_kernel(whole)
    return number


def wrong_kernel(text: str) -> UsageError:
    """The error of a text that names no kernel, nor a file of one."""
    return UsageError(
        Option("kernel"),
        f" is {text!r}; give motion:LENGTH@ANGLE (pixels, up to {MAX_REACH}, and degrees), disc:RADIUS, "
        f"gaussian:WIDTH (up to {MAX_REACH // 4}), or a picture of the kernel.",
    )
