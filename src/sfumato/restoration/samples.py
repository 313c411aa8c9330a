"""What a damaged picture could have been: samples of a flow that agree with what was measured, mean and spread."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError, Option, PictureError, UsageError
from ..models.card import Card
from ..models.engine import Engine, load
from ..models.ports import port_of
from ..operators import Blur, ColourMix, Downsample, Identity, Operator
from ..operators.resample import PROFILES
from ..pictures.picture import Picture
from ..pictures.xmp import partly_made_up
from ..sampling.posterior import sample_posterior
from ..sampling.solvers import times
from ..sampling.velocity import velocity_of
from . import masks
from .damage import read_kernel
from .effects import given
from .options import AUTO, DEFAULT_SCALE, MAX_PIXELS, Level, RestoreOptions
from .restore import open_source

TASKS = ("inpaint", "upscale", "deblur", "colorize", "denoise")
TAKEN, TAKEN_BY = ("noise", "steps"), {"inpaint": ("mask",), "upscale": ("kernel",), "deblur": ("kernel",)}
STEPS = 50
DEVIATION = 0.3  # of pictures' values, in [0, 1] units
LEAST = 0.1 / 255  # noise of what is exact
ROUNDED = 0.5 / 255  # of a picture that was blurred, reduced or made grey, and stored in 8 bits
MAX_SAMPLES = 10_000
AT_ONCE = 16
TOLERANCE = 1e-4  # of conjugate gradients: the next step corrects the rest
Array = NDArray[np.float32]


@dataclass(frozen=True)
class Samples:
    """Plausible originals of one picture. values: (n, h, w, c) in [0, 1]. residual: how far they are, damaged again,
    from the picture: root mean square, in [0, 1] units."""

    values: Array
    residual: float

    @cached_property
    def pictures(self) -> tuple[Picture, ...]:
        """Each as a picture, whose metadata says that it is made up in part."""
        return tuple(Picture.from_array(values, xmp=partly_made_up(None)) for values in self.values)

    @cached_property
    def mean(self) -> Picture:
        """The one picture that is nearest to all of them; less sharp than each."""
        return Picture.from_array(self.values.mean(axis=0), xmp=partly_made_up(None))

    @cached_property
    def spread(self) -> Picture:
        """Grey: the standard deviation of the samples, four times as bright; black is certain."""
        return Picture.from_array((4 * self.values.std(axis=0).mean(axis=2)).clip(0, 1))


def sample(
    source: str | Path | bytes | BinaryIO | Picture | NDArray[Any],
    num: int = 16,
    *,
    model: str | Path | Engine,
    task: str,
    mask: str | Path | Picture | NDArray[Any] | None = None,
    kernel: str | Path | Picture | NDArray[Any] | None = None,
    scale: int = DEFAULT_SCALE,
    noise: Level = AUTO,
    steps: int | None = None,
    seed: int = 0,
    device: str = "auto",
    threads: int | None = None,
    max_pixels: int = MAX_PIXELS,
    progress: Callable[[int, int], None] | None = None,
) -> Samples:
    """`num` pictures that this one could have been before its damage, by a flow of such pictures.

    source, mask, kernel, scale, noise, device, threads, max_pixels: as `sfumato.restore` takes them. model: a flow of
    pictures, such as "mnist-flow". task: "inpaint", "upscale", "deblur" (with a kernel), "colorize" (of a grey picture)
    or "denoise" (with a noise level). steps: of the flow, 50 unless given. The same seed gives the same samples; pixels
    that are known without noise are exact in each. progress is called with samples done and all.

    Raises UsageError, ModelError and PictureError for what cannot be meant.
    """
    options = RestoreOptions(
        task=task,
        model=model,
        mask=mask,
        kernel=kernel,
        scale=scale,
        noise=noise,
        steps=steps,
        device=device,
        threads=threads,
        max_pixels=max_pixels,
    )
    return sample_picture(open_source(source, max_pixels), options, num, seed=seed, progress=progress)


def sample_picture(
    picture: Picture,
    options: RestoreOptions,
    num: int,
    *,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Samples:
    """`num` samples of what the picture could have been before its damage, as task, mask, kernel, scale and noise say.

    options.model must be a flow of pictures with as many channels as the result; options.task one of TASKS. Pixels that
    are known without noise are exact in every sample. Same seed, same samples.

    Raises UsageError, ModelError and PictureError for what cannot be meant.
    """
    if not (isinstance(num, int) and 1 <= num <= MAX_SAMPLES):
        raise UsageError(Option("samples"), f" is {num!r}; give a whole number from 1 to {MAX_SAMPLES:,}.")
    _check_taken(options)
    engine = _flow(options)
    y = picture.array()
    known, operator = _what_is_known(picture, options)
    sigma = 0.0 if options.noise == AUTO else float(options.noise) / 255
    shape = operator.input_shape((y.shape[0], y.shape[1], y.shape[2]))
    _check_channels(engine.card, shape[2], options.task)
    padded, seen = _padded(y, known, operator, engine.card)
    values = _values(engine, operator, padded, seen, sigma, options.steps or STEPS, num, seed, progress)
    rows, columns = operator.inside((y.shape[0], y.shape[1], y.shape[2]))
    again = np.stack([operator.apply(value) for value in values])
    residual = math.sqrt(float(np.mean(np.square(again - padded), where=np.broadcast_to(seen > 0, again.shape))))
    values = values[:, rows, columns]
    if isinstance(operator, Identity) and sigma == 0:
        values = np.where(known > 0, y, values)
        residual = 0.0
    return Samples(values, residual)


def _check_taken(options: RestoreOptions) -> None:
    """Raises UsageError for an option that would change nothing."""
    if options.task not in TASKS:
        raise UsageError(Option("task"), f" is {options.task!r}; samples are of one of {', '.join(TASKS)}.")
    if options.mask is not None and options.task != "inpaint":
        raise UsageError(Option("mask"), " says what is missing: give ", Option("task", "inpaint"), ".")
    if options.has_size:
        raise UsageError("Samples are enlarged by a factor: give ", Option("scale"), " instead of a size.")
    names = [name for name in given(options) if name not in (*TAKEN, *TAKEN_BY.get(options.task, ()))]
    if options.scale not in (None, DEFAULT_SCALE) and options.task != "upscale":
        names.append("scale")
    if names:
        raise UsageError(Option(names[0]), f" has no effect on samples of {options.task}: leave it out.")


def _flow(options: RestoreOptions) -> Engine:
    if options.is_default_model:
        raise UsageError(Option("samples"), " are drawn by a flow: name one with ", Option("model"), ".")
    engine = (
        options.model
        if isinstance(options.model, Engine)
        else load(options.model, threads=options.threads, device=options.device)
    )
    if engine.card.role != "flow":
        raise ModelError(f"{engine.card.name!r} is no flow of pictures, which samples of a restoration are drawn by.")
    return engine


def _what_is_known(picture: Picture, options: RestoreOptions) -> tuple[Array, Operator]:
    """1 where the picture was measured, (h, w, 1), and what made it."""
    known = np.ones((picture.height, picture.width, 1), np.float32)
    if options.task == "inpaint":
        mask = options.mask if options.mask is not None else masks.ALPHA
        missing = masks.read_mask(mask, picture, options.max_pixels) > 0.5
        if missing.all():
            raise PictureError("All of the picture is said to be missing; `sfumato generate` makes new ones.")
        return (~missing[..., None]).astype(np.float32), Identity()
    if options.task == "colorize":
        return known, ColourMix()
    if options.task == "denoise":
        if options.noise == AUTO or not float(options.noise) > 0:
            raise UsageError(Option("noise"), " must be stated for samples of denoising: a level above 0, of 255.")
        return known, Identity()
    if options.task == "deblur":
        if options.kernel is None:
            raise UsageError(Option("kernel"), " must say how the picture was blurred.")
        return known, Blur(read_kernel(options.kernel))
    kernel = "bicubic" if options.kernel is None else options.kernel
    shape = kernel if isinstance(kernel, str) and kernel in PROFILES else read_kernel(kernel)
    return known, Downsample(options.scale or DEFAULT_SCALE, shape)


def _check_channels(card: Card, channels: int, task: str) -> None:
    own = card.picture_channels
    if own != channels:
        kinds = {1: "grey", 3: "colour", 4: "colour with transparency"}
        raise ModelError(
            f"{card.name!r} draws pictures in {kinds.get(own or 0, own)}, and {task} of this one gives "
            f"{kinds.get(channels, channels)}."
        )


def _padded(y: Array, known: Array, operator: Operator, card: Card) -> tuple[Array, Array]:
    """y and what is known of it, with unknown rows and columns behind, so that x has a size that the flow takes."""
    sizes = []
    for axis in (0, 1):
        for length in range(y.shape[axis], y.shape[axis] + card.stride + 1):
            shape = [length if axis == other else y.shape[other] for other in (0, 1)]
            if operator.input_shape((shape[0], shape[1], y.shape[2]))[axis] % card.stride == 0:
                break
        else:
            raise ModelError(f"{card.name!r} takes sizes in multiples of {card.stride}, which this never gives.")
        sizes.append((0, length - y.shape[axis]))
    height, width, _ = operator.input_shape((y.shape[0] + sizes[0][1], y.shape[1] + sizes[1][1], y.shape[2]))
    limit = card.size if card.fixed_size else ()
    if (limit and (height, width) != tuple(limit)) or height * width > (card.max_pixels or height * width):
        most = f"{limit[0]}x{limit[1]} pixels" if limit else f"{card.max_pixels:,} pixels in all"
        raise ModelError(
            f"{card.name!r} sees a picture whole and takes {most}; this one is {height}x{width} with its margins."
        )
    return np.pad(y, (*sizes, (0, 0))), np.pad(known, (*sizes, (0, 0)))


def _values(
    engine: Engine,
    operator: Operator,
    y: Array,
    known: Array,
    sigma: float,
    steps: int,
    num: int,
    seed: int,
    progress: Callable[[int, int], None] | None,
) -> Array:
    """(n, h, w, c) in [0, 1], with margins."""
    port = port_of(engine.card, "picture")
    assert port is not None, "a flow of pictures takes one"
    low, span = port.range[0], port.range[1] - port.range[0]
    velocity = velocity_of(engine)
    shift = float(engine.card.sampling.get("shift", 1.0))

    def agree(x: Array, off: float) -> Array:
        least = LEAST if isinstance(operator, Identity) else ROUNDED
        rho = (max(sigma, least) / max(off / span, LEAST)) ** 2
        pictures = (x.transpose(0, 2, 3, 1) - low) / span
        if isinstance(operator, ColourMix):
            near = np.stack([operator.proximal(y, picture, rho, weights=known) for picture in pictures])
        else:  # all at once: no channel knows of another
            side_by_side = pictures.transpose(1, 2, 0, 3).reshape(*pictures.shape[1:3], -1)
            measured = np.tile(y, len(x))
            near = operator.proximal(measured, side_by_side, rho, weights=known, tolerance=TOLERANCE)
            near = near.reshape(*pictures.shape[1:3], len(x), -1).transpose(2, 0, 1, 3)
        return (low + span * near.transpose(0, 3, 1, 2)).astype(np.float32)

    height, width, channels = operator.input_shape((y.shape[0], y.shape[1], y.shape[2]))
    found = []
    for first in range(0, num, AT_ONCE):
        indices = range(first, min(first + AT_ONCE, num))
        x = sample_posterior(
            velocity,
            agree,
            (channels, height, width),
            indices,
            seed,
            times(steps, shift=shift),
            deviation=DEVIATION * span,
        )
        found.append((x.transpose(0, 2, 3, 1) - low) / span)
        if progress:
            progress(indices[-1] + 1, num)
    return np.concatenate(found).clip(0, 1).astype(np.float32)
