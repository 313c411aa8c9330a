"""A flow that learns to draw what is spoken: its recordings, its encoder, a run on two tones, and its file."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import pyvips
import torch
from safetensors.torch import load_file
from sound_files import glide, write_sound

from sfumato.conditions.audio import BANDS, FRAMES, NUM_VALUES, read_sound
from sfumato.errors import TrainingError, UsageError
from sfumato.learn.catalog import create
from sfumato.learn.data.recordings import SPEEDS, Recordings, changed
from sfumato.learn.export import rebuild
from sfumato.learn.networks.conditions import AudioEncoder
from sfumato.learn.training import launch
from sfumato.learn.training.state import BEST
from sfumato.learn.training.trainer import train
from sfumato.learn.training.transfer import load_weights
from sfumato.models import zoo

CLASSES = ("low", "high")
TONES = {"low": (250, 500), "high": (1800, 2600)}


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Dark and light pictures, and rising tones, low and high, in folders of their classes."""
    folder, draw = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    for name, shade in (("low", 40), ("high", 210)):
        (folder / "pictures" / name).mkdir(parents=True)
        (folder / "sounds" / name).mkdir(parents=True)
        for number in range(8):  # too few to hold out those that features are compared of
            pixels = np.uint8(shade + draw.integers(-20, 20, (8, 12, 1)))
            pyvips.Image.new_from_array(pixels).write_to_file(str(folder / "pictures" / name / f"{number}.png"))
        for number in range(10):
            low, high = TONES[name]
            tone = glide(0.2 + 0.05 * number, low=low + 10 * number, high=high)
            write_sound(folder / "sounds" / name / f"{number}.wav", tone)
    return folder


def configured(data: Path, *more: str, recipe: str = "flow", **others):
    settings = [
        "model.size=[8,12]",
        "model.channels=1",
        "model.widths=[6,8]",
        "model.attention=[1]",
        "model.audio=[4,6]",
    ]
    settings += ["label=folder", f"audio={data / 'sounds'}", "steps=4", "batch=4", "num_drawn=10", "threads=1"]
    return launch.configure(recipe, data=str(data / "pictures"), settings=[*settings, *more], **others)


def test_recordings_are_found_by_class_and_some_are_held_out(data, tmp_path):
    train, held_out = Recordings.read(data / "sounds", CLASSES)
    assert train.spectrograms.shape[1:] == (len(SPEEDS), NUM_VALUES)
    assert len(train.classes) + len(held_out.classes) >= 20
    assert held_out.spectrograms.shape[1:] == (1, NUM_VALUES)
    torch.manual_seed(0)
    chosen = train.of(torch.eye(2)[[0, 1] * 20]).reshape(-1, BANDS, FRAMES)
    band = chosen.mean(2).argmax(1)
    assert (band[0::2] < 20).float().mean() > 0.9
    assert (band[1::2] >= 20).float().mean() > 0.9
    with zipfile.ZipFile(tmp_path / "sounds.zip", "w") as archive:
        for path in (data / "sounds").rglob("*.wav"):
            archive.write(path, path.relative_to(data / "sounds"))
    zipped, _ = Recordings.read(tmp_path / "sounds.zip", CLASSES)
    assert torch.equal(zipped.spectrograms, train.spectrograms)


def test_a_changed_spectrogram_is_one_still_and_another_each_time():
    torch.manual_seed(0)
    sound = torch.rand(6, NUM_VALUES)
    one, other = changed(sound), changed(sound)
    assert one.shape == sound.shape
    assert one.min() >= 0
    assert one.max() <= 1
    assert not torch.equal(one, other)
    assert all(one[i].any() for i in range(6))


@pytest.mark.parametrize("half", [False, True], ids=["fp32", "bf16"])
def test_no_sound_is_no_class_and_a_sound_is_a_mixture_of_classes(half):
    torch.manual_seed(0)
    encoder = AudioEncoder(5, (6, 8))
    sound = torch.rand(3, NUM_VALUES)
    sound[1] = 0
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        mixture = encoder(sound)
    assert mixture.dtype == torch.float32
    torch.testing.assert_close(mixture.sum(1), torch.tensor([1.0, 0.0, 1.0]), rtol=0, atol=1e-5)
    network = create("flow", {"size": (8, 8), "classes": ("a", "b"), "widths": (6, 8), "audio": (4, 6)}).eval()
    x, t, label = torch.randn(2, 3, 8, 8), torch.rand(2, 1), torch.eye(2)
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        dropped, without = network(x, t, label, torch.zeros(2, NUM_VALUES)), network(x, t, label)
        heard = network(x, t, torch.zeros(2, 2), torch.rand(2, NUM_VALUES))
    assert torch.equal(dropped, without)
    assert not torch.allclose(heard, network(x, t, torch.zeros(2, 2)))


def test_a_run_learns_to_tell_tones_apart(data, tmp_path):
    settings = ["steps=150", "lr=0.01", "validate_every=150", "save_every=150", "batch=16"]
    config = configured(data, *settings)
    assert train(config, tmp_path / "run").history[-1]["heard"] == 1.0
    network = create("flow", config.model)
    network.load_state_dict(load_file(tmp_path / "run" / BEST))
    for place, name in enumerate(config.model["classes"]):
        low, high = TONES[name]
        sound = read_sound(write_sound(tmp_path / f"{name}.flac", glide(0.33, low=low + 15, high=high - 40)))
        assert network.audio(torch.from_numpy(sound.values)[None])[0, place] > 0.7
    command = launch.command_of(config)
    assert "--set audio=RECORDINGS" in command
    assert str(data) not in command


def test_a_flow_that_hears_begins_as_the_flow_that_it_starts_from():
    lender = rebuild(zoo.path("mnist-flow")).eval()
    network = create("flow", vars(lender.config) | {"audio": (4, 6)}).eval()
    load_weights(network, "flow", "mnist-flow")
    x, t, label = torch.randn(3, 1, 28, 28), torch.rand(3, 1), torch.eye(10)[[1, 4, 8]]
    torch.testing.assert_close(network(x, t, label, torch.zeros(3, NUM_VALUES)), lender(x, t, label))


def test_recordings_that_cannot_be_learned_from_are_refused_in_a_sentence(data, tmp_path):
    with pytest.raises(UsageError, match="audio is for the family flow; gan takes no sounds"):
        launch.configure(
            "gan", data=str(data / "pictures"), settings=["label=folder", f"audio={data / 'sounds'}", "steps=1"]
        )
    with pytest.raises(UsageError, match="is heard by class, and nothing says what labels the pictures: label"):
        configured(data, "label=")
    with pytest.raises(UsageError, match="audio needs classes, and one to five widths"):
        configured(data, "model.audio=[1,1,1,1,1,1]")
    with pytest.raises(TrainingError, match="missing does not exist; give a folder, a zip or a tar of recordings"):
        configured(data, f"audio={tmp_path / 'missing'}")
    with pytest.raises(TrainingError, match="holds no recordings"):
        configured(data, f"audio={data / 'pictures'}")
    for label in ("low", "high", "middle"):
        (tmp_path / "sounds" / label).mkdir(parents=True)
        (tmp_path / "sounds" / label / "1.wav").write_text("no sound")
    with pytest.raises(TrainingError, match="the folder 'middle' is none of the classes high, low"):
        configured(data, f"audio={tmp_path / 'sounds'}")
    with pytest.raises(TrainingError, match=r"sounds: high/1.wav cannot be read as sound"):
        Recordings.read(tmp_path / "sounds", ("low", "high", "middle"))
    with pytest.raises(TrainingError, match="too few recordings of 'other'"):
        Recordings.read(data / "sounds", (*CLASSES, "other"))
    with pytest.raises(UsageError, match="spoken is from 0 to 1"):
        configured(data, "options.spoken=2")
