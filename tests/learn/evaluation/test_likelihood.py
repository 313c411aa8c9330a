"""Bounds on the likelihood against models whose likelihood can be computed: linear-Gaussian, and two latent signs."""

import numpy as np
import pytest
import torch
from generator_files import write_pictures
from known_generators import SIZE, generator_card
from model_files import Graph, build
from scipy.special import expit, logsumexp
from scipy.stats import multivariate_normal, norm

from sfumato.errors import ModelError, UsageError
from sfumato.learn.data.seeds import sample_seed
from sfumato.learn.evaluation import likelihood as measure
from sfumato.learn.evaluation.likelihood import evaluate_likelihood
from sfumato.learn.losses.variational import importance_weighted
from sfumato.models.card import Entry, Input, Output
from sfumato.models.engine import Engine

PIXELS = SIZE[0] * SIZE[1]
LATENT, DEVIATION = 3, 0.1
WEIGHT = np.random.default_rng(0).normal(0, 0.06, (LATENT, PIXELS))
STRETCH = 2.5  # how much wider the file's posterior is than the true one


def linear_gaussian() -> bytes:
    """x = 1/2 + z W + 0.1 noise; the encoder gives the true posterior's mean, and a variance that is too large."""
    precision = np.eye(LATENT) + WEIGHT @ WEIGHT.T / DEVIATION**2
    to_mean = np.linalg.solve(precision, WEIGHT / DEVIATION**2).T
    variance = STRETCH * np.diag(np.linalg.inv(precision))

    def fill(graph: Graph) -> tuple[str, ...]:
        flat = graph.node("Sub", graph.shaped("x", PIXELS), graph.constant(np.float32([0.5])))
        spread = graph.dense(flat, np.zeros((PIXELS, LATENT)), np.log(variance))
        x_hat = graph.shaped(graph.dense("z_in", WEIGHT, np.float32([0.5])), 1, *SIZE)
        deviation = graph.dense("z_in", np.zeros((LATENT, 1)), np.float32([DEVIATION]))
        return graph.dense(flat, to_mean), spread, x_hat, deviation

    return build(fill, variational_card(LATENT, Output("deviation", "number", 1)))


def bernoulli(*, classes: tuple[str, ...] = ()) -> bytes:
    """One latent number sets the log-odds of every pixel, a class moves them; the encoder knows nothing."""
    odds = 3 * np.random.default_rng(1).normal(size=(1, PIXELS))

    def fill(graph: Graph) -> tuple[str, ...]:
        logits = graph.dense("z_in", odds)
        if classes:
            logits = graph.node("Add", logits, graph.dense("label", np.array([[-1.0], [1.0]])))
        nothing = graph.dense(graph.shaped("x", PIXELS), np.zeros((PIXELS, 1)))
        wider = graph.node("Add", nothing, graph.constant(np.float32([0.2])))
        return nothing, wider, graph.shaped(graph.node("Sigmoid", logits), 1, *SIZE)

    return build(fill, variational_card(1, classes=classes))


def variational_card(latent: int, *more: Output, classes: tuple[str, ...] = ()):
    label = (Input("label", "class", len(classes)),) if classes else ()
    outputs = (Output("z", "latent", latent), Output("log_variance", "latent", latent), Output("x_hat", channels=1))
    decoded = ("x_hat", *(port.name for port in more))
    return generator_card(
        "known",
        "vae",
        inputs=(Input("x", channels=1), Input("z_in", "latent", latent), *label),
        outputs=(*outputs, *more),
        entries={
            "encode": Entry(("x",), ("z", "log_variance")),
            "decode": Entry(("z_in", *(port.name for port in label)), decoded),
        },
        classes=classes,
    )


@pytest.fixture
def place(tmp_path, monkeypatch):
    """20 pictures that the linear model would draw, in the folders `a` and `b`."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    draw = np.random.default_rng(2)
    x = 0.5 + draw.normal(size=(20, LATENT)) @ WEIGHT + DEVIATION * draw.normal(size=(20, PIXELS))
    pixels = (x.clip(0, 1) * 255).round().astype(np.uint8).reshape(20, *SIZE, 1)
    for name, part in (("a", pixels[:10]), ("b", pixels[10:])):
        write_pictures(tmp_path / "DATA" / name, part)
    return tmp_path / "DATA"


def observed(place, *, gaussian: bool) -> dict[str, np.ndarray]:
    """The pictures as the protocol makes them of the files, by its own words."""
    import pyvips

    found = {}
    for path in sorted(place.rglob("*.png")):
        name = path.relative_to(place).as_posix()
        x = pyvips.Image.new_from_file(str(path)).numpy().reshape(-1).astype(np.float64) / 255
        chance = torch.rand(1, *SIZE, generator=torch.Generator().manual_seed(sample_seed(0, name))).numpy().reshape(-1)
        found[name] = x + (chance - 0.5) / 255 if gaussian else (chance < np.float32(x)).astype(float)
    return found


def test_the_bound_of_a_linear_gaussian_model_rises_to_the_true_likelihood(place):
    engine = Engine(linear_gaussian(), threads=1)
    covariance = WEIGHT.T @ WEIGHT + DEVIATION**2 * np.eye(PIXELS)
    x = np.stack(list(observed(place, gaussian=True).values()))
    truth = multivariate_normal(np.full(PIXELS, 0.5), covariance).logpdf(x).mean()
    found = [evaluate_likelihood(engine, place, samples=k, threads=1) for k in (3, 30, 2000)]
    assert found[2].elbo < found[0].bound < found[1].bound < truth + 0.02
    assert found[2].elbo < truth - 0.5
    assert abs(found[2].bound - truth) < 0.02 < truth - found[0].bound
    assert found[2].gaussian
    dimensions = PIXELS * np.log(2)
    assert found[2].bits(truth) == pytest.approx(-truth / dimensions + np.log2(255))
    assert "bits a dimension = reconstruction" in found[2].lines()[1]


def test_the_bound_of_a_bernoulli_model_agrees_with_integration(place):
    engine = Engine(bernoulli(), threads=1)
    odds = 3 * np.random.default_rng(1).normal(size=(1, PIXELS))
    codes = np.linspace(-8, 8, 4001)
    chance = expit(codes[:, None] * odds)
    logs = np.log(np.maximum(chance, 1e-300)), np.log(np.maximum(1 - chance, 1e-300))
    prior = norm.logpdf(codes) + np.log(codes[1] - codes[0])
    x = observed(place, gaussian=False).values()
    truth = np.mean([logsumexp(prior + (logs[0] * seen + logs[1] * (1 - seen)).sum(1)) for seen in x])
    found = [evaluate_likelihood(engine, place, samples=k, threads=1) for k in (20, 2000)]
    assert found[0].elbo < found[0].bound < found[1].bound + 0.01
    assert found[1].bound == pytest.approx(truth, abs=0.1)
    assert found[1].reconstruction - found[1].kl == found[1].elbo < truth - 1
    assert "nats a picture = reconstruction" in found[1].lines()[1]


def test_equal_weights_are_their_own_bound_and_one_sample_is_the_plain_estimate():
    weights = torch.randn(4, 7)
    assert torch.allclose(importance_weighted(weights[:, :1]), weights[:, 0])
    assert torch.allclose(importance_weighted(torch.full((2, 9), -3.0)), torch.tensor(-3.0))
    assert (importance_weighted(weights) >= weights.mean(1)).all()


def test_figures_follow_from_seed_and_pictures_not_from_how_many_go_at_once(place, monkeypatch):
    engine = Engine(bernoulli(), threads=1)
    whole = evaluate_likelihood(engine, place, samples=5, threads=1)
    assert evaluate_likelihood(engine, place, samples=5, threads=1).bound == whole.bound
    assert evaluate_likelihood(engine, place, samples=5, seed=1, threads=1).bound != whole.bound
    assert evaluate_likelihood(engine, place, num=7, samples=5, threads=1).num_pictures == 7
    monkeypatch.setattr(measure, "MOST_AT_ONCE", 2)
    assert evaluate_likelihood(engine, place, samples=5, threads=1).bound == pytest.approx(whole.bound, abs=1e-3)


def test_a_model_with_classes_is_asked_by_class(place):
    engine = Engine(bernoulli(classes=("a", "b")), threads=1)
    found = evaluate_likelihood(engine, place, samples=3, label_by="folder", threads=1)
    assert "classes by folder" in found.lines()[0]
    with pytest.raises(UsageError, match="label_by='folder'"):
        evaluate_likelihood(engine, place, threads=1)
    with pytest.raises(UsageError, match="knows no class 'a'"):
        evaluate_likelihood(Engine(bernoulli(classes=("x", "y")), threads=1), place, label_by="folder", threads=1)
    with pytest.raises(UsageError, match="without classes"):
        evaluate_likelihood(Engine(bernoulli(), threads=1), place, label_by="folder", threads=1)


def test_a_family_without_a_likelihood_is_told_so(place):
    import known_generators

    for model in (known_generators.gan(), known_generators.autoencoder(), known_generators.flow()):
        with pytest.raises(ModelError, match="no likelihood"):
            evaluate_likelihood(Engine(model, threads=1), place)
    with pytest.raises(UsageError, match="samples=0"):
        evaluate_likelihood(Engine(bernoulli(), threads=1), place, samples=0)
