"""Recordings made by hand: what sounds a little like speech, in the formats that people have."""

from pathlib import Path

import av
import numpy as np

CODECS = {".wav": "pcm_s16le", ".flac": "flac", ".ogg": "libopus", ".mp3": "libmp3lame"}


def glide(seconds: float = 0.6, rate: int = 16000, low: float = 300.0, high: float = 1500.0) -> np.ndarray:
    """A tone that rises from `low` to `high`, fading in and out, with its overtone; float32 in [-1, 1]."""
    t = np.arange(round(seconds * rate)) / rate
    phase = 2 * np.pi * (low * t + (high - low) * t**2 / (2 * seconds))
    return np.float32(0.5 * np.sin(np.pi * t / seconds) * (np.sin(phase) + 0.3 * np.sin(2 * phase)))


def write_sound(path: Path, samples: np.ndarray, rate: int = 16000) -> Path:
    """Samples `n`, or `channels n` of two, in the format of the suffix."""
    planes = np.atleast_2d(samples)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(CODECS[path.suffix], rate=rate, layout="stereo" if len(planes) == 2 else "mono")
        packed = np.ascontiguousarray((planes.T * 32767).astype("<i2").reshape(1, -1))
        frame = av.AudioFrame.from_ndarray(packed, format="s16", layout="stereo" if len(planes) == 2 else "mono")
        frame.sample_rate = rate
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return path
