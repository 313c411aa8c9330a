"""Pictures of what is spoken, by a flow that adds a sound's mean to that of its pictures."""

from pathlib import Path

import known_generators
import numpy as np
import pytest
from known_generators import DEVIATION, MEAN
from sound_files import glide, write_sound

from sfumato.conditions.audio import NUM_VALUES, read_sound
from sfumato.errors import AudioError, ModelError, UsageError
from sfumato.generation.generate import generate
from sfumato.models.engine import Engine

HEARING = Engine(known_generators.flow(sound_values=NUM_VALUES), threads=1)
STEP = 1 / 255
TESTS = Path(__file__).parents[1]


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return write_sound(tmp_path / "said.wav", np.concatenate([glide(0.6), glide(0.6, low=900, high=200)]))


def means(made) -> np.ndarray:
    return np.array([2 * picture.array().mean() - 1 for picture in made.pictures])


def test_every_picture_shows_what_is_spoken(sound: Path) -> None:
    silent = generate(HEARING, 3, seed=4)
    heard = generate(HEARING, 3, seed=4, audio=sound)
    value = float(read_sound(sound).values.mean())
    assert value > 0.1
    np.testing.assert_allclose(means(heard) - means(silent), value, atol=2 * STEP)
    assert heard.labels == ("", "", "")
    again = generate(HEARING, 2, seed=4, first=1, audio=sound.read_bytes())
    assert [np.array_equal(a.array(), b.array()) for a, b in zip(again.pictures, heard.pictures[1:], strict=True)]


def test_guidance_leads_further_than_what_is_spoken(sound: Path) -> None:
    moved = means(generate(HEARING, 2, audio=sound, guidance=2.0, steps=40)) - means(generate(HEARING, 2, steps=40))
    np.testing.assert_allclose(moved, 2 * read_sound(sound).values.mean(), atol=0.02)


def test_without_a_sound_a_model_that_hears_does_as_before(sound: Path) -> None:
    deaf = Engine(known_generators.flow(), threads=1)
    for label in (None, "fern"):
        one, other = (generate(engine, 2, seed=1, label=label) for engine in (HEARING, deaf))
        assert all(np.array_equal(a.array(), b.array()) for a, b in zip(one.pictures, other.pictures, strict=True))
    assert abs(means(generate(deaf, 8)).mean() - MEAN) < DEVIATION


def test_what_cannot_be_shown_is_refused_in_a_sentence(sound: Path) -> None:
    for model in (known_generators.flow(), known_generators.gan()):
        with pytest.raises(UsageError, match=r"audio is a recording; 'flowers-.*' was trained without any"):
            generate(Engine(model), 1, audio=sound)
    with pytest.raises(ModelError, match="takes sounds of 77 values, this version has 5120"):
        generate(Engine(known_generators.flow(sound_values=77)), 1, audio=sound)
    with pytest.raises(AudioError, match="cannot be read as sound"):
        generate(HEARING, 1, audio=b"\x00" * 100)
    with pytest.raises(UsageError, match="guidance is towards a class"):
        generate(HEARING, 1, guidance=2.0)


@pytest.mark.parametrize(("word", "digit"), [("three", 3), ("seven", 7)])
def test_the_shipped_model_writes_the_digit_that_a_synthetic_voice_says(word: str, digit: int) -> None:
    """Spoken by espeak-ng, which was in no training set; read by the classifier that judges the generators."""
    made = generate("spoken-digits", 4, audio=TESTS / "conditions" / f"{word}.ogg", steps=8, threads=1)
    judge = Engine(TESTS.parent / "benchmarks" / "models" / "mnist-classifier.onnx", threads=1)
    x = np.stack([picture.array().transpose(2, 0, 1) for picture in made.pictures])
    assert (judge.run({"x": x})["probabilities"].argmax(1) == digit).sum() >= 3
