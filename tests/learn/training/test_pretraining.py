"""A classifier that begins with the encoder of an autoencoder, and one that learns from few labelled pictures."""

import dataclasses
from collections import Counter

import numpy as np
import pytest
import pyvips
import torch
from safetensors.torch import load_file

from sfumato.errors import ModelError, UsageError
from sfumato.learn.catalog import create
from sfumato.learn.data.folders import list_pictures
from sfumato.learn.data.store import PictureStore
from sfumato.learn.export import export, rebuild, rounded
from sfumato.learn.training import launch
from sfumato.learn.training.objectives import objective_for
from sfumato.learn.training.trainer import train
from sfumato.learn.training.transfer import load_weights, taken
from sfumato.models import model_file, zoo

SHAPE = {"size": (8, 12), "channels": 1, "widths": (6, 8), "patch": 2, "latent": 4}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """`data` with 30 pictures in the folders a, b and c, and two files that hold encoders, of weights of no seed."""
    folder = tmp_path_factory.mktemp("pretraining")
    draw = np.random.default_rng(0)
    for number in range(30):
        path = folder / "data" / "abc"[number % 3] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = draw.integers(0, 255, (8, 12), dtype=np.uint8)
        pyvips.Image.new_from_array(pixels).write_to_file(str(path))
    torch.manual_seed(123)
    for family in ("autoencoder", "vae"):
        network = create(family, {"size": (8, 8)} | SHAPE | ({"components": 1} if family == "autoencoder" else {}))
        export(network, folder / f"{family}.onnx", name=family, family=family)
    export(create("gan", {"size": (8, 12), "widths": (6, 8)}), folder / "gan.onnx", name="gan", family="gan")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        yield folder


def configured(place, *more, start_from="autoencoder"):
    settings = ["label=folder", "steps=3", "batch=4", "threads=1", *more]
    where = str(place / f"{start_from}.onnx") if start_from else ""
    if not start_from:
        settings = ["model.size=[8,12]", "model.channels=1", "model.widths=[6,8]", *settings]
    return launch.configure("classifier", data=str(place / "data"), settings=settings, start_from=where)


@pytest.mark.parametrize("family", ["autoencoder", "vae"])
def test_a_classifier_begins_with_the_encoder_of_the_file_and_a_head_of_its_own(family, place, tmp_path):
    config = configured(place, "lr=1e-12", start_from=family)
    assert (config.family, config.model["act"], config.model["patch"]) == ("classifier", "silu", 2)
    assert tuple(config.model["classes"]) == ("a", "b", "c")
    train(config, tmp_path)
    tensors = load_file(next(tmp_path.glob("state-*.safetensors")))

    lent = {n: v for n, v in rebuild(place / f"{family}.onnx").state_dict().items() if n.startswith("encoder.0.")}
    assert lent
    for name, value in lent.items():
        own = tensors[f"network/classifier/{name.replace('encoder.0.', 'encoder.')}"]
        assert torch.allclose(own, value, atol=1e-8)
    assert "only the encoder is taken" in taken(create("classifier"), "classifier", str(place / f"{family}.onnx"))
    assert not taken(create(family), family, str(place / f"{family}.onnx"))


def test_the_same_features_come_out_of_both(place):
    config = configured(place)
    classifier = objective_for(config).networks["classifier"]
    load_weights(classifier, "classifier", str(place / "autoencoder.onnx"))

    x = torch.rand(2, 1, 8, 12)
    lender = rebuild(place / "autoencoder.onnx")
    assert torch.equal(classifier.encoder(2 * x - 1), lender.encoder[0](2 * x - 1))


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("model.widths=[6,10]", "an encoder of another shape"),
        ("model.channels=3", "an encoder of another shape"),
        ("model.blocks=2", "an encoder of another shape"),
        ("model.act=relu", "activation silu, and this run's is relu"),
    ],
)
def test_an_encoder_that_does_not_fit_is_one_sentence(setting, says, place):
    with pytest.raises(ModelError, match=says):
        configured(place, setting)


def test_files_without_an_encoder_that_fits_are_refused(place):
    with pytest.raises(UsageError, match="takes the encoder of autoencoder or vae"):
        configured(place, start_from="gan")
    with pytest.raises(UsageError, match=r"start from it|holds|trains another kind"):
        launch.configure("denoise-fast", data=str(place / "data"), start_from=str(place / "vae.onnx"))


@pytest.mark.skipif("emoji" not in zoo.installed(), reason="the second package is not installed")
def test_an_autoencoder_of_transparent_pictures_begins_one_of_opaque_ones(place):
    settings = ["model.size=[48,48]", "model.channels=3", "steps=1"]
    config = launch.configure("latent-gan", data=str(place / "data"), settings=settings, start_from="emoji")
    opaque, clear = objective_for(config).networks["generator"].eval(), rebuild(zoo.path("emoji")).eval()
    load_weights(opaque, config.family, "emoji")
    x = torch.rand(1, 3, 160, 160)
    with torch.no_grad():
        code = opaque.to_code(opaque.encoder(2 * x - 1))
        other = clear.to_code(clear.encoder(2 * torch.cat([x, torch.ones_like(x[:, :1])], dim=1) - 1))
        # Behind the border alpha is 0 in one and 1 in the other, which is seen from some places away.
        torch.testing.assert_close(code[..., 6:-6, 6:-6], other[..., 6:-6, 6:-6], rtol=0, atol=1e-4)
        pictures = (network.last(network.decoder(network.from_code(code))) for network in (opaque, clear))
        torch.testing.assert_close(next(pictures), next(pictures)[:, :3])
    assert "--from emoji --set model.size=[48,48] --set model.channels=3" in launch.command_of(config)


def test_a_file_from_before_a_setting_was_there_can_still_be_started_from(place, tmp_path):
    network = create("classifier", {"size": (8, 12), "widths": (6, 8), "hidden": (8,)})
    path = tmp_path / "old.onnx"
    card = export(network, path, name="old", family="classifier")

    old = {key: value for key, value in card.config.items() if key not in ("act", "patch")}
    path.write_bytes(model_file.seal(path.read_bytes(), dataclasses.replace(card, config=old)))
    fresh = create("classifier", old)
    load_weights(fresh, "classifier", str(path))
    assert torch.equal(fresh.head.state_dict()["0.weight"], rounded(network).head.state_dict()["0.weight"])


@pytest.mark.parametrize("few", [3, 7, 12])
def test_few_labelled_pictures_are_spread_over_classes_and_follow_the_seed(few, place):
    def names(seed):
        config = configured(place, f"options.few={few}", f"seed={seed}", start_from="")
        objective = objective_for(config)
        store = PictureStore.build(list_pictures(place / "data"), channels=1, size=(8, 12))
        return objective.chosen(store).names

    found = names(0)
    assert len(found) == few
    counts = Counter(name.split("/")[0] for name in found)
    assert max(counts.values()) - min(counts.values()) <= 1
    assert names(0) == found
    assert names(1) != found


def test_a_run_learns_from_the_few_alone_and_says_how_many(place, tmp_path, capsys):
    outcome = launch.start(configured(place, "options.few=6", start_from=""), tmp_path / "run")
    assert outcome.model is not None
    assert "6 pictures" in capsys.readouterr().err
    with pytest.raises(UsageError, match="fewer than the 3 classes"):
        launch.start(configured(place, "options.few=2", start_from=""), tmp_path / "fewer")


def test_a_frozen_encoder_stays_and_the_head_learns(place, tmp_path):
    states = []
    for steps in (1, 3):
        train(configured(place, "options.frozen=1", f"steps={steps}"), tmp_path / str(steps))
        states.append(load_file(next((tmp_path / str(steps)).glob("state-*.safetensors"))))
    early, late = states
    for name in (name for name in early if name.startswith("network/classifier/")):
        assert torch.equal(early[name], late[name]) == ("encoder" in name), name


@pytest.mark.parametrize("setting", ["options.few=-1", "options.frozen=1.5", "model.patch=0"])
def test_settings_that_cannot_be_meant_are_refused(setting, place):
    with pytest.raises(UsageError):
        configured(place, setting, start_from="")
