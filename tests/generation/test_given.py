"""Pictures by words, outline, sound and class together, of a flow that adds each one's share to its mean."""

from pathlib import Path

import known_generators
import numpy as np
import pytest
from known_generators import MEAN, MEANS, SIZE
from sound_files import glide, write_sound

from sfumato import Picture
from sfumato.conditions.audio import NUM_VALUES, read_sound
from sfumato.conditions.text import read_text
from sfumato.errors import PictureError, UsageError
from sfumato.generation.generate import generate, generates, interpolate, vary
from sfumato.models import zoo
from sfumato.models.engine import Engine, load
from sfumato.models.model_file import read
from sfumato.models.ports import port_of

LONGEST = 40
ALL = {"sound_values": NUM_VALUES, "text_values": LONGEST, "outlined": True}
KNOWING = Engine(known_generators.flow(**ALL), threads=1)
VARYING = Engine(known_generators.latent_flow(**ALL), threads=1)
STEP = 1 / 255


def in_range(made) -> np.ndarray:
    return np.stack([2 * picture.array() - 1 for picture in made.pictures])


def outline() -> Picture:
    alpha = np.zeros(SIZE, np.float32)
    alpha[:, : SIZE[1] // 2] = 1
    return Picture.from_array(np.zeros((*SIZE, 3), np.float32), alpha=alpha, depth=8)


def test_each_condition_adds_its_own_and_all_together_add_up(tmp_path: Path) -> None:
    said = write_sound(tmp_path / "said.wav", np.concatenate([glide(0.6), glide(0.6, low=900, high=200)]))
    shares = {
        "text": 0.01 * read_text("red", LONGEST).values.mean(),
        "audio": read_sound(said).values.mean(),
        "label": MEANS[1] - MEAN,
    }
    asked = {"text": "red", "audio": said, "label": "tulip", "layout": outline()}
    free = in_range(generate(KNOWING, 2, seed=3))
    for name, share in shares.items():
        moved = in_range(generate(KNOWING, 2, seed=3, **{name: asked[name]})) - free
        np.testing.assert_allclose(moved.mean(axis=(1, 2, 3)), share, atol=2 * STEP)
    halves = (in_range(generate(KNOWING, 2, seed=3, layout=asked["layout"])) - free).mean(axis=(0, 1, 3))
    np.testing.assert_allclose(halves, [0.5] * (SIZE[1] // 2) + [0] * (SIZE[1] // 2), atol=0.05)
    together = in_range(generate(KNOWING, 2, seed=3, **asked)) - free
    np.testing.assert_allclose(together.mean(), sum(shares.values()) + 0.25, atol=0.03)


def test_guidance_leads_further_towards_what_is_said() -> None:
    free = in_range(generate(KNOWING, 2, steps=40))
    moved = in_range(generate(KNOWING, 2, text="red", guidance=3.0, steps=40)) - free
    np.testing.assert_allclose(moved.mean(), 0.03 * read_text("red", LONGEST).values.mean(), atol=0.01)


def test_a_way_between_seeds_shows_what_is_said(tmp_path: Path) -> None:
    asked = {"text": "red", "layout": outline(), "guidance": 2.0}
    way = in_range(interpolate(KNOWING, 1, (2, 3), frames=3, **asked))
    ends = [in_range(generate(KNOWING, 1, seed=seed, first=first, **asked))[0] for seed, first in ((1, 0), (2, 3))]
    np.testing.assert_allclose(way[[0, 2]], ends, atol=2 * STEP)
    with pytest.raises(UsageError, match="text has no effect on a way between pictures"):
        interpolate(VARYING, outline(), 2, text="red")


def test_words_too_many_are_cut_with_a_note_and_spelling_of_case_is_one() -> None:
    made = generate(KNOWING, 1, text="a very long sentence " * 9)
    assert made.notes == (f"Of the text the first {LONGEST} bytes count: 'a very long sentence a very long sentenc'.",)
    one, other = (generate(KNOWING, 1, text=text) for text in ("Red  Apple ", "red apple"))
    assert np.array_equal(one.pictures[0].array(), other.pictures[0].array())
    assert not one.notes


@pytest.mark.parametrize(("text", "label"), [("red, Tulip", "tulip"), ("red tulip", None), ("tulip, rose", None)])
def test_a_caption_with_the_name_of_a_class_names_it(text: str, label: str | None) -> None:
    made, named = (generate(KNOWING, 1, text=text, label=asked) for asked in (None, label))
    assert made.labels == (label or "",)
    assert np.array_equal(made.pictures[0].array(), named.pictures[0].array())
    assert generate(KNOWING, 1, text=text, label="rose").labels == ("rose",)


@pytest.mark.parametrize("text", ["яблоко", "🍎", "りんご", "x" * LONGEST, "naïve\ncafé"])
def test_captions_of_any_script_are_taken(text: str) -> None:
    assert not generate(KNOWING, 1, text=text).notes


def test_what_cannot_be_shown_is_refused_in_a_sentence(tmp_path: Path) -> None:
    for empty in ("", "  \n", "\u200b"):
        with pytest.raises(UsageError, match="text is empty; say what the picture shows"):
            generate(KNOWING, 1, text=empty)
    plain = Engine(known_generators.flow(classes=()), threads=1)
    with pytest.raises(UsageError, match=r"text is a caption; 'flowers-flow' was trained without any: leave it out"):
        generate(plain, 1, text="red")
    with pytest.raises(UsageError, match=r"layout is a layout; 'flowers-gan' was trained without any"):
        generate(Engine(known_generators.gan()), 1, layout=outline())
    with pytest.raises(UsageError, match="guidance is towards a condition; 'flowers-flow' was trained without any"):
        generate(plain, 1, guidance=2.0)
    full = Picture.from_array(np.ones((*SIZE, 3), np.float32))
    with pytest.raises(UsageError, match="The layout shows no shape"):
        generate(KNOWING, 1, layout=full)
    (tmp_path / "layout.png").write_text("no picture")
    with pytest.raises(PictureError, match=r"layout\.png"):
        generate(KNOWING, 1, layout=tmp_path / "layout.png")


def test_an_outline_of_another_size_and_one_in_black_say_the_same() -> None:
    black = np.ones((3 * SIZE[0], 3 * SIZE[1], 1), np.float32)
    black[:, : 3 * SIZE[1] // 2] = 0
    one, other = (generate(KNOWING, 1, layout=layout) for layout in (outline(), Picture.from_array(black)))
    np.testing.assert_allclose(in_range(one), in_range(other), atol=0.3)
    assert np.abs(in_range(one) - in_range(other)).mean() < 0.05


def asked_for(folder: Path) -> dict:
    return {"text": "red", "audio": write_sound(folder / "said.wav", glide()), "layout": outline(), "label": "fern"}


def test_what_is_asked_for_turns_variations_by_their_amount(tmp_path: Path) -> None:
    source = generate(VARYING, 1, seed=9).pictures[0]
    for name, value in asked_for(tmp_path).items():
        given = {name: value}
        moved = [
            np.abs(in_range(vary(VARYING, source, 3, amount=a, **given)) - in_range(vary(VARYING, source, 3, amount=a)))
            for a in (0, 0.4, 0.8, 1)
        ]
        assert moved[0].max() <= 2 * STEP, name
        assert STEP < moved[1].mean() < moved[2].mean() < moved[3].mean(), name


def test_the_farthest_variations_are_what_is_generated_by_the_same(tmp_path: Path) -> None:
    given = asked_for(tmp_path)
    made = vary(VARYING, outline(), 3, amount=1, seed=6, **given)
    assert np.array_equal(in_range(made), in_range(generate(VARYING, 3, seed=6, **given)))
    assert made.labels == ("fern",) * 3
    long = vary(VARYING, outline(), 1, text="red " * 20)
    assert f"Of the text the first {LONGEST} bytes count" in long.notes[-1]


@pytest.mark.parametrize(
    "name", [name for name in zoo.installed() if generates(read(zoo.path(name).read_bytes(), where=name).card)]
)
def test_shipped_models_vary_towards_what_they_know_and_refuse_the_rest(name: str) -> None:
    engine = load(name, threads=1)
    kinds = {"text": "text", "layout": "silhouette"}
    given = {"text": "red apple", "layout": outline()}
    for option, value in given.items():
        if "encode" not in engine.card.entries:
            hint = "no encoder"
        elif port_of(engine.card, kinds[option]) is None:
            hint = f"{option} is a .*; '{name}' was trained without any: leave it out"
        else:
            free, said = (in_range(vary(engine, outline(), 1, amount=1, **w)) for w in ({}, {option: value}))
            assert np.abs(free - said).mean() > 0.01
            continue
        with pytest.raises(UsageError, match=hint):
            vary(engine, outline(), 1, **{option: value})
