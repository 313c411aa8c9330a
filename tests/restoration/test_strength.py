"""A result at another strength is, to the bit, what restoring at that strength gives."""

import model_files
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfumato import Picture, restore
from sfumato.errors import UsageError
from sfumato.models.engine import Engine
from sfumato.restoration.result import Restored
from sfumato.restoration.strength import at_strength

BRIGHTENED, LEVELS = Engine(model_files.brightened()), Engine(model_files.level_identity())


def same(a: Restored, b: Restored) -> None:
    assert a.picture.to_bytes() == b.picture.to_bytes()
    assert (a.steps, a.strength, a.notes, a.advice, a.untouched) == (
        b.steps,
        b.strength,
        b.notes,
        b.advice,
        b.untouched,
    )


@settings(deadline=None, max_examples=25)
@given(
    first=st.floats(0.05, 1.5),
    strength=st.floats(0, 1.5),
    depth=st.sampled_from([8, 16, 32]),
    channels=st.sampled_from([1, 3]),
    alpha=st.booleans(),
    masked=st.booleans(),
    brightened=st.booleans(),
)
def test_another_strength_equals_restoring_at_it(
    first: float, strength: float, depth: int, channels: int, alpha: bool, masked: bool, brightened: bool
) -> None:
    random = np.random.default_rng(1)
    colour = random.uniform(0, 1, (23, 31, channels)).astype(np.float32)
    transparency = random.uniform(0, 1, (23, 31)).astype(np.float32) if alpha else None
    picture = Picture.from_array(colour, alpha=transparency, depth=depth, format="tiff")
    options = {
        "model": BRIGHTENED if brightened else LEVELS,
        "mask": random.uniform(0, 1, (23, 31)) if masked else None,
    }
    if not brightened:
        options["noise"] = 20
    same(
        at_strength(restore(picture, strength=first, **options), strength),
        restore(picture, strength=strength, **options),
    )


def test_filled_holes_and_their_note_stay() -> None:
    colour = np.random.default_rng(0).uniform(0.3, 0.7, (40, 48, 3)).astype(np.float32)
    mask = np.zeros((40, 48), np.float32)
    mask[10:20, 12:30] = 1
    picture = Picture.from_array(colour)
    half = at_strength(restore(picture, task="inpaint", mask=mask), 0.5)
    same(half, restore(picture, task="inpaint", mask=mask, strength=0.5))
    assert b"compositeWithTrainedAlgorithmicMedia" in half.picture.to_bytes()


def test_a_result_of_strength_zero_has_no_other() -> None:
    picture = Picture.from_array(np.full((9, 9, 3), 0.5, np.float32))
    nothing = restore(picture, model=BRIGHTENED, strength=0)
    assert nothing.untouched
    with pytest.raises(UsageError, match="no full result was kept"):
        at_strength(nothing, 0.5)
    with pytest.raises(UsageError, match=r"from 0 to 1\.5"):
        at_strength(nothing, 2)
