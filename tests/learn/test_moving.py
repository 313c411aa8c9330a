"""Sequences made of pictures, and the flow that learns them."""

import numpy as np
import pytest
import torch

from sfumato.errors import UsageError
from sfumato.learn.catalog import FAMILIES, create
from sfumato.learn.data.folders import list_pictures
from sfumato.learn.data.moving import MovingPictures, bounced
from sfumato.learn.data.store import PictureStore
from sfumato.learn.networks.flow import Flow
from sfumato.learn.networks.sequence_flow import SequenceFlow, SequenceFlowConfig
from sfumato.learn.training.objectives import objective_for
from sfumato.learn.training.objectives.sequences import Sequences
from sfumato.learn.training.recipes import RECIPES
from sfumato.pictures.picture import Picture


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Eight pictures of 5x7, none of them black anywhere."""
    folder = tmp_path_factory.mktemp("things")
    rng = np.random.default_rng(0)
    for number in range(8):
        Picture.from_array(rng.uniform(0.3, 1, (5, 7, 1)).astype(np.float32)).save(folder / f"{number}.png")
    return PictureStore.build(list_pictures(folder), channels=1, folder=tmp_path_factory.mktemp("store"))


def moving(store, **settings):
    settings = {"size": (12, 16), "frames": 9, "things": 1, "fastest": 3, "seed": 1} | settings
    return MovingPictures(store, None, **settings)


def test_a_thing_moves_evenly_bounces_and_stays_whole(store):
    samples = moving(store)
    for index in range(6):
        x = samples[index]["x"]
        assert torch.equal(x, samples[index]["x"])
        assert x.shape == (9, 1, 12, 16)
        assert ((x > 0).sum((1, 2, 3)) == 35).all(), "the whole thing is in every frame"
        places = np.array([(frame[0] > 0).nonzero()[0].tolist() for frame in x])
        assert len({tuple(place) for place in places}) > 1
        pace = np.abs(np.diff(places, axis=0)).max(0)
        assert (pace <= 3).all()
    two = moving(store, things=2)[0]["x"]
    assert ((two > 0).sum((1, 2, 3)) <= 70).all()


def test_places_are_reflected_at_both_ends():
    assert bounced(np.arange(-3, 9), np.array(3)).tolist() == [3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1, 2]
    assert bounced(np.array([4, -2]), np.array(0)).tolist() == [0, 0]


def test_the_memory_is_bounded_says_nothing_at_first_and_then_something():
    torch.manual_seed(0)
    network = create("sequence-flow", FAMILIES["sequence-flow"].tiny).eval()
    assert isinstance(network, SequenceFlow)
    state = torch.zeros(1, network.state_channels, 8, 12)
    x, t, label = torch.randn(1, 4, 8, 12), torch.full((1, 1), 0.5), torch.zeros(1, 2)
    with torch.no_grad():
        empty = network.velocity(x, t, label, state)
        torch.testing.assert_close(empty, Flow.forward(network, x, t, label))
        for _ in range(50):
            state = network.remember(2 * torch.rand(1, 4, 8, 12) - 1, state)
            assert state.abs().max() <= 1
        assert not torch.allclose(network.velocity(x, t, label, state), empty)


def test_the_memory_before_a_frame_is_of_those_before_it_alone():
    torch.manual_seed(0)
    network = create("sequence-flow", FAMILIES["sequence-flow"].tiny).eval()
    frames = torch.rand(2, 5, 4, 8, 12)
    changed = frames.clone()
    changed[:, 2] = 0
    before, after = Sequences.memories(network, frames), Sequences.memories(network, changed)
    torch.testing.assert_close(before[:, :3], after[:, :3])
    assert not before[:, 0].any()
    assert not torch.allclose(before[:, 3], after[:, 3])


def test_what_does_not_fit_is_refused():
    with pytest.raises(UsageError, match="multiple of 4"):
        SequenceFlowConfig(patch=2, memory=6)
    with pytest.raises(UsageError, match="single pictures"):
        SequenceFlowConfig(text=(3, 6))
    for setting in ("frames=2", "extent=1", "unlabelled=1"):
        key, _, value = setting.partition("=")
        with pytest.raises(UsageError, match="options"):
            objective_for(RECIPES["sequences"]().with_settings({f"options.{key}": value}))
    with pytest.raises(UsageError, match="sequence-flow"):
        objective_for(RECIPES["sequences"]().with_settings({"family": "flow"}))
