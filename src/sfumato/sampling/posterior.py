"""Pictures that a flow finds likely and that agree with what was measured, by calls of the flow alone. Numpy only.

From noise to picture as in generating, but what the flow expects at the end is first brought into agreement with what
was measured (the operator's proximal step, trusting the flow as PiGDM does, arXiv:2310.04432), and of the noise as much
is drawn anew as in ancestral sampling (DDPM, arXiv:2006.11239; with measurements DDNM, arXiv:2212.00490).
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from .noise import noise as drawn
from .solvers import Array, Step, Velocity

Agree = Callable[[Array, float], Array]  # pictures `b c h w`, how far each value may be off (a standard deviation)


def sample_posterior(
    velocity: Velocity,
    agree: Agree,
    shape: tuple[int, ...],
    indices: Sequence[int],
    seed: int,
    times: Sequence[float],
    *,
    deviation: float = 1.0,
    progress: Step | None = None,
) -> Array:
    """Samples `b c h w`, in the range of the flow, one for each index; the same for the same seed and index.

    shape: `c h w`. agree: the picture nearest to the given one that agrees with what was measured, as far as the
    deviation lets it. times: from 0, noise, to 1. deviation: of pictures, in the flow's range.
    """
    steps = len(times) - 1
    fresh = np.stack([drawn(seed, index, (steps, *shape)) for index in indices], axis=1)
    x = fresh[0]
    for done, (now, then) in enumerate(pairwise(times), 1):
        expected = x + (1 - now) * velocity(x, now)
        # How far a picture may be from what is expected of it, were its values normal of that deviation.
        off = deviation * (1 - now) / np.sqrt((1 - now) ** 2 + (now * deviation) ** 2)
        expected = agree(expected.astype(np.float32), float(off))
        left = (x - now * expected) / (1 - now)  # the noise in x
        if done < steps:
            kept = (1 - then) * now / ((1 - now) * then)  # of the noise's level, each relative to the picture
            left = kept * left + np.sqrt(1 - kept**2) * fresh[done]
        x = (then * expected + (1 - then) * left).astype(np.float32)
        if progress:
            progress(done, steps)
    return x
