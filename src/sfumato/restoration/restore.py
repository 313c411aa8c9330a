"""A picture in, the restored picture out, with what was estimated and what was changed."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..errors import Option, PictureError, UsageError
from ..models import zoo
from ..models.engine import Engine, shipped
from ..operators import Operator
from ..pictures.picture import Picture
from ..pictures.span import span_of
from ..pictures.xmp import can_be_added_to
from . import masks
from .damage import is_auto, stated_damage
from .diagnosis import Diagnosis
from .effects import notes_on
from .found_kernel import found_kernel
from .hints import read_hints
from .options import AUTO, DEFAULT_MODEL, DEFAULT_PATTERN, MAX_PIXELS, Level, RestoreOptions
from .recurrent import Memory
from .result import Restored, is_made_up
from .sizes import target_size
from .steps import ProgressCallback, Request, State, run_step
from .strength import at_strength, note_on_span
from .tasks import parse_tasks, resolve_tasks
from .undo import seconds_to_undo, undo_damage
from .work import Work, prior_of, work_for

LARGE = 32_000_000  # pixels from which on memory is given back before the network and the encoder need it
FILLS = ("inpainter", "finder")  # roles of models whose step fills in what is damaged


def restore(
    source: str | Path | bytes | BinaryIO | Picture | NDArray[Any],
    *,
    task: str = AUTO,
    model: str | Path | Engine = DEFAULT_MODEL,
    noise: Level = AUTO,
    jpeg_quality: Level = AUTO,
    scale: float | None = None,
    width: int | None = None,
    height: int | None = None,
    megapixels: float | None = None,
    look: str = "faithful",
    strength: float = 1.0,
    mask: str | Path | Picture | NDArray[Any] | None = None,
    hints: str | Path | Picture | NDArray[Any] | None = None,
    ensemble: bool = False,
    kernel: str | Path | Picture | NDArray[Any] | None = None,
    operator: Operator | None = None,
    prior: bool = False,
    pattern: str = DEFAULT_PATTERN,
    steps: int | None = None,
    text: str | None = None,
    device: str = "auto",
    threads: int | None = None,
    memory_mb: int | None = None,
    max_pixels: int = MAX_PIXELS,
    advise: bool = True,
    progress: ProgressCallback | None = None,
) -> Restored:
    """Restore one picture; depth, alpha and metadata stay, and the size unless it is to be enlarged.

    source: a file, its bytes or an open binary file, a Picture, or an array (h, w, c) or (h, w) in [0, 1] (or 8 or 16
    bit integers).

    task: "auto" looks at the picture and does what it needs, perhaps nothing; "old-photo" fills in scratches and spots
    first and gives faded tones back; or the name of one task or of several, "dejpeg,denoise" or "auto,upscale", done in
    that order. model: instead, a shipped name, a model file, or an Engine.

    noise: "auto" estimates it from the picture, a number 0-75 (0-255 for a flow) states the standard deviation in
    0-255 units. jpeg_quality: the same for what JPEG the picture went through, 1-100. strength: 0 gives the input back
    exactly, 1 the model's result, up to 1.5 goes beyond.

    scale: of the task upscale, how far it enlarges, above 1 to 8, not only whole numbers; 2 unless given. width,
    height, megapixels: instead, one of them for the result, which keeps its shape; upscale is then added to the tasks
    where the picture has to grow, up to 16 times. Models enlarge 2 and 4 times, one after another where that is not
    enough; what is beyond the size asked for is reduced to it exactly.

    look: "faithful", or "sharp" for inpaint, old-photo and upscale: by models that make up details, as the result's
    metadata says. By itself it enlarges 4 times instead of 2.

    mask: a picture of the same size, or an array (h, w): where it is white the picture is restored, where it is black
    it stays, in between in part. For the task inpaint it says what is missing; "alpha" (what is transparent) and
    "#rrggbb" (what was painted over in that colour) are masks too, and without one inpaint takes the transparency.
    Pixels that are not missing come back to the bit; the result's metadata says that some were made up.

    hints: of the task colorize, whose colours are otherwise all invented: a picture of the same size with transparency,
    on which the colours of some places are painted as strokes, or an array (h, w, 4).

    ensemble: the mean over the picture turned and mirrored in all eight ways, a little better for eight times the work;
    of models that remove noise, compression or blur, or enlarge.

    kernel: how the picture was blurred, where that is known: "motion:12@30" (a path of 12 pixels that heads 30 degrees
    below the horizontal), "disc:2.5" (a missed focus of that radius), "gaussian:1.8" (of that width), a picture of the
    kernel, bright on black, or an array of sum 1. The task deblur then undoes that very blur, and upscale the blur, in
    pixels of the result, and the reduction after it, or that by "bicubic", "bilinear" or "box". "auto" finds the kernel
    in the picture; deblur then leaves a sharp picture as it is, and works blind where no kernel is certain. prior:
    inpaint by undoing, too, which is for pixels that are missing one by one. pattern: of the mosaic that the task
    demosaic undoes, "RGGB", "BGGR", "GRBG" or "GBRG". operator: any other known linear damage, one of
    `sfumato.operators`, instead of a task. What pictures look like is known by `denoise-best`, or by the denoiser or
    flow that model names. steps: of denoising, each on a picture that agrees with what was measured, 1 to 100; by
    itself 8 to 40.

    text: what the picture shows, in words, for a flow of codes that knows them: it enlarges a small picture to its own
    size, and makes up the details.

    device, threads: as in Engine, for a model that is no Engine yet, and for what looks at the picture. memory_mb:
    working memory of the tiles, 400 unless given. max_pixels: larger picture files are refused. advise: with "auto",
    whether to look for what might help besides, which takes about as long as the rest of looking. progress is called
    with pixels done and all pixels.

    Raises UsageError for values out of range, PictureError for an unreadable file, ModelError for an unusable model.
    """
    options = RestoreOptions(
        task=task,
        model=model,
        noise=noise,
        jpeg_quality=jpeg_quality,
        scale=scale,
        width=width,
        height=height,
        megapixels=megapixels,
        look=look,
        strength=strength,
        mask=mask,
        hints=hints,
        ensemble=ensemble,
        kernel=kernel,
        operator=operator,
        prior=prior,
        pattern=pattern,
        steps=steps,
        text=text,
        device=device,
        threads=threads,
        memory_mb=memory_mb,
        max_pixels=max_pixels,
        advise=advise,
    )
    return restore_picture(open_source(source, max_pixels), options, progress=progress)


def restore_picture(
    picture: Picture,
    options: RestoreOptions,
    *,
    progress: ProgressCallback | None = None,
    announce: Callable[[float], None] | None = None,
) -> Restored:
    """The same for a Picture and options that lie together.

    announce is called with the seconds that undoing a known damage will about take, before it begins.
    """
    started = time.perf_counter()
    span = span_of(picture)
    inside = picture.decoded() if span is None else picture.in_span(span)
    preparation = prepare(inside, options)
    if picture.width * picture.height > LARGE:
        preparation.diagnoses[0].release()
    if span is not None:
        preparation = replace(preparation, notes=(*preparation.notes, note_on_span(span, picture.depth)))
    restored = replace(
        _in_full(inside, options, preparation, progress, announce), picture=picture, source=picture, span=span
    )
    return replace(at_strength(restored, options.strength), seconds=time.perf_counter() - started)


@dataclass(frozen=True)
class Preparation:
    """What is to be done to a picture, or to each of many that are alike, such as the frames of a scene.

    work: in order. diagnoses: of the picture before each step; those that are not there are added when
    the step comes, and hold for all pictures after. remembered: what a recurrent model keeps from one
    picture for the next, None where pictures stand for themselves.
    """

    work: tuple[Work, ...]
    notes: tuple[str, ...]
    advice: str
    diagnoses: list[Diagnosis]
    remembered: Memory | None = None


def prepare(
    picture: Picture,
    options: RestoreOptions,
    diagnosis: Diagnosis | None = None,
    *,
    clip: bool = False,
    codec: str = "",
) -> Preparation:
    """Looks at a picture, or at frames of the scene of a clip, and decides.

    diagnosis: of it, where there is one. codec: of the clip, where it is a file of video.
    """
    diagnosis = diagnosis or Diagnosis(picture, options.device, options.threads, clip=clip, codec=codec)
    work, notes, advice = work_for(options, diagnosis, clip=clip)
    return Preparation(tuple(work), tuple(notes), advice, [diagnosis], Memory() if clip else None)


def carry_out(
    picture: Picture, options: RestoreOptions, preparation: Preparation, *, progress: ProgressCallback | None = None
) -> Restored:
    """Does to a picture what was prepared for it or for one like it; its values are taken as black to white."""
    return at_strength(_in_full(picture, options, preparation, progress), options.strength)


def _in_full(
    picture: Picture,
    options: RestoreOptions,
    preparation: Preparation,
    progress: ProgressCallback | None,
    announce: Callable[[float], None] | None = None,
) -> Restored:
    """All of the change, in `full`; the `picture` is as it was, and `at_strength` gives another."""
    started = time.perf_counter()
    work, notes, diagnoses = list(preparation.work), list(preparation.notes), preparation.diagnoses
    fills = any(item.engine.card.role == "inpainter" or item.task == "inpaint" for item in work)
    region, holes = _masks(options, picture, fills)
    if work and (marked := region if holes is None else holes) is not None and not marked.any():
        notes.append("The mask has no white: the picture was left as it is.")
        work = []
    colours = work and any(item.engine.card.role == "colorizer" for item in work)
    if options.hints is not None and not colours and preparation.work:
        raise UsageError(Option("hints"), " are colours for a grey picture: add colorize to ", Option("task"), ".")
    filler = zoo.models_for("inpaint", sharp=options.is_sharp)[0]
    load_filler = partial(shipped, filler, options.device, options.threads)
    request = Request(
        source=picture,
        options=options,
        region=region,
        holes=holes,
        hints=read_hints(options.hints, picture, options.max_pixels) if colours and options.hints is not None else None,
        filler=load_filler,
        remembered=preparation.remembered,
    )
    state = State(picture)
    for number, item in enumerate(work):
        if number == len(diagnoses):
            before = state.picture
            # What was filled in is smooth, and says nothing of the noise around it.
            is_known = before is picture or work[number - 1].engine.card.role in FILLS
            diagnoses.append(diagnoses[-1] if is_known else Diagnosis(before, options.device, options.threads))
        advance = _share_of(progress, number, len(work), request.num_pixels)
        if item.damage is None:
            state = run_step(state, item.engine, request, diagnoses[number], advance)
        else:
            if announce:
                announce(seconds_to_undo(state.picture, item.engine, item.damage, options))
            state = undo_damage(state, item.engine, item.task, item.damage, request, diagnoses[number], advance)
        if state.picture.width * state.picture.height > LARGE:
            item.engine.release()  # the encoder may need the memory

    notes += [*state.notes, *notes_on(options, state.steps)]
    if is_made_up(state.filled, state.steps) and (packet := picture.xmp()) is not None and not can_be_added_to(packet):
        notes.append("The XMP packet is not well-formed, so a new one says that parts were made up.")
    if progress:
        progress(request.num_pixels, request.num_pixels)
    seconds = time.perf_counter() - started
    full = state.picture if state.steps else None
    # At strength 0 nothing is done at all, so the size stays, too.
    size = None if options.strength == 0 else target_size(options, picture)
    if size is not None and size[0] < picture.height:
        notes.append(f"Reduced to {size[1]}x{size[0]}.")
    restored = Restored(picture, picture, state.steps, 1.0, seconds, tuple(notes), state.filled, preparation.advice)
    return replace(restored, full=full, region=region, size=size, doubtful=state.doubtful)


@dataclass(frozen=True)
class Preview:
    """What `restore` would do: what is found in a picture, in words, the tasks, and what else might help.

    seconds: about how long undoing a known damage would take, None where none is.
    """

    found: str
    tasks: tuple[str, ...]
    advice: str = ""
    seconds: float | None = None


def dry_run(picture: Picture, options: RestoreOptions, *, clip: bool = False) -> Preview:
    """What is found in a picture, or in frames of a clip, and what would be done, without doing it."""
    span = span_of(picture)
    inside = picture.decoded() if span is None else picture.in_span(span)
    diagnosis = Diagnosis(inside, options.device, options.threads, clip=clip)
    damage, described = stated_damage(options, parse_tasks(options.task)), diagnosis.describe()
    if is_auto(options.kernel):
        blur = found_kernel(diagnosis)
        described = f"{described}. {blur.note.rstrip('.')}"
        if blur.damage is not None:
            damage["deblur"] = blur.damage
        elif blur.is_sharp:
            return Preview(described, tuple(task for task in parse_tasks(options.task) if task != "deblur"))
    if damage:
        engine = prior_of(options)
        seconds = sum(seconds_to_undo(picture, engine, known, options) for known in damage.values())
        tasks = (engine.card.name,) if options.operator is not None else parse_tasks(options.task)
        return Preview(described, tasks, seconds=seconds)
    resolved = resolve_tasks(options, diagnosis)
    return Preview(described, resolved.tasks, resolved.advice)


def _masks(
    options: RestoreOptions, picture: Picture, fills: bool
) -> tuple[masks.Mask | None, NDArray[np.bool_] | None]:
    """The region that is to be restored, and the holes that are to be filled; each None where none is asked for.

    Where a model fills holes, the mask says which, and limits nothing.
    """
    mask, max_pixels = options.mask, options.max_pixels
    if not fills:
        return None if mask is None else masks.read_mask(mask, picture, max_pixels), None
    if mask is not None:
        missing = masks.read_mask(mask, picture, max_pixels)
        if 0 < missing.max() <= 0.5 and not masks.is_doubtful(missing):
            raise masks.too_dark(mask, float(missing.max()))
        return None, missing > 0.5
    clear = masks.read_mask(masks.ALPHA, picture, max_pixels) > 0.5 if picture.has_alpha else None
    if clear is None or not clear.any():
        raise PictureError(
            f"{picture.path or 'The picture'}: inpaint must know what is missing: give a ",
            Option("mask"),
            ", or a picture that is transparent there.",
        )
    return None, clear


def _share_of(progress: ProgressCallback | None, number: int, count: int, num_pixels: int) -> ProgressCallback | None:
    """Progress of one step among several, as that of the whole."""
    if progress is None:
        return None
    return lambda done, _: progress((number * num_pixels + done) // count, num_pixels)


def open_source(source: str | Path | bytes | BinaryIO | Picture | NDArray[Any], max_pixels: int) -> Picture:
    """The picture that a file, its bytes or an array is, as `restore` takes them."""
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
