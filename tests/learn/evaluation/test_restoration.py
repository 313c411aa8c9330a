"""Measuring: the protocol is what it says, the same noise for every model, and nothing is skipped in silence."""

import numpy as np
import pytest
from model_files import hole_filler, identity
from training_files import picture_folder

from sfumato.errors import TrainingError, UsageError
from sfumato.learn.degradations.fading import Fading
from sfumato.learn.degradations.noise import GaussianNoise
from sfumato.learn.evaluation.protocols import KINDS, Protocol
from sfumato.learn.evaluation.restoration import (
    before_and_after,
    clean_pictures,
    degraded,
    described,
    evaluate_restorer,
)
from sfumato.models.engine import Engine


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return picture_folder(tmp_path_factory.mktemp("pictures"), 4)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if KINDS[kind].unit in ("sigma", "quality")])
def test_the_identity_gains_nothing_under_any_protocol(kind, pictures):
    score = evaluate_restorer(Engine(identity(), threads=1), pictures, f"{kind}:20")
    assert score.psnr == pytest.approx(score.psnr_before, abs=1e-3)
    assert score.num_pictures == 4
    assert kind in score.line()
    assert "not rounded" in score.line()


def test_holes_are_measured_where_they_are_and_only_on_what_fills_them(pictures):
    score = evaluate_restorer(Engine(hole_filler(), threads=1), pictures, "holes:10")
    assert 5 < score.psnr < 30
    assert "PSNR on the holes" in score.line()
    with pytest.raises(UsageError, match="identity is for identity, which that does not measure"):
        evaluate_restorer(Engine(identity(), threads=1), pictures, "holes:10")
    with pytest.raises(UsageError, match="hole-filler is for inpaint"):
        evaluate_restorer(Engine(hole_filler(), threads=1), pictures, "gaussian:25")


def test_what_a_degradation_calls_clean_is_what_is_compared_with(pictures):
    """A yellowed print was grey: the identity on one that only became grey would otherwise be far off."""
    (_, x), *_ = clean_pictures(pictures, 3)
    tint = Fading(black=(0, 0), white=(1, 1), cast=0, gamma=(1, 1), saturation=(1, 1), undamaged=0, monochrome=1)
    clean, y, _ = before_and_after(x, tint, 0)
    assert np.abs(clean - y).max() <= 1 / 255
    assert np.abs(clean - x).max() > 0.05


def test_an_ensemble_is_measured_and_named_or_refused(pictures):
    once, eight = (
        evaluate_restorer("denoise-fast", pictures, "gaussian:25", ensemble=eight) for eight in (False, True)
    )
    assert eight.psnr > once.psnr
    assert eight.protocol == once.protocol + ", self-ensemble of 8"
    with pytest.raises(UsageError, match="inpaint works on pictures as they stand"):
        evaluate_restorer("inpaint", pictures, "holes:15", ensemble=True)


def test_white_noise_has_the_psnr_that_its_level_says(pictures):
    score = evaluate_restorer(Engine(identity(), threads=1), pictures, "gaussian:25")
    assert score.psnr_before == pytest.approx(-20 * np.log10(25 / 255), abs=0.1)


def test_noise_belongs_to_the_picture_and_not_to_the_run(pictures):
    (_, x), *_ = clean_pictures(pictures, 3)
    noise = GaussianNoise((25, 25))
    assert np.array_equal(degraded(x, noise, 3), degraded(x, noise, 3))
    assert not np.array_equal(degraded(x, noise, 3), degraded(x, noise, 4))


@pytest.mark.parametrize(
    "text",
    [
        "gausian:25",
        "gaussian",
        "gaussian:x",
        "gaussian:25:50",
        "gaussian:256",
        "gaussian:-1",
        "jpeg:0",
        "jpeg:9.5",
        "holes:0",
        "holes:15:auto",
        "motion:0",
        "motion:31",
        "defocus:3:auto",
    ],
)
def test_a_protocol_that_is_none_is_refused(text):
    with pytest.raises(UsageError):
        Protocol.parse(text)


def test_automatic_level_is_part_of_the_protocol():
    assert Protocol.parse("gaussian:15:auto").auto
    assert not Protocol.parse("gaussian:15").auto
    assert "level estimated" in described(Protocol.parse("clean"))


def test_a_protocol_says_all_that_is_done_and_what_the_restorer_is_told():
    blurred = described(Protocol.parse("motion:5"))
    assert "motion pixels 5, noise of sigma 1, clipped, seed 0, blur not known" in blurred
    assert "blind" in described(Protocol.parse("motion:5"), blind=True)
    assert "noise of sigma 5, clipped, JPEG quality 60" in described(Protocol.parse("small:2"))


def test_a_broken_picture_stops_a_measurement(pictures, tmp_path):
    (tmp_path / "good.png").write_bytes((pictures / "0.png").read_bytes())
    (tmp_path / "bad.png").write_bytes((pictures / "0.png").read_bytes()[:100])
    with pytest.raises(TrainingError, match=r"bad\.png"):
        clean_pictures(tmp_path, 3)
