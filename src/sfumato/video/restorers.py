"""What restores the frames of a clip, the damage being estimated once a scene."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from ..errors import Option, UsageError
from ..models import zoo
from ..models.engine import shipped
from ..pictures.picture import Picture
from ..restoration.options import RestoreOptions
from ..restoration.recurrent import Memory
from ..restoration.restore import Preparation, Preview, carry_out, dry_run, prepare
from ..restoration.result import Step
from ..restoration.sizes import target_size
from ..restoration.work import Work, noise_level
from ..tiling.strips import STRIP_ROWS, Rows

NUM_LOOKED_AT = 3  # frames of a scene's opening
AT_ONCE, AHEAD = 8, 4  # frames that are restored together where those after are seen, and so many after them
# Of two results of one frame, what the one loses of its half of the mean that remembers 0, 1, ... frames: the weights
# of least error, by how much worse it is then and how much both errors are alike (docs/experiments.md).
LOST = (0.35, 0.18, 0.12, 0.06)
# What the network of single frames has of the mean with one that looks ahead, by the level of white noise: the shares
# of least error (docs/experiments.md). Where noise is strong, neighbouring frames count for more.
ALONE_LEVELS, ALONE_SHARES = (5 / 255, 10 / 255, 15 / 255, 20 / 255, 30 / 255), (0.6, 0.4, 0.3, 0.2, 0.0)


class FrameRestorer(ABC):
    """Frames of a clip in, restored frames out, in the order in which they are shown.

    steps: what was done to the last frame. notes: sentences on what was found in the scene. at_once, ahead: how many
    frames it is given together, and how many of those after them. passes: how often a frame is restored, on average.
    remembers: whether anything that worked so far remembers what came before.
    """

    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()
    at_once: int = 1
    ahead: int = 0
    passes: float = 1.0
    remembers: bool = False

    @abstractmethod
    def reset(self, opening: Sequence[Rows]) -> None:
        """A scene begins, with these frames: what was before it is forgotten."""

    @abstractmethod
    def restore(self, frame: Rows) -> Rows:
        """The restored frame, (h * scale, w * scale, c), for one (h, w, c)."""

    def restore_together(self, frames: Sequence[Rows], following: Sequence[Rows]) -> Iterator[Rows]:
        """The restored frames of neighbouring ones; `following`: those after them in the scene."""
        return map(self.restore, frames)


class PerFrameRestorer(FrameRestorer):
    """Each frame as a picture; tasks and levels are those of the scene, so that nothing flickers by them.

    What a recurrent model remembers goes from frame to frame, and is forgotten where a scene begins. Where it may look
    ahead it goes through each frame and some after it backward, too, and both results are averaged: their errors differ
    (both directions of BasicVSR, arXiv:2012.02181, without a training for it). So do those of a network that sees
    single frames, which has a part in it as well where noise is faint.
    """

    def __init__(self, options: RestoreOptions, format: str = "", codec: str = "") -> None:
        self._options, self._format, self._codec = options, format, codec
        self._preparation: Preparation | None = None
        self._alone: Preparation | None = None  # for the network of single frames, where it has a part in the scene
        self._share = np.float32(0)  # that it has
        self._num_seen = 0  # frames of the scene
        self._repeats = False  # whether equal frames come out equal, since nothing of the scene is remembered
        self._last: tuple[Rows, Rows] | None = None  # before and after
        if options.look_ahead:
            self.at_once, self.ahead = AT_ONCE, AHEAD

    def reset(self, opening: Sequence[Rows]) -> None:
        options, size = self._options, target_size(self._options, _as_picture(opening[0]))
        if size is not None and options.has_size:  # what is looked at is several frames high
            options = replace(options, width=size[1], height=None, megapixels=None)
        preparation = prepare(_to_look_at(opening, self._format), options, clip=True, codec=self._codec)
        if any(work.engine.card.role == "colorizer" for work in preparation.work):
            raise UsageError(
                Option("task"), " colorize is for pictures: each frame would get colours of its own, and they flicker."
            )
        # What the first step needs to know is measured on the opening; what later ones do, on the first frame.
        self._preparation = replace(preparation, notes=())
        self.notes, self._num_seen = preparation.notes, 0
        remembers = any(work.engine.card.role == "recurrent" for work in preparation.work)
        self.passes = 1 + (AT_ONCE + AHEAD) / AT_ONCE if self._options.look_ahead and remembers else 1.0
        self._alone, self._share = None, np.float32(self._share_alone(preparation))
        if self._share > 0:
            (work,) = preparation.work
            alone = shipped(zoo.FOR_TASK[work.task], options.device, options.threads)
            self._alone = replace(self._preparation, work=(Work(alone, work.task),), remembered=None)
            self.passes += alone.card.macs_per_pixel / work.engine.card.macs_per_pixel
            self.notes += (f"{alone.card.name}, which sees single frames, has {self._share:.0%} of the result.",)
        self.remembers |= remembers
        self._last, self._repeats = None, not remembers

    def restore(self, frame: Rows) -> Rows:
        assert self._preparation is not None, "a scene has begun"
        self._num_seen += 1
        if not self._repeats:
            return self._restored(frame, self._preparation)
        # Recordings of screens and animations show most frames again and again.
        if self._last is None or not np.array_equal(self._last[0], frame):
            self._last = frame, self._restored(frame, self._preparation)
        return self._last[1]

    def restore_together(self, frames: Sequence[Rows], following: Sequence[Rows]) -> Iterator[Rows]:
        if self.passes == 1:
            yield from map(self.restore, frames)
            return
        assert self._preparation is not None, "a scene has begun"
        backward = replace(self._preparation, remembered=Memory())
        others = [self._restored(frame, backward) for frame in reversed([*frames, *following])]
        for frame in frames:
            share = share_of_backward(self._num_seen, len(others) - 1)
            alone = self._restored(frame, self._alone) if self._alone else None
            x_hat = self.restore(frame) * np.float32(1 - share) + others.pop() * np.float32(share)
            yield x_hat if alone is None else x_hat + self._share * (alone - x_hat)

    def _share_alone(self, preparation: Preparation) -> float:
        """The part of the network of single frames in this scene, 0 where it has none."""
        options = self._options
        if not (options.look_ahead and not options.fast and options.is_default_model):
            return 0.0
        if [(work.task, work.engine.card.role) for work in preparation.work] != [("denoise", "recurrent")]:
            return 0.0
        return share_alone(noise_level(options, preparation.diagnoses[0]))

    def _restored(self, frame: Rows, preparation: Preparation) -> Rows:
        restored = carry_out(_as_picture(frame), self._options, preparation)
        self.steps = restored.steps
        return restored.picture.array() if not restored.untouched else frame


def share_of_backward(num_before: int, num_after: int) -> float:
    """The weight of what going backward gives, where the ways there remember so many frames before and after."""
    before, after = (LOST[count] if count < len(LOST) else 0.0 for count in (num_before, num_after))
    return 0.5 + before - after


def share_alone(level: float) -> float:
    """The weight of what a network of single frames gives, beside one that looks ahead; level: of noise, in [0, 1]."""
    return float(np.interp(level, ALONE_LEVELS, ALONE_SHARES))


def restorer_for(options: RestoreOptions, format: str = "", codec: str = "") -> FrameRestorer:
    """What restores the frames of a clip in a file of this format and codec as `options` say."""
    return PerFrameRestorer(options, format, codec)


def preview_of(opening: Sequence[Rows], options: RestoreOptions, format: str = "") -> Preview:
    """What would be done to a scene of a clip of this format."""
    return dry_run(_to_look_at(opening, format), options, clip=True)


def _as_picture(pixels: Rows) -> Picture:
    return Picture.from_array(pixels, depth=32, format="tiff")


def _to_look_at(opening: Sequence[Rows], format: str) -> Picture:
    """What is known of a scene from how its file stores it: that its frames are of palettes."""
    return replace(_as_picture(_stacked(opening)), format="gif" if format == "gif" else "tiff")


def _stacked(opening: Sequence[Rows]) -> Rows:
    """Some frames, the first and the last among them, as one picture to look at.

    Each but the last is cut where a strip ends, since the estimators look at no seam between strips.
    """
    places = sorted({round(place) for place in np.linspace(0, len(opening) - 1, NUM_LOOKED_AT)})
    frames = [opening[place] for place in places]
    whole = [frame[: len(frame) // STRIP_ROWS * STRIP_ROWS] for frame in frames[:-1]]
    return np.concatenate([*(frame for frame in whole if len(frame)), frames[-1]])
