"""JPEG compression as files carry it: the real encoder, so that rounding, clipping and chroma subsampling are real."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Generator, Tensor

from .degradation import Degradation, Degraded, uniform


@dataclass(frozen=True)
class Jpeg:
    """One compression at a quality drawn from the range, after `before` (or none); sigma keeps the level of `before`.

    Half of the pictures keep full colour resolution (4:4:4), the others halve it (4:2:0).
    """

    quality: tuple[float, float] = (75.0, 98.0)
    before: Degradation | None = None

    def __call__(self, x: Tensor, generator: Generator) -> Degraded:
        degraded = self.before(x, generator) if self.before else Degraded(x, x, torch.zeros(1, *x.shape[1:]))
        quality = round(uniform(*self.quality, generator))
        subsample = uniform(0, 1, generator) < 0.5
        y = compressed(degraded.y, quality, subsample=subsample)
        parameters = degraded.parameters | {"jpeg": quality, "subsampled": subsample}
        return replace(degraded, y=y, parameters=parameters)


def compressed(x: Tensor, quality: int, *, subsample: bool = True) -> Tensor:
    """x `c h w` in [0, 1], c 1 or 3, through a JPEG of the quality (1-100) and back; 8 bit, clipped."""
    import pyvips

    bytes_in = (x.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).contiguous().numpy()
    picture = pyvips.Image.new_from_array(bytes_in, interpretation="b-w" if x.shape[0] == 1 else "srgb")
    stored = picture.jpegsave_buffer(Q=quality, subsample_mode="on" if subsample else "off")
    back = np.asarray(pyvips.Image.new_from_buffer(stored, "").numpy(), dtype=np.float32) / 255
    return torch.from_numpy(back.reshape(*back.shape[:2], -1)).permute(2, 0, 1).contiguous()
