"""`train auto`: what is seen in a folder, what is chosen for it, and what is said of folders that nothing fits."""

import io
import json
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
import pyvips
from generator_files import drawing_from, write_pictures

from sfumato.errors import TrainingError, UsageError
from sfumato.learn.training import auto
from sfumato.learn.training.auto import choose, probe
from sfumato.learn.training.examination import Examination, examine
from sfumato.models.card import Card


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def noise(count, size=(12, 16), channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *size, channels), dtype=np.uint8)


def arrows(count, *, mirrored):
    """A bright bar at the left of noise; with `mirrored`, at either side."""
    pictures = noise(count, (16, 16)) // 4
    for number, picture in enumerate(pictures):
        side = slice(12, 16) if mirrored and number % 2 else slice(0, 4)
        picture[:, side] = 255
    return pictures


def seen(count, size=(64, 64), **values):
    """An examination as a large folder gives it, without the folder."""
    defaults = {"source": "DATA", "num_pictures": count, "num_examined": count, "num_distinct": count}
    return Examination(**(defaults | {"sizes": (size,) * 20, "num_grey": 0, "num_transparent": 0} | values))


def chosen(examination, time="2h", *, device="cpu", pictures_a_second=1000.0, **options):
    def rate(config):
        return pictures_a_second / (config.model["size"][0] * config.model["size"][1] / 1024)

    return choose(examination, time, device=device, rate=rate, shipped=(), **options)


@pytest.fixture
def any_data(monkeypatch):
    """`launch.configure` without its look at the folder: the config alone counts."""
    monkeypatch.setattr(auto.launch, "list_pictures", lambda source: None)
    monkeypatch.setattr(auto.launch, "with_classes", lambda config: config)
    monkeypatch.setattr(auto.launch, "objective_for", lambda config: None)


def test_an_examination_counts_what_is_there(tmp_path):
    folder = write_pictures(tmp_path / "data", noise(30))
    write_pictures(folder / "grey", noise(4, (20, 10), 1, seed=1)[..., 0])
    clear = noise(3, channels=4, seed=2)
    clear[..., 3] = 255
    clear[0, 0, 0, 3] = 0
    write_pictures(folder / "clear", clear)
    (folder / "copy.png").write_bytes((folder / "0003.png").read_bytes())
    pyvips.Image.new_from_array(noise(30)[5]).write_to_file(str(folder / "again.tif"))
    (folder / "broken.png").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("no picture either")
    found = examine(str(folder))
    assert (found.num_pictures, found.num_distinct) == (40, 37)
    assert (found.num_grey, found.num_transparent) == (4, 1)
    assert sorted(set(found.sizes)) == [(12, 16), (20, 10)]
    assert set(found.copies) == {("again.tif", "0005.png"), ("copy.png", "0003.png")}
    assert [name for name, _ in found.broken] == ["broken.png"]
    text = json.dumps(found.facts())
    for words in ("40, about 37 different", "10 to 16 px", "4 grey, 1 transparent", "broken.png"):
        assert words in text


def test_classes_come_from_folders_or_metadata_and_parts_of_a_split_are_none(tmp_path):
    for name in ("cat", "dog"):
        write_pictures(tmp_path / "kinds" / name, noise(3))
    assert examine(str(tmp_path / "kinds")).classes == {"folder": {"cat": 3, "dog": 3}}
    write_pictures(tmp_path / "split" / "train", noise(3))
    write_pictures(tmp_path / "split" / "test", noise(3))
    assert examine(str(tmp_path / "split")).classes == {}
    write_pictures(tmp_path / "one" / "cat", noise(3))
    assert examine(str(tmp_path / "one")).classes == {}

    rows = [{"file_name": f"{i:04d}.png", "tone": "dark" if i < 2 else "light", "name": f"n{i}"} for i in range(5)]
    rows[4].pop("name")
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        for i, pixels in enumerate(noise(5)):
            stored = io.BytesIO(pyvips.Image.new_from_array(pixels).write_to_buffer(".png"))
            archive.writestr(f"{i:04d}.png", stored.getvalue())
        archive.writestr("metadata.jsonl", "\n".join(map(json.dumps, rows)))
    assert examine(str(tmp_path / "data.zip")).classes == {"tone": {"dark": 2, "light": 3}}


def test_mirror_images_are_trained_on_where_they_belong_to_the_set(tmp_path, any_data):
    both = examine(str(write_pictures(tmp_path / "both", arrows(80, mirrored=True))))
    left = examine(str(write_pictures(tmp_path / "left", arrows(80, mirrored=False))))
    few = examine(str(write_pictures(tmp_path / "few", arrows(30, mirrored=True))))
    assert both.mirrored == pytest.approx(1, abs=0.05)
    assert left.mirrored > 2
    assert few.mirrored is None
    assert [("flips=true" in chosen(found).settings) for found in (both, left, few)] == [True, False, False]


@pytest.mark.parametrize(
    ("count", "recipe", "holds"),
    [
        (20, "latent-gan", "options.p=0.6"),
        (299, "latent-gan", "options.p=0.6"),
        (300, "latent-gan", "options.p=0.3"),
        (999, "latent-gan", "options.adapt=true"),
        (1000, "latent-flow", "model.dropout=0.2"),
        (60_000, "latent-flow", "model.dropout=0.1"),
    ],
)
def test_the_recipe_follows_from_the_number_of_different_pictures(count, recipe, holds, any_data):
    choice = chosen(seen(count))
    assert choice.recipe == recipe
    assert holds in choice.settings
    assert choice.configure("DATA").family == recipe
    assert f"{count:,}" in choice.reasons[0] or str(count) in choice.reasons[0]


@pytest.mark.parametrize("side", [28, 40, 48, 64])
@pytest.mark.parametrize(("count", "recipe"), [(500, "gan"), (5000, "flow")])
def test_larger_pictures_are_generated_by_codes(side, count, recipe, any_data):
    recipe = f"latent-{recipe}" if side >= 48 else recipe
    choice = chosen(seen(count, sizes=((side, side),) * 9), pictures_a_second=1e6)
    assert (choice.recipe, choice.size) == (recipe, (side, side))
    assert choice.configure("DATA").family == recipe


def test_the_time_is_for_generator_and_restorer_together(any_data):
    config = chosen(seen(500), "40m").configure("DATA")
    assert config.restorer == pytest.approx(1 / 3, abs=1e-3)
    assert config.seconds * (1 + config.restorer) == pytest.approx(2400, abs=1)
    assert chosen(seen(500), "40m").configure("DATA", settings=["restorer=0"]).seconds == 2400
    assert chosen(seen(500), "40m").configure("DATA", settings=["seconds=60"]).seconds == 60
    assert any("25% of the time denoise-fast is fine-tuned" in reason for reason in chosen(seen(500)).reasons)


def test_few_pictures_begin_with_a_shipped_autoencoder_where_it_is_installed(any_data, monkeypatch):
    monkeypatch.setattr(auto.launch, "load_weights", lambda network, family, model: None)
    network = SimpleNamespace(exported="generator", networks={"generator": None})
    monkeypatch.setattr(auto.launch, "objective_for", lambda config: network)

    def begins(count, shipped=("emoji",), **values):
        return choose(seen(count, **values), device="cpu", rate=lambda config: 1e6, shipped=shipped)

    choice = begins(500)
    assert (choice.recipe, choice.start_from) == ("latent-gan", "emoji")
    config = choice.configure("DATA")
    assert (config.started_from, config.model["size"], config.model["channels"]) == ("emoji", [64, 64], 3)
    assert config.options["coding"] == 0.2
    assert begins(500, num_transparent=20).start_from == "emoji"
    assert [begins(500, ()).start_from, begins(500, num_grey=20).start_from, begins(5000).start_from] == [""] * 3
    assert begins(500, sizes=((32, 32),) * 9).start_from == ""


def test_few_pictures_of_128_pixels_keep_their_size(any_data):
    sides = [chosen(seen(300, size=(128, 128)), "24m", pictures_a_second=rate).size[0] for rate in (1000, 60, 1)]
    assert sides == [128, 96, 48]


@pytest.mark.parametrize(
    ("sizes", "device", "few", "many"),
    [
        (((28, 28),) * 9, "cpu", (28, 28), (28, 28)),
        (((30, 30),) * 9, "cpu", (32, 32), (32, 32)),
        (((26, 26),) * 9, "cpu", (24, 24), (24, 24)),
        (((64, 64),) * 9, "cpu", (64, 64), (64, 64)),
        (((3000, 2000), (2000, 3000)) * 9, "cpu", (128, 128), (64, 64)),
        (((3000, 2000), (2000, 3000)) * 9, "cuda", (256, 256), (256, 256)),
        (((1080, 1920),) * 9, "cpu", (128, 224), (64, 112)),
        (((1920, 1080),) * 9, "mps", (224, 128), (176, 96)),
        (((100, 9000),) * 9, "cpu", (96, 240), (64, 160)),
        (((9, 9),) * 9, "cpu", (8, 8), (8, 8)),
        (((40, 40),) * 9, "cpu", (40, 40), (40, 40)),
    ],
)
@pytest.mark.parametrize("count", [100, 5000])
def test_the_size_follows_from_pictures_and_device_and_the_networks_take_it(sizes, device, few, many, count, any_data):
    choice, expected = (
        chosen(seen(count, sizes=sizes), device=device, pictures_a_second=1e6),
        many if count > 999 else few,
    )
    assert choice.size == expected
    from sfumato.learn.catalog import create

    config = choice.configure("DATA")
    assert tuple(create(config.family, config.model).config.size) == expected


def test_a_short_time_means_a_smaller_size_and_the_truth_about_it(any_data):
    fast, slow, slower = (chosen(seen(5000), pictures_a_second=rate) for rate in (1000, 40, 1))
    assert fast.size == (64, 64)
    assert slow.size < fast.size
    assert slower.size == (32, 32)
    assert "too seldom" in " ".join(slow.reasons)
    assert "smudges" in slower.expectation
    assert "smudges" not in fast.expectation
    assert chosen(seen(5000), "90s").configure("DATA").validate_every == 90 / 4


def test_channels_and_classes_follow_from_the_pictures(any_data):
    def model(**values):
        return dict(pair.split("=", 1) for pair in chosen(seen(2000, **values)).settings)

    assert model()["model.channels"] == "3"
    assert model(num_grey=20)["model.channels"] == "1"
    assert model(num_grey=19)["model.channels"] == "3"
    assert model(num_transparent=20, num_grey=20)["model.channels"] == "4"
    assert model(sizes=((64, 64),) * 100, num_transparent=4)["model.channels"] == "3"
    assert model(classes={"tone": {"a": 1000, "b": 1000}, "folder": {"x": 500, "y": 1500}})["label"] == "folder"
    assert model(classes={"many": {str(i): 40 for i in range(50)}, "few": {"a": 1990, "b": 10}})["label"] == "few"
    assert "label" not in model(classes={"folder": {str(i): 20 for i in range(100)}})
    reasons = chosen(seen(2000, classes={"folder": {str(i): 20 for i in range(100)}})).reasons
    assert any("label=folder" in reason for reason in reasons)


def test_the_users_own_settings_hold(any_data):
    config = chosen(seen(5000)).configure("DATA", settings=["model.size=[32,48]", "lr=0.5", "steps=7"])
    assert tuple(config.model["size"]) == (32, 48)
    assert (config.lr, config.steps, config.seconds) == (0.5, 7, 0)


def test_folders_that_nothing_fits_end_in_a_sentence(tmp_path):
    def fails(name, says):
        with pytest.raises(TrainingError, match=says):
            choose(examine(str(tmp_path / name)), rate=lambda config: 1.0, shipped=())

    (tmp_path / "empty").mkdir()
    fails("empty", "holds no pictures")
    fails("nowhere", "does not exist")
    write_pictures(tmp_path / "two", noise(2))
    fails("two", "holds 2 different readable pictures")
    write_pictures(tmp_path / "copies", np.repeat(noise(1), 50, axis=0))
    fails("copies", "holds 1 different readable pictures?")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.png").write_bytes(b"no picture")
    fails("broken", r"None of the 1 picture files in .* can be read; the first: a\.png")
    with pytest.raises(UsageError, match="write it as 2h"):
        choose(seen(100), "soon", rate=lambda config: 1.0)


def test_few_pictures_start_from_a_shipped_model_that_draws_their_like(tmp_path, monkeypatch):
    """The files that draw are made by hand; only their cards say that they are of the family."""

    class Means:
        name = "means"

        def __call__(self, pictures):
            return np.asarray(pictures, np.float32).mean((2, 3)) / 64

    monkeypatch.setattr(auto, "network", lambda name: Means())
    dark, light = noise(60, (8, 12)) // 4, 191 + noise(60, (8, 12), seed=1) // 4
    folder = write_pictures(tmp_path / "data", dark)
    monkeypatch.setattr(Card, "__post_init__", lambda card: object.__setattr__(card, "family", "gan"))
    for name, pictures in (("near", dark[:30]), ("far", light)):
        (tmp_path / f"{name}.onnx").write_bytes(drawing_from(pictures))
    grey = write_pictures(tmp_path / "grey", noise(60, (8, 12), 1)[..., 0])
    shipped = [str(tmp_path / "far.onnx"), str(tmp_path / "near.onnx")]
    found = auto._near(examine(str(folder)), 3, shipped)
    assert found is not None
    assert found[0] == shipped[1]
    assert auto._near(examine(str(folder)), 3, shipped[:1]) is None
    assert auto._near(examine(str(grey)), 1, shipped) is None


def test_the_speed_is_measured_on_the_networks_that_would_be_trained(tmp_path):
    for name in ("cat", "dog"):
        write_pictures(tmp_path / "data" / name, noise(20, (8, 8), seed=len(name) + ord(name[0])))
    found = examine(str(tmp_path / "data"))
    for examination in (found, found.__class__(**(vars(found) | {"num_distinct": 1000}))):
        choice = choose(examination, "1m", shipped=())
        assert choice.size == (8, 8)
        assert 1 < choice.rate < 1e6
        assert probe(choice.configure(str(tmp_path / "data"), settings=["label=folder"])) > 1
