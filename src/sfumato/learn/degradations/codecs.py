"""Compression by WebP and AVIF, by the real encoders, and the JPEG quality that each of their qualities is like."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Generator, Tensor

from sfumato.estimation.jpeg import scale
from sfumato.estimation.stored import LIKE_JPEG, like_jpeg

from .degradation import Degradation, Degraded, uniform


@dataclass(frozen=True)
class Coded:
    """Compressed by WebP or AVIF at a quality drawn from the range, after `before` (or none).

    The level is `sfumato.estimation.jpeg.scale` of the JPEG quality that this is like. codecs: one of them is drawn.
    Colour has half the resolution, in AVIF from quality 90 on the full one, as programs do it.
    """

    quality: tuple[float, float] = (5.0, 95.0)
    before: Degradation | None = None
    codecs: tuple[str, ...] = tuple(LIKE_JPEG)

    def __call__(self, x: Tensor, generator: Generator) -> Degraded:
        degraded = self.before(x, generator) if self.before else Degraded(x, x, torch.zeros(1, *x.shape[1:]))
        codec = self.codecs[int(torch.randint(len(self.codecs), (), generator=generator))]
        quality = round(uniform(*self.quality, generator))
        y = coded(degraded.y, codec, quality)
        level = torch.full((1, *x.shape[1:]), scale(like_jpeg(codec, quality)))
        return replace(degraded, y=y, level=level, parameters=degraded.parameters | {codec: quality})


def coded(x: Tensor, codec: str, quality: int) -> Tensor:
    """x `c h w` in [0, 1], c 1 or 3, through "webp" or "avif" of the quality (1-100) and back; 8 bit, clipped.

    With the least effort of the encoder, which the quality hardly depends on.
    """
    import pyvips

    planes = (x.clamp(0, 1) * 255).round().byte().expand(3, -1, -1).permute(1, 2, 0).contiguous().numpy()
    picture = pyvips.Image.new_from_array(planes, interpretation="srgb")
    if codec == "webp":
        file = picture.webpsave_buffer(Q=quality, effort=2)
    else:
        file = picture.heifsave_buffer(Q=quality, compression="av1", effort=0)
    back = np.asarray(pyvips.Image.new_from_buffer(file, "").numpy()[..., :3], dtype=np.float32) / 255
    y = torch.from_numpy(np.ascontiguousarray(back.transpose(2, 0, 1)))
    return y if len(x) == 3 else y.mean(0, keepdim=True)
