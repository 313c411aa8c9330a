"""What befalls a clip: the same damage in all frames, with noise of its own in each, and the compression of video."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor

from sfumato.errors import MissingExtra

from .degradation import Choice, Degradation, Degraded, uniform

# Pixels a side: of smaller frames libx264 (of PyAV 18) gives now one file and now another, since what spreads quality
# over the frames to come reads beyond them, and libx265 writes beyond its memory where they are 33 to 48 wide.
LEAST = 128


def on_clip(degradation: Degradation, frames: Tensor, generator: Generator) -> Degraded:
    """Damage to frames `t c h w`, drawn once for all of them: what a camera is set to, what noise it has.

    The degradation is given one picture, in which the frames lie one below the other, so noise is new in each. Gives
    x, y `t c h w` and level `t 1 h w`.
    """
    count, channels, height, width = frames.shape
    strip = frames.transpose(0, 1).reshape(channels, count * height, width)
    done = _of_frames(degradation, count)(strip, generator)

    def apart(part: Tensor) -> Tensor:
        return part.reshape(len(part), count, height, width).transpose(0, 1).contiguous()

    return Degraded(apart(done.x), apart(done.y), apart(done.level), done.parameters)


def _of_frames(degradation: Degradation, count: int) -> Degradation:
    """The same, where it matters which frames a strip is made of."""
    if isinstance(degradation, Choice):
        return Choice(tuple((weight, _of_frames(option, count)) for weight, option in degradation.options))
    return replace(degradation, frames=count) if isinstance(degradation, Encoded) else degradation


@dataclass(frozen=True)
class Encoded:
    """The compression of video, H.264 or H.265 at a constant rate factor drawn from `crf`, after `before` (or none).

    x is `c h w` with `frames` pictures one below the other, which are encoded in this order. Colour is halved (4:2:0),
    as in nearly all files. The level is that of `before` in a share `told` of the clips and 0 in the others: what an
    encoder leaves of noise nobody can state. hevc: the share of H.265. presets: of the encoder, of which one is drawn.
    """

    crf: tuple[float, float] = (18.0, 40.0)
    before: Degradation | None = None
    hevc: float = 0.0
    frames: int = 1
    presets: tuple[str, ...] = ("ultrafast", "veryfast", "medium")
    told: float = 1.0

    def __call__(self, x: Tensor, generator: Generator) -> Degraded:
        degraded = self.before(x, generator) if self.before else Degraded(x, x, torch.zeros(1, *x.shape[1:]))
        crf = round(uniform(*self.crf, generator))
        codec = "libx265" if uniform(0, 1, generator) < self.hevc else "libx264"
        speed = self.presets[int(torch.randint(len(self.presets), (), generator=generator))]
        clip = degraded.y.reshape(len(x), self.frames, -1, x.shape[2]).permute(1, 2, 3, 0)
        pixels = (clip.clamp(0, 1) * 255).round().byte().numpy()
        back = encoded(pixels, codec=codec, crf=crf, preset=speed)
        y = torch.from_numpy(back).permute(3, 0, 1, 2).reshape(x.shape).float() / 255
        told = uniform(0, 1, generator) < self.told
        level = degraded.level if told else torch.zeros_like(degraded.level)
        parameters: dict[str, Any] = {"codec": codec, "crf": crf, "preset": speed, "told": told}
        return replace(degraded, y=y, level=level, parameters=degraded.parameters | parameters)


def encoded(frames: np.ndarray, *, codec: str = "libx264", crf: int = 23, preset: str = "medium") -> np.ndarray:
    """Frames uint8 `t h w 3` through an encoder of PyAV and back; raises MissingExtra without PyAV.

    Odd sides are made even, and those below LEAST that long, by repeating the last row or column, for the time.
    """
    try:
        import av
    except ImportError:
        raise MissingExtra("Compression of video needs PyAV: `pip install sfumato[media]`.") from None
    av.logging.set_level(av.logging.FATAL)
    height, width = frames.shape[1:3]
    more = [(0, max(side + side % 2, LEAST) - side) for side in (height, width)]
    whole = np.pad(frames, ((0, 0), *more, (0, 0)), mode="edge")
    options = {"crf": str(crf), "preset": preset, "x265-params": "log-level=0"}
    encoder = av.CodecContext.create(codec, "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.height, encoder.width, encoder.pix_fmt = whole.shape[1], whole.shape[2], "yuv420p"
    encoder.framerate, encoder.time_base, encoder.options = Fraction(25), Fraction(1, 25), options
    decoder = av.CodecContext.create({"libx264": "h264", "libx265": "hevc"}[codec], "r")
    assert isinstance(decoder, av.VideoCodecContext)
    encoder.thread_count = decoder.thread_count = 1
    made = (av.VideoFrame.from_ndarray(pixels, format="rgb24") for pixels in whole)
    packets = [packet for frame in (*made, None) for packet in encoder.encode(frame)]
    back = [frame for packet in (*packets, None) for frame in decoder.decode(packet)]
    return np.stack([frame.to_ndarray(format="rgb24")[:height, :width] for frame in back])
