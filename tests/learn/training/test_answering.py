"""Questions about pictures: read from metadata, and answered by where something is."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from training_files import assert_goes_on_to_the_bit, assert_precisions_agree, precisions

from sfumato import Picture, ask
from sfumato.conditions.text import read_text
from sfumato.errors import ModelError, PictureError, TrainingError, UsageError
from sfumato.learn.training import launch
from sfumato.models.engine import Engine

SMALL = ["model.size=[8,8]", "model.widths=[8,16]", "model.text=[8]", "model.hops=1", "model.hidden=16"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A bright half on dark ground, and where it is."""
    folder = tmp_path_factory.mktemp("questions")
    rows = []
    for i in range(40):
        pixels, left = np.full((8, 8, 3), 20, np.uint8), i % 2 == 0
        pixels[:, :4] = 220 if left else 20
        pixels[:, 4:] = 20 if left else 220
        Image.fromarray(pixels).save(folder / f"{i}.png")
        asked = {"Is it left?": "yes" if left else "no", "how many are there?": 1}
        rows.append(json.dumps({"file_name": f"{i}.png", "questions": asked}))
    (folder / "metadata.jsonl").write_text("\n".join(rows))
    return folder


@pytest.fixture(scope="module")
def model(folder, tmp_path_factory):
    settings = [*SMALL, "steps=60", "batch=4", "lr=0.01", "validate_every=60", "save_every=60"]
    run = tmp_path_factory.mktemp("run") / "run"
    return launch.start(launch.configure("answers", data=str(folder), settings=settings), run).model


def test_a_run_learns_to_answer(folder, model):
    engine = Engine(model, threads=1)
    assert engine.card.classes == ("1", "no", "yes")
    for i, wanted in ((0, "yes"), (1, "no")):
        x = np.asarray(Image.open(folder / f"{i}.png"), np.float32).transpose(2, 0, 1)[None] / 255
        for question, answer in (("is it left?", wanted), ("how many are there?", "1")):
            found = engine.run({"x": x, "text": read_text(question).values[None]})["probabilities"]
            assert engine.card.classes[int(found.argmax())] == answer
    assert torch.isfinite(torch.from_numpy(found)).all()


def test_asking_gives_the_likeliest_answer_and_says_what_was_new_to_the_model(folder, model):
    for i, wanted in ((0, "yes"), (1, "no")):
        found = ask(model, folder / f"{i}.png", "IS it  left?")
        assert (found.answer, found.notes) == (wanted, ())
        assert list(found.probabilities) == sorted(found.probabilities, key=found.probabilities.get, reverse=True)
        assert sum(found.probabilities.values()) == pytest.approx(1, abs=1e-5)
    wide = Picture.from_array(np.ones((8, 24, 3)), alpha=np.ones((8, 24)))
    notes = ask(model, wide, "is the sky left? " + "so " * 50).notes
    assert notes[0] == "The picture was cropped to its middle and laid on white."
    assert notes[1].startswith("Of the text the first")
    assert notes[2] == "No question of the training had 'the', 'sky', 'so': the answer is a guess."


def test_the_command_prints_a_line_for_each_question(folder, model, run):
    ran = run("ask", str(model), str(folder / "0.png"), "is it left?", "how many are there, sky?")
    assert ran.status == 0, ran.err
    lines = ran.out.splitlines()
    assert lines[0].startswith("is it left? yes  (yes ")
    assert lines[1].startswith("how many are there, sky? ")
    assert lines[2:] == ["  No question of the training had 'sky': the answer is a guess."]


def test_what_cannot_be_asked_is_refused_in_a_sentence(folder, model):
    with pytest.raises(UsageError, match="The question is empty"):
        ask(model, folder / "0.png", " \n")
    with pytest.raises(ModelError, match="answers no questions; `sfumato train answers`"):
        ask("denoise-fast", folder / "0.png", "is it left?")
    with pytest.raises(PictureError):
        ask(model, folder / "metadata.jsonl", "is it left?")


@precisions
def test_a_run_that_was_cut_off_goes_on_to_the_bit(precision, folder, tmp_path):
    settings = [*SMALL, "steps=4", "batch=4", "threads=1", "save_every=1", "log_every=1", "validate_every=2"]
    config = launch.configure("answers", data=str(folder), settings=[*settings, f"precision={precision}"])
    assert_goes_on_to_the_bit(config, tmp_path)


def test_in_half_precision_the_same_is_learned(folder):
    settings = [*SMALL, "steps=4", "batch=4", "threads=1"]
    assert_precisions_agree(launch.configure("answers", data=str(folder), settings=settings))


def test_questions_that_cannot_be_learned_from_are_refused_in_a_sentence(folder, tmp_path):
    def configured(data, *settings):
        return launch.configure("answers", data=str(data), settings=[*SMALL, "steps=1", *settings])

    with pytest.raises(TrainingError, match=r"0\.png has no 'asked' in a metadata.jsonl: an object of questions"):
        configured(folder, "caption=asked")
    with pytest.raises(UsageError, match="the last width is a multiple of 4"):
        configured(folder, "model.widths=[8,10]")
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    (tmp_path / "metadata.jsonl").write_text('{"file_name": "a.png", "questions": {"what?": "it"}}')
    with pytest.raises(UsageError, match="answers: 1 different answers are there; two are needed"):
        configured(tmp_path)
