"""A generator and a restorer in one file: each does there what it does alone, and can be taken out again."""

from itertools import pairwise

import numpy as np
import pytest

from sfumato import Picture, generate, restore
from sfumato.errors import ModelError
from sfumato.generation.generate import generates
from sfumato.interfaces.service.catalog import uses_of
from sfumato.learn.export import read_weights, rebuild
from sfumato.learn.joining import joined, restorer_alone
from sfumato.models import model_file, zoo
from sfumato.models.engine import Engine, read_file

DENOISER = read_file(zoo.path("denoise-fast"))
GENERATORS = {
    name: read_file(zoo.path(name))
    for name in ("mnist-gan", "mnist-vae", "mnist-flow", "emoji", "spoken-digits")
    if name in zoo.installed()
}


def noisy(size=(40, 52), channels=3):
    return np.random.default_rng(0).normal(0.5, 0.1, (*size, channels)).clip(0, 1).astype(np.float32)


@pytest.mark.parametrize("name", GENERATORS)
def test_both_do_in_one_file_what_they_do_alone(name):
    data = joined(GENERATORS[name], DENOISER, summary="Both.")
    both, alone = Engine(data, threads=1), Engine(GENERATORS[name], threads=1)
    assert both.card.role == alone.card.role
    assert both.card.summary == "Both."
    steps = {"steps": 2} if "velocity" in alone.card.entries else {}
    for one, other in zip(generate(both, 2, **steps).pictures, generate(alone, 2, **steps).pictures, strict=True):
        np.testing.assert_array_equal(one.array(), other.array())
    assert both.restoring.card.name == f"{alone.card.name}-restorer"
    for channels in (1, 3):
        x_hats = [
            restore(noisy(channels=channels), model=engine, noise=20).picture.array()
            for engine in (both, Engine(restorer_alone(data), threads=1), Engine(DENOISER, threads=1))
        ]
        for one, other in pairwise(x_hats):
            np.testing.assert_array_equal(one, other)
    with pytest.raises(ModelError, match="damaged"):
        Engine(data[:1000] + bytes([data[1000] ^ 1]) + data[1001:])


def test_weights_of_either_are_read_back(tmp_path):
    file = tmp_path / "both.onnx"
    file.write_bytes(joined(read_file(zoo.path("mnist-gan")), DENOISER))
    card, weights = read_weights(file, restoring=True)
    assert card.family == "plain-unet"
    wanted = read_weights(zoo.path("denoise-fast"))[1]
    assert weights.keys() == wanted.keys()
    assert all((weights[name] == wanted[name]).all() for name in wanted)
    own, other = (rebuild(path).state_dict() for path in (file, zoo.path("mnist-gan")))
    assert all((own[name] == other[name]).all() for name in other)


def test_every_door_takes_the_part_that_it_is_for(tmp_path, run, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "both.onnx").write_bytes(joined(GENERATORS["mnist-gan"], DENOISER))
    Picture.from_array(noisy()).save(tmp_path / "a.png")
    card = Engine(tmp_path / "both.onnx", threads=1).card
    assert {"generate", "restore"} <= set(uses_of(card))
    said = run("info", "both.onnx").out
    for words in ("by mnist-gan-restorer: denoise", "The restorer in the same file:", "restorer.sigma (sigma"):
        assert words in said
    assert "mnist-gan-restorer" in run("restore", "a.png", "--model", "both.onnx", "--dry-run").out
    assert "mnist-gan-restorer at noise 20" in run("restore", "a.png", "--model", "both.onnx", "--noise", "20").out
    refused = run("restore", "a.png", "--model", "both.onnx", "--task", "upscale")
    assert refused.status == 2
    assert "mnist-gan-restorer is for denoise, not for upscale" in refused.err
    exported = run("export", "both.onnx", "--to", "plain-onnx", "--noise", "25", "-o", "plain.onnx")
    assert exported.status == 0, exported.err


def test_a_flow_of_codes_enlarges_only_where_it_is_asked_to():
    data = joined(read_file(zoo.path("emoji")), DENOISER)
    both = Engine(data, threads=1)
    tiny = Picture.from_array(noisy((16, 16)), depth=8)
    assert [step.task for step in restore(tiny, model=both, noise=20).steps] == ["denoise"]
    assert restore(tiny, model=both, task="upscale", steps=1).picture.width == 64
    assert both.card.sampled_tasks == ()


def test_what_is_no_pair_is_refused():
    gan = GENERATORS["mnist-gan"]
    for pair in ((DENOISER, DENOISER), (gan, gan), (DENOISER, gan), (gan, read_file(zoo.path("inpaint")))):
        with pytest.raises(ModelError, match=r"holds a restorer besides|one name for two"):
            joined(*pair)
    card = model_file.read(gan, where="gan").card
    assert generates(card)
    assert restorer_alone(gan) is gan
