"""A picture in, the restored picture out, with what was estimated and what was changed."""

import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from . import comparison, compression, reduced, restorer, tiles, zoo
from .engine import Engine, load
from .errors import PictureError, UsageError
from .findings import CLEAN, UNCOMPRESSED, Findings
from .noise import NoiseCurve
from .picture import Picture
from .picture_write import format_of
from .restorer import finite, is_flow, level_of

MAX_NOISE = 75.0  # what the shipped models were trained for, in 0-255 units
MAX_NOISE_OF_FLOWS = 255.0  # they know pictures under all amounts of noise
MAX_STRENGTH = 1.5
MEMORY_MB = tiles.DEFAULT_MEMORY // 1_000_000
AUTO: Literal["auto"] = "auto"
Level = Literal["auto"] | float


@dataclass(frozen=True)
class Step:
    """One model at work: its name and task, and the level of damage that it was told, where it is told one.

    noise: estimated or stated. jpeg_quality: the same, 1-100.
    """

    model: str
    task: str
    noise: NoiseCurve | None = None
    jpeg_quality: float | None = None

    def describe(self) -> str:
        """Such as "denoise-fast at noise 22.8"."""
        if self.noise is not None:
            return f"{self.model} at noise {255 * self.noise.typical:.1f}"
        return self.model if self.jpeg_quality is None else f"{self.model} at JPEG quality {self.jpeg_quality:.0f}"


@dataclass(frozen=True)
class Restored:
    """What `restore` gives back.

    picture: the result. source: what came in. steps: the models that worked on it, in order. notes: sentences about
    what was found and decided on the way. untouched: the result is the source itself.
    """

    picture: Picture
    source: Picture
    steps: tuple[Step, ...]
    strength: float
    seconds: float
    notes: tuple[str, ...] = ()

    @cached_property
    def before(self) -> Picture:
        """The source in the result's size, which is another where it was enlarged."""
        height, width = self.picture.height, self.picture.width
        if (height, width) == (self.source.height, self.source.width):
            return self.source
        return self.source.with_strips(_enlarged(self.source, height, width), height, width)

    @property
    def noise(self) -> NoiseCurve | None:
        """The noise level that was estimated or stated, None where no model was told one."""
        return next((step.noise for step in self.steps if step.noise is not None), None)

    @property
    def jpeg_quality(self) -> float | None:
        """The JPEG quality that was estimated or stated, None where no model was told one."""
        return next((step.jpeg_quality for step in self.steps if step.jpeg_quality is not None), None)

    @property
    def model(self) -> str:
        """The names of the models, in order."""
        return ", ".join(step.model for step in self.steps)

    @property
    def untouched(self) -> bool:
        return self.picture is self.source

    @cached_property
    def change_gain(self) -> int:
        """By how much the change map and the comparison magnify the difference: a power of two, 1 to 32."""
        return comparison.change_gain(self.before, self.picture)

    def change_map(self) -> Picture:
        """Where and how the picture was changed: mid-grey plus `change_gain` times the difference, in its size."""
        return comparison.change_map(self.before, self.picture, self.change_gain)

    def comparison(self) -> Picture:
        """Before, after and the change side by side, labelled, with a detail at full size below large pictures."""
        return comparison.draw_comparison(self.before, self.picture, gain=self.change_gain)

    def save(self, path: str | Path, *, overwrite: bool = False, **options: Any) -> Path:
        """Write the picture as `Picture.save` does; an untouched one in its own format is copied byte by byte."""
        path = Path(path)
        if self.untouched and _is_whole_file(self.source, format_of(path, options.get("format"))):
            assert self.source.path is not None
            return _copy_file(self.source.path, path, overwrite)
        return self.picture.save(path, overwrite=overwrite, **options)


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
    device: str = "auto",
    threads: int | None = None,
    memory_mb: int | None = None,
    max_pixels: int = 500_000_000,
    progress: Callable[[int, int], None] | None = None,
) -> Restored:
    """Restore one picture; depth, alpha and metadata stay, and the size unless it is to be enlarged.

    source: a file, a Picture, or an array (h, w, c) or (h, w) in [0, 1] (or 8 or 16 bit integers).

    task: "auto" looks at the picture and does what it needs, perhaps nothing; or the name of one task or of several,
    "dejpeg,denoise", which are done in that order. model: instead, a shipped name, a model file, or an Engine.

    noise: "auto" estimates it from the picture, a number 0-75 (0-255 for a flow) states the standard deviation in
    0-255 units. jpeg_quality: the same for what JPEG the picture went through, 1-100. scale: of the task upscale,
    2 or 4. strength: 0 gives the input back exactly, 1 the model's result, up to 1.5 goes beyond. mask: a picture of
    the same size, or an array (h, w): where it is white the picture is restored, where it is black it stays, in
    between in part.

    device, threads: as in Engine, for a model that is no Engine yet. memory_mb: working memory of the tiles, 400 unless
    given. max_pixels: larger picture files are refused. progress is told pixels done and all pixels.

    Raises UsageError for values out of range, PictureError for an unreadable file, ModelError for an unusable model.
    """
    started = time.perf_counter()
    _check_options(noise, jpeg_quality, scale, strength, memory_mb)
    tasks = tasks_of(task)
    picture = _open(source, max_pixels)
    region = None if mask is None else _region(mask, picture, max_pixels)
    memory = (memory_mb or MEMORY_MB) * 1_000_000
    found = Findings(picture)
    steps: list[Step] = []
    notes: list[str] = []
    if strength == 0 or (region is not None and not region.any()):
        notes.append(f"{'Strength 0' if strength == 0 else 'The mask is all black'}: the picture was left as it is.")
        engines: list[Engine] = []
    elif isinstance(model, Engine):
        engines = [model]
    elif str(model) != "default":
        engines = [load(model, threads=threads, device=device)]
    else:
        if tasks == (AUTO,):
            tasks, said = _needed(found, noise, jpeg_quality)
            notes += said
        engines = [restorer.shipped(zoo.model_for(name, scale), device, threads) for name in tasks]
    if noise != AUTO and noise > MAX_NOISE and engines and not any(is_flow(engine.card) for engine in engines):
        raise UsageError(_wrong_noise(noise))

    if str(model) != "default" and tasks != (AUTO,) and any(tasks != (_task_of(engine),) for engine in engines):
        raise UsageError(f"{engines[0].card.name} is for {_task_of(engines[0])}, not for {task}: name one of the two.")

    result = picture
    for number, engine in enumerate(engines):
        step, level = _told(engine, found if result is picture else Findings(result), noise, jpeg_quality)
        if nothing := _nothing_to_do(step, noise, jpeg_quality):
            notes.append(nothing)
            continue
        told = _share_of(progress, number, len(engines), picture.width * picture.height)
        height, width = result.height * engine.card.scale, result.width * engine.card.scale
        if height * width > max_pixels:
            raise PictureError(
                f"{picture.path or 'The picture'} would have {height * width:,} pixels, more than the {max_pixels:,} "
                "that are allowed; --max-pixels sets another limit."
            )
        given = restorer.spread_under_transparency(result) if engine.card.scale > 1 else result
        strips, how = restorer.apply(given, engine, level, memory, told)
        notes += how
        steps.append(step)
        result = result.with_strips(strips, height, width)
    if steps and (strength != 1 or region is not None):
        blended = _blended(picture, result, strength, region)
        result = picture.with_strips(blended, result.height, result.width)
    for name, stated in (("noise", noise), ("jpeg_quality", jpeg_quality)):
        if steps and stated != AUTO and all(getattr(step, name) is None for step in steps):
            models = ", ".join(step.model for step in steps)
            notes.append(f"The {name.replace('_', ' ')} that was stated had no effect: {models} is told none.")
    if progress:
        progress(picture.width * picture.height, picture.width * picture.height)
    return Restored(result, picture, tuple(steps), strength, time.perf_counter() - started, tuple(notes))


def tasks_of(task: str) -> tuple[str, ...]:
    """The tasks that a text names, in order; raises UsageError for one that there is none of."""
    tasks = tuple(name.strip() for name in task.split(","))
    for name in tasks:
        if name not in zoo.FOR_TASK and (name != AUTO or len(tasks) > 1):
            raise UsageError(f"There is no task {name!r}; choose auto, or among {', '.join(zoo.FOR_TASK)}.")
    return tasks


def _task_of(engine: Engine) -> str:
    return "denoise" if is_flow(engine.card) else engine.card.task


def foreseen(
    picture: Picture, *, task: str = AUTO, noise: Level = AUTO, jpeg_quality: Level = AUTO
) -> tuple[str, tuple[str, ...]]:
    """What is found in a picture, in words, and the tasks that `restore` would do."""
    found, tasks = Findings(picture), tasks_of(task)
    return found.describe(), _needed(found, noise, jpeg_quality)[0] if tasks == (AUTO,) else tasks


def _needed(found: Findings, noise: Level, jpeg_quality: Level) -> tuple[tuple[str, ...], list[str]]:
    """What `--task auto` does: what was stated, or what is found; and sentences about the latter."""
    if noise != AUTO or jpeg_quality != AUTO:
        # What came last goes first.
        return (("dejpeg",) if jpeg_quality != AUTO else ()) + (("denoise",) if noise != AUTO else ()), []
    if not found.tasks:
        left = "the picture was left as it is; state a level, or a task, to have it restored all the same"
        return (), [f"Found {found.describe()}: {left}."]
    return found.tasks, [f"Found {found.describe()}: {', '.join(found.tasks)}."]


def _told(engine: Engine, found: Findings, noise: Level, jpeg_quality: Level) -> tuple[Step, NoiseCurve | None]:
    """The step that a model is, and the level that its map is filled with."""
    card = engine.card
    kind = level_of(card)
    if kind == "sigma":
        curve = found.noise if noise == AUTO else NoiseCurve.constant(float(noise) / 255)
        return Step(card.name, card.task, noise=curve), curve
    if kind == "compression":
        quality = found.jpeg_quality if jpeg_quality == AUTO else float(jpeg_quality)
        return Step(card.name, card.task, jpeg_quality=quality), NoiseCurve.constant(compression.scale(quality))
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


def _region(mask: str | Path | Picture | NDArray, picture: Picture, max_pixels: int) -> NDArray[np.float32]:
    """The mask as (h, w) in [0, 1]; raises PictureError where its size is another."""
    found = _open(mask, max_pixels)
    if (found.height, found.width) != (picture.height, picture.width):
        raise PictureError(
            f"{picture.path or 'The picture'}: the mask is {found.width}x{found.height} and the picture "
            f"{picture.width}x{picture.height}; a mask has the picture's size."
        )
    return finite(found.array().mean(axis=2)).clip(0, 1)


def _blended(
    picture: Picture, result: Picture, strength: float, region: NDArray[np.float32] | None
) -> Iterator[tiles.Rows]:
    """The picture (enlarged plainly where the result is larger), and `strength` times the change within the region."""
    factor, top = result.height // picture.height, 0
    if region is not None and factor > 1:
        region = region.repeat(factor, axis=0).repeat(factor, axis=1)
    for y, x_hat in zip(_enlarged(picture, result.height, result.width), result.strips(tiles.STRIP_ROWS), strict=True):
        share = np.float32(strength) if region is None else strength * region[top : top + len(y), :, None]
        yield np.where(np.isfinite(y) & (share != 0), y + share * (x_hat - y), y)
        top += len(y)


def _enlarged(picture: Picture, height: int, width: int) -> Iterator[tiles.Rows]:
    """The picture's strips, in a whole multiple of its size by linear interpolation."""
    factor = height // picture.height
    assert (height, width) == (picture.height * factor, picture.width * factor)
    if factor == 1:
        return picture.strips(tiles.STRIP_ROWS)
    tops = range(0, height, tiles.STRIP_ROWS)
    empty = (np.zeros((min(tiles.STRIP_ROWS, height - top), width, picture.num_channels), np.float32) for top in tops)
    return reduced.add_enlarged(empty, picture.array(), factor)


def _share_of(
    progress: Callable[[int, int], None] | None, number: int, count: int, num_pixels: int
) -> Callable[[int, int], None] | None:
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


def _is_whole_file(source: Picture, format: str) -> bool:
    """Whether the bytes of the source's file are the picture, in `format`; one page chosen out of several is not."""
    return source.path is not None and source.format == format and source.describe()["pages"] == 1


def _copy_file(source: Path, target: Path, overwrite: bool) -> Path:
    if target.exists():
        if not overwrite:
            raise PictureError(f"{target} exists already; pass --overwrite to replace it, or choose another name.")
        if target.samefile(source):
            return target
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.part")
    try:
        shutil.copyfile(source, temporary)
        os.replace(temporary, target)
    except OSError as error:
        raise PictureError(f"{target} could not be written: {error.strerror or error}.") from None
    finally:
        temporary.unlink(missing_ok=True)
    return target
