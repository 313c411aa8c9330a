"""Small video files for tests: a moving pattern, with what else such files hold."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from sfumato.video.planes import Layout

av.logging.set_level(av.logging.PANIC)  # decoders complain on the terminal of what tests damage on purpose


def pattern(number: int, height: int = 48, width: int = 64) -> np.ndarray:
    """A clean frame (h, w, 3): waves that move by two pixels a frame, with a bright disk."""
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    wave = 0.5 + 0.25 * np.sin((columns + 2 * number) / 9) * np.cos(rows / 7)
    disk = np.hypot(rows - height / 2, columns - 10 - 2 * number) < 7
    return np.stack([np.where(disk, 0.9, wave), wave, np.where(disk, 0.2, 1 - wave)], axis=2).astype(np.float32)


def noisy(number: int, sigma: float = 20 / 255, height: int = 48, width: int = 64) -> np.ndarray:
    noise = np.random.default_rng(number).normal(0, sigma, (height, width, 3))
    return (pattern(number, height, width) + noise).clip(0, 1).astype(np.float32)


def make_clip(
    path: Path,
    frames: Sequence[np.ndarray],
    *,
    encoder: str = "libx264",
    pixel_format: str = "yuv420p",
    options: dict[str, str] | None = None,
    rate: Fraction | int = 25,
    times: Sequence[int] | None = None,
    base: Fraction | None = None,
    with_sound: bool = False,
    setup: Any = None,
    interlaced: bool = False,
    **context: Any,
) -> Path:
    """A video file of RGB frames (h, w, 3). times: of the frames, in units of `base`. context: attributes of the codec
    context. setup: called with container and stream before the first frame."""
    chosen = av.VideoFormat(pixel_format)
    with av.open(str(path), "w") as container:
        usual = {"crf": "10", "preset": "ultrafast"} if encoder in ("libx264", "libx265") else {}
        if encoder == "libx265":
            usual["x265-params"] = "log-level=none"
        stream = container.add_stream(encoder, rate=rate, options=usual | (options or {}))
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pixel_format
        base = base or 1 / Fraction(rate)
        stream.codec_context.time_base = stream.time_base = base
        for name, value in context.items():
            setattr(stream.codec_context, name, value)
        sound = container.add_stream("aac", rate=8000, layout="mono") if with_sound else None
        if setup is not None:
            setup(container, stream)
        full = context.get("color_range") == 2
        kind = "rgb" if chosen.is_rgb else "yuv" if len(chosen.components) == 3 else "grey"
        across, down = (1, 1) if kind != "yuv" else (64 // chosen.chroma_width(64), 64 // chosen.chroma_height(64))
        matrix = context.get("colorspace", 6)
        layout = Layout(kind, chosen.components[0].bits, across, down, full, matrix if matrix not in (0, 2) else 6)
        for number, rgb in enumerate(frames):
            frame = av.VideoFrame(stream.width, stream.height, pixel_format)
            for plane, values in zip(frame.planes, layout.to_planes(rgb), strict=True):
                np.asarray(memoryview(plane)).view(values.dtype).reshape(plane.height, -1)[:, : plane.width] = values
            frame.pts = number if times is None else times[number]
            frame.time_base = base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None:
            tone(container, sound, len(frames) / float(rate))
    return path


def tone(container: Any, stream: Any, seconds: float) -> None:
    """A sine of 440 Hz."""
    count = 1024 * max(1, round(8000 * seconds / 1024))
    wave = (0.3 * np.sin(2 * np.pi * 440 * np.arange(count) / 8000)).astype(np.float32)
    for start in range(0, count, 1024):
        frame = av.AudioFrame.from_ndarray(wave[None, start : start + 1024], "fltp", "mono")
        frame.sample_rate, frame.pts, frame.time_base = 8000, start, Fraction(1, 8000)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def packets(path: Path, kind: str) -> list[bytes]:
    """The packets of all streams of a kind, as they lie in the file."""
    with av.open(str(path)) as container:
        streams = [stream for stream in container.streams if stream.type == kind]
        return [bytes(packet) for packet in container.demux(streams) if packet.size] if streams else []


def times(path: Path) -> list[float]:
    """When each frame is shown, in seconds."""
    with av.open(str(path)) as container:
        return [float(frame.pts * frame.time_base) for frame in container.decode(video=0)]
