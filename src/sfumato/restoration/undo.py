"""The step that undoes a known damage, with a denoiser for what pictures look like."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..errors import PictureError
from ..estimation.blur import SHARP
from ..estimation.noise import NoiseCurve
from ..estimation.spectra import spectrum_of
from ..models.engine import Engine
from ..operators import Blur
from ..operators.kernels import parse
from ..pictures import alpha_bleed
from ..pictures.picture import Picture
from ..pictures.write import LOSSY
from ..tiling import resize
from ..tiling.strips import Rows
from . import inpaint, masks, plug_and_play
from .damage import Damage
from .diagnosis import Diagnosis
from .options import AUTO, RestoreOptions
from .result import Step
from .steps import ProgressCallback, Request, State, check_pixels, filled_in
from .strength import another_kind

LOSSY_NOISE = 2 / 255  # at least, of files that compression has changed, and that hide their noise
ALIKE = 0.25  # of the variance of a kernel, that another one must have to be likelier in a compressed file
MISFIT = 1.5  # times the noise, from which residual on the result does not explain the picture


def undo_damage(
    state: State,
    engine: Engine,
    task: str,
    damage: Damage,
    request: Request,
    diagnosis: Diagnosis,
    progress: ProgressCallback | None,
) -> State:
    """What there is after a known damage is undone, with a denoiser for what pictures look like."""
    options, before, operator = request.options, state.picture, damage.operator
    shape = before.height, before.width, before.num_channels
    height, width = (round(length * operator.scale) for length in shape[:2])
    check_pixels(height, width, request)
    sigma = _noise_beneath(damage, diagnosis) if options.noise == AUTO else float(options.noise) / 255
    problem = plug_and_play.Problem(operator, sigma, _schedule(damage, options), clipped=before.depth < 32)
    missing = masks.upsample_mask(_some_known(request), before.height) if task == "inpaint" else None
    exact = missing is not None and options.noise == AUTO
    y = alpha_bleed.spread_under_transparency(before) if operator.scale > 1 else before
    strips, residual = plug_and_play.apply(y, engine, problem, options.memory, missing=missing, progress=progress)
    kept: tuple[str, ...] = ()
    if operator.input_shape(shape)[2] == before.num_channels and operator.scale.is_integer():
        if missing is not None and exact:
            strips = inpaint.merged(strips, before, missing)
        picture = before.with_strips(strips, height, width)
        if (alpha := before.alpha()) is not None and operator.scale > 1:
            picture = picture.with_alpha(resize.resized(alpha[..., None], height, width)[..., 0])
    else:
        picture, kept = _of_another_kind(before, strips, request)
    step = Step(engine.card.name, task, noise=NoiseCurve.constant(sigma), residual=0.0 if exact else residual.rms)
    if not exact and residual.rms > MISFIT * max(sigma, plug_and_play.Schedule.least_noise):
        kept = (*kept, _misfit(residual.rms, sigma))
    named = isinstance(options.kernel, str) and parse(options.kernel) is not None
    if named and isinstance(operator, Blur) and (other := _other_kernel(before, operator)):
        kept = (*kept, other)
    done = replace(state, picture=picture, steps=(*state.steps, step), notes=(*state.notes, *kept))
    return done if missing is None else _with_filled(done, before, missing, engine)


def _schedule(damage: Damage, options: RestoreOptions) -> plug_and_play.Schedule:
    return damage.schedule if options.steps is None else replace(damage.schedule, steps=options.steps)


def _noise_beneath(damage: Damage, diagnosis: Diagnosis) -> float:
    """Level of the noise of what was measured: the least that is assumed, where no more is found."""
    least = damage.schedule.least_noise
    if damage.schedule.noise_shows:
        lossy = diagnosis.picture.format in LOSSY
        return max(diagnosis.noise.typical, max(least, LOSSY_NOISE) if lossy else least)
    return least


def _some_known(request: Request) -> NDArray[np.bool_]:
    """What is missing; raises PictureError where that is all of it."""
    assert request.holes is not None, "a task that fills holes is given a mask"
    if request.holes.all():
        raise PictureError(
            f"{request.source.path or 'The picture'}: all of it is said to be missing, which leaves nothing to go by."
        )
    return request.holes


def _with_filled(done: State, before: Picture, missing: NDArray[np.bool_], engine: Engine) -> State:
    """The state with what was missing marked as made up, and opaque."""
    picture, share = done.picture, float(missing.mean())
    if (alpha := before.alpha()) is not None:
        picture = picture.with_alpha(np.where(missing, np.float32(1), alpha))
    step = replace(done.steps[-1], filled=share)
    everything = missing if done.filled is None else missing | done.filled
    return replace(
        done.with_notes(filled_in(share, engine)),
        picture=picture,
        steps=(*done.steps[:-1], step),
        filled=everything,
    )


def _of_another_kind(before: Picture, strips: Iterator[Rows], request: Request) -> tuple[Picture, tuple[str, ...]]:
    """The picture that the strips make where they have other channels, or no whole multiple of the size."""
    if request.options.strength != 1 or request.region is not None:
        raise another_kind()
    format = before.format if before.format in ("png", "tiff") else "png" if before.depth < 32 else "tiff"
    result = Picture.from_array(np.concatenate(list(strips)), depth=before.depth, format=format)
    return result, ("The result has another size or other channels, and none of the metadata.",)


def seconds_to_undo(picture: Picture, engine: Engine, damage: Damage, options: RestoreOptions) -> float:
    """About how long `undo_damage` takes."""
    shape = picture.height, picture.width, picture.num_channels
    return plug_and_play.estimate_seconds(
        engine, damage.operator, shape, _schedule(damage, options).steps, options.memory
    )


def _other_kernel(picture: Picture, blur: Blur) -> str:
    """A sentence where the picture's spectrum speaks for another kernel; "" where it does not."""
    spectrum = spectrum_of(picture)
    least = ALIKE if picture.format in LOSSY else 0.0
    other = spectrum.better_than(blur.kernel, least) if spectrum is not None else ""
    if not other:
        return ""
    meant = "no blur at all" if other == SHARP else f"the kernel {other}"
    return (
        f"The kernel does not fit: the picture's spectrum speaks for {meant}. Expect ringing; a lower strength holds "
        "the result back, and the kernel auto looks for the right one."
    )


def _misfit(residual: float, sigma: float) -> str:
    return (
        f"The result, damaged again, is {255 * residual:.1f} of 255 away from the picture, where noise would be "
        f"{255 * sigma:.1f}: the damage is another one than was stated."
    )
