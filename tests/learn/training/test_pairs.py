"""What learns from pairs: label maps and pictures, pictures and pictures, grey and colour; runs of a few steps."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from training_files import assert_goes_on_to_the_bit, assert_precisions_agree, picture_folder, precisions

from sfumato.errors import TrainingError, UsageError
from sfumato.generation.generate import generate
from sfumato.learn.data.folders import list_pictures
from sfumato.learn.data.pairs import palette_of
from sfumato.learn.data.store import PictureStore
from sfumato.learn.data.views import ColourViews, split_colour
from sfumato.learn.layers.bins import KNOTS, bin_centres, bins_of
from sfumato.learn.training import launch
from sfumato.learn.training.objectives.colouring import colourfulness, in_rgb
from sfumato.models.engine import load

COLOURS = {"#000080": (0, 0, 128), "#80c000": (128, 192, 0)}
SHADES = {"#000080": (210, 60, 60), "#80c000": (40, 60, 200)}
TINY = [
    "model.size=[32,32]",
    "model.widths=[6,8]",
    "batch=4",
    "num_drawn=10",
    "threads=1",
    "validate_every=100",
    "options.perceptual=0",
]


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Label maps of one rectangle on a ground, and pictures in which each label has a shade."""
    folder, rng = tmp_path_factory.mktemp("pairs"), np.random.default_rng(0)
    for name in ("pictures", "labels", "grey"):
        (folder / name).mkdir()
    for number in range(14):
        inside = np.zeros((16, 16), bool)
        top, left = rng.integers(0, 9, 2)
        inside[top : top + 7, left : left + 7] = True
        for name, colours in (("labels", COLOURS), ("pictures", SHADES)):
            ground, mark = np.array(list(colours.values()), np.uint8)
            pixels = np.where(inside[..., None], mark, ground)
            pixels = pixels + np.uint8(rng.integers(0, 40, pixels.shape) * (name == "pictures"))
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
        Image.fromarray(pixels).convert("L").save(folder / "grey" / f"{number}.jpg")
    return folder


def configured(data: Path, *more: str, recipe: str = "layout", **others):
    return launch.configure(recipe, data=str(data / "pictures"), settings=[*TINY, *more], **others)


def of_labels(data: Path, *more: str, **others):
    return configured(data, f"layout={data / 'labels'}", *more, **others)


@pytest.mark.parametrize("recipe", ["layout", "pix2pix"])
def test_a_file_trained_on_label_maps_makes_pictures_of_them(recipe, data, tmp_path):
    config = of_labels(data, "steps=30", "lr=0.01", recipe=recipe)
    assert config.model["palette"] == ("#000080", "#80c000")
    made = launch.start(config, tmp_path).model
    engine = load(made)
    card = engine.card
    assert (card.role, tuple(card.config["palette"])) == ("generator", ("#000080", "#80c000"))
    assert "--set layout=LABELS" in card.training["command"]
    assert "palette" not in card.training["command"]
    labels = np.zeros((32, 32, 3), np.uint8) + np.uint8(COLOURS["#000080"])
    labels[:16] = COLOURS["#80c000"]
    x = generate(engine, 1, layout=labels).pictures[0].array()
    assert (x[:16, :, 2] - x[:16, :, 0]).mean() > (x[16:, :, 2] - x[16:, :, 0]).mean() + 0.1
    assert generate(engine, 1, layout=labels, size=(32, 64)).pictures[0].width == 64
    for options, sentence in (
        ({}, "layout is missing"),
        ({"layout": labels, "picture": labels}, "picture to start from"),
        ({"layout": 255 - labels}, "other colours"),
    ):
        with pytest.raises(UsageError, match=sentence):
            generate(engine, 1, **options)


@precisions
@pytest.mark.parametrize("recipe", ["layout", "pix2pix"])
def test_a_run_that_was_cut_off_goes_on_to_the_bit(recipe, precision, data, tmp_path):
    often = ("steps=4", "save_every=1", "log_every=1", f"precision={precision}")
    assert_goes_on_to_the_bit(of_labels(data, *often, recipe=recipe), tmp_path)


def test_a_file_trained_on_pairs_of_pictures_makes_one_of_another(data, tmp_path):
    config = configured(data, f"paired={data / 'grey'}", "steps=2")
    engine = load(launch.start(config, tmp_path).model)
    assert engine.card.config["palette"] == []
    found = generate(engine, 2, picture=data / "grey" / "3.jpg")
    assert len(found.pictures) == 2
    with pytest.raises(UsageError, match="picture is missing"):
        generate(engine, 1)


def test_in_half_precision_the_same_is_learned(data):
    assert_precisions_agree(of_labels(data, "steps=2", "options.perceptual=0"))


def test_names_of_the_colours_are_taken_from_a_file(data, tmp_path):
    for path in (data / "labels").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "palette.json").write_text(json.dumps({"#80C000": "mark", "#000080": "ground"}))
    assert palette_of(tmp_path) == (("#80c000", "#000080"), ("mark", "ground"))
    (tmp_path / "palette.json").write_text("[1]")
    with pytest.raises(TrainingError, match=r"palette\.json"):
        palette_of(tmp_path)


def test_pairs_that_cannot_be_meant_are_refused(data, tmp_path):
    with pytest.raises(UsageError, match="layout='LABELS'"):
        configured(data)
    with pytest.raises(UsageError, match="32 pixels a side"):
        of_labels(data, "model.size=[16,16]")
    with pytest.raises(UsageError, match="recipes layout and pix2pix"):
        launch.configure("gan", data=str(data / "pictures"), settings=[f"layout={data / 'labels'}"])
    with pytest.raises(TrainingError, match="no label map"):
        configured(data, f"layout={picture_folder(tmp_path / 'photographs')}")
    (tmp_path / "few").mkdir()
    (tmp_path / "few" / "3.png").write_bytes((data / "labels" / "3.png").read_bytes())
    config = of_labels(data)
    config = launch.configure("layout", data=config.data, settings=[*TINY, "steps=1", f"layout={tmp_path / 'few'}"])
    with pytest.raises(TrainingError, match=r"nothing by the name of .*\.png \(9 such\)"):
        launch.start(config, tmp_path / "run")


def test_bins_give_back_their_colours():
    chroma = torch.rand(2, 2, 5, 7) - 0.5
    numbers, shares = bins_of(chroma)
    assert numbers.max() < len(KNOTS) ** 2
    again = (bin_centres()[numbers] * shares[..., None]).sum(1).permute(0, 3, 1, 2)
    torch.testing.assert_close(again, chroma, rtol=0, atol=1e-6)


def test_views_are_the_same_again_upright_and_hinted_by_their_colours(tmp_path):
    store = PictureStore.build(list_pictures(picture_folder(tmp_path)), folder=tmp_path / "store")
    views = ColourViews(store, size=64, seed=3)
    hinted = 0
    for index in range(8):
        view = views[index]
        assert {name: tuple(value.shape) for name, value in view.items()} == {
            "luma": (1, 64, 64),
            "hints": (3, 64, 64),
            "chroma": (2, 64, 64),
        }
        assert all(torch.equal(value, views[index][name]) for name, value in view.items())
        known = view["hints"][2] > 0
        hinted += bool(known.any())
        assert not view["hints"][:, ~known].any()
    assert 0 < hinted < 8


def test_luma_and_chroma_are_the_colours_again():
    x = torch.rand(3, 6, 5)
    torch.testing.assert_close(in_rgb(*split_colour(x)), x, rtol=0, atol=1e-5)
    assert colourfulness(x[:1].expand(3, -1, -1)) == pytest.approx(0, abs=1e-4)
    assert colourfulness(x) > 50


def test_a_colourizer_trains_and_its_colours_are_fitted(tmp_path):
    data = picture_folder(tmp_path / "pictures", 8)
    tiny = ["model.widths=[6,8,8,10]", "model.blocks=[1,1,1,1]", "model.features=8", "model.pretrained=false"]
    settings = [*tiny, "steps=4", "batch=2", "patch=32", "validate_every=3", "threads=1"]
    config = launch.configure("colorize", data=str(data), settings=settings)
    card = load(launch.start(config, tmp_path / "run").model).card
    assert card.role == "colorizer"
    assert {"cross_entropy", "psnr_gain", "colourfulness"} <= card.training["validation"].keys()
    grey = tmp_path / "grey"
    grey.mkdir()
    for path in data.glob("*.jpg"):
        Image.open(path).convert("L").save(grey / path.name)
    config = launch.configure("colorize", data=str(grey), settings=settings)
    with pytest.raises(TrainingError, match="no colour photographs"):
        launch.start(config, tmp_path / "other")
