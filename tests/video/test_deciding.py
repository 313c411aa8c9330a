"""What "auto" decides in clips, whose noise went through an encoder."""

import numpy as np
import pytest
from skimage import data

from sfumato.learn.degradations.clips import encoded
from sfumato.restoration.diagnosis import Diagnosis
from sfumato.restoration.options import RestoreOptions
from sfumato.restoration.restore import prepare
from sfumato.video.restorers import _to_look_at

pytest.importorskip("av")


def opening(name: str, noise: float, crf: int) -> list[np.ndarray]:
    """A pan over a photograph, encoded."""
    pixels = getattr(data, name)().astype(np.float32)
    frames = np.stack([pixels[40:232, 60 + 2 * t : 252 + 2 * t, :3] for t in range(4)])
    frames += noise * np.random.default_rng(0).standard_normal(frames.shape).astype(np.float32)
    return list(encoded(frames.clip(0, 255).round().astype(np.uint8), crf=crf).astype(np.float32) / 255)


@pytest.mark.parametrize("name", ["coffee", "rocket"])
def test_noise_that_an_encoder_has_kept_is_found_and_none_elsewhere(name):
    looked_at = Diagnosis(_to_look_at(opening(name, 10, 20), ""), threads=1, clip=True)
    assert looked_at.tasks in (("denoise",), ("clean",))
    for crf in (14, 26):
        looked_at = Diagnosis(_to_look_at(opening(name, 0, crf), ""), threads=1, clip=True)
        assert not looked_at.has_kept_noise
        assert looked_at.tasks in ((), ("dejpeg",))


def test_what_an_encoder_has_kept_is_removed_by_what_remembers():
    scene = prepare(_to_look_at(opening("chelsea", 10, 23), ""), RestoreOptions(task="clean", threads=1), clip=True)
    assert [work.engine.card.role for work in scene.work] == ["recurrent"]


def test_what_mends_old_photographs_is_proposed_for_pictures_alone():
    dusk = _to_look_at(opening("rocket", 0, 14), "")
    assert "fade" in Diagnosis(dusk, threads=1).proposed
    assert Diagnosis(dusk, threads=1, clip=True).proposed == ()
    assert Diagnosis(dusk, threads=1, clip=True).advice == ""
