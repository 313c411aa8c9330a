"""What restores the frames of a clip, the damage being estimated once a scene."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..errors import Option, UsageError
from ..pictures.picture import Picture
from ..restoration.options import RestoreOptions
from ..restoration.restore import Preparation, Preview, carry_out, dry_run, prepare
from ..restoration.result import Step
from ..restoration.sizes import target_size
from ..tiling.strips import STRIP_ROWS, Rows

NUM_LOOKED_AT = 3  # frames of a scene's opening


class FrameRestorer(ABC):
    """Frames of a clip in, restored frames out, in the order in which they are shown.

    steps: what was done to the last frame. notes: sentences on what was found in the scene.
    """

    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()

    @abstractmethod
    def reset(self, opening: Sequence[Rows]) -> None:
        """A scene begins, with these frames: what was before it is forgotten."""

    @abstractmethod
    def restore(self, frame: Rows) -> Rows:
        """The restored frame, (h * scale, w * scale, c), for one (h, w, c)."""


class PerFrameRestorer(FrameRestorer):
    """Each frame as a picture; tasks and levels are those of the scene, so that nothing flickers by them.

    What a recurrent model remembers goes from frame to frame, and is forgotten where a scene begins.
    """

    def __init__(self, options: RestoreOptions) -> None:
        self._options = options
        self._preparation: Preparation | None = None

    def reset(self, opening: Sequence[Rows]) -> None:
        options, size = self._options, target_size(self._options, _as_picture(opening[0]))
        if size is not None and options.has_size:  # what is looked at is several frames high
            options = replace(options, width=size[1], height=None, megapixels=None)
        preparation = prepare(_as_picture(_stacked(opening)), options, clip=True)
        if any(work.engine.card.role == "colorizer" for work in preparation.work):
            raise UsageError(
                Option("task"), " colorize is for pictures: each frame would get colours of its own, and they flicker."
            )
        # What the first step needs to know is measured on the opening; what later ones do, on the first frame.
        self._preparation = replace(preparation, notes=())
        self.notes = preparation.notes

    def restore(self, frame: Rows) -> Rows:
        assert self._preparation is not None, "a scene has begun"
        restored = carry_out(_as_picture(frame), self._options, self._preparation)
        self.steps = restored.steps
        return restored.picture.array() if not restored.untouched else frame


def restorer_for(options: RestoreOptions) -> FrameRestorer:
    """What restores the frames of a clip as `options` say."""
    return PerFrameRestorer(options)


def preview_of(opening: Sequence[Rows], options: RestoreOptions) -> Preview:
    """What would be done to a scene."""
    return dry_run(_as_picture(_stacked(opening)), options)


def _as_picture(pixels: Rows) -> Picture:
    return Picture.from_array(pixels, depth=32, format="tiff")


def _stacked(opening: Sequence[Rows]) -> Rows:
    """Some frames, the first and the last among them, as one picture to look at.

    Each but the last is cut where a strip ends, since the estimators look at no seam between strips.
    """
    places = sorted({round(place) for place in np.linspace(0, len(opening) - 1, NUM_LOOKED_AT)})
    frames = [opening[place] for place in places]
    whole = [frame[: len(frame) // STRIP_ROWS * STRIP_ROWS] for frame in frames[:-1]]
    return np.concatenate([*(frame for frame in whole if len(frame)), frames[-1]])
