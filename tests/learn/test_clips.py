"""Clips, what befalls them, and what a recurrent restorer makes of them."""

import json

import numpy as np
import pytest
import torch

from sfumato.errors import TrainingError, UsageError
from sfumato.learn.catalog import FAMILIES, create
from sfumato.learn.data.clips import Clips, sequences
from sfumato.learn.data.folders import list_pictures
from sfumato.learn.data.store import PictureStore
from sfumato.learn.degradations.camera import Camera
from sfumato.learn.degradations.clips import Encoded, on_clip
from sfumato.learn.degradations.mixtures import DEGRADATIONS
from sfumato.learn.degradations.noise import GaussianNoise
from sfumato.learn.layers.recurrent import Matching, warped
from sfumato.learn.networks.recurrent import RecurrentUNet, RecurrentUNetConfig
from sfumato.learn.training.narrowing import narrowed, narrows
from sfumato.learn.training.objectives import objective_for
from sfumato.learn.training.recipes import RECIPES
from sfumato.learn.training.transfer import card_of, load_weights
from sfumato.models.card import Card
from sfumato.pictures.picture import Picture


def saved(pixels, path):
    path.parent.mkdir(exist_ok=True)
    Picture.from_array(pixels).save(path)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Two sequences of seven frames, which move by two pixels to the right, and three pictures that are none."""
    folder = tmp_path_factory.mktemp("clips")
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        wide = rng.random((64, 96, 3), np.float32)
        for t in range(7):
            saved(wide[:, 2 * t : 2 * t + 64], folder / name / f"{8 + t}.png")
    for name in ("one", "two", "photo"):
        saved(rng.random((80, 90, 3), np.float32), folder / "stills" / f"{name}.png")
    return PictureStore.build(list_pictures(folder), folder=tmp_path_factory.mktemp("store"))


def clips(store, **settings):
    settings = {"frames": 4, "patch": 48, "seed": 1} | settings
    return Clips(store, DEGRADATIONS["gaussian"], **settings)


def test_sequences_are_numbered_pictures_of_one_size(store):
    found = sequences(store, 4)
    assert [[store.names[i] for i in one] for one in found] == [
        [f"{folder}/{number}.png" for number in range(8, 15)] for folder in ("a", "b")
    ]
    assert sequences(store, 8) == []
    assert len(clips(store).stills) == 3


@pytest.mark.parametrize("real", [0.0, 1.0])
def test_a_clip_is_a_function_of_its_index_and_moves(store, real):
    samples = clips(store, real=real)
    for index in range(3):
        sample, again = samples[index], samples[index]
        assert all(torch.equal(sample[key], again[key]) for key in sample)
        assert sample["x"].shape == sample["y"].shape == (4, 3, 48, 48)
        assert sample["level"].shape == (4, 1, 48, 48)
        assert sample["x"].min() >= 0
        assert sample["x"].max() <= 1
    assert not torch.equal(samples[0]["x"], samples[1]["x"])
    if real:
        x = samples[0]["x"]
        assert not torch.equal(x[0], x[1])


def test_every_kind_of_damage_is_the_same_in_all_frames_and_its_noise_is_not():
    x = torch.rand(1, 3, 32, 32).expand(3, -1, -1, -1)
    for degradation in (GaussianNoise((20, 20)), Camera(reduced=0.0, compressed=0.0)):
        done = on_clip(degradation, x, torch.Generator().manual_seed(0))
        assert done.x.shape == done.y.shape == x.shape
        assert done.level.shape == (3, 1, 32, 32)
        inner = done.x[:, :, 8:-8, 8:-8]
        torch.testing.assert_close(inner[0], inner[2], rtol=0, atol=1e-3)
        assert not torch.equal(done.y[0], done.y[2])


def test_video_compression_takes_the_frames_one_by_one():
    """Of a still clip the later frames are all alike, which as one picture they would not be."""
    pytest.importorskip("av")
    x = torch.rand(1, 1, 32, 48).expand(4, 3, -1, -1)
    done = on_clip(DEGRADATIONS["video"], x, torch.Generator().manual_seed(0))  # its parts
    assert done.y.shape == x.shape
    worse = on_clip(Encoded((45, 45)), x, torch.Generator().manual_seed(0)).y
    better = on_clip(Encoded((10, 10)), x, torch.Generator().manual_seed(0)).y
    assert (worse - x).square().mean() > 10 * (better - x).square().mean()
    assert (worse[1] - worse[3]).square().mean() < 0.01 * (worse - x).square().mean()


@pytest.mark.parametrize("hevc", [0.0, 1.0])
@pytest.mark.parametrize(("height", "width"), [(45, 63), (48, 48), (129, 131)])
def test_frames_of_any_size_are_encoded_and_come_back_in_their_places(height, width, hevc):
    pytest.importorskip("av")
    x = torch.linspace(0.2, 0.8, height * width).reshape(1, 1, height, width).expand(3, 3, -1, -1)
    done = on_clip(Encoded((12, 12), hevc=hevc), x, torch.Generator().manual_seed(0))
    torch.testing.assert_close(done.y, x, atol=0.02, rtol=0)
    assert not done.level.any()


def test_warping_takes_features_from_where_the_motion_points():
    features = torch.rand(1, 2, 6, 8)
    motion = torch.zeros(1, 2, 6, 8)
    motion[:, 0], motion[:, 1] = 2, -1
    torch.testing.assert_close(warped(features, motion)[:, :, 1:, :-2], features[:, :, :-1, 2:])
    torch.testing.assert_close(warped(features, torch.zeros_like(motion)), features)


def test_matching_finds_a_shift_of_keys_that_tell_places_apart():
    torch.manual_seed(0)
    matching = Matching(16)
    with torch.no_grad():
        matching.sharpness.fill_(4.0)
    coarse = torch.nn.functional.interpolate(torch.randn(1, 16, 12, 12), scale_factor=1.0)
    fine = torch.nn.functional.interpolate(coarse, scale_factor=2.0)
    moved_coarse, moved_fine = coarse.roll((0, 2), (2, 3)), fine.roll((0, 4), (2, 3))
    motion, match = matching(fine, coarse, moved_fine, moved_coarse)
    inner = motion[0, :, 6:-6, 6:-8]
    assert (inner[0] - 4).abs().mean() < 0.7
    assert inner[1].abs().mean() < 0.7
    assert match.shape == (1, 2, 24, 24)


def test_without_a_past_the_state_says_nothing_and_it_stays_bounded():
    torch.manual_seed(0)
    network = create("recurrent-unet", FAMILIES["recurrent-unet"].tiny).eval()
    state = torch.zeros(1, network.state_channels, 48, 48)
    with torch.no_grad():
        for _ in range(50):
            _, state = network(torch.rand(1, 3, 48, 48), torch.full((1, 1, 48, 48), 0.1), state)
            assert state.abs().max() <= 1


def test_settings_that_do_not_fit_are_refused():
    with pytest.raises(UsageError, match="multiple of 64"):
        RecurrentUNetConfig(memory=33)
    with pytest.raises(UsageError, match="recurrent-unet"):
        objective_for(RECIPES["denoise-video"]().with_settings({"family": "plain-unet", "model": "{}"}))
    with pytest.raises(UsageError, match="frames"):
        objective_for(RECIPES["denoise-video"]().with_settings({"options.frames": "1"}))


@pytest.mark.parametrize("task", ["denoise", "dejpeg"])
def test_a_step_teaches_every_part_and_whole_sequences_are_held_out(store, task):
    model = {"widths": [8, 12], "blocks": [1, 1], "memory": 7, "keys": [3, 4], "task": task}
    objective = objective_for(
        RECIPES["denoise-video"]().with_settings(
            {"model": json.dumps(model), "patch": "48"}
            | {"options.frames": "3", "val_protocols": '["gaussian:30"]', "degradation": "gaussian"}
        )
    )
    train, held_out = objective.split(store)
    assert {name.partition("/")[0] for name in held_out.names} in ({"a"}, {"b"})
    assert not set(train.names) & set(held_out.names)
    sample = objective.dataset(train)[0]
    network = objective.networks["restorer"]
    assert isinstance(network, RecurrentUNet)
    losses = objective.losses("restorer", objective.networks, {key: value[None] for key, value in sample.items()})
    sum(value for name, value in losses.items() if not name.startswith("_")).backward()
    silent = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not silent
    found = objective.validate(network, store.take(range(len(store))), seen=True)
    assert {"psnr_gaussian:30", "gain_gaussian:30"} <= found.figures.keys()


def test_what_is_told_nothing_begins_as_what_is_told_of_no_noise():
    config = card_of("denoise-video").config
    told, blind = (create("recurrent-unet", config | {"task": task}).eval() for task in ("denoise", "dejpeg"))
    for network in (told, blind):
        load_weights(network, "recurrent-unet", "denoise-video")
    assert ([port.kind for port in blind.inputs], blind.task) == (["picture", "state"], "dejpeg")
    y, state = torch.rand(1, 3, 32, 48), torch.rand(1, told.state_channels, 32, 48) * 2 - 1
    with torch.no_grad():
        for one, other in zip(told(y, torch.zeros(1, 1, 32, 48), state), blind(y, state), strict=True):
            torch.testing.assert_close(one, other, atol=1e-3, rtol=0)


def test_data_without_clips_is_refused(store):
    objective = objective_for(RECIPES["denoise-video"]().with_settings({"patch": "96", "options.frames": "3"}))
    only = store.take([i for one in sequences(store, 4) for i in one])
    assert len(clips(only, patch=96).stills) == len(only)
    with pytest.raises(TrainingError, match="no sequence"):
        objective.dataset(only.take([]))


def test_a_narrow_network_loses_of_a_wide_one_only_what_weighs_little():
    """Where the channels and blocks that are too many do nothing, nothing is lost, whatever their places are."""
    torch.manual_seed(0)
    wide = create("recurrent-unet", {"keys": (3, 4), "blocks": (1, 2), "widths": (8, 12), "memory": 7}).eval()
    narrow = create("recurrent-unet", {"keys": (3, 4), "blocks": (1, 1), "widths": (5, 9), "memory": 3}).eval()
    weights = {name: value.clone() for name, value in wide.state_dict().items()}
    further = weights.keys() - narrow.state_dict().keys()
    assert further
    for name in further:
        weights[name] *= 0
    dead = {name: torch.randperm(count)[narrow.streams.get(name, 0) :] for name, count in wide.streams.items()}
    for name, axes in wide.axes.items():
        for axis, parts in enumerate(axes):
            first = 0
            for part in parts:
                for place in dead[part.stream] if part.stream else ():
                    weights[name].movedim(axis, 0)[first + part.each * place : first + part.each * (place + 1)] = 0
                first += part.each * (wide.streams[part.stream] if part.stream else 1)
            assert not parts or first == weights[name].shape[axis]
    wide.load_state_dict(weights)
    narrow.load_state_dict(narrowed(narrow, wide, weights))
    results = []
    for network in (wide, narrow):
        state = torch.zeros(1, network.state_channels, 32, 32)
        with torch.no_grad():
            for seed in range(3):
                y = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(seed))
                x_hat, state = network(y, torch.full((1, 1, 32, 32), 0.1), state)
        results.append(x_hat)
    torch.testing.assert_close(*results, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(narrowed(wide, wide, weights), weights, rtol=0, atol=0)


def test_only_the_same_network_with_fewer_channels_or_blocks_is_narrower():
    wide = create("recurrent-unet", {"widths": (8, 12), "blocks": (1, 1)})
    card = Card(
        **{"name": "wide", "family": "recurrent-unet", "task": wide.task, "config": vars(wide.config)},
        **{"inputs": wide.inputs, "outputs": wide.outputs, "halo": wide.halo, "bytes_per_pixel": 1},
    )
    fitting = {"widths": (8, 10), "blocks": (1, 1)}
    for fewer in (fitting, fitting | {"blocks": (1, 0)}, {"widths": (8, 12), "blocks": (0, 1)}):
        assert narrows(card, create("recurrent-unet", fewer))
    for unlike in ({"widths": (8, 12)}, {"widths": (8, 13)}, {"blocks": (1, 2)}, {"keys": (8, 32)}):
        assert not narrows(card, create("recurrent-unet", fitting | unlike))
