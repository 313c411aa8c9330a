"""The steps of restoring a picture, each one model at work on what the last one left."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..errors import Option, PictureError
from ..estimation import jpeg
from ..estimation.noise import NoiseCurve
from ..models.card import Card
from ..models.engine import Engine
from ..pictures import alpha_bleed
from ..pictures.channels import with_channels
from ..pictures.picture import Picture
from ..tiling.resize import upsample
from ..tiling.strips import STRIP_ROWS, Rows, recut
from . import codes, colorize, guard, inpaint, masks, overshoot, recurrent, restorer, scratches, tone
from .diagnosis import CLEAN, UNCOMPRESSED, Diagnosis
from .hints import Hints
from .options import AUTO, RestoreOptions
from .recurrent import Memory
from .result import Step
from .roles import WITH_ENSEMBLE, check_restores, is_coded, level_of
from .sizes import target_size

# Tasks that leave what a picture looks like from afar; models for others may be meant to change it.
GUARDED = ("denoise", "dejpeg", "clean", "deblur", "descreen", "upscale")

NO_DOTS = "No regular dots and no dither were found: look whether descreen changed anything for the better."

ProgressCallback = Callable[[int, int], None]  # pixels done, pixels in all


@dataclass(frozen=True, kw_only=True)
class Request:
    """Inputs of every step. region, holes: (h, w) of the source; filler: loads the model that fills damage in.

    hints: (h, w, 4) of the source, colours and opacity. remembered: what recurrent models keep for the next picture.
    """

    source: Picture
    options: RestoreOptions
    region: masks.Mask | None
    holes: NDArray[np.bool_] | None
    filler: Callable[[], Engine]
    hints: Hints | None = None
    remembered: Memory | None = None

    @property
    def num_pixels(self) -> int:
        return self.source.width * self.source.height


@dataclass(frozen=True)
class State:
    """What there is after some steps.

    filled: (h, w) of the picture, what was made up so far. doubtful: the same, what may be damage and was left.
    """

    picture: Picture
    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()
    filled: NDArray[np.bool_] | None = None
    doubtful: NDArray[np.bool_] | None = None

    def with_notes(self, *notes: str) -> "State":
        return replace(self, notes=(*self.notes, *notes))


def run_step(
    state: State, engine: Engine, request: Request, diagnosis: Diagnosis, progress: ProgressCallback | None
) -> State:
    """What there is after one more model; `diagnosis` is of the picture before it."""
    check_restores(engine.card)
    run = _enlarge_from_codes if is_coded(engine.card) else RUNNERS[engine.card.role]
    return _credited(run(state, engine, request, diagnosis, progress), engine.card)


def _credited(state: State, card: Card) -> State:
    """With a note on the licence of a model of others."""
    if not card.is_foreign:
        return state
    return state.with_notes(f"{card.name} was trained by others; its licence: {card.licence}.")


def _fill_damage(
    state: State, engine: Engine, request: Request, diagnosis: Diagnosis, progress: ProgressCallback | None
) -> State:
    """What is found; all of it where a mask says that there is damage, otherwise only where the picture surely is."""
    finds = scratches.judge(state.picture, engine, request.options.memory)
    damaged = finds.damaged
    if request.region is not None:
        damaged = damaged & masks.upsample_mask(request.region > 0.5, len(damaged))
    if not damaged.any():
        return state.with_notes("No scratches or spots were found.")
    if request.region is None and not finds.is_sure:
        return replace(state.with_notes(_left(float(damaged.mean()))), doubtful=damaged)
    return _fill(state, engine, request.filler(), damaged, request, progress)


def _inpaint(
    state: State, engine: Engine, request: Request, diagnosis: Diagnosis, progress: ProgressCallback | None
) -> State:
    assert request.holes is not None, "a model that fills holes is given a mask"
    return _fill(state, engine, engine, request.holes, request, progress)


def _retone(
    state: State, engine: Engine, request: Request, diagnosis: Diagnosis, progress: ProgressCallback | None
) -> State:
    strips = tone.apply(state.picture, engine, request.options.memory, progress)
    step = Step(engine.card.name, engine.card.task)
    return replace(state, picture=state.picture.with_strips(strips), steps=(*state.steps, step))


def _enlarge_from_codes(
    state: State, engine: Engine, request: Request, diagnosis: Diagnosis, progress: ProgressCallback | None
) -> State:
    """Enlarged to the size that the model knows; all details are made up."""
    before, options = state.picture, request.options
    height, width = engine.card.size
    total = request.num_pixels
    advance = (lambda done, steps: progress(done * total // steps, total)) if progress else None
    found, notes = codes.enlarge(before, engine, text=options.text, steps=options.steps, progress=advance)
    is_grey = found.shape[3] < 3
    colour = with_channels(found[0][..., : 1 if is_grey else 3], None, before.num_channels)
    if is_grey and colorize.has_colours(before):
        notes = (*notes, f"{engine.card.name} makes grey pictures: the colours are gone.")
    picture = before.with_strips(iter([colour]), height, width)
    if before.has_alpha and found.shape[3] == 4:
        picture = picture.with_alpha(found[0][..., 3])
    asked = target_size(options, request.source) or (height, width)
    reduced = f" and reduced to {asked[1]}x{asked[0]}" if asked < (height, width) else ""
    note = f"Enlarged to {width}x{height}{reduced}; all details are made up, as {engine.card.name} imagines them."
    everything = np.ones((height, width), bool)
    step = Step(engine.card.name, "upscale", filled=1.0)
    return State(picture, (*state.steps, step), (*state.notes, *notes, note), everything)


def _colorize(
    state: State, engine: Engine, request: Request, diagnosis: Diagnosis, progress: ProgressCallback | None
) -> State:
    before, card = state.picture, engine.card
    hints = request.hints
    if hints is not None and before.height != len(hints):
        raise PictureError("Hints have the size of the picture that comes in: colour it before it is enlarged.")
    strips = colorize.apply(before, engine, hints, progress)
    picture = before.with_colour(strips) if before.num_channels == 1 else before.with_strips(strips)
    hinted = None if hints is None else float((hints[..., 3] > 0.5).mean())
    step = Step(card.name, card.task, invented="colours", hinted=hinted)
    says = "but for the hints" if hints is not None else "nobody knows the real ones"
    if colorize.has_colours(before):
        says = f"{'but for the hints, ' if hints is not None else ''}and replace those that the picture had"
    note = f"All colours are invented by {card.name}, {says}; the brightness of each pixel stayed as it was."
    return replace(state, picture=picture, steps=(*state.steps, step), notes=(*state.notes, note))


def _restore(
    state: State, engine: Engine, request: Request, diagnosis: Diagnosis, progress: ProgressCallback | None
) -> State:
    options, card, before = request.options, engine.card, state.picture
    step, level = _step_and_level(engine, diagnosis, options)
    step = replace(step, ensemble=options.ensemble and card.role in WITH_ENSEMBLE)
    if card.invents:
        step = replace(step, invented="details", is_sharp=True)
    if reason := _nothing_to_do(step, options):
        return state.with_notes(reason)
    height, width = before.height * card.scale, before.width * card.scale
    check_pixels(height, width, request)
    y = alpha_bleed.spread_under_transparency(before) if card.scale > 1 else before
    strips, notes = _at_work(y, engine, level, request, progress, step.ensemble)
    if card.task == "descreen" and not diagnosis.is_screened:
        notes = (*notes, NO_DOTS)
    if card.invents:
        notes = (*notes, f"Fine details are made up by {card.name}: they look likely, and nobody knows the real ones.")
    if card.task == "upscale" and not card.is_foreign:
        strips = overshoot.limited(y.strips(STRIP_ROWS), strips, card.scale)
    if card.task in GUARDED and not card.is_foreign:
        picture, note = _guarded(y, strips, (height, width), lambda: _damage(card, diagnosis, options))
    else:
        picture, note = before.with_strips(strips, height, width), ()
    if card.scale > 1 and (alpha := before.alpha()) is not None:
        picture = picture.with_alpha(_upscaled(alpha, engine, options.memory))
    filled, doubtful = (
        None if mask is None else masks.upsample_mask(mask, height) for mask in (state.filled, state.doubtful)
    )
    return State(picture, (*state.steps, step), (*state.notes, *notes, *note), filled, doubtful)


def check_pixels(height: int, width: int, request: Request) -> None:
    """Raises PictureError for a result that is larger than allowed."""
    if height * width > request.options.max_pixels:
        raise PictureError(
            f"{request.source.path or 'The picture'} would have {height * width:,} pixels, more than the "
            f"{request.options.max_pixels:,} that are allowed; ",
            Option("max_pixels"),
            " sets another limit.",
        )


def _at_work(
    y: Picture,
    engine: Engine,
    level: NoiseCurve | None,
    request: Request,
    progress: ProgressCallback | None,
    ensemble: bool,
) -> tuple[Iterator[Rows], tuple[str, ...]]:
    """The model's result in strips, and sentences about how it was worked on."""
    memory = request.options.memory
    if engine.card.role == "recurrent":
        x_hat = recurrent.apply(y, engine, level, memory, request.remembered, progress)
        return recut([x_hat], STRIP_ROWS), ()
    return restorer.apply(y, engine, level, memory, progress, ensemble=ensemble)


def _upscaled(alpha: NDArray[np.float32], engine: Engine, memory: int) -> NDArray[np.float32]:
    """Transparency (h, w) through the upscaler, as grey, so that its edges lie where those of the colour do."""
    grey = Picture.from_array(alpha, depth=32, format="tiff")
    strips, _ = restorer.apply(grey, engine, None, memory)
    return np.concatenate([strip[..., 0] for strip in strips]).clip(0, 1)


def _damage(card: Card, diagnosis: Diagnosis, options: RestoreOptions) -> tuple[float, float]:
    """Level of the noise and scale of the compression, stated or estimated, that a model removes; 0 for none."""
    noise, quality = 0.0, 100.0
    if card.task == "descreen":
        return 1.0, 0.0  # dots, which scatter means by no more than noise that is as strong as the change would
    if level_of(card) != "compression":
        noise = diagnosis.noise.typical if options.noise == AUTO else float(options.noise) / 255
    if level_of(card) != "sigma":
        quality = diagnosis.jpeg_quality if options.jpeg_quality == AUTO else float(options.jpeg_quality)
    return noise if noise >= CLEAN else 0.0, jpeg.scale(quality) if quality < UNCOMPRESSED else 0.0


def _guarded(
    before: Picture, strips: Iterator[Rows], size: tuple[int, int], damage: Callable[[], tuple[float, float]]
) -> tuple[Picture, tuple[str, ...]]:
    """The picture with the new colour, held back where that would change what it looks like from afar."""
    height, width = size
    meter = guard.ChangeMeter(height // before.height, before.depth < 32)
    picture = before.with_strips(meter.watch(before.strips(STRIP_ROWS), strips), height, width)
    held = meter.held(damage)
    if held is None:
        return picture, ()
    held_back = picture.strips(STRIP_ROWS)
    if held.shares is not None:
        enlarged = upsample(before, height, width, keep_means=True)
        held_back = guard.pull_back(enlarged, held_back, held.shares, meter.scale)
    if held.excess is not None:
        held_back = guard.without_excess(held_back, held.excess, meter.scale)
    picture, share = before.with_strips(held_back, height, width), _percent(held.seen)
    note = f"The change was held back in {share} of the picture, which would have looked different from afar."
    return picture, (note,) if held.seen else ()


# How a model of each role is run; `check_restores` refuses the others.
RUNNERS: dict[str, Callable[[State, Engine, Request, Diagnosis, ProgressCallback | None], State]] = {
    "restorer": _restore,
    "recurrent": _restore,
    "upscaler": _restore,
    "flow": _restore,
    "inpainter": _inpaint,
    "finder": _fill_damage,
    "retoner": _retone,
    "colorizer": _colorize,
}


def _fill(
    state: State,
    finder: Engine,
    filler: Engine,
    holes: NDArray[np.bool_],
    request: Request,
    progress: ProgressCallback | None,
) -> State:
    """With the holes filled in, and opaque there; `finder` is the model that the step is named after."""
    before = state.picture
    holes = masks.upsample_mask(holes, before.height)
    if holes.all():
        raise PictureError(
            f"{request.source.path or 'The picture'}: all of it is said to be missing, which leaves nothing to go by."
        )
    total = request.num_pixels
    advance = (lambda pixels: progress(pixels * total // holes.size, total)) if progress else None
    picture = before.with_array(inpaint.fill(before.array(), holes, filler, request.options.memory, advance))
    if (alpha := before.alpha()) is not None and finder is filler:
        picture = picture.with_alpha(np.where(holes, np.float32(1), alpha))
    share = float(holes.mean())
    step = Step(finder.card.name, finder.card.task, filled=share, is_sharp=filler.card.invents)
    note = filled_in(share, filler)
    everything = holes if state.filled is None else holes | state.filled
    return replace(state, picture=picture, steps=(*state.steps, step), notes=(*state.notes, note), filled=everything)


def _left(share: float) -> str:
    """The sentence about damage that one cannot be sure of."""
    amount = _percent(share)
    return (
        f"{amount[0].upper()}{amount[1:]} of the picture may be scratches or spots, or thin things that belong to it; "
        "too little of it is sure, so it was left as it is. Give a mask of where the damage is, roughly, to have what "
        "is found there filled in."
    )


def filled_in(share: float, filler: Engine) -> str:
    """The sentence that says how much of a picture a model made up."""
    amount = _percent(share)
    return (
        f"{amount[0].upper()}{amount[1:]} of the picture was filled in from what is around it, as {filler.card.name} "
        "guesses it."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share >= 0.001 else "less than 0.1 %"


def _step_and_level(engine: Engine, diagnosis: Diagnosis, options: RestoreOptions) -> tuple[Step, NoiseCurve | None]:
    """The step that a model is, and the level that its map is filled with."""
    card, kind = engine.card, level_of(engine.card)
    if card.role == "recurrent" and options.noise == AUTO and diagnosis.noise.typical < CLEAN:
        return Step(card.name, card.task), None  # it does without, and a scene may have other damage
    if kind == "sigma":
        curve = diagnosis.noise if options.noise == AUTO else NoiseCurve.constant(float(options.noise) / 255)
        return Step(card.name, card.task, noise=curve), curve
    if kind == "compression":
        quality = diagnosis.jpeg_quality if options.jpeg_quality == AUTO else float(options.jpeg_quality)
        return Step(card.name, card.task, jpeg_quality=quality), NoiseCurve.constant(jpeg.scale(quality))
    return Step(card.name, card.task), None


def _nothing_to_do(step: Step, options: RestoreOptions) -> str:
    """A sentence where the level that was estimated says that there is nothing for the model to do."""
    if options.noise == AUTO and step.noise is not None and step.noise.typical < CLEAN:
        reason = f"No noise to speak of was found (level {255 * step.noise.typical:.1f} of 255)"
        what = "a noise level"
    elif options.jpeg_quality == AUTO and step.jpeg_quality is not None and step.jpeg_quality >= UNCOMPRESSED:
        reason = f"No compression to speak of was found (quality {step.jpeg_quality:.0f})"
        what = "a JPEG quality"
    else:
        return ""
    return f"{reason}: {step.model} left the picture as it is; state {what} to have it restored all the same."
