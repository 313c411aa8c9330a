"""JPEG compression as files carry it: the real encoder, so that rounding, clipping and chroma subsampling are real."""

from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from sfumato.estimation.jpeg import scale

from .degradation import Degradation, Degraded, uniform

BLOCK = 8


@dataclass(frozen=True)
class Jpeg:
    """One compression at a quality drawn from the range, after `before` (or none); the level is that of `before`.

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


@dataclass(frozen=True)
class Compression:
    """What `dejpeg` undoes: compressed at a quality drawn from the range, perhaps twice, perhaps cropped in between.

    The level is `sfumato.estimation.jpeg.scale` of the lowest quality. before: what was done to it first. twice: the
    share that was compressed once more, at a quality of `again`. shifted: the share whose (first) grid of 8x8 blocks
    does not begin at the corner, because the picture was cropped after it. subsampled: the share with halved colour
    resolution.
    """

    quality: tuple[float, float] = (5.0, 95.0)
    before: Degradation | None = None
    again: tuple[float, float] = (30.0, 95.0)
    twice: float = 0.0
    shifted: float = 0.0
    subsampled: float = 0.5

    def __call__(self, x: Tensor, generator: Generator) -> Degraded:
        degraded = self.before(x, generator) if self.before else Degraded(x, x, torch.zeros(1, *x.shape[1:]))
        quality = round(uniform(*self.quality, generator))
        subsample = uniform(0, 1, generator) < self.subsampled
        down = right = 0
        if uniform(0, 1, generator) < self.shifted:
            down, right = torch.randint(BLOCK, (2,), generator=generator).tolist()
        y = compressed(degraded.y, quality, subsample=subsample, shift=(down, right))
        parameters = degraded.parameters | {"jpeg": quality, "subsampled": subsample, "shift": (down, right)}
        if uniform(0, 1, generator) < self.twice:
            again = round(uniform(*self.again, generator))
            y = compressed(y, again, subsample=subsample)
            parameters["again"] = again
        level = scale(min(quality, parameters.get("again", 100)))
        return Degraded(degraded.x, y, torch.full((1, *x.shape[1:]), level), parameters)


def compressed(x: Tensor, quality: int, *, subsample: bool = True, shift: tuple[int, int] = (0, 0)) -> Tensor:
    """x `c h w` in [0, 1], c 1 or 3, through a JPEG of the quality (1-100) and back; 8 bit, clipped.

    shift: how many rows and columns of the first blocks were cropped away afterwards, 0 to 7 each. A colour picture
    without colour is stored as grey, as programs do.
    """
    import pyvips

    grey = x.shape[0] == 3 and bool((x[0] == x[1]).all() and (x[1] == x[2]).all())
    stored = x[:1] if grey else x
    if any(shift):
        stored = F.pad(stored[None], (shift[1], 0, shift[0], 0), mode="replicate")[0]
    bytes_in = (stored.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).contiguous().numpy()
    picture = pyvips.Image.new_from_array(bytes_in, interpretation="b-w" if stored.shape[0] == 1 else "srgb")
    file = picture.jpegsave_buffer(Q=quality, subsample_mode="on" if subsample else "off")
    back = np.asarray(pyvips.Image.new_from_buffer(file, "").numpy(), dtype=np.float32) / 255
    planes = torch.from_numpy(back.reshape(*back.shape[:2], -1)).permute(2, 0, 1)
    return planes[:, shift[0] :, shift[1] :].expand_as(x).contiguous()
