"""What is wrong with a picture, as far as it can be told from the picture, and which tasks follow from it."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from .compression import estimate_quality
from .noise import NoiseCurve, estimate_noise

if TYPE_CHECKING:
    from .picture import Picture

CLEAN = 0.8 / 255  # below this the noise is that of rounding to 8 bits, and restoring could only take away
FINE_QUALITY = 88.0  # from here on nobody sees compression, and cameras' own files begin
UNCOMPRESSED = 97.0  # what is read from here on may as well be none at all
STRONG = 40 / 255  # noise beyond what `clean` was trained on


@dataclass(frozen=True)
class Findings:
    """Of one picture; each is measured when it is first asked for, in one pass over the picture."""

    picture: "Picture"

    @cached_property
    def noise(self) -> NoiseCurve:
        return estimate_noise(self.picture)

    @cached_property
    def jpeg_quality(self) -> float:
        """1-100, near 100 where the picture was never compressed."""
        return estimate_quality(self.picture)

    @property
    def is_noisy(self) -> bool:
        return self.noise.typical >= CLEAN

    @property
    def is_compressed(self) -> bool:
        return self.jpeg_quality < FINE_QUALITY

    @property
    def tasks(self) -> tuple[str, ...]:
        """What `--task auto` does: one model for what was found, nothing where nothing was."""
        if self.is_noisy and self.is_compressed and self.noise.typical < STRONG:
            return ("clean",)
        if self.is_noisy:
            return ("denoise",)
        return ("dejpeg",) if self.is_compressed else ()

    def describe(self) -> str:
        """What was found, in words."""
        found = [f"noise {255 * self.noise.typical:.1f}"] if self.is_noisy else []
        found += [f"JPEG quality {self.jpeg_quality:.0f}"] if self.is_compressed else []
        return ", ".join(found) or "no noise and no compression to speak of"
