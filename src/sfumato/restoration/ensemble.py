"""A network asked about a tile in all eight positions."""

from collections.abc import Callable

import numpy as np

from ..tiling.strips import Planes


def self_ensemble(network: Callable[[Planes], Planes]) -> Callable[[Planes], Planes]:
    """The mean of what the network makes of a tile (c, h, w) turned and mirrored in all eight ways, each turned back.

    A network learns pictures in every position and is a little wrong in each, not alike (arXiv:1511.02228).
    """

    def compute(tile: Planes) -> Planes:
        def both_ways(turns: int) -> Planes:
            turned = np.rot90(tile, turns, axes=(1, 2))
            return np.rot90(network(turned) + network(turned[..., ::-1])[..., ::-1], -turns, axes=(1, 2))

        return (both_ways(0) + both_ways(1) + both_ways(2) + both_ways(3)) / np.float32(8)

    return compute
