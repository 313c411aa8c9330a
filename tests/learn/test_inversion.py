"""The code of a picture: found again where the model made it, also of a part, and taken by `vary` and `interpolate`."""

import numpy as np
import pytest
import torch

from sfumato import interpolate, vary
from sfumato.errors import ModelError, PictureError, UsageError
from sfumato.generation.code import Code
from sfumato.generation.generate import generate
from sfumato.learn.catalog import create
from sfumato.learn.export import export
from sfumato.learn.inversion import invert
from sfumato.models import zoo
from sfumato.operators import Downsample
from sfumato.pictures.picture import Picture

CONFIGS = {
    "gan": {"size": (8, 12), "channels": 1, "latent": 4, "widths": (6, 8), "classes": ("cat", "dog")},
    "vae": {"size": (8, 12), "channels": 3, "latent": 4, "widths": (6, 8), "likelihood": "bernoulli"},
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Small generators of random weights, strong enough that their pictures differ."""
    torch.manual_seed(0)
    found = {}
    for family, config in CONFIGS.items():
        network = create(family, config)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.mul_(1.5)
        found[family] = tmp_path_factory.mktemp("models") / f"{family}.onnx"
        export(network, found[family], name=family, family=family, half=False)
    return found


@pytest.mark.parametrize("family", CONFIGS)
def test_the_code_of_what_the_model_made_is_found_and_of_use(files, family, tmp_path):
    model = files[family]
    picture = generate(model, 1, seed=5).pictures[0]
    found = invert(model, picture, starts=8, steps=120)
    assert found.residual < 0.03
    assert found.code.entry == ("decode" if family == "vae" else "sample")
    code = Code.open(found.code.save(tmp_path / "code.npz"))
    same = vary(model, code, 1, amount=0).pictures[0].array()
    np.testing.assert_allclose(same, found.picture.array(), atol=2 / 255)
    way = interpolate(model, code, code, frames=2).pictures
    np.testing.assert_allclose(way[0].array(), same, atol=2 / 255)
    assert invert(model, picture, starts=8, steps=120).code.values.tolist() == found.code.values.tolist()


def test_known_pixels_stay_and_the_class_is_found(files):
    picture = generate(files["gan"], 1, seed=3, label="dog").pictures[0]
    missing = np.zeros((8, 12), bool)
    missing[4:] = True
    found = invert(files["gan"], picture, mask=missing, starts=8, steps=120)
    assert found.code.label in ("cat", "dog")
    np.testing.assert_array_equal(found.picture.array()[:4], picture.array()[:4])
    alone = invert(files["gan"], picture, mask=missing, label="cat", starts=2, steps=10)
    assert alone.code.label == "cat"


def test_a_damaged_picture_comes_back_in_full_size(files):
    picture = generate(files["gan"], 1, seed=3).pictures[0]
    reduced = Downsample(2, "box")
    small = Picture.from_array(reduced.apply(np.pad(picture.array(), [(2, 2), (2, 2), (0, 0)], mode="edge")))
    found = invert(files["gan"], small, operator=reduced, starts=8, steps=120)
    assert (found.picture.height, found.picture.width) == (8, 12)
    assert found.residual < 0.03


def test_what_cannot_be_meant_is_refused(files, tmp_path):
    picture = generate(files["gan"], 1).pictures[0]
    with pytest.raises(UsageError, match="has no code"):
        invert(zoo.path("mnist-flow"), picture)
    with pytest.raises(UsageError, match="makes no pictures of codes"):
        invert(zoo.path("clean"), picture)
    with pytest.raises(UsageError, match="knows cat, dog"):
        invert(files["gan"], picture, label="cow")
    with pytest.raises(UsageError, match="takes no class"):
        invert(files["vae"], picture, label="cow")
    with pytest.raises(UsageError, match="starts is 0"):
        invert(files["gan"], picture, starts=0)
    with pytest.raises(PictureError, match="is said to be missing"):
        invert(files["gan"], picture, mask=np.ones((8, 12), bool))
    with pytest.raises(PictureError, match="makes 12x8"):
        invert(files["gan"], picture, operator=Downsample(2, "box"))
    with pytest.raises(UsageError, match="takes no such code"):
        vary(files["vae"], Code(np.zeros(4, np.float32), "sample", "gan"))
    (tmp_path / "no.npz").write_text("no code")
    with pytest.raises(ModelError, match="holds no code"):
        Code.open(tmp_path / "no.npz")
