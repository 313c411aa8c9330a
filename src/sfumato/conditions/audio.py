"""What a recording says, as a network takes it: read by PyAV (FFmpeg's libraries), a log-mel spectrogram by NumPy.

The constants are part of every model file that takes sounds: a file that was trained with others hears nothing.
"""

import importlib.util
import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import AudioError, MissingExtra

Array = NDArray[np.float32]

RATE = 8000  # samples a second: speech is understood below 4 kHz
WINDOW, HOP = 256, 80  # samples: Hann windows of 32 ms, every 10 ms
BANDS, LOWEST, HIGHEST = 40, 60.0, 3800.0  # triangles, evenly spaced in mel between these frequencies in Hz
FRAMES = 128  # 1.28 seconds
RANGE = 60.0  # decibels below the loudest cell, which are 0 to 1
TRIMMED = 40.0  # decibels below the loudest frame: quieter ones at both ends are cut off
NUM_VALUES = BANDS * FRAMES
SHORTEST, LONGEST = 0.05, 30.0  # seconds of a recording
CANCELLED = 0.01  # of the loudest channel's energy: where the mean of all has less, that channel is heard instead
SILENT = 1e-3  # of full scale: no sample is louder


@dataclass(frozen=True)
class Sound:
    """A recording as a network takes it.

    values: NUM_VALUES numbers in [0, 1], the log-mel spectrogram `BANDS FRAMES` row by row: 1 is its loudest cell, 0
    what is 60 dB quieter, and frames without sound. notes: sentences on what was left out.
    """

    values: Array
    notes: tuple[str, ...] = ()


def read_sound(source: str | Path | bytes) -> Sound:
    """The sound of a file, or of its bytes: WAV, FLAC, Ogg, MP3 and what else FFmpeg reads, at any rate, mono or not.

    Channels are mixed to one; where they cancel each other, the loudest is taken.

    Raises AudioError for what is no sound, damaged, silent, under 0.05 or over 30 seconds; MissingExtra where PyAV is
    not installed.
    """
    name = "The recording" if isinstance(source, bytes) else str(source)
    samples = read_samples(source)
    values, whole = spectrogram(samples)
    if whole:
        return Sound(values)
    most = FRAMES * HOP / RATE
    return Sound(values, (f"{name} says more than fits: of {len(samples) / RATE:.1f} s the loudest {most:.2f} count.",))


def read_samples(source: str | Path | bytes) -> Array:
    """The samples of a recording in [-1, 1], mixed to one channel, 8,000 a second; errors as in `read_sound`."""
    name = "The recording" if isinstance(source, bytes) else str(source)
    if importlib.util.find_spec("av") is None:
        raise MissingExtra(f'{name}: to read sound: pip install "sfumato[media]".')
    if not isinstance(source, bytes) and not Path(source).is_file():
        raise AudioError(f"{name} is no file; name a recording.")
    samples = _decoded(source, name)
    seconds = len(samples) / RATE
    if seconds > LONGEST:
        raise AudioError(f"{name} is longer than {LONGEST:.0f} seconds; cut out what is to be heard.")
    if not np.isfinite(samples).all():
        raise AudioError(f"{name} holds samples that are no numbers; get another copy.")
    if seconds < SHORTEST:
        raise AudioError(f"{name} lasts {seconds:.2f} seconds; at least {SHORTEST} are needed.")
    if np.abs(samples).max() < SILENT:
        raise AudioError(f"{name} is silent: nothing in it reaches {SILENT:.1%} of full scale.")
    return samples


def spectrogram(samples: Array) -> tuple[Array, bool]:
    """The log-mel spectrogram of samples, NUM_VALUES numbers in [0, 1], and whether all of the sound is in it.

    What is quiet at both ends is cut off, the rest stands in the middle; of a sound too long for that, the stretch of
    the most energy is taken. Loudness does not matter: levels count from the loudest cell.
    """
    power = _mel_power(samples)
    energy = power.sum(axis=0)
    heard = np.flatnonzero(energy > energy.max() * 10 ** (-TRIMMED / 10))
    begin, end = int(heard[0]), int(heard[-1]) + 1
    whole = end - begin <= FRAMES
    if not whole:
        sums = np.convolve(energy[begin:end], np.ones(FRAMES), "valid")
        begin += int(sums.argmax())
        end = begin + FRAMES
    level = 10 * np.log10(np.maximum(power[:, begin:end], 1e-20) / power.max())
    values = np.zeros((BANDS, FRAMES), np.float32)
    left = (FRAMES - (end - begin)) // 2
    values[:, left : left + end - begin] = (1 + level / RANGE).clip(0, 1)
    return values.reshape(-1), whole


def _mel_power(samples: Array) -> NDArray[np.float64]:
    """The power in each band and frame, `BANDS frames`."""
    padded = np.pad(samples.astype(np.float64), WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    spectrum = np.fft.rfft(frames * np.hanning(WINDOW), axis=1)
    return _bands() @ (np.abs(spectrum) ** 2).T


@lru_cache(maxsize=1)
def _bands() -> NDArray[np.float64]:
    """Triangles over the frequencies of the transform, `BANDS WINDOW/2+1`, each 1 at its middle (HTK's mel scale)."""
    mel = np.linspace(_mel(LOWEST), _mel(HIGHEST), BANDS + 2)
    corners = 700 * (10 ** (mel / 2595) - 1)
    frequencies = np.fft.rfftfreq(WINDOW, 1 / RATE)
    low, middle, high = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    rising, falling = (frequencies - low) / (middle - low), (high - frequencies) / (high - middle)
    triangles = np.minimum(rising, falling).clip(0)
    # A band narrower than the transform's step takes the frequency nearest to its middle.
    nearest = np.abs(frequencies - middle).argmin(axis=1)
    triangles[np.arange(BANDS), nearest] = np.maximum(triangles[np.arange(BANDS), nearest], 0.5)
    return triangles


def _mel(frequency: float) -> float:
    return float(2595 * np.log10(1 + frequency / 700))


def _decoded(source: str | Path | bytes, name: str) -> Array:
    """All samples, or a little more than those of the longest recording that is taken."""
    import av

    parts: list[Array] = []
    total = 0
    try:
        # A playlist must not open other files or addresses.
        with (
            io.BytesIO(source) if isinstance(source, bytes) else open(source, "rb") as file,
            av.open(file, "r", container_options={"protocol_whitelist": "none"}) as container,
        ):
            if not container.streams.audio:
                raise AudioError(f"{name} holds no sound.")
            resampler = av.AudioResampler(format="fltp", rate=RATE)
            for frame in container.decode(audio=0):
                total += _take(resampler.resample(frame), parts)
                if total > LONGEST * RATE:
                    break
            else:
                _take(resampler.resample(None), parts)
    except (OSError, ValueError) as error:  # FFmpeg's errors are both
        said = str(getattr(error, "strerror", None) or error or type(error).__name__).splitlines()[0].rstrip(".")
        raise AudioError(f"{name} cannot be read as sound ({said}); it is empty, damaged or of another kind.") from None
    return _mixed(np.concatenate(parts, axis=1)) if parts else np.zeros(0, np.float32)


def _take(frames: list[Any], parts: list[Array]) -> int:
    arrays = [frame.to_ndarray() for frame in frames]
    parts += arrays
    return sum(array.shape[1] for array in arrays)


def _mixed(channels: Array) -> Array:
    """The mean of `n samples`, or, where the channels cancel each other in it, the one of the most energy."""
    mean = channels.mean(axis=0)
    energy = (channels.astype(np.float64) ** 2).sum(axis=1)
    cancels = float((mean.astype(np.float64) ** 2).sum()) < CANCELLED * energy.max()
    return channels[energy.argmax()] if cancels else mean
