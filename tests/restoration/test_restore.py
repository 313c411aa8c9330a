"""Restoring keeps what a picture is, obeys the strength dial, and says what was decided on the way."""

import dataclasses
import inspect
import subprocess
import sys
from pathlib import Path

import model_files
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sfumato import Picture, restore
from sfumato.errors import ModelError, PictureError, UsageError
from sfumato.estimation import cells
from sfumato.estimation.noise import NoiseCurve
from sfumato.models import engine
from sfumato.models.engine import Engine
from sfumato.restoration import diagnosis
from sfumato.restoration import restore as restoring
from sfumato.restoration.options import RestoreOptions

IDENTITY, LEVELS = Engine(model_files.identity()), Engine(model_files.level_identity())
PLAIN, U_NET = Engine(model_files.plain()), Engine(model_files.u_net())
BRIGHTENED = Engine(model_files.brightened())
SIDES = st.integers(1, 70)


def noisy(height: int = 60, width: int = 44, channels: int = 3, sigma: float = 0.1, middle: float = 0.5) -> np.ndarray:
    return np.random.default_rng(0).normal(middle, sigma, (height, width, channels)).astype(np.float32)


def float_picture(pixels: np.ndarray) -> Picture:
    return Picture.from_array(pixels, depth=32, format="tiff")


def test_an_untouched_picture_of_new_colour_is_not_its_old_file(tmp_path: Path) -> None:
    path = Picture.from_array(noisy(sigma=0)).save(tmp_path / "a.png")
    changed = Picture.open(path).with_array(noisy(sigma=0, middle=0.2))
    result = restore(changed, strength=0)
    assert result.untouched
    assert np.array_equal(Picture.open(result.to_bytes()).array(), changed.array())


@settings(deadline=None, max_examples=30)
@given(
    height=SIDES,
    width=SIDES,
    channels=st.sampled_from([1, 3]),
    colourless=st.booleans(),
    depth=st.sampled_from([8, 16, 32]),
    alpha=st.booleans(),
)
def test_identity_model_gives_every_picture_back(
    height: int, width: int, channels: int, colourless: bool, depth: int, alpha: bool
) -> None:
    transparency = noisy(height, width, 1)[..., 0].clip(0, 1) if alpha else None
    colour = noisy(height, width, channels).clip(0, 1)
    colour = colour[..., :1].repeat(channels, axis=2) if colourless else colour
    picture = Picture.from_array(colour, alpha=transparency, depth=depth)
    result = restore(picture, model=IDENTITY)
    assert (result.picture.width, result.picture.height) == (width, height)
    assert (result.picture.num_channels, result.picture.depth) == (channels, depth)
    assert np.array_equal(result.picture.array(), picture.array())
    if alpha:
        assert np.array_equal(result.picture.alpha(), picture.alpha())
    assert result.noise is None


@settings(deadline=None, max_examples=15)
@given(height=SIDES, width=SIDES, channels=st.sampled_from([1, 3]))
@example(height=1, width=2, channels=1)
def test_result_is_what_the_network_gives_for_the_whole(height: int, width: int, channels: int) -> None:
    pixels = noisy(height, width, channels)
    expected = np.pad(pixels, ((0, -height % 8), (0, -width % 8), (0, 0)), mode="reflect").transpose(2, 0, 1)[None]
    levels = np.full((1, 1, *expected.shape[2:]), 25 / 255, np.float32)
    expected = U_NET(y=np.broadcast_to(expected, (1, 3, *expected.shape[2:])), sigma=levels)[0, :, :height, :width]
    if channels == 1:
        expected = expected.mean(axis=0, keepdims=True)
    result = restore(float_picture(pixels), model=U_NET, noise=25, memory_mb=1).picture.array()
    assert np.allclose(result.transpose(2, 0, 1), expected, atol=1e-4)


@settings(deadline=None, max_examples=15)
@given(height=SIDES, width=SIDES, channels=st.sampled_from([1, 3]))
def test_the_ensemble_is_the_mean_over_all_eight_positions(height: int, width: int, channels: int) -> None:
    pixels = noisy(8 * -(-height // 8), 8 * -(-width // 8), channels)
    expected = np.zeros_like(pixels)
    for turns in range(4):
        for mirrored in (1, -1):
            turned = np.rot90(pixels, turns)[:, ::mirrored]
            result = restore(float_picture(turned), model=U_NET, noise=25).picture.array()
            expected += np.rot90(result[:, ::mirrored], -turns) / 8
    for memory_mb in (None, 1):
        result = restore(float_picture(pixels), model=U_NET, noise=25, ensemble=True, memory_mb=memory_mb)
        assert np.allclose(result.picture.array(), expected, atol=1e-5)
        assert result.steps[0].describe() == "u-net (self-ensemble) at noise 25.0"
    cut = pixels[:height, :width]
    whole, tiled = (restore(float_picture(cut), model=U_NET, noise=25, ensemble=True, memory_mb=m) for m in (None, 1))
    assert np.allclose(whole.picture.array(), tiled.picture.array(), atol=1e-5)


@pytest.mark.parametrize("strength", [0.25, 1.0, 1.5])
def test_strength_goes_from_the_picture_to_the_result_and_beyond(strength: float) -> None:
    y = noisy()
    full = restore(float_picture(y), model=PLAIN).picture.array()
    assert np.abs(full - y).max() > 0.1
    result = restore(float_picture(y), model=PLAIN, strength=strength).picture.array()
    assert np.allclose(result, y + strength * (full - y), atol=1e-5)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tiff"])
def test_strength_zero_gives_the_bytes_of_the_file(suffix: str, tmp_path: Path) -> None:
    source = Picture.from_array(noisy().clip(0, 1)).save(tmp_path / f"in{suffix}", quality=70)
    result = restore(source, model=PLAIN, strength=0)
    assert result.untouched
    assert "Strength 0" in result.notes[0]
    target = result.save(tmp_path / f"out{suffix}", quality=95)
    assert target.read_bytes() == source.read_bytes()
    with pytest.raises(PictureError, match="pass overwrite=True"):
        result.save(target)
    assert result.save(source, overwrite=True).read_bytes() == target.read_bytes()
    other = result.save(tmp_path / "out.webp", quality=100)
    assert np.array_equal(Picture.open(other).array(), result.source.array())
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([f"in{suffix}", f"out{suffix}", "out.webp"])


def test_level_map_reaches_the_network_where_it_belongs() -> None:
    """The network takes a tenth of sigma away: the change is the level map of the estimated curve."""
    brightness = np.linspace(0.2, 0.8, 300, dtype=np.float32)[:, None, None]
    y = noisy(300, 280, middle=0, sigma=1) * (0.02 + 0.1 * brightness) + brightness
    result = restore(float_picture(y), model=LEVELS, memory_mb=1)
    assert result.noise is not None
    assert len(result.noise.sigma) > 1
    assert np.allclose(y - result.picture.array(), 0.1 * result.noise.level_map(y)[..., None], atol=1e-5)


def test_stated_noise_is_taken_as_it_is() -> None:
    result = restore(float_picture(noisy()), model=LEVELS, noise=30)
    assert result.noise == NoiseCurve.constant(30 / 255)
    assert np.allclose(noisy() - result.picture.array(), 3 / 255, atol=1e-6)


def test_clean_picture_is_left_as_it_is_and_says_so() -> None:
    clean = Picture.from_array(np.full((64, 48, 3), 0.5, np.float32))
    result = restore(clean, model=U_NET)
    assert result.untouched
    assert "No noise" in result.notes[0]
    forced = restore(clean, model=U_NET, noise=10)
    assert not forced.untouched


def test_pixels_that_are_no_numbers_stay_and_do_not_spread() -> None:
    y = noisy(40, 40)
    y[20, 20], y[3, 4, 0] = np.nan, np.inf
    result = restore(float_picture(y), model=U_NET, noise=25).picture.array()
    assert np.array_equal(np.isfinite(result), np.isfinite(y))
    assert result[3, 4, 0] == np.inf


def test_sixteen_bits_stay_sixteen_bits() -> None:
    y = noisy(40, 40, sigma=0.05)
    fine = restore(Picture.from_array(y, depth=16), model=PLAIN).picture.array()
    exact = restore(float_picture(y), model=PLAIN).picture.array().clip(0, 1)
    assert np.abs(fine - exact).max() < 4 / 65535


def test_arrays_are_pictures_too() -> None:
    y = noisy().clip(0, 1)
    assert np.allclose(restore(y, model=IDENTITY).picture.array(), y, atol=1e-7)
    assert restore(y[..., 0], model=IDENTITY).picture.num_channels == 1
    eight = (y * 255).round().astype(np.uint8)
    assert np.array_equal((restore(eight, model=IDENTITY).picture.array() * 255).round().astype(np.uint8), eight)
    for bad in (np.zeros((4, 4, 2)), np.zeros((0, 4, 3)), np.zeros(4), np.zeros((4, 4, 3), np.int64)):
        with pytest.raises(PictureError):
            restore(bad, model=IDENTITY)


def test_global_network_sees_the_whole_or_a_reduced_copy_and_says_so() -> None:
    small = float_picture(noisy(64, 64))
    result = restore(small, model=BRIGHTENED)
    assert np.allclose(result.picture.array() - small.array(), 0.1 * small.array().mean(axis=(0, 1)), atol=1e-5)
    assert not result.notes
    large = float_picture(noisy(300, 200))
    result = restore(large, model=BRIGHTENED)
    assert "reduced 4 times" in result.notes[0]
    assert np.allclose(result.picture.array() - large.array(), 0.1 * large.array().mean(axis=(0, 1)), atol=1e-3)


def test_change_map_shows_where_and_how_much() -> None:
    y = np.full((40, 60, 3), 0.5, np.float32)
    result = restore(float_picture(y), model=LEVELS, noise=51)
    assert result.change_gain == 8
    assert np.allclose(result.change_map().array(), 0.5 - 8 * 0.02, atol=1e-5)
    assert np.all(restore(float_picture(y), model=LEVELS, strength=0).change_map().array() == 0.5)


@pytest.mark.parametrize(("height", "width", "channels"), [(1, 1, 3), (90, 70, 1), (1300, 40, 3), (60, 2100, 3)])
def test_comparison_is_a_picture_of_modest_size(height: int, width: int, channels: int, tmp_path: Path) -> None:
    result = restore(float_picture(noisy(height, width, channels)), model=IDENTITY)
    sheet = result.comparison()
    assert sheet.depth == 8
    assert sheet.width <= 3 * 1_012 + 12
    assert sheet.height <= 1_100 + 600
    assert sheet.save(tmp_path / "compare.png").stat().st_size > 0


def test_comparison_holds_the_pixels_unchanged() -> None:
    y = noisy(90, 150).clip(0, 1)
    sheet = restore(Picture.from_array(y), model=IDENTITY).comparison().array()
    expected = Picture.from_array(y).array()
    assert any(np.array_equal(sheet[top : top + 90, 12 : 12 + 150], expected) for top in range(60))


@pytest.mark.parametrize("model", [IDENTITY, U_NET, BRIGHTENED], ids=lambda model: model.card.name)
def test_progress_ends_with_all_pixels(model: Engine) -> None:
    told: list[tuple[int, int]] = []
    restore(float_picture(noisy(100, 90)), model=model, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (9_000, 9_000)
    assert told == sorted(told)


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"noise": 76}, "0 to 75"),
        ({"noise": -1}, "0 to 75"),
        ({"noise": "loud"}, "'auto'"),
        ({"noise": float("nan")}, "0 to 75"),
        ({"strength": 1.6}, "0 to 1.5"),
        ({"strength": float("nan")}, "0 to 1.5"),
        ({"memory_mb": 0}, "memory_mb"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, object], hint: str) -> None:
    with pytest.raises(UsageError, match=hint):
        restore(noisy(), model=LEVELS, **options)


def test_a_model_that_is_no_restorer_is_refused() -> None:
    with pytest.raises(ModelError, match="no restorer"):
        restore(noisy(), model=Engine(model_files.doubled()))


def test_missing_file_is_named() -> None:
    with pytest.raises(PictureError, match=r"no-such\.png"):
        restore("no-such.png", model=IDENTITY)


def test_functions_of_the_face_and_modules_keep_apart() -> None:
    code = (
        "import sfumato, sfumato.restoration.restore as r, sfumato.generation.generate as g; "
        "assert r.restore is sfumato.restore and g.generate is sfumato.generate and g.vary is sfumato.vary; "
        "assert callable(sfumato.load) and sfumato.Picture.open and 'restore' in dir(sfumato)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    code = "import sys, sfumato; assert not {'numpy', 'onnxruntime', 'pyvips'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_the_options_of_the_function_are_the_fields_of_the_options() -> None:
    taken = {name: p.default for name, p in inspect.signature(restore).parameters.items() if p.kind is p.KEYWORD_ONLY}
    del taken["progress"]
    of_clips = {"fast": False, "look_ahead": False}  # which `restore_video` takes besides
    assert taken | of_clips == {field.name: field.default for field in dataclasses.fields(RestoreOptions)}


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tiff", ".webp", ".avif"])
def test_bytes_and_open_files_are_restored_as_the_file_is(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    Picture.from_array(np.random.default_rng(0).random((24, 33, 3)).astype(np.float32)).save(path)
    expected = restore(path, model=IDENTITY, strength=0.5).to_bytes()
    assert restore(path.read_bytes(), model=IDENTITY, strength=0.5).to_bytes() == expected
    with path.open("rb") as file:
        assert restore(file, model=IDENTITY, strength=0.5).to_bytes() == expected
    assert restore(path.read_bytes(), strength=0).to_bytes() == path.read_bytes()
    restore(path.read_bytes(), strength=0).save(tmp_path / f"b{suffix}")
    assert (tmp_path / f"b{suffix}").read_bytes() == path.read_bytes()
    assert restore(path, strength=0).to_bytes("png")[:4] == b"\x89PNG"


def test_bytes_that_are_no_picture_are_called_the_picture() -> None:
    with pytest.raises(PictureError, match="The picture is no picture that can be read"):
        restore(b"no picture")
    with pytest.raises(PictureError, match="The picture is empty"):
        restore(b"")


def test_what_looks_at_a_picture_keeps_to_the_threads_and_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    loaded = engine.shipped

    def watched(name: str, device: str, threads: int | None) -> Engine:
        asked.append((name, device, threads))
        return loaded(name, device, threads)

    for module in (cells, diagnosis, restoring):
        monkeypatch.setattr(module, "shipped", watched)
    restore(noisy(160, 140, sigma=0.015), device="cpu", threads=1)  # so little that a model tries it
    assert {name for name, *_ in asked} > {"noise-level", "jpeg-quality", "scratches", "fade"}
    assert all((device, threads) == ("cpu", 1) for _, device, threads in asked)
