"""What options state of how a picture was damaged, as an operator that can be undone."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..errors import Option, UsageError
from ..operators import Blur, Composition, Downsample, Identity, Mask, Mosaic, Operator, kernels
from ..operators.resample import PROFILES
from ..pictures.picture import Picture
from .options import AUTO, DEFAULT_PATTERN, DEFAULT_SCALE, RestoreOptions
from .plug_and_play import Schedule

# Chosen on validation photographs (docs/experiments.md). Where values are missing but those that are known are exact,
# there is little noise to begin with, and what a step finds travels from pixel to pixel: more, smaller steps.
BLURRED = Schedule()
REDUCED = Schedule(steps=16, least_noise=0.5 / 255)
MISSING = Schedule(steps=40, first=25 / 255, last=2 / 255, least_noise=0.0, noise_shows=False)
BLURRED_AND_MISSING = Schedule(steps=40, noise_shows=False)
MOSAIC = Schedule(steps=20, first=12 / 255, last=0.6 / 255, least_noise=0.3 / 255, noise_shows=False)


@dataclass(frozen=True)
class Damage:
    """A known damage, and how it is undone unless options say otherwise."""

    operator: Operator
    schedule: Schedule

    @classmethod
    def by(cls, operator: Operator) -> Self:
        """That of an operator, by what it leaves unknown."""
        parts = _parts(operator)
        if any(isinstance(part, Mosaic) for part in parts):
            return cls(operator, MOSAIC)
        if any(isinstance(part, Mask) for part in parts):
            return cls(operator, MISSING if len(parts) == 1 else BLURRED_AND_MISSING)
        return cls(operator, REDUCED if operator.scale > 1 else BLURRED)


def stated_damage(options: RestoreOptions, tasks: tuple[str, ...]) -> dict[str, Damage]:
    """The damage that each task undoes of which the options say how it came about; the others have none.

    Raises UsageError for a kernel, an operator or steps that no task takes, and for a kernel that is none.
    """
    if options.operator is not None:
        if tasks != (AUTO,) or options.kernel is not None or options.prior:
            raise UsageError(
                Option("operator"), " says itself what is to be undone: give no task, kernel or prior with it."
            )
        return {AUTO: Damage.by(options.operator)}
    found: dict[str, Damage] = {}
    if "demosaic" in tasks:
        found["demosaic"] = Damage.by(Mosaic(options.pattern))
    elif options.pattern != DEFAULT_PATTERN:
        raise UsageError(Option("pattern"), " is that of a mosaic: give ", Option("task", "demosaic"), ".")
    if options.prior:
        if "inpaint" not in tasks:
            raise UsageError(
                Option("prior"), " is a way to fill in what is missing: give ", Option("task", "inpaint"), "."
            )
        found["inpaint"] = Damage(Identity(), MISSING)
    if options.kernel is not None:
        if ("deblur" in tasks) == ("upscale" in tasks):
            raise UsageError(
                Option("kernel"),
                " says how the picture was blurred or reduced, which one of the tasks deblur and upscale undoes: give ",
                Option("task", "deblur"),
                ".",
            )
        if is_auto(options.kernel):
            if "deblur" not in tasks:
                raise UsageError(
                    Option("kernel", AUTO), " finds the blur that ", Option("task", "deblur"), " undoes: give that."
                )
        elif "deblur" in tasks:
            found["deblur"] = Damage.by(Blur(read_kernel(options.kernel)))
    if "upscale" in tasks and options.kernel is not None:
        kernel = options.kernel
        shape = kernel if isinstance(kernel, str) and kernel in PROFILES else read_kernel(kernel)
        found["upscale"] = Damage.by(Downsample(options.scale or DEFAULT_SCALE, shape))
    if options.steps is not None and not found and not is_auto(options.kernel):
        raise UsageError(
            Option("steps"), " is for undoing a known damage: give the blur's ", Option("kernel"), " with it."
        )
    return found


def is_auto(kernel: object) -> bool:
    """Whether the kernel is to be found in the picture."""
    return isinstance(kernel, str) and kernel == AUTO


def _parts(operator: Operator) -> tuple[Operator, ...]:
    return (*_parts(operator.outer), *_parts(operator.inner)) if isinstance(operator, Composition) else (operator,)


def read_kernel(kernel: str | Path | Picture | NDArray) -> NDArray[np.float32]:
    """The kernel (k, l) that is named ("motion:12@30"), lies in a picture file, or is an array.

    Raises UsageError for what is none, PictureError for a file that is no picture.
    """
    if isinstance(kernel, np.ndarray):
        return kernels.checked_kernel(kernel)
    if is_auto(kernel):
        raise UsageError(Option("kernel", AUTO), " is for ", Option("task", "deblur"), ", without samples.")
    if isinstance(kernel, str):
        named = kernels.parse(kernel)
        if named is not None:
            return named
        if not Path(kernel).exists():
            raise kernels.wrong_kernel(kernel)
    picture = kernel if isinstance(kernel, Picture) else Picture.open(kernel)
    shown = picture.array().mean(axis=2)
    alpha = picture.alpha()
    name = str(picture.path or "the picture")
    return kernels.checked_kernel(kernels.from_picture(shown if alpha is None else shown * alpha, name))
