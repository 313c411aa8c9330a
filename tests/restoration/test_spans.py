"""Values far from black to white: seen in their own range, restored in it, kept in it or said to be scaled."""

from pathlib import Path

import model_files
import numpy as np
import pytest
import tifffile

import sfumato
from sfumato.models.engine import load
from sfumato.pictures.picture import Picture
from sfumato.pictures.span import span_of

SIDE = 64


def scene(low: float, high: float, noise: float = 0.03, seed: int = 0) -> np.ndarray:
    rows, columns = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    light = 0.5 + 0.4 * np.sin(5 * rows) * np.cos(7 * columns)
    return (low + (high - low) * (light + np.random.default_rng(seed).normal(0, noise, (SIDE, SIDE)))).astype(
        np.float32
    )


@pytest.fixture
def engine(tmp_path: Path):
    (tmp_path / "level.onnx").write_bytes(model_files.level_identity())
    return load(tmp_path / "level.onnx")


@pytest.mark.parametrize(("low", "high"), [(130, 570), (0, 65535), (-3, -1), (1e-4, 2e-3), (1e5, 1e6)])
def test_floats_are_restored_in_their_own_range(tmp_path: Path, engine, low: float, high: float) -> None:
    """The network takes away a tenth of the level, of a range that it sees as black to white."""
    values = scene(low, high)
    values[3, 5], values[7, 7] = np.nan, high + 40 * (high - low)  # a gap and a hot pixel
    tifffile.imwrite(tmp_path / "counts.tif", values)
    restored = sfumato.restore(tmp_path / "counts.tif", model=engine, noise=50)
    assert "taken as black to white" in restored.notes[0]
    span = restored.span
    assert span is not None
    assert low < span.low < span.high < low + 2 * (high - low)
    saved = tifffile.imread(restored.save(tmp_path / "result.tif"))
    change = np.delete((saved - values).ravel(), [3 * SIDE + 5, 7 * SIDE + 7]) / (span.high - span.low)
    np.testing.assert_allclose(change, -0.1 * 50 / 255, atol=2e-3)
    shown = restored.comparison().array()
    assert 0.05 < shown.mean() < 0.95


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".avif"])
def test_counts_as_integers_are_scaled_and_that_is_said(tmp_path: Path, suffix: str) -> None:
    tifffile.imwrite(tmp_path / "counts.tif", scene(130, 570))
    picture = Picture.open(tmp_path / "counts.tif")
    said = picture.not_kept_by({".jpg": "jpeg"}.get(suffix, suffix[1:]))
    assert "were scaled to black to white" in said[-1]
    result = Picture.open(picture.save(tmp_path / f"result{suffix}")).array()
    assert 0.3 < result.mean() < 0.7
    assert result.max() - result.min() > 0.9
    assert picture.not_kept_by("tiff") == ()


def test_light_beyond_white_is_cut_off_and_that_is_said(tmp_path: Path) -> None:
    values = scene(0, 1)
    values[:8, :8] = 3  # a lamp
    tifffile.imwrite(tmp_path / "light.tif", values)
    picture = Picture.open(tmp_path / "light.tif")
    assert span_of(picture) is None
    assert "1.6 % of the values lay beyond black or white" in picture.not_kept_by("png")[-1]
    assert Picture.open(picture.save(tmp_path / "light.png")).array()[:8, :8].min() == 1


@pytest.mark.parametrize(("low", "high"), [(100, 700), (0, 4095), (30000, 30600)])
def test_deep_pictures_that_use_little_of_their_depth(tmp_path: Path, engine, low: float, high: float) -> None:
    values = np.round(scene(low, high)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "dark.tif", values)
    restored = sfumato.restore(tmp_path / "dark.tif", model=engine, noise=50)
    assert restored.span is not None
    saved = tifffile.imread(restored.save(tmp_path / "result.tif"))
    change = (saved.astype(float) - values) / (65535 * (restored.span.high - restored.span.low))
    assert change.mean() == pytest.approx(-0.1 * 50 / 255, abs=2e-3)
    picture = Picture.open(tmp_path / "dark.tif")
    assert Picture.open(picture.save(tmp_path / "a.png")).array().max() < high / 65535
    # A plain sky is kept a sky; what would be all black is not.
    is_dark = high < 0.07 * 65535
    assert any("scaled to black to white" in said for said in picture.not_kept_by("jpeg")) == is_dark
    assert (Picture.open(picture.save(tmp_path / "a.jpg")).array().max() > 0.9) == is_dark


def test_writing_on_plain_paper_is_no_defect_of_a_dim_picture(tmp_path: Path) -> None:
    values = np.round(scene(60000, 62000)).astype(np.uint16)
    values[20, 20:23] = 5000
    tifffile.imwrite(tmp_path / "paper.tif", values)
    assert span_of(Picture.open(tmp_path / "paper.tif")) is None


@pytest.mark.parametrize(
    "values",
    [
        scene(0, 1),
        scene(0.2, 0.4),
        np.full((SIDE, SIDE), 500, np.float32),
        np.full((SIDE, SIDE), np.nan, np.float32),
        np.round(scene(0, 60000)).clip(0).astype(np.uint16),
        np.full((SIDE, SIDE), 40, np.uint16),
        np.full((1, 1), 9, np.float32),
    ],
    ids=["light", "grey", "flat", "gaps", "deep", "deep flat", "one pixel"],
)
def test_other_pictures_are_taken_as_they_are(tmp_path: Path, engine, values: np.ndarray) -> None:
    tifffile.imwrite(tmp_path / "a.tif", values)
    assert span_of(Picture.open(tmp_path / "a.tif")) is None
    assert sfumato.restore(tmp_path / "a.tif", model=engine, noise=20).span is None


def test_what_is_left_alone_keeps_its_bytes(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "counts.tif", scene(130, 570))
    restored = sfumato.restore(tmp_path / "counts.tif", strength=0)
    assert restored.untouched
    assert restored.to_bytes() == (tmp_path / "counts.tif").read_bytes()
