"""Known damage undone by a denoiser: nearer to the truth, true to what was measured, seamless, and honest."""

import numpy as np
import pytest
from skimage.data import astronaut

from sfumato import Picture, restore
from sfumato.errors import ModelError, PictureError, UsageError
from sfumato.measures import psnr
from sfumato.models.engine import load
from sfumato.operators import Blur, Downsample, Identity, Mask, Mosaic, RegionBlur, add_noise, disc, gaussian, motion
from sfumato.restoration import plug_and_play
from sfumato.restoration.options import RestoreOptions
from sfumato.restoration.restore import dry_run
from sfumato.tiling.resize import resized

FAST = load("denoise-fast")
X = np.ascontiguousarray(astronaut()[20:156, 150:310].astype(np.float32) / 255)
KERNEL = motion(6, 30, 20)
BLUR = Blur(KERNEL)
Y = add_noise(BLUR.apply(X), 1 / 255, 0).clip(0, 1)
INSIDE = X[BLUR.inside(Y.shape)]


def undone(y: np.ndarray | Picture, **options: object) -> np.ndarray:
    return restore(y, model=FAST, **options).picture.array()


@pytest.fixture(scope="module")
def sharp() -> Picture:
    return restore(Picture.from_array(Y), model=FAST, task="deblur", kernel=KERNEL)


def test_a_known_blur_is_undone_far_beyond_what_a_blind_network_does(sharp) -> None:
    blind = restore(Picture.from_array(Y), task="deblur").picture.array()
    assert psnr(sharp.picture.array(), INSIDE) > psnr(Y, INSIDE) + 7
    assert psnr(sharp.picture.array(), INSIDE) > psnr(blind, INSIDE) + 3


def test_the_result_agrees_with_what_was_measured_and_says_how_far(sharp) -> None:
    step = sharp.steps[0]
    assert step.task == "deblur"
    assert step.residual == pytest.approx(1 / 255, rel=0.2)
    assert "residual" in step.describe()
    assert not sharp.notes


def test_the_border_is_as_good_as_the_middle_but_for_what_lies_beyond(sharp) -> None:
    middle = psnr(sharp.picture.array(), INSIDE, border=20)
    assert psnr(sharp.picture.array(), INSIDE) > middle - 3


def test_a_kernel_that_does_not_fit_is_reported() -> None:
    wrong = restore(Picture.from_array(Y), model=FAST, task="deblur", kernel=disc(5))
    assert wrong.steps[0].residual > 1.5 / 255
    assert "damage is another one" in wrong.notes[0]
    half = restore(Picture.from_array(Y), model=FAST, task="deblur", kernel=disc(5), strength=0.5)
    assert psnr(half.picture.array(), INSIDE) > psnr(wrong.picture.array(), INSIDE) + 1
    assert restore(Picture.from_array(Y), task="deblur", kernel=disc(5), strength=0).untouched


def test_the_kernel_may_be_words_an_array_or_a_picture(tmp_path) -> None:
    y = Blur(motion(5, 20)).apply(X)[:64, :64]
    by_words = undone(y, task="deblur", kernel="motion:5@20", steps=2)
    np.testing.assert_array_equal(by_words, undone(y, task="deblur", kernel=motion(5, 20), steps=2))
    drawn = np.pad(motion(5, 20), ((3, 9), (20, 0)))
    path = Picture.from_array(drawn / drawn.max(), depth=16).save(tmp_path / "psf.png")
    by_picture = undone(y, task="deblur", kernel=str(path), steps=2)
    assert np.abs(by_picture - by_words)[16:-16, 16:-16].mean() < 4e-3


def test_compressed_files_are_taken_to_be_noisier(tmp_path) -> None:
    for suffix, level in ((".jpg", 2), (".png", 1)):
        path = Picture.from_array(Y[:64, :64]).save(tmp_path / f"y{suffix}", quality=92)
        step = restore(path, model=FAST, task="deblur", kernel=KERNEL, steps=1).steps[0]
        assert 255 * step.noise.typical == pytest.approx(level)


def test_the_operator_of_the_python_interface_gives_the_same() -> None:
    y = Y[:64, :64]
    np.testing.assert_array_equal(undone(y, operator=BLUR, steps=2), undone(y, task="deblur", kernel=KERNEL, steps=2))


def test_missing_pixels_are_filled_in_and_known_ones_kept() -> None:
    known = np.random.default_rng(0).random(X.shape[:2]) < 0.5
    y = X * known[..., None]
    x_hat = undone(y, operator=Mask(known), steps=12)
    assert psnr(x_hat, X, where=~known) > 26
    assert psnr(x_hat, X, where=known) > 40


def test_a_result_may_have_another_size_and_other_channels() -> None:
    small = Downsample(1.7, "box")
    height, width, _ = small.input_shape((60, 70, 3))
    y = small.apply(X[:height, :width])
    result = restore(Picture.from_array(y), model=FAST, operator=small)
    assert (result.picture.height, result.picture.width) == (102, 119)
    assert psnr(result.picture.array(), X[small.inside(y.shape)], border=4) > 27
    mosaic = restore(Picture.from_array(Mosaic().apply(X)), model=FAST, operator=Mosaic())
    assert mosaic.picture.num_channels == 3
    assert psnr(mosaic.picture.array(), X, border=4) > 33
    assert any("metadata" in note for note in mosaic.notes)
    for options in ({"strength": 0.5}, {"mask": np.ones((60, 70))}):
        with pytest.raises(UsageError, match="another size"):
            restore(y, model=FAST, operator=small, **options)


def test_scattered_pixels_are_filled_in_and_known_ones_come_back_to_the_bit() -> None:
    x = X[:96, :96]
    missing = np.random.default_rng(0).random(x.shape[:2]) < 0.6
    y = Picture.from_array(np.where(missing[..., None], 0, x))
    result = restore(y, model=FAST, task="inpaint", prior=True, mask=missing, steps=20)
    after = result.picture.array()
    np.testing.assert_array_equal(after[~missing], y.array()[~missing])
    assert psnr(after, x, where=missing) > 27
    assert result.steps[0].filled == pytest.approx(missing.mean())
    assert (result.filled == missing).all()
    assert b"compositeWithTrainedAlgorithmicMedia" in result.picture.xmp()


def test_a_mosaic_becomes_a_picture_in_colour(tmp_path) -> None:
    y = Mosaic("GRBG").apply(X[:80, :100])
    result = restore(Picture.from_array(y, depth=16), model=FAST, task="demosaic", pattern="GRBG")
    assert psnr(result.picture.array(), X[:80, :100], border=4) > 33
    assert (result.picture.num_channels, result.picture.depth) == (3, 16)
    assert result.comparison().num_channels == 3
    wrong = restore(Picture.from_array(y, depth=16), model=FAST, task="demosaic").picture.array()
    assert psnr(wrong, X[:80, :100], border=4) < 25


@pytest.mark.parametrize("kernel", ["bicubic", "box", "gaussian:1.6"])
def test_a_picture_is_enlarged_by_other_factors_as_it_was_reduced(kernel: str) -> None:
    reduced = Downsample(3, gaussian(1.6) if kernel == "gaussian:1.6" else kernel)
    height, width, _ = reduced.input_shape((32, 40, 3))
    x = X[20 : 20 + height, :width]
    alpha = np.linspace(0, 1, 40)[None].repeat(32, axis=0)
    y = Picture.from_array(reduced.apply(x), alpha=alpha if kernel == "box" else None)
    result = restore(y, model=FAST, task="upscale", scale=3, kernel=kernel).picture
    assert (result.height, result.width) == (96, 120)
    assert result.has_alpha == (kernel == "box")
    plain = resized(y.array(), 96, 120)
    if kernel != "box":
        assert (
            psnr(result.array(), x[reduced.inside((32, 40, 3))], border=6)
            > psnr(plain, x[reduced.inside((32, 40, 3))], border=6) + 1
        )


def test_blur_may_differ_from_region_to_region() -> None:
    shares = np.linspace(0, 1, 140)[None].repeat(80, axis=0)
    operator = RegionBlur([disc(2.5), gaussian(0.6)], np.stack([shares, 1 - shares]))
    height, width, _ = operator.input_shape((80, 140, 3))
    x = X[:height, :width]
    y = add_noise(operator.apply(x), 1 / 255, 0)
    assert psnr(undone(y, operator=operator), x[operator.inside(y.shape)]) > psnr(y, x[operator.inside(y.shape)]) + 4


@pytest.mark.parametrize("halo", [40, 43, 44])
def test_windows_leave_no_seam(halo: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plug_and_play, "HALO", halo)
    problem = plug_and_play.Problem(BLUR, 1 / 255, plug_and_play.Schedule(steps=3))
    large = np.tile(Y[:, :100], (2, 1, 1))
    picture = Picture.from_array(large, depth=32)
    whole, together = (
        list(plug_and_play.apply(picture, FAST, problem, memory)[0]) for memory in (400_000_000, 8_000_000)
    )
    assert (len(whole), len(together)) == (1, 2)
    assert np.sqrt(np.square(whole[0] - np.concatenate(together)).mean()) < 0.1 / 255


def test_white_lights_do_not_ring() -> None:
    """A light many times as bright as white, blurred and cut off at white: its surroundings stay calm."""
    x = np.full((120, 120, 3), 0.3, np.float32)
    x[58:62, 58:62] = 6
    y = BLUR.apply(x).clip(0, 1)
    x_hat = undone(Picture.from_array(y), task="deblur", kernel=KERNEL)
    around = np.ones(y.shape[:2], bool)
    around[40:75, 40:75] = False
    assert np.abs(x_hat - 0.3)[around].max() < 0.02


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("depth", [8, 16, 32])
def test_grey_and_every_depth_work(channels: int, depth: int) -> None:
    y = Y[:80, :80, :channels]
    result = restore(
        Picture.from_array(y, depth=depth, format="tiff"), model=FAST, task="deblur", kernel=KERNEL
    ).picture
    assert (result.num_channels, result.depth) == (channels, depth)
    assert psnr(result.array(), INSIDE[:80, :80, :channels], border=8) > psnr(y, INSIDE[:80, :80, :channels]) + 4


def test_transparency_stays() -> None:
    alpha = np.linspace(0, 1, 80)[None].repeat(80, axis=0)
    before = Picture.from_array(Y[:80, :80], alpha=alpha)
    after = restore(before, model=FAST, task="deblur", kernel=KERNEL, steps=2).picture
    np.testing.assert_array_equal(after.alpha(), before.alpha())


def test_pixels_that_are_no_numbers_count_as_missing() -> None:
    y = Y[:80, :80].copy()
    y[40, 40] = np.nan
    x_hat = undone(y, task="deblur", kernel=KERNEL)
    rest = np.ones(y.shape[:2], bool)
    rest[36:45, 36:45] = False
    assert np.isfinite(x_hat[rest]).all()
    assert psnr(x_hat, INSIDE[:80, :80], where=rest) > psnr(Y[:80, :80], INSIDE[:80, :80]) + 5


def test_a_flow_is_a_prior_too() -> None:
    digit = np.zeros((28, 28, 1), np.float32)
    digit[6:22, 12:16] = 1
    y = add_noise(Blur(gaussian(1.2)).apply(np.pad(digit, ((5, 5), (5, 5), (0, 0)))), 0.02, 0)
    x_hat = restore(y, model="mnist-flow", operator=Blur(gaussian(1.2)), noise=5).picture.array()
    true = np.pad(digit, ((5, 5), (5, 5), (0, 0)))[Blur(gaussian(1.2)).inside(y.shape)]
    assert psnr(x_hat, true) > psnr(y, true) + 3


def test_progress_rises_to_the_whole_and_the_time_is_told_beforehand() -> None:
    seen: list[int] = []
    restore(Y[:64, :64], model=FAST, task="deblur", kernel=KERNEL, progress=lambda done, total: seen.append(done))
    assert seen == sorted(seen)
    assert len(set(seen)) >= 8
    preview = dry_run(Picture.from_array(Y), RestoreOptions(task="deblur", kernel="disc:2", model=FAST))
    assert preview.tasks == ("deblur",)
    assert preview.seconds is not None
    assert preview.seconds > 0


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"kernel": "disc:2"}, UsageError, "task='deblur'"),
        ({"kernel": "disc:2", "task": "deblur,upscale"}, UsageError, "one of the tasks"),
        ({"prior": True}, UsageError, "task='inpaint'"),
        ({"prior": True, "task": "inpaint"}, PictureError, "what is missing"),
        ({"prior": True, "task": "inpaint", "mask": np.ones(Y.shape[:2])}, PictureError, "nothing to go by"),
        ({"pattern": "RGBG", "task": "demosaic"}, UsageError, "RGGB"),
        ({"pattern": "GRBG"}, UsageError, "task='demosaic'"),
        ({"task": "demosaic"}, PictureError, "grey picture"),
        ({"task": "upscale", "scale": 3, "kernel": "box", "max_pixels": 100_000}, PictureError, "more than the"),
        ({"kernel": "disc:2", "task": "denoise"}, UsageError, "task='deblur'"),
        ({"kernel": "disk:2", "task": "deblur"}, UsageError, "motion:LENGTH@ANGLE"),
        ({"kernel": "disc:80", "task": "deblur"}, PictureError, "larger than the picture"),
        ({"kernel": "disc:2", "task": "deblur", "model": "clean"}, ModelError, "no denoiser"),
        ({"kernel": "disc:2", "task": "dejpeg,deblur", "model": "denoise-fast"}, UsageError, "several"),
        ({"task": "inpaint", "model": FAST}, UsageError, "not both; or prior=True as well"),
        ({"task": "deblur", "model": FAST}, UsageError, "not both; or kernel as well, the blur"),
        ({"task": "upscale", "model": FAST}, UsageError, "not both; or kernel as well, by which"),
        ({"task": "inpaint", "model": "dejpeg"}, UsageError, r"not both\.$"),
        ({"task": "scratches,inpaint", "model": FAST}, UsageError, r"not both\.$"),
        ({"steps": 4}, UsageError, "known damage"),
        ({"steps": 0, "operator": BLUR}, UsageError, "1 to 100"),
        ({"operator": BLUR, "task": "deblur"}, UsageError, "give no task"),
        ({"operator": "blur"}, UsageError, "sfumato.operators"),
        ({"operator": Mask(np.ones((3, 3)))}, PictureError, "3x3"),
        ({"operator": Identity(), "model": "upscale-2x"}, ModelError, "no denoiser"),
    ],
)
def test_what_cannot_be_meant_is_refused(options: dict, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        restore(Y, **options)
