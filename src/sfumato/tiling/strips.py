"""How pixels are passed on: planes for a network, strips of rows for a picture."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

Planes = NDArray[np.float32]  # (c, h, w): how the network wants a tile
Rows = NDArray[np.float32]  # (h, w, c): how a picture gives its strips
STRIP_ROWS = 64  # a multiple of 8; higher strips of wide pictures leave the memory allocator in pieces


def recut(strips: Iterable[Rows], rows: int) -> Iterator[Rows]:
    """The same rows in strips of exactly `rows` rows each, the last one excepted."""
    pending: list[Rows] = []
    count = 0
    for strip in strips:
        while count + len(strip) >= rows:
            taken = rows - count
            yield np.concatenate([*pending, strip[:taken]]) if pending else strip[:taken]
            strip, pending, count = strip[taken:], [], 0
        if len(strip):
            pending.append(strip)
            count += len(strip)
    if pending:
        yield np.concatenate(pending)
