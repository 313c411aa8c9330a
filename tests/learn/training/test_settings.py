"""What a run may be told: one sentence for settings that cannot be meant, and fine-tuning from the file it names."""

import dataclasses
import shutil

import pytest
import torch
from training_files import picture_folder, tiny_config

from sfumato.errors import ModelError, TrainingError, UsageError
from sfumato.learn.catalog import create
from sfumato.learn.export import export, rounded
from sfumato.learn.training import state
from sfumato.learn.training.config import TrainConfig
from sfumato.learn.training.launch import command_of, configure, parse_time, resume
from sfumato.learn.training.objectives import objective_for
from sfumato.learn.training.optimization import FORCED, precision
from sfumato.learn.training.recipes import RECIPES
from sfumato.learn.training.stores import stores
from sfumato.learn.training.trainer import train
from sfumato.learn.training.transfer import load_weights, taken


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder of pictures, decoded once for the whole module, and one thread."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        threads = torch.get_num_threads()
        yield picture_folder(tmp_path_factory.mktemp("data") / "pictures")
        torch.set_num_threads(threads)


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("steps=abc", "steps is a whole number, not 'abc'"),
        ("steps=1.5", "steps is a whole number, not 1.5"),
        ("steps=-1", "give either steps or seconds"),
        ("batch=0", "batch must be more than 0"),
        ("batch=true", "batch is a whole number"),
        ("lr=fast", "lr is a number, not 'fast'"),
        ("lr=NaN", "lr is a number"),
        ("compile=yes", "compile is true or false"),
        ("patch=50", "patch must be a multiple of 16"),
        ("workers=-1", "workers must not be negative"),
        ("precision=fp8", "precision is auto, fp32 or bf16"),
        ("val_protocols=25", r"val_protocols is a list, each part text, such as \[8, 16\]; 25 is none"),
        ("val_protocols=[]", "val_protocols needs at least one"),
        ('val_protocols=["jpg:10"]', "no protocol 'jpg'.*'jpeg'"),
        ("model.widths=3", "plain-unet: widths is a list, each part a whole number"),
        ('model.widths=[8,"b"]', "plain-unet: every part of widths is a whole number"),
        ("model.width=[8]", "no setting of plain-unet 'width'. Did you mean 'widths'"),
        ("widths=[8,16]", r"widths is a setting of the network: model.widths"),
        ("bacth=3", "no setting of recipe denoise-fast 'bacth'. Did you mean 'batch'"),
        ("family=plain-unit", "no family 'plain-unit'. Did you mean 'plain-unet'"),
        ("loss=charbonier", "no loss 'charbonier'. Did you mean 'charbonnier'"),
        ("degradation=gausian", "no degradation 'gausian'. Did you mean 'gaussian'"),
        ("objective=restore", "no objective 'restore'"),
        ("family=noise-net", "noise-net"),
        ("options.perceptal=1", "no setting of options of denoise-fast 'perceptal'. Did you mean 'perceptual'"),
        ("options.perceptual=-1", "perceptual and kept must not be negative"),
        ("options.kept=5", "kept goes with a teacher"),
        ("options.teacher=dejpeg", "dejpeg does another task than what it should teach"),
        ("options.perceptual=much", "options of denoise-fast: perceptual is a number, not 'much'"),
        ("balance=2", "balance is from 0 to 1"),
        ("shrink=0.5", "shrink must be at least 1"),
        ("ema=2", "ema is a fraction of the run"),
        ("lr", "'lr' is no key=value pair"),
    ],
)
def test_settings_that_cannot_be_meant_are_one_sentence(setting, says, data):
    with pytest.raises(UsageError, match=says) as refused:
        configure("denoise-fast", data=str(data), settings=[setting])
    assert "\n" not in str(refused.value)


def test_settings_are_read_as_json_or_text(data):
    made = configure(
        "denoise-fast",
        data=str(data),
        time="1h30m",
        settings=[
            'precision="fp32"',
            "loss=l2",
            "batch=4.0",
            "weight_decay=1",
            "model.widths=[8,8]",
            "model.blocks=[1,1]",
        ],
    )
    assert (made.precision, made.loss, made.batch, made.weight_decay) == ("fp32", "l2", 4, 1.0)
    assert (made.seconds, made.steps, made.model["widths"]) == (5400.0, 0, [8, 8])


def test_unknown_recipes_and_times_are_one_sentence(data):
    with pytest.raises(UsageError, match="Did you mean 'denoise-fast'"):
        configure("denoise-fest", data=str(data))
    for text in ("2", "h", "0s", "2 h"):
        with pytest.raises(UsageError, match="write it as 2h"):
            parse_time(text)


def test_a_run_told_no_precision_has_the_one_of_the_environment_or_the_cpu(monkeypatch):
    for quick, chosen in ((True, "bf16"), (False, "no")):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda quick=quick: {"avx512_bf16": quick})
        monkeypatch.delenv(FORCED, raising=False)
        assert precision("auto", "cpu") == chosen
        for forced, expected in (("auto", chosen), ("fp32", "no"), ("bf16", "bf16")):
            monkeypatch.setenv(FORCED, forced)
            assert precision("auto", "cpu") == expected
            assert (precision("fp32", "cpu"), precision("bf16", "cpu")) == ("no", "bf16"), "what is told comes first"
    monkeypatch.setenv(FORCED, "fp8")
    with pytest.raises(UsageError, match="SFUMATO_PRECISION is one of auto, fp32, bf16, not 'fp8'"):
        precision("auto", "cpu")


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_config_comes_back_from_its_file_and_its_command_names_changes(recipe, tmp_path, data):
    plain = RECIPES[recipe]()
    changed = plain.with_settings({"steps": "7", "lr": "0.5", "loss": "l2"})
    (tmp_path / "config.json").write_text(changed.to_json())
    read = TrainConfig.from_json(tmp_path / "config.json")
    assert read.to_json() == changed.to_json()
    assert command_of(plain) == f"sfumato train {recipe} --data DATA"
    words = command_of(changed).split()
    assert {"steps=7", "lr=0.5", "loss=l2"} <= set(words)
    assert sum(word == "--set" for word in words) == 3 - (plain.loss == "l2")


def test_run_directories_without_a_usable_config_are_refused(tmp_path):
    with pytest.raises(TrainingError, match="is no run directory"):
        resume(tmp_path)
    (tmp_path / "config.json").write_text("[1, 2")
    with pytest.raises(TrainingError, match="cannot be read"):
        resume(tmp_path)


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    """A model file with weights that no seed gives, and the network in it."""
    torch.manual_seed(123)
    network = create("plain-unet", {"widths": (8, 12), "blocks": (1, 1)})
    path = tmp_path_factory.mktemp("model") / "start.onnx"
    export(network, path, name="start", family="plain-unet", task="denoise")
    return path, rounded(network)


def test_fine_tuning_starts_from_the_weights_in_the_file(data, model_file, tmp_path):
    path, network = model_file
    made = configure("denoise-fast", data=str(data), start_from=str(path), settings=["steps=1", "lr=1e-12", "batch=2"])
    assert made.model["widths"] == [8, 12]
    train(dataclasses.replace(made, patch=32), tmp_path)
    tensors = state.load(tmp_path)[0]
    for name, value in network.state_dict().items():
        assert torch.allclose(tensors[f"network/restorer/{name}"], value, atol=1e-9)
        assert torch.allclose(tensors[f"average/{name}"], value, atol=1e-9)


def test_another_task_starts_from_the_weights_that_both_have(data, model_file, tmp_path):
    """The blind network has no level map: of the first convolution it takes what belongs to the picture."""
    path, network = model_file
    tiny = ["steps=1", "lr=1e-12", "batch=2", "patch=32", "model.widths=[8,12]", "model.blocks=[1,1]"]
    made = configure("clean", data=str(data), start_from=str(path), settings=[*tiny, 'val_protocols=["clean"]'])
    assert made.model["task"] == "clean"
    train(made, tmp_path)
    tensors = state.load(tmp_path)[0]
    for name, value in network.state_dict().items():
        found = tensors[f"network/restorer/{name}"]
        assert torch.allclose(found, value[:, : found.shape[1]], atol=1e-9), name
    assert tensors["network/restorer/head.weight"].shape[1] == 12
    said = taken(create("plain-unet", made.model), "plain-unet", str(path))
    assert "was trained for denoise" in said
    other = create("plain-unet", made.model | {"widths": (6, 10), "channels": 1})
    with pytest.raises(ModelError, match="shares no weights"):
        load_weights(other, "plain-unet", str(path))


def test_a_restorer_of_grey_alone_is_refused_before_it_trains(data):
    with pytest.raises(UsageError, match="channels is 1; restorers have 3"):
        configure("denoise-fast", data=str(data), settings=["model.channels=1"])


def test_of_many_pictures_to_validate_on_some_are_taken(data, tmp_path):
    """Ten thousand made each validation of a denoiser take minutes."""
    for number in range(70):
        shutil.copy(next(path for path in data.iterdir() if path.is_file()), tmp_path / f"{number:02d}.png")
    config = configure("denoise-fast", data=str(data), val=str(tmp_path), settings=["steps=1"])
    assert len(stores(config, objective_for(config), ())[1]) == 64


def test_fine_tuning_refuses_other_networks(data, model_file, tmp_path):
    path, _ = model_file
    with pytest.raises(ModelError, match=r"holds the network plain-unet .* leave out model"):
        configure("denoise-fast", data=str(data), start_from=str(path), settings=["model.widths=[8,16]"])
    with pytest.raises(ModelError, match="holds the network plain-unet"):
        train(tiny_config(data, started_from=str(path), model={"widths": (8,), "blocks": (1,)}), tmp_path)
    with pytest.raises(UsageError, match="is a model for denoise, and noise-level trains another kind"):
        configure("noise-level", data=str(data), start_from=str(path))
    with pytest.raises(ModelError, match="neither a model file nor a shipped model"):
        configure("denoise-fast", data=str(data), start_from="denoise-fastest")
    with pytest.raises(ModelError, match="neither a model file nor a shipped model"):
        configure("denoise-fast", data=str(data), start_from=str(tmp_path))
