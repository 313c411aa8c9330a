"""Recordings as spectrograms: what does not matter (format, rate, loudness), what does, and what is refused."""

import wave
from pathlib import Path

import numpy as np
import pytest
from sound_files import glide, write_sound

from sfumato.conditions import audio
from sfumato.conditions.audio import BANDS, FRAMES, HOP, NUM_VALUES, RATE, read_samples, read_sound, spectrogram
from sfumato.errors import AudioError, MissingExtra


def grid(values: np.ndarray) -> np.ndarray:
    return values.reshape(BANDS, FRAMES)


@pytest.mark.parametrize(
    ("suffix", "rate"),
    [
        *((".wav", 8000), (".wav", 11025), (".flac", 44100), (".flac", 96000)),
        *((".ogg", 48000), (".ogg", 16000), (".mp3", 44100), (".mp3", 16000)),
    ],
)
@pytest.mark.parametrize("stereo", [False, True])
def test_format_rate_and_channels_hardly_matter(suffix: str, rate: int, stereo: bool, tmp_path: Path) -> None:
    expected = read_sound(write_sound(tmp_path / "plain.wav", glide(rate=16000)))
    samples = glide(rate=rate)
    path = write_sound(tmp_path / f"sound{suffix}", np.stack([samples, samples]) if stereo else samples, rate)
    found = read_sound(path)
    assert found.notes == ()
    assert found.values.shape == (NUM_VALUES,)
    assert found.values.dtype == np.float32
    loud = expected.values > 0.5
    shift = range(-3, 4)  # codecs delay
    error = min(np.abs(np.roll(grid(found.values), s, 1).ravel() - expected.values)[loud].mean() for s in shift)
    assert error < 0.04
    assert np.array_equal(read_sound(path.read_bytes()).values, found.values)


def test_values_lie_between_nothing_and_the_loudest_cell() -> None:
    values, whole = spectrogram(glide(rate=RATE))
    assert whole
    assert values.min() == 0
    assert values.max() == 1
    frames = np.flatnonzero(grid(values).any(axis=0))
    assert abs(frames[0] + frames[-1] - FRAMES) <= 2, "in the middle"
    assert len(frames) <= 0.6 * RATE / HOP + 4


def test_loudness_and_quiet_around_it_do_not_matter() -> None:
    samples = glide(rate=RATE)
    values, _ = spectrogram(samples)
    np.testing.assert_allclose(spectrogram(0.01 * samples)[0], values, atol=1e-3)
    quiet = np.zeros(50 * HOP, np.float32)
    np.testing.assert_allclose(spectrogram(np.concatenate([quiet, samples, quiet, quiet]))[0], values, atol=1e-3)


@pytest.mark.parametrize("frequency", [150, 500, 1000, 2000, 3500])
def test_a_tone_lies_in_its_band(frequency: float) -> None:
    samples = np.float32(np.sin(2 * np.pi * frequency * np.arange(RATE) / RATE))
    band = grid(spectrogram(samples)[0]).mean(axis=1).argmax()
    mel = [2595 * np.log10(1 + f / 700) for f in (audio.LOWEST, frequency, audio.HIGHEST)]
    assert abs(band - ((mel[1] - mel[0]) / (mel[2] - mel[0]) * (BANDS + 1) - 1)) <= 1


def test_of_what_is_too_long_the_loudest_stretch_counts_and_a_note_says_so(tmp_path: Path) -> None:
    loud, soft = glide(1.2, RATE), 0.2 * glide(2.0, RATE, low=2000, high=2500)
    found = read_sound(write_sound(tmp_path / "long.wav", np.concatenate([soft, loud, soft]), RATE))
    assert "of 5.2 s the loudest 1.28 count" in found.notes[0]
    alone = grid(spectrogram(loud)[0])
    both = grid(found.values)
    assert max(np.corrcoef(alone.ravel(), np.roll(both, s, 1).ravel())[0, 1] for s in range(-20, 21)) > 0.9


def pcm(path: Path, samples: np.ndarray, rate: int = RATE) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(np.asarray(samples, "<i2").tobytes())
    return path


def test_what_cannot_be_heard_is_refused_in_a_sentence(tmp_path: Path) -> None:
    whole = write_sound(tmp_path / "whole.flac", glide()).read_bytes()
    float_wav = tmp_path / "nan.wav"
    data = np.full(RATE, np.nan, "<f4").tobytes()
    header = b"fmt \x10\x00\x00\x00\x03\x00\x01\x00" + np.array([RATE, 4 * RATE], "<u4").tobytes() + b"\x04\x00\x20\x00"
    chunks = b"WAVE" + header + b"data" + np.uint32(len(data)).tobytes() + data
    float_wav.write_bytes(b"RIFF" + np.uint32(len(chunks)).tobytes() + chunks)
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("seven")
    (tmp_path / "cut.flac").write_bytes(whole[:60])
    (tmp_path / "list.m3u8").write_text(f"#EXTM3U\n#EXTINF:1,\n{tmp_path / 'whole.flac'}\n#EXT-X-ENDLIST\n")
    pcm(tmp_path / "silent.wav", np.zeros(RATE))
    pcm(tmp_path / "short.wav", np.full(100, 9999))
    pcm(tmp_path / "hour.wav", np.resize(glide(1.0, RATE) * 9999, 3600 * RATE))
    for name, sentence in {
        "empty.wav": "cannot be read as sound",
        "text.wav": "cannot be read as sound",
        "cut.flac": "cannot be read as sound|lasts 0.00 seconds",
        "list.m3u8": "cannot be read as sound",
        "missing.wav": "is no file; name a recording",
        "nan.wav": "holds samples that are no numbers",
        "silent.wav": "is silent: nothing in it reaches",
        "short.wav": "lasts 0.01 seconds; at least 0.05 are needed",
        "hour.wav": "is longer than 30 seconds; cut out what is to be heard",
    }.items():
        with pytest.raises(AudioError, match=sentence) as refused:
            read_sound(tmp_path / name)
        assert name in str(refused.value)
        assert str(refused.value).count("\n") == 0
    with pytest.raises(AudioError, match="The recording cannot be read as sound"):
        read_sound(b"RIFF")


def test_channels_that_cancel_each_other_are_heard_by_the_louder(tmp_path: Path) -> None:
    samples = glide()
    alone = read_sound(write_sound(tmp_path / "one.wav", samples)).values
    for share in (1.0, 0.95):
        path = write_sound(tmp_path / "against.wav", np.stack([samples, -share * samples]))
        assert np.abs(read_sound(path).values - alone).mean() < 0.01


def test_one_channel_may_be_silent_and_a_clip_has_sound_too(tmp_path: Path) -> None:
    samples = glide()
    one = read_sound(write_sound(tmp_path / "left.wav", np.stack([samples, 0 * samples])))
    both = read_sound(write_sound(tmp_path / "mono.wav", samples))
    np.testing.assert_allclose(one.values, both.values, atol=0.02)


def test_without_pyav_the_sentence_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r'pip install "sfumato\[media\]"'):
        read_samples(tmp_path / "sound.wav")
