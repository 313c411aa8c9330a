"""Colours that a user painted on a transparent layer, and how they spread over what they were painted on.

What the model says of a place with a hint is off by some amount; that amount is carried on from there to places of
similar luma (colourization by optimization, Levin, Lischinski and Weiss 2004, doi:10.1145/1015706.1015780), and fades
with the distance and with how far the luma is off the hint's own.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import PictureError
from ..operators.conjugate_gradients import solve
from ..pictures.channels import CHROMA_WEIGHTS
from ..pictures.picture import Picture
from ..pictures.pixels import finite
from ..tiling.strips import Rows

HINTED = 0.1  # share of a pixel of the reduced copy that a stroke must cover
EDGE = 0.04  # difference of luma that holds a colour back
BARRIER = 1e-4  # what gets through the sharpest edge
REACH = 60  # pixels of the reduced copy, over plain surfaces
TRUST = 10.0  # how much a hint weighs against its neighbours
ALIKE = 0.2  # difference from the hint's own luma at which its colour has faded to 1/e
TOLERANCE, ITERATIONS = 1e-4, 600  # of the conjugate gradients: at 1e-3 a colour does not yet fill its object

Hints = NDArray[np.float32]


def read_hints(hints: str | Path | Picture | NDArray, picture: Picture, max_pixels: int) -> Hints:
    """Strokes as (h, w, 4), RGB times opacity, and opacity, in the picture's size.

    hints: a picture with transparency, opaque where a colour is meant, or such an array (h, w, 4) in [0, 1] or uint8.
    Raises PictureError for one of another size, without transparency, or with nothing on it.
    """
    where = hints if isinstance(hints, str | Path) else "The hints"
    if isinstance(hints, np.ndarray):
        if hints.ndim != 3 or hints.shape[2] != 4:
            raise PictureError(f"An array of shape {hints.shape} holds no hints; give (h, w, 4), RGB and opacity.")
        found = hints.astype(np.float32) / (255 if hints.dtype == np.uint8 else 1)
    else:
        shown = hints if isinstance(hints, Picture) else Picture.open(hints, max_pixels=max_pixels)
        alpha = shown.alpha()
        if alpha is None:
            raise PictureError(f"{where} has no transparency; paint strokes of colour on a transparent layer.")
        colour = np.broadcast_to(finite(shown.array()), (shown.height, shown.width, 3))
        found = np.concatenate([colour, alpha[..., None]], axis=2)
    if found.shape[:2] != (picture.height, picture.width):
        raise PictureError(
            f"{where}: the hints are {found.shape[1]}x{found.shape[0]} and the picture "
            f"{picture.width}x{picture.height}; hints have the picture's size."
        )
    if not (found[..., 3] > 0.5).any():
        raise PictureError(f"{where}: nothing is painted on it; paint strokes of colour on a transparent layer.")
    return np.concatenate([found[..., :3].clip(0, 1) * found[..., 3:], found[..., 3:]], axis=2).clip(0, 1)


def chroma_of(small: Rows) -> Rows:
    """Of hints that were reduced, (h, w, 4): Cb, Cr and 1 where there is one, (h, w, 3), zeros elsewhere."""
    covered = small[..., 3:]
    found = covered >= min(HINTED, 0.5 * float(covered.max()))
    chroma = small[..., :3] @ np.array(CHROMA_WEIGHTS, np.float32).T / covered.clip(1e-6)
    return np.where(found, np.concatenate([chroma, np.ones_like(covered)], axis=2), 0).astype(np.float32)


def spread(chroma: Rows, luma: Rows, given: Rows) -> Rows:
    """The model's chroma (h, w, 2), and what hints (h, w, 3) are off it, carried on where luma (h, w, 1) is alike.

    The hints' weight and luma are carried on by the same equations; their quotient is the luma of the hints that a
    place has its colour from.
    """
    known = given[..., 2:]
    off = known * (given[..., :2] - chroma)
    carried = _carried_on(np.concatenate([off, known, known * luma], axis=2), known, luma)
    own = carried[..., 3:] / carried[..., 2:3].clip(1e-6)
    return chroma + carried[..., :2] * np.exp(-np.square((luma - own) / np.float32(ALIKE)))


def _carried_on(values: Rows, known: Rows, luma: Rows) -> Rows:
    """Values (h, w, c), zero but where known (h, w, 1) is 1, over all places."""
    across, down = (_likeness(np.diff(luma, axis=axis)) for axis in (1, 0))

    def normal(x: Rows) -> Rows:
        flow_across, flow_down = across * np.diff(x, axis=1), down * np.diff(x, axis=0)
        out = (np.float32(TRUST) * known + np.float32(REACH**-2)) * x
        out[:, :-1] -= flow_across
        out[:, 1:] += flow_across
        out[:-1] -= flow_down
        out[1:] += flow_down
        return out

    diagonal = np.float32(TRUST) * known + np.float32(REACH**-2)
    diagonal[:, :-1] += across
    diagonal[:, 1:] += across
    diagonal[:-1] += down
    diagonal[1:] += down
    return solve(
        normal,
        np.float32(TRUST) * values,
        start=np.zeros_like(values),
        precondition=lambda x: x / diagonal,
        tolerance=TOLERANCE,
        iterations=ITERATIONS,
    )


def _likeness(difference: Rows) -> Rows:
    return (np.exp(-np.square(difference / np.float32(EDGE))) + np.float32(BARRIER)).astype(np.float32)
