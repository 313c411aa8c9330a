"""The steps of restoring a picture, each one model at work on what the last one left."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..errors import PictureError
from ..estimation import jpeg
from ..estimation.noise import NoiseCurve
from ..models.engine import Engine
from ..pictures import alpha_bleed
from ..pictures.picture import Picture
from . import inpaint, masks, restorer, roles, scratches, tone
from .diagnosis import CLEAN, UNCOMPRESSED, Findings
from .result import Step
from .roles import level_of, takes_ensemble
from .tasks import AUTO, Level

Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class Work:
    """What all steps are told. region, holes: (h, w); filler: gives the model that fills in what scratches finds."""

    picture: Picture
    noise: Level
    jpeg_quality: Level
    region: masks.Mask | None
    holes: NDArray[np.bool_] | None
    filler: Callable[[], Engine]
    ensemble: bool
    memory: int
    max_pixels: int


@dataclass(frozen=True)
class Done:
    """What there is after some steps."""

    result: Picture
    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()
    filled: NDArray[np.bool_] | None = None

    def with_notes(self, *notes: str) -> "Done":
        return replace(self, notes=(*self.notes, *notes))


def take(done: Done, engine: Engine, work: Work, found: Findings, progress: Progress | None) -> Done:
    """What there is after one more model; `found` is what there is to see in the picture before it."""
    if engine.card.task == "scratches":
        damaged = scratches.holes(done.result, engine, work.memory)
        if work.region is not None:
            damaged &= masks.enlarged(work.region > 0.5, len(damaged))
        if not damaged.any():
            return done.with_notes("No scratches or spots were found.")
        return _filled(done, engine, work.filler(), damaged, work, progress)
    if roles.tones(engine.card):
        strips = tone.apply(done.result, engine, work.memory, progress)
        step = Step(engine.card.name, engine.card.task)
        return replace(done, result=done.result.with_strips(strips), steps=(*done.steps, step))
    if level_of(engine.card) == "mask":
        assert work.holes is not None, "a model that fills holes is given a mask"
        return _filled(done, engine, engine, work.holes, work, progress)

    step, level = _told(engine, found, work.noise, work.jpeg_quality)
    step = replace(step, ensemble=work.ensemble and takes_ensemble(engine.card))
    if nothing := _nothing_to_do(step, work.noise, work.jpeg_quality):
        return done.with_notes(nothing)
    before, factor = done.result, engine.card.scale
    height, width = before.height * factor, before.width * factor
    if height * width > work.max_pixels:
        raise PictureError(
            f"{work.picture.path or 'The picture'} would have {height * width:,} pixels, more than the "
            f"{work.max_pixels:,} that are allowed; --max-pixels sets another limit."
        )
    given = alpha_bleed.spread_under_transparency(before) if factor > 1 else before
    strips, notes = restorer.apply(given, engine, level, work.memory, progress, ensemble=step.ensemble)
    filled = None if done.filled is None else masks.enlarged(done.filled, height)
    return Done(before.with_strips(strips, height, width), (*done.steps, step), (*done.notes, *notes), filled)


def _filled(
    done: Done, finder: Engine, filler: Engine, holes: NDArray[np.bool_], work: Work, progress: Progress | None
) -> Done:
    """With the holes filled in, and opaque there; `finder` is the model that the step is named after."""
    before = done.result
    holes = masks.enlarged(holes, before.height)
    if holes.all():
        raise PictureError(
            f"{work.picture.path or 'The picture'}: all of it is said to be missing, which leaves nothing to go by."
        )
    total = work.picture.width * work.picture.height
    told = (lambda pixels: progress(pixels * total // holes.size, total)) if progress else None
    result = before.with_array(inpaint.fill(before.array(), holes, filler, work.memory, told))
    if (alpha := before.alpha()) is not None and finder is filler:
        result = result.with_alpha(np.where(holes, np.float32(1), alpha))
    share = float(holes.mean())
    step = Step(finder.card.name, finder.card.task, filled=share)
    note = f"{_percent(share)} of the picture was filled in from what is around it, as {filler.card.name} guesses it."
    everything = holes if done.filled is None else holes | done.filled
    return Done(result, (*done.steps, step), (*done.notes, note), everything)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share >= 0.001 else "Less than 0.1 %"


def _told(engine: Engine, found: Findings, noise: Level, jpeg_quality: Level) -> tuple[Step, NoiseCurve | None]:
    """The step that a model is, and the level that its map is filled with."""
    card = engine.card
    kind = level_of(card)
    if kind == "sigma":
        curve = found.noise if noise == AUTO else NoiseCurve.constant(float(noise) / 255)
        return Step(card.name, card.task, noise=curve), curve
    if kind == "compression":
        quality = found.jpeg_quality if jpeg_quality == AUTO else float(jpeg_quality)
        return Step(card.name, card.task, jpeg_quality=quality), NoiseCurve.constant(jpeg.scale(quality))
    return Step(card.name, card.task), None


def _nothing_to_do(step: Step, noise: Level, jpeg_quality: Level) -> str:
    """A sentence where the level that was found says that there is nothing for the model to do."""
    if noise == AUTO and step.noise is not None and step.noise.typical < CLEAN:
        found, what = f"No noise to speak of was found (level {255 * step.noise.typical:.1f} of 255)", "a noise level"
    elif jpeg_quality == AUTO and step.jpeg_quality is not None and step.jpeg_quality >= UNCOMPRESSED:
        found, what = f"No compression to speak of was found (quality {step.jpeg_quality:.0f})", "a JPEG quality"
    else:
        return ""
    return f"{found}: {step.model} left the picture as it is; state {what} to have it restored all the same."
