"""`--kernel auto`: undone where it is certain, blind where it is not, and nothing on sharp pictures."""

import dataclasses

import numpy as np
import pytest
from skimage import data

from sfumato import Picture, restore
from sfumato.errors import UsageError
from sfumato.estimation.blur import SHARP, BlurMap, FoundBlur
from sfumato.measures import psnr
from sfumato.models.engine import load
from sfumato.operators import Blur, RegionBlur, add_noise, motion
from sfumato.restoration.diagnosis import Diagnosis
from sfumato.restoration.found_kernel import found_kernel, turned
from sfumato.restoration.options import RestoreOptions
from sfumato.restoration.restore import dry_run

PHOTO = (data.astronaut()[96:296, 128:328] / 255).astype(np.float32)
BLUR = Blur(motion(7, 40, 25))
INSIDE = BLUR.inside(BLUR.output_shape(PHOTO.shape))


def moved() -> Picture:
    return Picture.from_array(add_noise(BLUR.apply(PHOTO), 1 / 255, seed=0).clip(0, 1))


def test_what_a_hand_blurred_is_sharpened_without_being_told() -> None:
    y, x = moved(), PHOTO[INSIDE]
    result = restore(y, task="deblur", kernel="auto", model="denoise-fast")
    assert psnr(result.picture.array(), x) > psnr(y.array(), x) + 4
    assert "Found the kernel motion:" in result.notes[0]
    assert result.steps[0].residual is not None


def test_a_sharp_picture_stays_as_it_is() -> None:
    picture = Picture.from_array(PHOTO)
    result = restore(picture, task="deblur", kernel="auto")
    np.testing.assert_array_equal(result.picture.array(), picture.array())
    assert "left as it is" in result.notes[0]
    assert dry_run(picture, RestoreOptions(task="deblur", kernel="auto")).tasks == ()


def with_blur(picture: Picture, blur: BlurMap) -> Diagnosis:
    diagnosis = Diagnosis(picture)
    diagnosis.__dict__["blur"] = blur  # as if it had been found
    return diagnosis


def test_where_nothing_is_certain_the_blind_network_works() -> None:
    unsure = FoundBlur("motion", 9, 30, certainty=0.2)
    found = found_kernel(with_blur(moved(), BlurMap(unsure, ((unsure,),))))
    assert found.damage is None
    assert "No kernel is certain (perhaps motion:9@30, 20 % sure)" in found.note
    plain = Picture.from_array(np.full((80, 90, 3), 0.4, np.float32))
    result = restore(plain, task="deblur", kernel="auto", model="denoise-fast")
    assert [step.model for step in result.steps] in (["deblur"], [])


def test_kernels_that_differ_are_undone_by_regions() -> None:
    one, other = FoundBlur("motion", 6, 20, certainty=0.9), FoundBlur("disc", 3, certainty=0.9)
    picture = Picture.from_array(np.concatenate([PHOTO, PHOTO], axis=1))
    blur = BlurMap(dataclasses.replace(one, certainty=0.3), ((one, other),))
    found = found_kernel(with_blur(picture, blur))
    assert found.damage is not None
    assert isinstance(found.damage.operator, RegionBlur)
    assert "differ over the picture" in found.note
    unsure = (one, FoundBlur(SHARP, certainty=0.1))
    assert found_kernel(with_blur(picture, BlurMap(one, (unsure,)))).damage is not None


def test_a_picture_of_one_row_has_nothing_to_try_a_bend_on() -> None:
    bent = FoundBlur("motion", 6.0, 30.0, 0.9, bend=20.0)
    row = Picture.from_array(np.random.default_rng(0).random((1, 50, 3), np.float32))
    np.testing.assert_array_equal(turned(row, bent, load("denoise-fast", threads=1), 0.01), bent.kernel())


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"task": "upscale", "kernel": "auto"}, "undoes: give that"),
        ({"task": "denoise", "kernel": "auto"}, "one of the tasks deblur and upscale"),
    ],
)
def test_auto_is_for_deblurring(options: dict[str, str], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        restore(Picture.from_array(PHOTO), **options)


@pytest.mark.parametrize(("kernel", "fits"), [("motion:7@40", True), ("motion:8.5@40", False), ("disc:2", False)])
def test_a_kernel_that_does_not_fit_is_told_by_the_spectrum(kernel: str, fits: bool) -> None:
    y = Picture.from_array(add_noise(Blur(motion(7, 40)).apply(PHOTO), 1 / 255, seed=0).clip(0, 1))
    result = restore(y, task="deblur", kernel=kernel, model="denoise-fast", steps=2)
    notes = [note for note in result.notes if "does not fit" in note]
    assert len(notes) == (not fits)
    assert all("the kernel motion:6." in note or "the kernel motion:7" in note for note in notes)


def test_a_flow_says_that_it_restores_by_samples() -> None:
    assert "colorize" not in load("mnist-flow", threads=1).card.sampled_tasks
    assert "inpaint" in load("mnist-flow", threads=1).card.sampled_tasks
    assert load("mnist-gan", threads=1).card.sampled_tasks == ()
