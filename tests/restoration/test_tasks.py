"""Restoring by tasks: what is found in a picture and done about it, within a mask, and enlarging."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from skimage.data import astronaut, coins, microaneurysms, page, rocket

from sfumato import Picture, restore
from sfumato.errors import PictureError, UsageError
from sfumato.estimation import jpeg as compression
from sfumato.learn.degradations.blur import Defocus, MotionBlur
from sfumato.learn.degradations.damage import Scratches
from sfumato.learn.degradations.degradation import Degradation
from sfumato.learn.degradations.graphics import draw, letters
from sfumato.learn.degradations.jpeg import compressed
from sfumato.measures import psnr
from sfumato.models import zoo
from sfumato.models.engine import load
from sfumato.restoration import overshoot, scratches
from sfumato.restoration.diagnosis import Diagnosis
from sfumato.restoration.options import RestoreOptions
from sfumato.restoration.restore import dry_run, prepare, restore_picture
from sfumato.restoration.tasks import parse_tasks

X = np.ascontiguousarray(astronaut()[:256:1, 128:384].astype(np.float32) / 255)
NOISE = np.random.default_rng(0).normal(0, 15 / 255, X.shape).astype(np.float32)


DRAWING = np.ascontiguousarray(draw(np.random.default_rng(3), 160, 200, 3).transpose(1, 2, 0))


def jpeg(x: np.ndarray, quality: int, **options: object) -> np.ndarray:
    planes = torch.from_numpy(np.ascontiguousarray(x)).permute(2, 0, 1)
    return compressed(planes, quality, **options).permute(1, 2, 0).numpy()


@given(st.integers(1, 100))
def test_the_scale_of_a_quality_leads_back_to_it(quality: int) -> None:
    assert compression.quality(compression.scale(quality)) == pytest.approx(quality)


@pytest.mark.parametrize("quality", [10, 30, 60, 80])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_quality_is_found_in_the_pixels(quality: int, channels: int) -> None:
    y = jpeg(X[..., :channels], quality)
    assert compression.estimate_quality(Picture.from_array(y)) == pytest.approx(quality, rel=0.25, abs=2)


@pytest.mark.parametrize(
    ("y", "tasks"),
    [
        (np.full((64, 64, 3), 0.5, np.float32), ()),
        (DRAWING, ()),
        (jpeg(DRAWING, 40), ("dejpeg",)),
        (X + NOISE, ("denoise",)),
        (jpeg(X, 30), ("dejpeg",)),
        (jpeg(X + NOISE, 50), ("clean",)),
    ],
    ids=["plain", "drawing", "compressed drawing", "noisy", "compressed", "both"],
)
def test_auto_does_what_the_picture_needs_and_says_so(y: np.ndarray, tasks: tuple[str, ...]) -> None:
    picture = Picture.from_array(y)
    assert dry_run(picture, RestoreOptions()).tasks == tasks
    result = restore(picture)
    assert tuple(step.task for step in result.steps) == tasks
    assert result.untouched == (not tasks)
    assert result.notes[0].startswith("Found")
    if tasks and y.shape == X.shape:
        assert psnr(result.picture.array(), X) > psnr(y, X) + 0.5


@pytest.mark.parametrize("task", ["denoise", "dejpeg", "clean", "upscale"])
def test_the_ensemble_is_better(task: str) -> None:
    x = X[:128, :128]
    damaged = x[::2, ::2] if task == "upscale" else jpeg(x + NOISE[:128, :128], 50) if task == "clean" else x
    damaged = {"denoise": x + NOISE[:128, :128], "dejpeg": jpeg(x, 20)}.get(task, damaged)
    once, eight = (
        restore(damaged, task=task, noise=15, jpeg_quality=20, ensemble=ensemble) for ensemble in (False, True)
    )
    assert [step.ensemble for step in (*once.steps, *eight.steps)] == [False, True]
    assert psnr(eight.picture.array(), x) > psnr(once.picture.array(), x)


def test_a_model_that_takes_no_ensemble_says_so() -> None:
    result = restore(X[:64, :64], task="fade", ensemble=True)
    assert result.notes == ("The ensemble had no effect: fade works on the picture as it stands.",)


@pytest.mark.parametrize("task", ["denoise", "dejpeg", "clean", "deblur", "descreen", "upscale"])
def test_rows_without_colour_stay_without_it(task: str) -> None:
    told = {"task": task, "noise": 9, "jpeg_quality": 50}
    grey = (X + NOISE)[:70, :64].mean(axis=2, keepdims=True)
    colour = np.repeat(grey, 3, axis=2)
    colour[30:, 5, 0] += 0.2
    result = restore(colour, **told).picture.array()
    scale = len(result) // len(colour)
    equal = (result == result[..., :1]).all(axis=(1, 2))
    assert equal[: 30 * scale].all()
    assert not equal[30 * scale :].any()
    whole = restore(np.repeat(grey, 3, axis=2), **told, memory_mb=1).picture.array()
    assert np.abs(whole - restore(grey, **told).picture.array()).max() < 1e-5


@pytest.mark.parametrize("codec", ["webp", "avif"])
def test_auto_recognizes_what_other_encoders_left(codec: str, tmp_path: Path) -> None:
    for quality, gain in ((20, 0.3), (40, 0.3)):
        path = Picture.from_array(X).save(tmp_path / f"{quality}.{codec}", quality=quality)
        done = restore(path)
        assert [step.task for step in done.steps] == ["dejpeg"]
        assert "compression like that of JPEG quality" in done.notes[0]
        assert psnr(done.picture.array(), X) > psnr(done.source.array(), X) + gain
    path = Picture.from_array(X).save(tmp_path / f"fine.{codec}", quality=92)
    assert restore(path).untouched


def test_a_stated_level_says_the_task() -> None:
    picture = Picture.from_array(jpeg(X + NOISE, 40))
    assert [step.model for step in restore(picture, jpeg_quality=20).steps] == ["dejpeg"]
    both = restore(picture, jpeg_quality=40, noise=15)
    assert [step.describe() for step in both.steps] == ["dejpeg at JPEG quality 40", "denoise-fast at noise 15.0"]
    assert both.jpeg_quality == 40
    assert both.noise is not None


def test_tasks_are_done_in_the_order_in_which_they_are_named() -> None:
    result = restore(jpeg(X, 20), task="dejpeg, denoise", noise=5)
    assert [step.task for step in result.steps] == ["dejpeg", "denoise"]
    assert result.model == "dejpeg, denoise-fast"
    assert restore(jpeg(X, 20), task="dejpeg").jpeg_quality == pytest.approx(20, rel=0.25)


def test_a_level_that_no_model_is_told_is_named() -> None:
    notes = restore(X, task="clean", noise=10).notes
    assert notes == ("The noise that was stated had no effect: clean takes none.",)


def test_a_better_quality_that_is_stated_changes_less() -> None:
    y = jpeg(X, 30)
    changes = [np.abs(restore(y, jpeg_quality=q).picture.array() - y).mean() for q in (10, 30, 80)]
    assert changes == sorted(changes, reverse=True)


@pytest.mark.parametrize("text", ["dejpg", "", "dejpeg,auto", "auto,auto", "upscale,old-photo", "dejpeg,,denoise"])
def test_a_task_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"there is no task|goes before all other tasks"):
        parse_tasks(text)


def test_auto_may_go_before_other_tasks() -> None:
    assert parse_tasks("auto, upscale") == ("auto", "upscale")
    y = X[:64, :72] + NOISE[:64, :72]
    result = restore(y, task="auto,upscale")
    assert [step.task for step in result.steps] == ["denoise", "upscale"]
    assert result.picture.height == 128
    assert "denoise, upscale." in result.notes[0]
    again = restore(y, task="auto,denoise")
    assert [step.task for step in again.steps] == ["denoise"]
    stated = restore(y, task="auto,upscale", noise=20, scale=4)
    assert [step.task for step in stated.steps] == ["denoise", "upscale"]
    assert stated.picture.height == 256


def test_a_scale_that_nothing_takes_is_refused() -> None:
    y = X[:32, :32]
    with pytest.raises(UsageError, match="scale is 4, but nothing is enlarged: add upscale to task"):
        restore(y, scale=4)
    with pytest.raises(UsageError, match="scale is 4, but upscale-2x enlarges 2 times"):
        restore(y, model="upscale-2x", scale=4)
    assert restore(y, model="upscale-4x", scale=4).picture.height == 128
    assert restore(y, strength=0, scale=4).untouched


def test_a_model_for_another_task_than_the_one_named_is_refused() -> None:
    with pytest.raises(UsageError, match="denoise-best is for denoise, not for dejpeg"):
        restore(X, task="dejpeg", model="denoise-best")
    assert restore(X + NOISE, task="denoise", model="denoise-best").model == "denoise-best"


@pytest.mark.parametrize("task", sorted(set(zoo.FOR_TASK) - {"inpaint"}))
def test_outside_the_mask_nothing_changes(task: str) -> None:
    y = jpeg(X[:64, :72] + NOISE[:64, :72], 30)
    mask = np.zeros((64, 72), np.float32)
    mask[10:40, 20:50] = 1
    picture = Picture.from_array(y)
    whole, part = restore(picture, task=task), restore(picture, task=task, mask=mask)
    scale = part.picture.height // 64
    inside = np.kron(mask, np.ones((scale, scale))) > 0
    if task != "scratches":  # which are filled in from what is around them, other scratches excepted
        assert np.array_equal(part.picture.array()[inside], whole.picture.array()[inside])
    assert np.array_equal(part.picture.array()[~inside], part.before.array()[~inside])
    if scale == 1:
        assert np.array_equal(part.picture.array()[~inside], picture.array()[~inside])
    assert part.change_map().width == whole.picture.width
    assert part.comparison().width > 0


def test_masks_that_are_empty_full_or_of_another_size() -> None:
    y = jpeg(X[:40, :48], 20)
    empty = restore(y, task="dejpeg", mask=np.zeros((40, 48), np.float32))
    assert empty.untouched
    assert "no white" in empty.notes[0]
    full = restore(y, task="dejpeg", mask=np.full((40, 48), 255, np.uint8))
    assert np.array_equal(full.picture.array(), restore(y, task="dejpeg").picture.array())
    with pytest.raises(PictureError, match="mask is 47x40 and the picture 48x40"):
        restore(y, mask=np.ones((40, 47), np.float32))


@pytest.mark.parametrize("name", [*zoo.UPSCALERS.values(), *zoo.ROBUST_UPSCALERS.values()])
@pytest.mark.parametrize(("height", "width", "channels"), [(1, 1, 3), (13, 37, 1), (50, 41, 3)])
def test_enlarging_keeps_kind_and_alpha_and_tiles_are_exact(name: str, height: int, width: int, channels: int) -> None:
    engine = load(name)
    scale = engine.card.scale
    alpha = np.linspace(0.1, 1, height * width, dtype=np.float32).reshape(height, width)
    values = X[:height, :width, :channels].copy()
    values[0, 0, 0] = 0.2  # so that a single pixel, too, takes more than a small part of black to white
    picture = Picture.from_array(values, alpha=alpha, depth=32, format="tiff")
    result = restore(picture, model=engine).picture
    assert (result.height, result.width, result.num_channels) == (height * scale, width * scale, channels)
    assert result.alpha().shape == (height * scale, width * scale)
    assert result.alpha().min() >= 0
    assert result.alpha().max() <= 1
    assert result.alpha().mean() == pytest.approx(alpha.mean(), abs=0.03)
    missing = [(-length) % engine.card.stride for length in (height, width)]
    padded = np.pad(picture.array(), ((0, missing[0]), (0, missing[1]), (0, 0)), mode="reflect")
    planes = np.broadcast_to(padded.transpose(2, 0, 1), (3, *padded.shape[:2]))
    want = engine(y=np.ascontiguousarray(planes[None]))[0, :, : height * scale, : width * scale]
    want = want.mean(axis=0, keepdims=True) if channels == 1 else want
    kept = np.concatenate(list(overshoot.limited([picture.array()], [want.transpose(1, 2, 0)], scale)))
    small_tiles = restore(picture, model=engine, memory_mb=1).picture.array()
    np.testing.assert_allclose(small_tiles, kept, atol=1e-4)


def test_a_small_damaged_picture_is_enlarged_by_a_model_that_knows_damage() -> None:
    assert restore(jpeg(X + NOISE, 50), task="upscale").model == "upscale-2x-robust"
    assert restore(jpeg(X + NOISE, 50)[:64, :64], task="upscale", scale=4).model == "upscale-4x-robust"
    assert restore(jpeg(X, 30), task="dejpeg,upscale").model == "dejpeg, upscale-2x"


def test_an_undamaged_drawing_is_enlarged_by_a_model_that_knows_drawings() -> None:
    assert restore(DRAWING, task="upscale").model == "upscale-2x-drawn"
    assert restore(DRAWING[:64, :64], task="auto,upscale", scale=4).model == "upscale-2x-drawn, upscale-2x-drawn"
    assert restore(jpeg(DRAWING, 40), task="upscale").model == "upscale-2x-robust"
    assert "drawn" not in restore(X, task="upscale").model
    assert "sharp" in restore(DRAWING[:64, :64], task="upscale", look="sharp").model


@pytest.mark.parametrize("blur", [MotionBlur((6, 6)), Defocus((2, 2))], ids=["motion", "defocus"])
@pytest.mark.parametrize("channels", [1, 3])
def test_what_was_blurred_becomes_sharper_and_what_is_sharp_stays(blur: Degradation, channels: int) -> None:
    x = torch.from_numpy(X[..., :channels]).permute(2, 0, 1)
    y = blur(x, torch.Generator().manual_seed(0)).y.permute(1, 2, 0).numpy()
    assert psnr(restore(y, task="deblur").picture.array(), X[..., :channels]) > psnr(y, X[..., :channels]) + 1
    assert psnr(restore(X[..., :channels], task="deblur").picture.array(), X[..., :channels]) > 33


def test_damage_is_found_and_little_that_is_whole_is_taken_for_it() -> None:
    engine = load("scratches")
    assert scratches.find(Picture.from_array(X), engine).mean() < 0.01
    page = np.ones((128, 192, 3), np.float32)
    page[16:112, 16:176] -= letters(np.random.default_rng(0), 96, 160)[..., None]
    assert scratches.find(Picture.from_array(page), engine).mean() < 0.01
    assert not scratches.judge(Picture.from_array(X), engine).is_sure
    assert not scratches.judge(Picture.from_array(page), engine).is_sure
    found = damaged = both = 0.0
    for seed in range(6):
        made = Scratches(whole=0)(torch.from_numpy(X).permute(2, 0, 1), torch.Generator().manual_seed(seed))
        mask = made.level[0].numpy() > 0.5
        y = Picture.from_array(made.y.permute(1, 2, 0).numpy())
        told = scratches.find(y, engine)
        assert scratches.judge(y, engine).is_sure or mask.mean() < 0.01
        found, damaged, both = found + told.sum(), damaged + mask.sum(), both + (told & mask).sum()
    assert both / damaged > 0.3  # most of the rest is faint
    assert both / found > 0.6


def test_thin_things_of_a_picture_are_left_and_shown_as_doubtful() -> None:
    """A rocket's masts and their struts, which the finder takes for scratches."""
    done = restore(rocket(), task="scratches")
    assert done.untouched
    assert done.doubtful is not None
    assert done.doubtful.mean() > 0.01
    assert Diagnosis(Picture.from_array(rocket())).proposed == ()


def test_old_photographs_are_mended_first_and_then_done_as_any_picture() -> None:
    y = jpeg(X, 30)
    assert dry_run(Picture.from_array(y), RestoreOptions(task="old-photo")).tasks == ("scratches", "dejpeg")
    result = restore(y, task="old-photo")
    assert result.steps[-1].task == "dejpeg"
    assert restore(y, task="old-photo", noise=10).steps[-1].task == "denoise"


@pytest.mark.parametrize("channels", [1, 3])
def test_faded_tones_come_back_whatever_the_size_of_the_tiles(channels: int) -> None:
    faded = 0.3 + 0.4 * X[..., :channels] ** 0.8
    result = restore(faded, task="fade").picture.array()
    assert psnr(result, X[..., :channels]) > psnr(faded, X[..., :channels]) + 2
    np.testing.assert_allclose(restore(faded, task="fade", memory_mb=1).picture.array(), result, atol=1e-5)


def test_black_under_transparency_does_not_show_at_the_edge_of_what_is_enlarged() -> None:
    alpha = np.zeros((40, 40), np.float32)
    alpha[8:32, 8:32] = 1
    colour = np.where(alpha[..., None] > 0, np.float32([0.9, 0.4, 0.3]), 0).astype(np.float32)
    large = restore(Picture.from_array(colour, alpha=alpha, depth=8), task="upscale", scale=4).picture
    shown = large.alpha() > 0.2
    assert np.abs(large.array()[shown] - [0.9, 0.4, 0.3]).max() < 0.03


def test_a_stronger_dial_goes_from_plain_enlarging_to_the_model_and_beyond() -> None:
    picture = Picture.from_array(X[:32, :40], depth=32, format="tiff")
    full = restore(picture, task="upscale")
    half = restore(picture, task="upscale", strength=0.5)
    plain = full.before.array()
    np.testing.assert_allclose(half.picture.array(), (plain + full.picture.array()) / 2, atol=1e-5)


def test_what_would_be_too_large_and_scales_that_are_none_are_refused() -> None:
    with pytest.raises(PictureError, match="max_pixels sets another limit"):
        restore(X[:64, :64], task="upscale", scale=4, max_pixels=60_000)
    with pytest.raises(UsageError, match="scale is 9"):
        restore(X, task="upscale", scale=9)


def test_findings_are_in_words() -> None:
    assert Diagnosis(Picture.from_array(np.zeros((32, 32, 3), np.float32))).describe().startswith("no noise")
    stored = Picture.from_array(jpeg(X, 25))
    assert Diagnosis(stored).describe().startswith("JPEG quality ")
    assert Diagnosis(stored, clip=True).describe().startswith("compression like that of JPEG quality ")


def test_what_might_help_besides_is_looked_for_unless_told_not_to() -> None:
    small = Picture.from_array(X[:160, :160], depth=8, format="jpeg")
    asked, unasked = (restore_picture(small, RestoreOptions(advise=advise)) for advise in (True, False))
    assert asked.advice
    assert not unasked.advice
    np.testing.assert_array_equal(asked.picture.array(), unasked.picture.array())
    icons = [Picture.from_array(X[:64, :64], format="jpeg"), Picture.from_array(X[:160, :160])]
    assert "small" in asked.advice
    assert not any(Diagnosis(icon).is_small for icon in icons)


def test_scratches_are_hinted_at_where_there_are_some_and_struts_are_none() -> None:
    x = astronaut()[:320, :320].astype(np.float32) / 255
    planes = torch.from_numpy(x).permute(2, 0, 1)
    y = Scratches(whole=0, scanned=0, zoom=(1.6, 1.6))(planes, torch.Generator().manual_seed(8)).y
    assert "scratches" in Diagnosis(Picture.from_array(y.permute(1, 2, 0).numpy())).proposed
    for whole in (x, rocket().astype(np.float32) / 255):
        assert "scratches" not in Diagnosis(Picture.from_array(whole)).proposed


@pytest.mark.parametrize("ground", ["black", "white"])
def test_the_corners_of_a_picture_put_straight_are_no_damage(ground: str) -> None:
    whole = Image.fromarray(astronaut()).resize((320, 320))
    for angle in (-8, 7):
        turned = whole.rotate(angle, Image.Resampling.BICUBIC, expand=angle < 0, fillcolor=ground)
        picture = Picture.from_array(np.asarray(turned, np.float32) / 255, depth=8)
        assert "scratches" not in Diagnosis(picture).proposed
        if ground == "black":
            mended = restore(picture, task="scratches").picture.array()
            assert (mended != picture.array()).any(axis=2).mean() < 0.002


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (7, 9), (15, 40)])
def test_of_too_few_pixels_nothing_is_told(size: tuple[int, int]) -> None:
    for pixels in (np.full((*size, 3), 0.3, np.float32), np.random.default_rng(0).random((*size, 3), np.float32)):
        result = restore(Picture.from_array(pixels, depth=8))
        assert "too few pixels" in result.notes[0]
        assert not result.advice
        assert np.array_equal(result.picture.array(), Picture.from_array(pixels, depth=8).array())


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_nothing_is_filled_in_unasked(noise: float) -> None:
    """Coins, vessels and letters look more like spots and scratches than many of these do."""
    for pixels in (coins()[:160, :160], microaneurysms(), page()[:160, :200]):
        y = pixels[..., None] / np.float32(255)
        y = (y + noise * np.random.default_rng(0).standard_normal(y.shape, np.float32)).clip(0, 1)
        assert "scratches" not in dry_run(Picture.from_array(y, depth=8), RestoreOptions()).tasks


@pytest.mark.parametrize("task", ["fade", "scratches", "clean", "deblur"])
def test_what_nobody_needs_to_know_is_not_measured(task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def measured(self: Diagnosis) -> None:
        raise AssertionError("the noise was estimated")

    picture = Picture.from_array(X[:64, :64], depth=8)
    monkeypatch.setattr(Diagnosis, "noise", property(measured))
    assert prepare(picture, RestoreOptions(task=task)).work
