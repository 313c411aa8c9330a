"""`look="sharp"`: which models work, what the result says, and where it has no effect."""

import numpy as np
import pytest
from skimage.data import astronaut

from sfumato import Picture, restore
from sfumato.errors import UsageError
from sfumato.measures import psnr
from sfumato.models import zoo
from sfumato.models.engine import load
from sfumato.restoration.options import RestoreOptions
from sfumato.tiling.resize import resized

WHOLE = np.ascontiguousarray(astronaut()[:256, 128:384].astype(np.float32) / 255)
X = WHOLE[60:108, 90:146]
MASK = np.zeros(X.shape[:2], np.float32)
MASK[10:26, 20:40] = 1
MADE_UP = b"ompositeWithTrainedAlgorithmicMedia"


@pytest.mark.parametrize(
    ("options", "models"),
    [
        ({"task": "inpaint", "mask": MASK}, "inpaint-sharp"),
        ({"task": "upscale"}, "upscale-4x-sharp"),
        ({"task": "upscale", "scale": 8}, "upscale-4x-sharp, upscale-2x"),
        ({"task": "upscale", "width": 100}, "upscale-4x-sharp"),
        ({"task": "denoise,upscale", "noise": 5}, "denoise-fast, upscale-4x-sharp"),
    ],
)
def test_a_sharp_result_says_that_details_were_made_up(options: dict, models: str) -> None:
    done = restore(X, look="sharp", **options)
    assert done.model == models
    assert done.steps[-1].is_sharp or done.steps[0].is_sharp
    assert done.is_made_up
    assert MADE_UP in (done.picture.xmp() or b"")
    assert any("made up by" in note or "guesses it" in note for note in done.notes)
    faithful = restore(X, **options)
    assert not any(step.is_sharp for step in faithful.steps)
    assert "sharp" not in faithful.model


def test_it_enlarges_four_times_by_itself_and_to_any_size_that_is_asked_for() -> None:
    assert restore(X, task="upscale", look="sharp").picture.height == 4 * len(X)
    assert restore(X, task="upscale", look="sharp", scale=1.5).picture.height == round(1.5 * len(X))
    assert restore(X, task="upscale", look="sharp", scale=2).picture.height == 2 * len(X)


def test_of_a_small_damaged_picture_the_damage_goes_first() -> None:
    y = WHOLE[:128, :128] + np.random.default_rng(0).normal(0, 15 / 255, (128, 128, 3)).astype(np.float32)
    done = restore(y, task="upscale", look="sharp")
    assert done.model == "denoise-fast, upscale-4x-sharp"
    assert any("which goes before it is enlarged" in note for note in done.notes)


def test_scratches_are_filled_in_sharply_too() -> None:
    y = WHOLE.copy()
    rows = np.arange(10, 240)
    y[rows, 30 + rows // 3] = y[rows, 31 + rows // 3] = 1
    done = restore(y, task="scratches", look="sharp")
    assert done.steps[0].filled
    assert done.steps[0].is_sharp
    assert any("inpaint-sharp guesses it" in note for note in done.notes)


def test_what_is_known_stays() -> None:
    done = restore(Picture.from_array(X), task="inpaint", mask=MASK, look="sharp")
    assert np.array_equal(done.picture.array()[MASK == 0], Picture.from_array(X).array()[MASK == 0])


@pytest.mark.parametrize("name", sorted(zoo.SHARP))
def test_a_sharp_model_is_like_the_faithful_one_but_for_details(name: str) -> None:
    one, other = load(name), load(zoo.SHARP[name])
    assert (one.card.family, one.card.config, one.card.inputs) == (
        other.card.family,
        other.card.config,
        other.card.inputs,
    )
    assert other.card.invents
    assert not one.card.invents
    whole = Picture.from_array(WHOLE)
    if name == "inpaint":
        mask = np.zeros(WHOLE.shape[:2], np.float32)
        mask[100:132, 60:92] = 1
        found = [restore(whole, model=engine, mask=mask).picture.array() for engine in (one, other)]
        where = mask > 0
    else:
        y = Picture.from_array(resized(WHOLE, 64, 64))
        found = [restore(y, model=engine).picture.array() for engine in (one, other)]
        where = np.ones(WHOLE.shape[:2], bool)
    faithful, sharp = (psnr(x_hat, WHOLE, where=where) for x_hat in found)
    assert faithful - 3 < sharp < faithful + 0.5
    fine = [np.abs(np.diff(x_hat, axis=1)).mean() for x_hat in found]
    assert fine[1] > fine[0]


def test_where_nothing_is_made_up_it_has_no_effect_and_says_so() -> None:
    notes = restore(X, task="clean", look="sharp").notes
    assert "The sharp look had no effect: clean makes up no details." in notes


def test_a_look_that_is_none_and_one_beside_a_model_are_refused() -> None:
    with pytest.raises(UsageError, match="look is 'crisp'; give faithful or sharp"):
        RestoreOptions(look="crisp")
    with pytest.raises(UsageError, match="look chooses a model, and model names one"):
        RestoreOptions(look="sharp", model="inpaint")
