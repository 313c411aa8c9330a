"""Error diffusion: a picture in black and white in which each pixel passes on what it is off to those that follow."""

import numpy as np
from numpy.typing import NDArray

Weights = tuple[tuple[int, int, float], ...]

# How many rows further down, how many columns to the right, and the share of the error.
DIFFUSIONS: dict[str, Weights] = {
    "floyd-steinberg": ((0, 1, 7 / 16), (1, -1, 3 / 16), (1, 0, 5 / 16), (1, 1, 1 / 16)),
    "jarvis": (
        *((0, 1, 7 / 48), (0, 2, 5 / 48)),
        *((1, -2, 3 / 48), (1, -1, 5 / 48), (1, 0, 7 / 48), (1, 1, 5 / 48), (1, 2, 3 / 48)),
        *((2, -2, 1 / 48), (2, -1, 3 / 48), (2, 0, 5 / 48), (2, 1, 3 / 48), (2, 2, 1 / 48)),
    ),
    "sierra-lite": ((0, 1, 1 / 2), (1, -1, 1 / 4), (1, 0, 1 / 4)),
}


def diffused(
    random: np.random.Generator, tones: NDArray[np.float32], weights: Weights, jitter: float = 0.0
) -> NDArray[np.float32]:
    """Tones `c h w` in [0, 1] as zeros and ones, from the top or from the bottom, by rows or by columns.

    jitter: by how much thresholds leave 1/2 at random, which breaks up worms. Pixels that do not wait for one another
    are done together: those on a slanting line.
    """
    turn, back = random.integers(0, 2, 2)
    picture = tones.swapaxes(1, 2) if turn else tones
    picture = picture[:, ::-1] if back else picture
    channels, height, width = picture.shape
    reach = max(abs(right) for _, right, _ in weights)
    wide, slant = width + 2 * reach, reach + 1
    sums = np.pad(picture, ((0, 0), (0, reach), (reach, reach))).reshape(channels, -1).astype(np.float32)
    limits = 0.5 + jitter * random.uniform(-1, 1, picture.shape).astype(np.float32).reshape(channels, -1)
    dots = np.zeros((channels, height * width), np.float32)
    steps = [(down * wide + right, np.float32(share)) for down, right, share in weights]
    for time in range(width + slant * (height - 1)):
        rows = np.arange(max(-(-(time - width + 1) // slant), 0), min(time // slant, height - 1) + 1)
        places = rows * wide + time - slant * rows + reach
        values, inside = sums[:, places], rows * width + time - slant * rows
        on = values > limits[:, inside]
        dots[:, inside] = on
        error = values - on
        for step, share in steps:
            sums[:, places + step] += share * error
    made = dots.reshape(picture.shape)
    made = made[:, ::-1] if back else made
    return np.ascontiguousarray(made.swapaxes(1, 2) if turn else made)
