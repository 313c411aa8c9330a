"""What options state of how a picture was damaged, as an operator that can be undone."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import Option, UsageError
from ..operators import Blur, Operator, kernels
from ..pictures.picture import Picture
from .options import AUTO, RestoreOptions


def stated_damage(options: RestoreOptions, tasks: tuple[str, ...]) -> dict[str, Operator]:
    """The operator that each task undoes of whose damage the options say how it came about; the others have none.

    Raises UsageError for a kernel or an operator that no task takes, and for a kernel that is none.
    """
    if options.operator is not None:
        if tasks != (AUTO,) or options.kernel is not None:
            raise UsageError(
                Option("operator"), " says itself what is to be undone: give no task and no kernel with it."
            )
        return {AUTO: options.operator}
    if options.kernel is not None:
        if "deblur" not in tasks:
            raise UsageError(
                Option("kernel"),
                " says how the picture was blurred, which the task deblur undoes: give ",
                Option("task", "deblur"),
                ".",
            )
        return {"deblur": Blur(read_kernel(options.kernel))}
    if options.steps is not None:
        raise UsageError(
            Option("steps"), " is for undoing a known damage: give the blur's ", Option("kernel"), " with it."
        )
    return {}


def read_kernel(kernel: str | Path | Picture | NDArray) -> NDArray[np.float32]:
    """The kernel (k, l) that is named ("motion:12@30"), lies in a picture file, or is an array.

    Raises UsageError for what is none, PictureError for a file that is no picture.
    """
    if isinstance(kernel, np.ndarray):
        return kernels.checked_kernel(kernel)
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
