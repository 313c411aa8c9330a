"""A recurrent model at work on one frame after the other: what it remembers of a scene goes from each to the next."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..estimation.noise import NoiseCurve
from ..models.card import Card
from ..models.engine import Engine
from ..models.ports import channel_mean, in_colour, with_channels_of
from ..pictures.picture import Picture
from ..pictures.pixels import finite
from ..tiling import tiles
from ..tiling.strips import Planes, Rows
from .pans import CELL, Cells, moved_by, shift_between, small
from .roles import with_levels


@dataclass
class Memory:
    """What a recurrent model remembers between the frames of a scene: a state (h, w, c), None before the first one.

    h and w are those of a frame, rounded up to the model's stride. seen: the last frame, small.
    """

    state: Rows | None = None
    seen: Cells | None = None

    def follow(self, frame: Rows) -> None:
        """Where the whole picture has moved farther than a model can find, the state moves along."""
        before, self.seen = self.seen, small(frame)
        if before is None or self.state is None:
            return
        down, across = shift_between(before, self.seen)
        if down or across:
            self.state = moved_by(self.state, (CELL * down, CELL * across))


def apply(
    picture: Picture,
    engine: Engine,
    level: NoiseCurve | None,
    memory: int,
    remembered: Memory | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Rows:
    """The restored frame (h, w, c); what is remembered is renewed. Without a memory the frame stands for itself.

    level: of the noise, None where it is not known. memory: bytes that tiles may take. The state is kept for the whole
    frame, so tiles read from it as far beyond their edge as they read from the frame, and no seam can be seen.
    """
    card = engine.card
    frame = picture.array()
    height, width, num_channels = frame.shape
    missing = [(0, -length % card.stride) for length in (height, width)]
    y = np.pad(frame, (*missing, (0, 0)), mode="symmetric")
    remembered = remembered or Memory()
    remembered.follow(frame)
    if remembered.state is None:
        remembered.state = np.zeros((*y.shape[:2], _state_channels(card)), np.float32)
    with_level = np.concatenate(list(with_levels([y], engine, level or NoiseCurve.constant(0))))
    given = np.concatenate([with_level, remembered.state], axis=2)
    plan = tiles.plan_for(card, *y.shape[:2], memory=memory)
    both = tiles.whole(given, plan, _network(engine, num_channels), progress=progress)
    remembered.state = both[..., num_channels:]
    x_hat = both[:height, :width, :num_channels]
    if num_channels > 1 and (grey := (frame == frame[..., :1]).all(axis=(1, 2))).any():
        x_hat = np.where(grey[:, None, None], channel_mean(x_hat, axis=2), x_hat)
    return x_hat


def _state_channels(card: Card) -> int:
    return next(port.channels for port in card.inputs if port.kind == "state")


def _network(engine: Engine, num_channels: int) -> Callable[[Planes], Planes]:
    """On one tile (c, h, w): picture planes, the level map if the model takes one, the state; gives picture and state.

    Grey goes in as three equal channels and comes out as their mean. NaN and infinite pixels stay as they are.
    """
    inputs = {port.kind: port.name for port in engine.card.inputs}
    picture, state = (next(p.name for p in engine.card.outputs if p.kind == kind) for kind in ("picture", "state"))

    def compute(tile: Planes) -> Planes:
        y, state_planes = tile[:num_channels], tile[-_state_channels(engine.card) :]
        feed = {inputs["picture"]: in_colour(finite(y))[None], inputs["state"]: state_planes[None]}
        if "sigma" in inputs:
            feed[inputs["sigma"]] = tile[None, num_channels : num_channels + 1]
        found = engine.run(feed)
        x_hat = with_channels_of(found[picture][0], num_channels)
        return np.concatenate([np.where(np.isfinite(y), x_hat, y), found[state][0]])

    return compute
