"""Samples of a restoration: those of a flow whose posterior is known by hand have its mean and its spread."""

import known_generators
import numpy as np
import pytest
from command_line import Run

from sfumato import Picture
from sfumato.errors import ModelError, PictureError, UsageError
from sfumato.models.engine import Engine, load
from sfumato.operators import Blur, ColourMix, Downsample, gaussian
from sfumato.restoration.options import RestoreOptions
from sfumato.restoration.samples import Samples, sample_picture

FLOW = Engine(known_generators.flow())
HEIGHT, WIDTH = known_generators.SIZE
MEAN, DEVIATION = 0.5 + known_generators.MEAN / 2, known_generators.DEVIATION / 2  # of its pixels, in [0, 1]
RANDOM = np.random.default_rng(0)
X = (MEAN + DEVIATION * RANDOM.normal(size=(HEIGHT, WIDTH, 3))).astype(np.float32)


def drawn(y: np.ndarray, num: int = 64, **options: object) -> Samples:
    picture = Picture.from_array(y, depth=32, format="tiff")
    return sample_picture(picture, RestoreOptions(**({"model": FLOW} | options)), num, seed=3)


def test_missing_pixels_have_the_spread_of_the_flow_and_known_ones_are_exact() -> None:
    missing = np.zeros((HEIGHT, WIDTH))
    missing[:, 5:] = 1
    found = drawn(X, task="inpaint", mask=missing, steps=100).values
    assert (found[:, missing == 0] == X[missing == 0]).all()
    assert found[:, missing > 0].mean() == pytest.approx(MEAN, abs=0.02)
    assert found[:, missing > 0].std(axis=0).mean() == pytest.approx(DEVIATION, rel=0.12)


def test_noisy_pixels_have_the_mean_and_the_spread_of_the_posterior() -> None:
    sigma = 0.1
    y = (X + sigma * RANDOM.normal(size=X.shape)).astype(np.float32)
    found = drawn(y, num=128, task="denoise", noise=255 * sigma, steps=100).values
    precision = 1 / DEVIATION**2 + 1 / sigma**2
    expected = (MEAN / DEVIATION**2 + y / sigma**2) / precision
    assert np.abs(found.mean(axis=0) - expected).mean() < 0.02
    assert found.std(axis=0).mean() == pytest.approx(precision**-0.5, rel=0.25)


@pytest.mark.parametrize(
    ("task", "operator", "options"),
    [
        ("deblur", Blur(gaussian(0.8)), {"kernel": "gaussian:0.8"}),
        ("upscale", Downsample(2), {}),
        ("colorize", ColourMix(), {}),
    ],
)
def test_samples_agree_with_what_was_measured_and_differ(task: str, operator, options: dict) -> None:
    shape = operator.output_shape((32, 36, 3)) if task != "upscale" else (12, 14, 3)
    before = operator.input_shape(shape)
    x = (MEAN + DEVIATION * RANDOM.normal(size=before)).astype(np.float32)
    y = operator.apply(x)
    found = drawn(y, num=8, task=task, steps=30, **options)
    assert found.values.shape == (8, round(y.shape[0] * operator.scale), round(y.shape[1] * operator.scale), 3)
    assert found.residual < 0.01
    assert found.values.std(axis=0).mean() > 0.1 * DEVIATION


def test_the_same_seed_gives_the_same_samples_however_many() -> None:
    missing = np.ones((HEIGHT, WIDTH))
    missing[0] = 0
    three, twenty = (drawn(X, num, task="inpaint", mask=missing, steps=4).values for num in (3, 20))
    np.testing.assert_allclose(three, twenty[:3], atol=1e-6)
    assert np.abs(twenty[0] - twenty[1]).max() > 0.05


def test_digits_are_continued_in_several_ways() -> None:
    digit = np.zeros((28, 28, 1), np.float32)
    digit[5:23, 13:15] = 1
    missing = np.zeros((28, 28))
    missing[14:] = 1
    found = drawn(digit, num=4, model=load("mnist-flow"), task="inpaint", mask=missing, steps=20)
    assert (found.values[:, :14] == digit[:14]).all()
    assert 0.01 < found.values[:, 14:].mean() < 0.4
    assert found.spread.array()[14:].max() > found.spread.array()[:14].max() == 0
    assert b"compositeWithTrainedAlgorithmicMedia" in found.pictures[0].xmp()


def test_the_command_writes_samples_mean_and_spread(here, run: Run) -> None:
    (here / "flow.onnx").write_bytes(known_generators.flow())
    Picture.from_array(X).save("a.png")
    Picture.from_array(np.tri(HEIGHT, WIDTH)).save("holes.png")
    words = ("restore", "a.png", "--model", "flow.onnx", "--task", "inpaint", "--mask", "holes.png", "--samples", "3")
    done = run(*words, "-o", "out")
    assert done.status == 0
    assert "3 samples" in done.out
    assert "residual 0.0" in done.out
    names = {"a.mean.png", "a.spread.png", *(f"a.sample-0{number}.png" for number in (1, 2, 3))}
    assert {path.name for path in (here / "out").iterdir()} == names
    assert "exists already" in run(*words, "-o", "out").err
    assert "name a folder" in run(*words).err
    assert "without --compare" in run(*words, "-o", "out", "--compare").err


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"task": "dejpeg"}, UsageError, "inpaint, upscale"),
        ({"task": "denoise"}, UsageError, "must be stated"),
        ({"task": "deblur"}, UsageError, "how the picture was blurred"),
        ({"task": "deblur", "kernel": "disc:2", "mask": np.ones((HEIGHT, WIDTH))}, UsageError, "what is missing"),
        ({"task": "inpaint"}, PictureError, "no transparency"),
        ({"task": "inpaint", "mask": np.ones((HEIGHT, WIDTH))}, PictureError, "All of the picture"),
        ({"task": "colorize"}, PictureError, "for 1 channels"),
        ({"task": "denoise", "noise": 9, "model": "default"}, UsageError, "by a flow"),
        ({"task": "denoise", "noise": 9, "model": "denoise-fast"}, ModelError, "no flow"),
        ({"task": "denoise", "noise": 9, "model": "mnist-flow"}, ModelError, "draws pictures in grey"),
        ({"task": "upscale", "scale": 8, "model": FLOW, "kernel": "box"}, ModelError, "sees a picture whole"),
    ],
)
def test_what_cannot_be_meant_is_refused(options: dict, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        drawn(X, 2, **options)


def test_a_number_of_samples_out_of_range_is_refused() -> None:
    with pytest.raises(UsageError, match="1 to"):
        drawn(X, 0, task="denoise", noise=9)
