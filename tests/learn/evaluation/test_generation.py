"""What the measurement of a generator promises: it knows copies, equal sets, collapse, and names its protocol."""

from collections import Counter

import model_files
import numpy as np
import pytest
from generator_files import (
    SIZE,
    colour_of_class,
    drawing_from,
    fading,
    flat_features,
    noise_pictures,
    write_pictures,
)

from sfumato.errors import ModelError, PictureError, TrainingError, UsageError
from sfumato.learn.evaluation.generation import evaluate_generator
from sfumato.pictures.picture import Picture


class Pixels:
    """Features that are the pixels themselves, halved in size, and a memory of what they were asked about."""

    name = "pixels, halved"

    def __init__(self):
        self.seen = []

    def __call__(self, pictures):
        self.seen.append(pictures)
        n, c, h, w = pictures.shape
        halved = np.asarray(pictures, np.float32).reshape(n, c, h // 2, 2, w // 2, 2).mean((3, 5))
        return halved.reshape(n, -1) / 255


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Pictures to train on in `train`, others of the same source in `test`, and generators that draw from each."""
    folder = tmp_path_factory.mktemp("generation")
    sets = {"train": noise_pictures(300, 0), "test": noise_pictures(120, 1), "fresh": noise_pictures(300, 2)}
    for name, pictures in sets.items():
        if name != "fresh":
            write_pictures(folder / name, pictures)
        (folder / f"{name}.onnx").write_bytes(drawing_from(pictures))
    (folder / "dark.onnx").write_bytes(drawing_from(noise_pictures(300, 3, high=0.7)))
    (folder / "collapsed.onnx").write_bytes(drawing_from(noise_pictures(2, 4)))
    return folder


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def measured(place, model, **options):
    settings = {"held_out": place / "test", "num": 200, "features": Pixels(), "threads": 1}
    return evaluate_generator(place / f"{model}.onnx", place / "train", **(settings | options))


def test_training_pictures_are_near_copies_and_new_ones_of_their_source_not(place, tmp_path):
    copied = measured(place, "train", sheet=tmp_path / "nearest.png")
    assert copied.near_copies == 1
    assert not copied.memorization.distances.any()
    assert measured(place, "fresh").near_copies < 0.04
    sheet = (Picture.open(tmp_path / "nearest.png").array() * 255).round()
    left, right = sheet[: SIZE[0], : SIZE[1]], sheet[: SIZE[0], SIZE[1] + 2 : 2 * SIZE[1] + 2]
    assert np.array_equal(left, right)


def test_figures_rank_generators_that_are_ranked_by_how_they_are_made(place):
    fresh, dark, collapsed = (measured(place, name) for name in ("fresh", "dark", "collapsed"))
    assert abs(fresh.kid.mean) < dark.kid.mean / 10
    assert abs(fresh.kid.mean) < collapsed.kid.mean / 10
    assert fresh.fid < dark.fid
    assert fresh.fid < collapsed.fid
    assert 3 * collapsed.quality.coverage < fresh.quality.coverage
    assert dark.quality.recall < fresh.quality.recall
    assert abs(fresh.kid_of_training.mean) < dark.kid.mean / 10


def test_measuring_again_gives_the_same_and_asks_for_real_features_once(place):
    features = Pixels()
    once = measured(place, "fresh", features=features)
    asked = len(features.seen)
    again = measured(place, "fresh", features=features)
    assert len(features.seen) == asked + 1  # of the samples
    assert np.array_equal(features.seen[-1], features.seen[asked - 1])
    for name in ("fid", "kid", "quality", "near_copies", "num_generated"):
        assert getattr(once, name) == getattr(again, name), name
    other = measured(place, "fresh", seed=1)
    assert other.fid != once.fid


def test_without_held_out_pictures_it_holds_out_what_training_does(place):
    from sfumato.learn.data.folders import list_pictures
    from sfumato.learn.data.store import PictureStore

    found = measured(place, "fresh", held_out=None, num=None)
    store = PictureStore.build(list_pictures(place / "train"), size=SIZE)
    train, held_out = store.split(0.2, at_most=1000)
    assert (found.num_real, found.num_train, found.num_held_out) == (300, len(train), len(held_out))
    assert found.num_generated == 300
    assert found.kid_of_training is None
    assert measured(place, "train", held_out=None).near_copies == pytest.approx(len(train) / 300, abs=0.08)


def test_every_line_names_what_its_figures_depend_on(place):
    found = measured(place, "fresh", features=str(flat_features(place / "flat.onnx")))
    text = "\n".join(found.lines())
    for words in (
        "repeating: 200 pictures of 12x8, RGB, seed 0, against 120 pictures of test",
        "features: flat.onnx",
        "subsets of 60",
        "k = 3, 120 pictures each",
        "one of 300 training pictures than the 1st percentile of 120 held-out ones",
        "biased upwards",
        "pictures/s on cpu",
        "MB",
    ):
        assert words in text, words


def test_transparent_pictures_are_compared_over_the_background_that_is_named(place, tmp_path):
    pictures = noise_pictures(40, 5, channels=4)
    pictures[..., 3] = np.where(np.arange(12) < 6, 0, 255)
    write_pictures(tmp_path / "clear", pictures)
    (tmp_path / "clear.onnx").write_bytes(drawing_from(pictures))
    for background, shade in (("white", 255), ("grey", 128)):
        features = Pixels()
        found = evaluate_generator(
            tmp_path / "clear.onnx", tmp_path / "clear", features=features, background=background
        )
        assert f"RGBA over {background}" in found.lines()[0]
        for seen in features.seen:
            assert seen.shape[1] == 3
            assert np.array_equal(seen[..., :6], np.full_like(seen[..., :6], shade))
            assert seen[..., 6:].std() > 50


def test_classes_are_drawn_in_turn_or_as_often_as_the_pictures_have_them(place, tmp_path):
    shades = {"dark": 0.1, "mid": 0.5, "light": 0.9}
    for number, (name, count) in enumerate({"dark": 12, "mid": 6, "light": 2}.items()):
        write_pictures(tmp_path / "data" / name, noise_pictures(count, number, channels=1)[..., 0])
    (tmp_path / "shades.onnx").write_bytes(colour_of_class(shades))

    def drawn(**options):
        features = Pixels()
        found = evaluate_generator(tmp_path / "shades.onnx", tmp_path / "data", features=features, num=20, **options)
        means = features.seen[-1].mean((1, 2, 3)) / 255
        names = [min(shades, key=lambda name: abs(shades[name] - mean)) for mean in means]
        return Counter(names), found.lines()[0]

    counts, line = drawn(label_by="folder")
    assert counts == {"dark": 12, "mid": 6, "light": 2}
    assert "classes as often as by folder" in line
    counts, line = drawn()
    assert counts == {"dark": 7, "mid": 7, "light": 6}
    assert "classes in turn" in line

    (tmp_path / "shades.onnx").write_bytes(colour_of_class({"grey/dark": 0.1, "grey/mid": 0.5, "light": 0.9}))
    assert drawn(label_by="folder")[0] == {"dark": 12, "mid": 6, "light": 2}, "a class is found by its own name"
    (tmp_path / "data" / "dark").rename(tmp_path / "data" / "grey")
    counts, _ = drawn(label_by="folder")
    assert counts["light"] == 2
    assert counts["mid"] > 6, "of a group its classes are drawn"
    (tmp_path / "shades.onnx").write_bytes(colour_of_class(shades))
    (tmp_path / "data" / "grey").rename(tmp_path / "data" / "dark")

    write_pictures(tmp_path / "data" / "violet", noise_pictures(1, 9, channels=1)[..., 0])
    with pytest.raises(UsageError, match=r"'violet'.*knows dark, mid, light"):
        drawn(label_by="folder")


def test_a_flow_is_measured_by_the_steps_that_are_asked_for(place):
    (place / "fading.onnx").write_bytes(fading())
    usual, told = measured(place, "fading"), measured(place, "fading", steps=2, solver="heun", shift=3, churn=1)
    assert "euler 4 steps" in usual.lines()[0]
    assert "shift" not in usual.lines()[0]
    assert "heun 2 steps, shift 3, churn 1" in told.lines()[0]
    assert usual.quality.precision > told.quality.recall == 0


def test_unreadable_files_and_held_out_pictures_that_were_trained_on_are_said(place, tmp_path):
    write_pictures(tmp_path / "mixed", noise_pictures(30, 7))
    (tmp_path / "mixed" / "0000.png").write_bytes(b"no picture")
    found = measured(place, "fresh", held_out=tmp_path / "mixed")
    assert any("1 unreadable" in note for note in found.notes)
    again = measured(place, "train", held_out=place / "train")
    assert again.memorization.threshold == 0
    assert again.near_copies == 1
    assert any("only exact copies" in note for note in again.notes)


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"num": 9}, UsageError, "num=9"),
        ({"background": "pink"}, UsageError, "pink"),
        ({"features": "inception"}, UsageError, "neither lite0"),
        ({"label_by": "folder"}, UsageError, "without classes"),
        ({"steps": 5}, UsageError, "steps is for flows"),
        ({"held_out": "nowhere"}, TrainingError, "nowhere does not exist"),
        ({"sheet": "train"}, PictureError, "exists already"),
    ],
)
def test_mistakes_are_one_sentence(place, monkeypatch, options, error, says):
    monkeypatch.chdir(place)
    with pytest.raises(error, match=says) as raised:
        measured(place, "fresh", **options)
    assert str(raised.value).endswith(".")


def test_what_cannot_be_measured_is_refused(place, tmp_path):
    write_pictures(tmp_path / "few", noise_pictures(2, 0))
    with pytest.raises(TrainingError, match="holds 2 readable pictures; to compare with, 10 are needed"):
        measured(place, "fresh", held_out=tmp_path / "few")
    (tmp_path / "restorer.onnx").write_bytes(model_files.identity())
    with pytest.raises(ModelError, match="generates no pictures"):
        evaluate_generator(tmp_path / "restorer.onnx", place / "train", features=Pixels())
