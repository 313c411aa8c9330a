"""How the pictures of a burst lie over one another: a hand that moved, then what moved in depth.

First the whole: phase correlation of strongly reduced copies finds large shifts, then Gauss-Newton steps on finer
and finer copies fit an affine motion, differences beyond the usual counting less (Lucas and Kanade 1981; Baker and
Matthews, IJCV 2004). What remains, by parallax or a wobbling sensor, is a field that varies slowly: the same steps in
windows, held back where there is too little to see for the noise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..pictures.vips import vips
from ..tiling.strips import Rows

Plane = NDArray[np.float32]

COARSEST = 48  # pixels of the shorter side of the copies in which large shifts are sought
MOST_FITTED = 500_000  # pixels of the finest copy that is fitted
LOBES = 4  # of the kernel of Lanczos, on each side
SOFTENED = 1.0  # pixels: by which noise is kept out of gradients
STEPS = 8  # of Gauss and Newton on each copy
SETTLED = 0.005  # pixels: a step that is smaller is the last
COARSE = 4  # times smaller is the copy on which means over windows are taken
WINDOW = 20  # pixels: deviation of the windows in which the field is fitted
SAMPLED = 5  # one of so many values tells the usual deviation
FIELD_STEPS = 8
HELD = 0.1  # times the noise: how much contrast a window must show to move by itself
GAINED = (0.02, 0.06)  # of what was left over: from where on the field is believed, and from where on wholly
MOST_LOCAL = 3.0  # pixels of a copy that the field may add on it


@dataclass(frozen=True)
class Motion:
    """Where each pixel of the reference lies in another picture.

    matrix: (2, 3), row and column there = matrix @ (row, column, 1) here. field: (2, h, w) that is added, of a copy
    that is smaller by `factor`; None where there is none.
    """

    matrix: NDArray[np.float64]
    field: NDArray[np.float32] | None = None
    factor: int = 1

    def places(self, height: int, width: int) -> NDArray[np.float32]:
        """(2, height, width): row and column in the other picture."""
        rows, columns = np.mgrid[:height, :width].astype(np.float32)
        m = self.matrix.astype(np.float32)
        found = np.stack([m[i, 0] * rows + m[i, 1] * columns + m[i, 2] for i in range(2)])
        if self.field is not None:
            found += np.stack([_enlarged(self.factor * part, height, width, self.factor) for part in self.field])
        return found


def align(reference: Plane, other: Plane) -> Motion:
    """The motion from one picture (h, w) of brightness to another of the same size."""
    factor = 1
    while reference.size > MOST_FITTED * factor**2:
        factor *= 2
    fine = [blurred(_reduced(plane, factor), SOFTENED) for plane in (reference, other)]
    pairs = [(fine[0], fine[1])]
    while min(pairs[-1][0].shape) >= 2 * COARSEST:
        pairs.append((_reduced(pairs[-1][0], 2), _reduced(pairs[-1][1], 2)))
    matrix = np.eye(2, 3)
    matrix[:, 2] = _shift(*pairs[-1])
    for number, (small, small_other) in enumerate(reversed(pairs)):
        matrix = _enlarged_matrix(matrix, 2) if number else matrix
        matrix = _fitted(small, small_other, matrix, _huber, affine=min(small.shape) >= 2 * COARSEST)
    matrix = _fitted(*pairs[0], matrix, _tukey, affine=True)
    return Motion(_enlarged_matrix(matrix, factor), _field(*pairs[0], matrix), factor)


def _enlarged_matrix(matrix: NDArray[np.float64], factor: int) -> NDArray[np.float64]:
    """The same motion of pictures that are larger by `factor`, the middles of whose pixels lie elsewhere."""
    shift = factor * matrix[:, 2] + (factor - 1) / 2 * (1 - matrix[:, :2].sum(axis=1))
    return np.column_stack([matrix[:, :2], shift])


def warped(pixels: Rows, places: NDArray[np.float32], *, sharp: bool = False) -> Rows:
    """The picture (h, w, c) at these places (2, h', w'), bicubic; beyond its edges the nearest pixel.

    sharp: by way of a copy of twice the size (Lanczos), so that fine detail outlives places between pixels.
    """
    pyvips = vips()
    if sharp:
        pixels, places = _doubled(pixels), 2 * places
    image = pyvips.Image.new_from_array(np.ascontiguousarray(pixels))
    index = pyvips.Image.new_from_array(np.ascontiguousarray(places[::-1].transpose(1, 2, 0)))
    found = image.mapim(index, interpolate=pyvips.Interpolate.new("bicubic"), extend="copy")
    return found.numpy().reshape(*places.shape[1:], pixels.shape[2])


def _doubled(pixels: Rows) -> Rows:
    """Twice as many rows and columns: between each two one by the windowed sinc of Lanczos, of eight pixels."""
    at = np.arange(-LOBES, LOBES) + 0.5
    taps = np.sinc(at) * np.sinc(at / LOBES)
    height, width, channels = pixels.shape
    found = np.empty((2 * height, 2 * width, channels), np.float32)
    found[::2, ::2] = pixels
    for target, source, axis in ((found[1::2, ::2], pixels, 0), (found[:, 1::2], found[:, ::2], 1)):
        widths = [(LOBES - 1, LOBES) if place == axis else (0, 0) for place in range(3)]
        padded = np.pad(source, widths, mode="symmetric")
        target[:] = 0
        for step, tap in enumerate(taps / taps.sum()):
            moved = padded[step:, :] if axis == 0 else padded[:, step:]
            target += np.float32(tap) * moved[: target.shape[0], : target.shape[1]]
    return found


def outside(places: NDArray[np.float32], height: int, width: int) -> NDArray[np.bool_]:
    """(h, w): which places lie beyond the edges of a picture."""
    rows, columns = places
    return (rows < 0) | (rows > height - 1) | (columns < 0) | (columns > width - 1)


def _shift(reference: Plane, other: Plane) -> tuple[float, float]:
    """Rows and columns by which the other lies further down and right: the peak of the phase correlation."""
    window = np.outer(*(np.hanning(length + 2)[1:-1] for length in reference.shape))
    spectra = [np.fft.rfft2((plane - plane.mean()) * window) for plane in (reference, other)]
    product = spectra[1] * spectra[0].conj()
    peak = np.fft.irfft2(product / np.maximum(np.abs(product), 1e-9) ** 0.8, s=reference.shape)
    place = np.unravel_index(int(peak.argmax()), peak.shape)
    down, across = (int(at) - size if at > size // 2 else int(at) for at, size in zip(place, peak.shape, strict=True))
    return float(down), float(across)


def _fitted(
    reference: Plane,
    other: Plane,
    matrix: NDArray[np.float64],
    weigh: Callable[[Plane], NDArray[np.float32]],
    *,
    affine: bool,
) -> NDArray[np.float64]:
    """The affine motion (or with the given turn and size, the shift) that brings the other onto the reference."""
    height, width = reference.shape
    rows, columns = (np.arange(length, dtype=np.float32) - (length - 1) / 2 for length in (height, width))
    down, across = gradient(reference)
    basis = [down, across]
    if affine:
        unit = np.float32(max(height, width) / 2)
        basis += [part * (place / unit) for part in (down, across) for place in (rows[:, None], columns[None, :])]
    stack = np.stack([part.ravel() for part in basis])
    for _ in range(STEPS):
        places = Motion(matrix).places(height, width)
        difference = warped(other[..., None], places)[..., 0] - reference
        weights = weigh(difference) * ~outside(places, height, width)
        weighted = stack * weights.ravel()
        normal, right = weighted @ stack.T, weighted @ difference.ravel()
        step = np.linalg.solve(normal + 1e-6 * np.trace(normal) / len(normal) * np.eye(len(normal)), right)
        change = np.zeros((2, 3))
        change[:, 2] = step[:2]
        if affine:
            change[:, :2] = step[2:].reshape(2, 2) / unit
            change[:, 2] -= change[:, :2] @ [(height - 1) / 2, (width - 1) / 2]
        # What would move the reference onto the other is undone.
        matrix = matrix @ np.linalg.inv(np.vstack([np.eye(2, 3) + change, [0, 0, 1]]))
        reach = np.abs(change[:, :2]).sum() * max(height, width) / 2 + np.abs(step[:2]).max()
        if reach < SETTLED:
            break
    return matrix


def _field(reference: Plane, other: Plane, matrix: NDArray[np.float64]) -> NDArray[np.float32]:
    """(2, h, w): what the motion lacks, in windows."""
    height, width = reference.shape
    field = np.zeros((2, height, width), np.float32)
    base = Motion(matrix).places(height, width)
    down, across = gradient(reference)
    rr, rc, cc = (_windowed(product) for product in (down * down, down * across, across * across))
    for _ in range(FIELD_STEPS):
        places = base + field
        difference = warped(other[..., None], places)[..., 0] - reference
        weights = _tukey(difference) * ~outside(places, height, width)
        # Where a window shows no more contrast than the noise alone would, it stays with the whole.
        noise = _usual(difference) ** 2
        held = np.float32(HELD * noise + 1e-7)
        right = [_windowed(weights * part * difference) for part in (down, across)]
        a, b, d = rr + held, rc, cc + held
        determinant = a * d - b * b
        field[0] -= ((d * right[0] - b * right[1]) / determinant).clip(-1, 1)
        field[1] -= ((a * right[1] - b * right[0]) / determinant).clip(-1, 1)
        np.clip(field, -MOST_LOCAL, MOST_LOCAL, out=field)
    without, with_field = (
        _windowed(_bounded_square(warped(other[..., None], places)[..., 0] - reference))
        for places in (base, base + field)
    )
    gained = (without - with_field) / np.maximum(with_field, 1e-9)
    believed = ((gained - GAINED[0]) / (GAINED[1] - GAINED[0])).clip(0, 1)
    return field * _windowed(believed.astype(np.float32))


def _bounded_square(difference: Plane) -> Plane:
    """Squares, of what is far off no more than of what is usual."""
    usual = _usual(difference)
    return np.minimum(np.square(difference), np.float32(9 * usual**2))


def _windowed(plane: Plane) -> Plane:
    """Means over windows, which a copy reduced by four tells as well."""
    height, width = plane.shape
    return _enlarged(blurred(_reduced(plane, COARSE), WINDOW / COARSE), height, width, COARSE)


def _usual(difference: Plane) -> float:
    """The deviation of most of it, robustly, from a part of its values."""
    return 1.4826 * float(np.median(np.abs(difference.ravel()[::SAMPLED]))) + 1e-6


def _huber(difference: Plane) -> NDArray[np.float32]:
    """Huber's weights: what is far off pulls as much as what is a little, for it may be what does not lie right yet."""
    usual = _usual(difference)
    return np.minimum(1, 1.5 * usual / np.maximum(np.abs(difference), 1e-9)).astype(np.float32)


def _tukey(difference: Plane) -> NDArray[np.float32]:
    """Tukey's weights: nothing beyond some five times the usual deviation, which is something else that moved."""
    usual = _usual(difference)
    return np.square(np.maximum(1 - np.square(difference / (5 * usual)), 0)).astype(np.float32)


def brightness(pixels: Rows) -> Plane:
    """The mean of the channels of (h, w, c)."""
    total = pixels[..., 0].copy()
    for channel in range(1, pixels.shape[2]):
        total += pixels[..., channel]
    return total / np.float32(pixels.shape[2])


def gradient(plane: Plane) -> tuple[Plane, Plane]:
    """By how much it grows down and across, a pixel."""
    down, across = np.gradient(plane)
    return np.asarray(down, np.float32), np.asarray(across, np.float32)


def blurred(plane: Plane, sigma: float) -> Plane:
    """Through a Gaussian of this deviation, in pixels."""
    image = vips().Image.new_from_array(np.ascontiguousarray(plane))
    return image.gaussblur(sigma, precision="float").numpy().reshape(plane.shape)


def _reduced(plane: Plane, factor: int) -> Plane:
    """Means over blocks; rows and columns that fill none are left out."""
    if factor == 1:
        return plane
    height, width = (length // factor for length in plane.shape)
    blocks = plane[: height * factor, : width * factor].reshape(height, factor, width, factor)
    return blocks.mean(axis=(1, 3), dtype=np.float32)


def _enlarged(plane: Plane, height: int, width: int, factor: int) -> Plane:
    """Interpolated linearly to the size of which it is a copy reduced by `factor`."""
    if factor == 1:
        return plane
    found = plane
    for axis, size in enumerate((height, width)):
        places = ((np.arange(size) + 0.5) / factor - 0.5).clip(0, plane.shape[axis] - 1)
        low = places.astype(np.intp)
        high = np.minimum(low + 1, plane.shape[axis] - 1)
        share = (places - low).astype(np.float32)
        share = share[:, None] if axis == 0 else share[None, :]
        found = found.take(low, axis) * (1 - share) + found.take(high, axis) * share
    return found
