"""The options of restoring: what `sfumato.restore`, the command line and every other interface pass on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import Option, UsageError
from ..models.engine import Engine
from ..operators import Operator
from ..operators.mask import PATTERNS
from ..pictures.picture import Picture
from ..tiling.tiles import DEFAULT_MEMORY

AUTO: Literal["auto"] = "auto"
LOOKS = ("faithful", "sharp")
Level = Literal["auto"] | float
DEFAULT_MODEL = "default"
DEFAULT_SCALE = 2
MAX_SCALE = 8
MAX_SIDE = 100_000  # of a result
SIZES = ("width", "height", "megapixels")
DEFAULT_PATTERN = "RGGB"
MAX_NOISE = 75.0  # what the shipped models were trained for, in 0-255 units
MAX_NOISE_OF_FLOWS = 255.0  # they know pictures under all amounts of noise
MAX_STRENGTH = 1.5
MAX_STEPS = 100
MAX_PIXELS = 500_000_000
MEMORY_MB = DEFAULT_MEMORY // 1_000_000


@dataclass(frozen=True, kw_only=True)
class RestoreOptions:
    """How a picture is restored; `sfumato.restore` says what each option means.

    look: "sharp" for models that make up details, where there are some. advise: whether what might help besides is
    looked for, which takes about as long as the rest of looking. fast: of clips, by the smaller of the models that
    remember. look_ahead: of clips, whether models that remember see the frames after, too.

    Raises UsageError for values out of range.
    """

    task: str = AUTO
    model: str | Path | Engine = DEFAULT_MODEL
    noise: Level = AUTO
    jpeg_quality: Level = AUTO
    scale: float | None = None
    width: int | None = None
    height: int | None = None
    megapixels: float | None = None
    look: str = LOOKS[0]
    strength: float = 1.0
    mask: str | Path | Picture | NDArray[Any] | None = None
    hints: str | Path | Picture | NDArray[Any] | None = None
    ensemble: bool = False
    kernel: str | Path | Picture | NDArray[Any] | None = None
    operator: Operator | None = None
    prior: bool = False
    pattern: str = DEFAULT_PATTERN
    steps: int | None = None
    text: str | None = None
    device: str = "auto"
    threads: int | None = None
    memory_mb: int | None = None
    max_pixels: int = MAX_PIXELS
    advise: bool = True
    fast: bool = False
    look_ahead: bool = False

    def __post_init__(self) -> None:
        if self.noise != AUTO and not (_is_number(self.noise) and 0 <= self.noise <= MAX_NOISE_OF_FLOWS):
            raise wrong_noise(self.noise)
        if self.jpeg_quality != AUTO and not (_is_number(self.jpeg_quality) and 1 <= self.jpeg_quality <= 100):
            raise _wrong("jpeg_quality", self.jpeg_quality, "'auto' or a quality from 1 to 100")
        if self.look not in LOOKS:
            raise _wrong("look", self.look, " or ".join(LOOKS))
        self._check_size()
        if self.pattern not in PATTERNS:
            raise _wrong("pattern", self.pattern, " or ".join(PATTERNS))
        check_strength(self.strength)
        if self.steps is not None and not (isinstance(self.steps, int) and 1 <= self.steps <= MAX_STEPS):
            raise _wrong("steps", self.steps, f"a whole number from 1 to {MAX_STEPS}")
        if self.operator is not None and not isinstance(self.operator, Operator):
            raise _wrong("operator", self.operator, "one of sfumato.operators")
        for name in ("fast", "look"):
            if getattr(self, name) not in (False, LOOKS[0]) and not self.is_default_model:
                says = " chooses a model, and "
                raise UsageError(Option(name), says, Option("model"), " names one: give one of them.")
        if self.memory_mb is not None and self.memory_mb < 1:
            raise _wrong("memory_mb", self.memory_mb, "1 or more megabytes")

    def _check_size(self) -> None:
        if self.scale is not None and not (_is_number(self.scale) and 1 < self.scale <= MAX_SCALE):
            raise _wrong("scale", self.scale, f"a number above 1, to {MAX_SCALE}")
        for name in ("width", "height"):
            side = getattr(self, name)
            if side is not None and not (isinstance(side, int) and 1 <= side <= MAX_SIDE):
                raise _wrong(name, side, f"a whole number of pixels, to {MAX_SIDE:,}")
        if self.megapixels is not None and not (_is_number(self.megapixels) and self.megapixels > 0):
            raise _wrong("megapixels", self.megapixels, "a number above 0")
        given = [name for name in ("scale", *SIZES) if getattr(self, name) is not None]
        if len(given) > 1:
            raise UsageError(Option(given[0]), " and ", Option(given[1]), " both say how large: give one of them.")
        if self.has_size and (self.operator is not None or (self.kernel is not None and "upscale" in self.task)):
            known = "kernel" if self.operator is None else "operator"
            raise UsageError(Option(given[0]), " goes without ", Option(known), ", which is undone by a factor.")

    @property
    def has_size(self) -> bool:
        """Whether the size of the result is stated, other than as a factor."""
        return any(getattr(self, name) is not None for name in SIZES)

    @property
    def is_default_model(self) -> bool:
        return not isinstance(self.model, Engine) and str(self.model) == DEFAULT_MODEL

    @property
    def is_sharp(self) -> bool:
        """Whether details may be made up."""
        return self.look == LOOKS[1]

    @property
    def memory(self) -> int:
        """Bytes that tiles may take."""
        return (self.memory_mb or MEMORY_MB) * 1_000_000


def check_strength(strength: float) -> None:
    """Raises UsageError for a strength out of range."""
    if not (_is_number(strength) and 0 <= strength <= MAX_STRENGTH):
        raise _wrong("strength", strength, f"a number from 0 to {MAX_STRENGTH:g}")


def wrong_noise(noise: object) -> UsageError:
    """The error of a noise level that the model is not for."""
    return _wrong("noise", noise, f"'auto' or a level from 0 to {MAX_NOISE:g} (of 255), for a flow to 255")


def _wrong(name: str, value: object, what: str) -> UsageError:
    return UsageError(Option(name), f" is {value!r}; give {what}.")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
