"""Small pictures enlarged by a flow of codes: what comes out is theirs from afar, and says that it is made up."""

from pathlib import Path

import known_generators
import numpy as np
import pytest
from command_line import Run

from sfumato import Picture, restore
from sfumato.errors import PictureError, UsageError
from sfumato.models import zoo
from sfumato.models.engine import load

EMOJI = load(zoo.path("emoji"), threads=1)


def small(side: int = 8, *, transparent: bool = True) -> Picture:
    """An orange disc."""
    rows, columns = np.mgrid[:side, :side] / (side - 1) - 0.5
    disc = (np.hypot(rows, columns) < 0.5).astype(np.float32)
    colour = np.ones((side, side, 1), np.float32) * np.float32([0.95, 0.6, 0.2])
    if transparent:
        return Picture.from_array(colour, alpha=disc, depth=8)
    return Picture.from_array(colour * disc[..., None] + 1 - disc[..., None], depth=8)


def test_a_small_picture_becomes_one_that_looks_like_it_from_afar_and_says_so() -> None:
    source = small()
    done = restore(source, model=EMOJI)
    assert (done.picture.height, done.picture.width) == (64, 64)
    assert done.filled is not None
    assert done.filled.all()
    assert any("all details are made up, as emoji imagines them" in note for note in done.notes)
    alpha = done.picture.alpha()
    far = alpha.reshape(8, 8, 8, 8).mean(axis=(1, 3))
    assert np.abs(far - source.alpha()).mean() < 0.12
    colour = (done.picture.array() * alpha[..., None]).sum(axis=(0, 1)) / alpha.sum()
    np.testing.assert_allclose(colour, [0.95, 0.6, 0.2], atol=0.12)


def test_the_note_says_the_size_that_comes_out() -> None:
    done = restore(small(), model=EMOJI, steps=2, scale=4)
    assert (done.picture.height, done.picture.width) == (32, 32)
    assert any("Enlarged to 64x64 and reduced to 32x32; all details" in note for note in done.notes)
    whole = restore(small(), model=EMOJI, steps=2, scale=8)
    assert any("Enlarged to 64x64; all details" in note for note in whole.notes)


def test_opaque_pictures_stay_so_and_the_same_comes_each_time() -> None:
    one, other = (restore(small(transparent=False), model=EMOJI, steps=2) for _ in range(2))
    assert not one.picture.has_alpha
    assert np.array_equal(one.picture.array(), other.picture.array())


@pytest.mark.parametrize("channels", [1, 3])
def test_a_model_of_grey_pictures_takes_colour_and_says_that_it_goes(tmp_path: Path, channels: int) -> None:
    (tmp_path / "grey.onnx").write_bytes(known_generators.latent_flow())
    model = load(tmp_path / "grey.onnx")
    height, width = model.card.size
    pixels = np.full((height // 2, width // 2, channels), [0.9, 0.5, 0.2][:channels], np.float32)
    done = restore(Picture.from_array(pixels), model=model)
    assert (done.picture.height, done.picture.width, done.picture.num_channels) == (height, width, channels)
    assert np.ptp(done.picture.array(), axis=2).max() == 0
    assert any("the colours are gone" in note for note in done.notes) == (channels == 3)


def test_what_cannot_be_enlarged_is_refused_in_a_sentence(tmp_path, run: Run) -> None:
    with pytest.raises(PictureError, match="The picture is 9x9; emoji enlarges to 64x64, from a whole part of it"):
        restore(small(9), model=EMOJI)
    with pytest.raises(UsageError, match="text is for flows of codes, which make up details: name one with model"):
        restore(small(), text="red apple")
    small().save(tmp_path / "tiny.png")
    refused = run("restore", str(tmp_path / "tiny.png"), "--text", "red apple")
    assert refused.status == 2
    assert "--text is for flows of codes" in refused.err
    if not any(port.kind == "text" for port in EMOJI.card.inputs):
        with pytest.raises(UsageError, match="text is a caption; 'emoji' was trained without any"):
            restore(small(), model=EMOJI, text="red apple")
