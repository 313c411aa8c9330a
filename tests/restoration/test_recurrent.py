"""A recurrent model on frames: its state goes from one to the next, whole, also where a frame is cut into tiles."""

import numpy as np
import pytest
from model_files import build

from sfumato.models.card import Card, Input, Output
from sfumato.models.engine import Engine
from sfumato.pictures.picture import Picture
from sfumato.restoration import recurrent
from sfumato.restoration.options import RestoreOptions
from sfumato.restoration.recurrent import Memory
from sfumato.restoration.restore import carry_out, prepare, restore

HALO = 8


@pytest.fixture(scope="module")
def engine():
    """x_hat and the next state, of picture, level and state, by two convolutions each: everything sees everything."""

    def fill(graph):
        both = graph.node("Concat", "y", "sigma", "state", axis=1)
        hidden = graph.node("Tanh", graph.conv(both, 6, 8))
        return graph.conv(hidden, 8, 3), graph.node("Tanh", graph.conv(hidden, 8, 2, size=5))

    card = Card(
        name="toy-video",
        family="toy",
        task="denoise",
        inputs=(Input("y"), Input("sigma", kind="sigma", channels=1), Input("state", kind="state", channels=2)),
        outputs=(Output("x_hat"), Output("next_state", kind="state", channels=2)),
        stride=4,
        halo=HALO,
        bytes_per_pixel=100,
    )
    return Engine(build(fill, card), threads=1)


def frames(count, height, width, channels=3):
    return np.random.default_rng(0).random((count, height, width, channels), np.float32)


def restored(engine, clip, memory=400_000_000, remembered=None):
    remembered = remembered or Memory()
    pictures = [Picture.from_array(frame, depth=32, format="tiff") for frame in clip]
    return [recurrent.apply(picture, engine, None, memory, remembered) for picture in pictures], remembered


@pytest.mark.parametrize("size", [(64, 96), (141, 90), (5, 3)])
def test_tiles_give_what_the_whole_frame_gives_and_keep_the_state(engine, size):
    clip = frames(4, *size)
    whole, state = restored(engine, clip)
    tiled, other = restored(engine, clip, memory=60_000)
    np.testing.assert_allclose(np.stack(tiled), np.stack(whole), atol=1e-5)
    np.testing.assert_allclose(other.state, state.state, atol=1e-5)
    assert whole[0].shape == clip[0].shape
    assert state.state.shape == (*(-(-length // 4) * 4 for length in size), 2)


def test_a_frame_depends_on_those_before_it_until_the_memory_is_new(engine):
    clip = frames(3, 32, 32)
    together, _ = restored(engine, clip)
    alone, _ = restored(engine, clip[2:])
    assert np.abs(together[2] - alone[0]).max() > 1e-3
    _, remembered = restored(engine, clip[:2])
    again, _ = restored(engine, clip[2:], remembered=remembered)
    np.testing.assert_allclose(again[0], together[2], atol=1e-6)


def test_grey_stays_grey_rows_without_colour_stay_so_and_nan_stays(engine):
    grey, _ = restored(engine, frames(2, 24, 24, 1))
    assert grey[1].shape == (24, 24, 1)
    clip = frames(2, 24, 24)
    clip[:, :8] = clip[:, :8, :, :1]
    clip[1, 20, 20] = np.nan
    found, remembered = restored(engine, clip)
    assert (found[1][:8] == found[1][:8, :, :1]).all()
    assert np.isnan(found[1][20, 20]).all()
    assert np.isfinite(remembered.state).all()
    assert np.isnan(found[1]).sum() == 3


def test_a_scene_carries_its_memory_and_a_picture_stands_for_itself(engine):
    clip = [Picture.from_array(frame, depth=32, format="tiff") for frame in frames(2, 32, 32)]
    options = RestoreOptions(model=engine, noise=20)
    scene = prepare(clip[0], options, clip=True)
    first, second = (carry_out(picture, options, scene).picture.array() for picture in clip)
    again = prepare(clip[0], options, clip=True)
    np.testing.assert_array_equal(carry_out(clip[0], options, again).picture.array(), first)
    still = restore(clip[1], model=engine, noise=20)
    assert np.abs(still.picture.array() - second).max() > 1e-3
    np.testing.assert_array_equal(restore(clip[1], model=engine, noise=20).picture.array(), still.picture.array())
    assert [step.model for step in still.steps] == ["toy-video"]


def test_a_level_that_is_not_known_is_none(engine):
    """Where no noise is found a recurrent model works all the same: it does without a level."""
    flat = Picture.from_array(np.full((32, 32, 3), 0.5, np.float32), depth=32, format="tiff")
    found = restore(flat, model=engine)
    assert [step.noise for step in found.steps] == [None]
