"""A picture in, the restored picture out, with what was estimated and what was changed."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import PictureError, UsageError
from ..models import zoo
from ..models.engine import Engine, load, shipped
from ..pictures.picture import Picture
from ..pictures.xmp import partly_made_up
from ..tiling import tiles
from ..tiling.resize import enlarged
from ..tiling.strips import STRIP_ROWS, Rows
from . import masks
from .diagnosis import Findings
from .result import Restored
from .roles import is_flow
from .steps import Done, Progress, Work, take
from .tasks import AUTO, Level, resolve_tasks, task_of, tasks_of

MAX_NOISE = 75.0  # what the shipped models were trained for, in 0-255 units
MAX_NOISE_OF_FLOWS = 255.0  # they know pictures under all amounts of noise
MAX_STRENGTH = 1.5
LARGE = 32_000_000  # pixels from which on an encoder that holds all of them needs more memory than the network
MEMORY_MB = tiles.DEFAULT_MEMORY // 1_000_000


def restore(
    source: str | Path | Picture | NDArray,
    *,
    task: str = AUTO,
    model: str | Path | Engine = "default",
    noise: Level = AUTO,
    jpeg_quality: Level = AUTO,
    scale: int = 2,
    strength: float = 1.0,
    mask: str | Path | Picture | NDArray | None = None,
    ensemble: bool = False,
    device: str = "auto",
    threads: int | None = None,
    memory_mb: int | None = None,
    max_pixels: int = 500_000_000,
    progress: Progress | None = None,
) -> Restored:
    """Restore one picture; depth, alpha and metadata stay, and the size unless it is to be enlarged.

    source: a file, a Picture, or an array (h, w, c) or (h, w) in [0, 1] (or 8 or 16 bit integers).

    task: "auto" looks at the picture and does what it needs, perhaps nothing; "old-photo" fills in scratches and spots
    first and gives faded tones back; or the name of one task or of several, "dejpeg,denoise", which are done in that
    order. model: instead, a shipped name, a model file, or an Engine.

    noise: "auto" estimates it from the picture, a number 0-75 (0-255 for a flow) states the standard deviation in
    0-255 units. jpeg_quality: the same for what JPEG the picture went through, 1-100. scale: of the task upscale,
    2 or 4. strength: 0 gives the input back exactly, 1 the model's result, up to 1.5 goes beyond.

    mask: a picture of the same size, or an array (h, w): where it is white the picture is restored, where it is black
    it stays, in between in part. For the task inpaint it says what is missing; "alpha" (what is transparent) and
    "#rrggbb" (what was painted over in that colour) are masks too, and without one inpaint takes the transparency.
    Pixels that are not missing come back to the bit; the result's metadata says that some were made up.

    ensemble: the mean over the picture turned and mirrored in all eight ways, a little better for eight times the work;
    of models that remove noise, compression or blur, or enlarge.

    device, threads: as in Engine, for a model that is no Engine yet. memory_mb: working memory of the tiles, 400 unless
    given. max_pixels: larger picture files are refused. progress is told pixels done and all pixels.

    Raises UsageError for values out of range, PictureError for an unreadable file, ModelError for an unusable model.
    """
    started = time.perf_counter()
    _check_options(noise, jpeg_quality, scale, strength, memory_mb)
    tasks = tasks_of(task)
    picture = _open(source, max_pixels)
    found = Findings(picture)
    notes: list[str] = []
    if strength == 0:
        notes.append("Strength 0: the picture was left as it is.")
        engines: list[Engine] = []
    elif isinstance(model, Engine):
        engines = [model]
    elif str(model) != "default":
        engines = [load(model, threads=threads, device=device)]
    else:
        tasks, said = resolve_tasks(tasks, found, noise, jpeg_quality)
        notes += said
        # What goes before has cleaned it; what is small and damaged as it comes has an upscaler of its own.
        damaged = tasks[:1] == ("upscale",) and bool(found.tasks)
        engines = [shipped(zoo.model_for(name, scale, damaged=damaged), device, threads) for name in tasks]
    if noise != AUTO and noise > MAX_NOISE and engines and not any(is_flow(engine.card) for engine in engines):
        raise UsageError(_wrong_noise(noise))
    if str(model) != "default" and tasks != (AUTO,) and any(tasks != (task_of(engine),) for engine in engines):
        raise UsageError(f"{engines[0].card.name} is for {task_of(engines[0])}, not for {task}: name one of the two.")

    region, holes = _masks(mask, picture, engines, max_pixels)
    if engines and (nothing := (region if holes is None else holes)) is not None and not nothing.any():
        notes.append("The mask is all black: the picture was left as it is.")
        engines = []
    work = Work(
        picture=picture,
        noise=noise,
        jpeg_quality=jpeg_quality,
        region=region,
        holes=holes,
        filler=lambda: shipped(zoo.FOR_TASK["inpaint"], device, threads),
        ensemble=ensemble,
        memory=(memory_mb or MEMORY_MB) * 1_000_000,
        max_pixels=max_pixels,
    )
    done = Done(picture)
    for number, engine in enumerate(engines):
        told = _share_of(progress, number, len(engines), picture.width * picture.height)
        done = take(done, engine, work, found if done.result is picture else Findings(done.result), told)
        if done.result.width * done.result.height > LARGE:
            engine.release()  # the encoder may need the memory

    result = done.result
    if done.steps and (strength != 1 or region is not None):
        blended = _blended(picture, result, strength, region)
        result = _transparency_of(result, picture.with_strips(blended, result.height, result.width))
    if done.filled is not None and (packet := partly_made_up(picture.xmp())):
        result = result.with_xmp(packet)
    for name, stated in (("noise", noise), ("jpeg_quality", jpeg_quality)):
        if done.steps and stated != AUTO and all(getattr(step, name) is None for step in done.steps):
            models = ", ".join(step.model for step in done.steps)
            notes.append(f"The {name.replace('_', ' ')} that was stated had no effect: {models} is told none.")
    if ensemble and done.steps and not any(step.ensemble for step in done.steps):
        models = ", ".join(step.model for step in done.steps)
        notes.append(f"The ensemble had no effect: {models} works on the picture as it stands.")
    if progress:
        progress(picture.width * picture.height, picture.width * picture.height)
    seconds = time.perf_counter() - started
    return Restored(result, picture, done.steps, strength, seconds, (*notes, *done.notes), done.filled)


def foreseen(
    picture: Picture, *, task: str = AUTO, noise: Level = AUTO, jpeg_quality: Level = AUTO
) -> tuple[str, tuple[str, ...], str]:
    """What is found in a picture, the tasks that `restore` would do, and a sentence on what else might help."""
    found, tasks = Findings(picture), tasks_of(task)
    proposed = found.describe_proposed() if tasks == (AUTO,) else ""
    return found.describe(), resolve_tasks(tasks, found, noise, jpeg_quality)[0], proposed


def _masks(
    mask: str | Path | Picture | NDArray | None, picture: Picture, engines: list[Engine], max_pixels: int
) -> tuple[masks.Mask | None, NDArray[np.bool_] | None]:
    """The region that is to be restored, and the holes that are to be filled; each None where none is asked for.

    Where a model fills holes, the mask says which, and limits nothing.
    """
    if not any(engine.card.task == "inpaint" for engine in engines):
        return None if mask is None else masks.read_mask(mask, picture, max_pixels), None
    clear = masks.read_mask(masks.ALPHA, picture, max_pixels) > 0.5 if mask is None and picture.has_alpha else None
    if mask is None and (clear is None or not clear.any()):
        raise PictureError(
            f"{picture.path or 'The picture'}: inpaint must be told what is missing: give a mask, or a picture that "
            "is transparent there."
        )
    return None, clear if mask is None else masks.read_mask(mask, picture, max_pixels) > 0.5


def _blended(picture: Picture, result: Picture, strength: float, region: masks.Mask | None) -> Iterator[Rows]:
    """The picture (enlarged plainly where the result is larger), and `strength` times the change within the region."""
    top = 0
    region = None if region is None else masks.enlarged(region, result.height)
    for y, x_hat in zip(enlarged(picture, result.height, result.width), result.strips(STRIP_ROWS), strict=True):
        share = np.float32(strength) if region is None else strength * region[top : top + len(y), :, None]
        yield np.where(np.isfinite(y) & (share != 0), y + share * (x_hat - y), y)
        top += len(y)


def _transparency_of(result: Picture, blended: Picture) -> Picture:
    """The blended picture with the result's transparency, which inpainting changes."""
    alpha = result.alpha()
    return blended if alpha is None else blended.with_alpha(alpha)


def _share_of(progress: Progress | None, number: int, count: int, num_pixels: int) -> Progress | None:
    """Progress of one step among several, told as that of the whole."""
    if progress is None:
        return None
    return lambda done, _: progress((number * num_pixels + done) // count, num_pixels)


def _check_options(noise: Any, jpeg_quality: Any, scale: Any, strength: float, memory_mb: int | None) -> None:
    if noise != AUTO and not (isinstance(noise, (int, float)) and 0 <= noise <= MAX_NOISE_OF_FLOWS):
        raise UsageError(_wrong_noise(noise))
    if jpeg_quality != AUTO and not (isinstance(jpeg_quality, (int, float)) and 1 <= jpeg_quality <= 100):
        raise UsageError(f"jpeg_quality is {jpeg_quality!r}; give 'auto' or a quality from 1 to 100.")
    if scale not in zoo.UPSCALERS:
        raise UsageError(f"scale is {scale!r}; give {' or '.join(map(str, zoo.UPSCALERS))}.")
    if not 0 <= strength <= MAX_STRENGTH:
        raise UsageError(f"strength is {strength!r}; give a number from 0 to {MAX_STRENGTH:g}.")
    if memory_mb is not None and memory_mb < 1:
        raise UsageError(f"memory_mb is {memory_mb!r}; give 1 or more megabytes.")


def _wrong_noise(noise: Any) -> str:
    return f"noise is {noise!r}; give 'auto' or a level from 0 to {MAX_NOISE:g} (of 255), for a flow to 255."


def _open(source: str | Path | Picture | NDArray, max_pixels: int) -> Picture:
    if isinstance(source, Picture):
        return source
    if not isinstance(source, np.ndarray):
        return Picture.open(source, max_pixels=max_pixels)
    if source.ndim not in (2, 3) or 0 in source.shape or (source.ndim == 3 and source.shape[2] not in (1, 3)):
        raise PictureError(f"An array of shape {source.shape} is no picture; give (h, w), (h, w, 1) or (h, w, 3).")
    if source.dtype in (np.uint8, np.uint16):
        return Picture.from_array(source.astype(np.float32) / np.iinfo(source.dtype).max, depth=8 * source.itemsize)
    if not np.issubdtype(source.dtype, np.floating):
        raise PictureError(f"An array of {source.dtype} is no picture; give floats in [0, 1], uint8 or uint16.")
    return Picture.from_array(source.astype(np.float32), depth=32, format="tiff")
