"""Cuts are found, motion and noise are none, and each scene is looked at and restored by itself."""

from pathlib import Path
from typing import Any

import clips
import numpy as np
import pytest
from picture_files import as_jpeg
from PIL import Image
from skimage import data

from sfumato.errors import ModelError, UsageError
from sfumato.measures import psnr
from sfumato.models import zoo
from sfumato.pictures.picture import Picture
from sfumato.restoration.options import RestoreOptions
from sfumato.restoration.restore import carry_out
from sfumato.video import restorers
from sfumato.video.containers import ContainerReader
from sfumato.video.frames import Frame
from sfumato.video.restore import restore_video
from sfumato.video.restorers import PerFrameRestorer, preview_of, restorer_for
from sfumato.video.scenes import LOOK_AHEAD, scenes, together

SIZE = (96, 128)


def dark(number: int) -> np.ndarray:
    """Another scene: stripes on black."""
    rows = np.arange(SIZE[0], dtype=np.float32)[:, None, None]
    return np.broadcast_to(np.where((rows + number) % 24 < 6, 0.5, 0.05), (*SIZE, 3)).astype(np.float32)


def beginnings(frames: list[np.ndarray]) -> dict[int, int]:
    """The numbers of the frames that begin a scene, each with how many frames were looked at."""
    found = scenes(Frame(pixels, float(number), 1.0) for number, pixels in enumerate(frames))
    return {int(frame.seconds): len(opening) for frame, opening in found if opening is not None}


@pytest.mark.parametrize("sigma", [0.0, 50 / 255])
def test_cuts_are_found_and_noise_and_motion_are_none(sigma: float) -> None:
    random = np.random.default_rng(0)
    clean = [*(clips.pattern(i, *SIZE) for i in range(12)), *(dark(i) for i in range(3))]
    clean += [clips.pattern(i, *SIZE)[::-1] for i in range(8)]
    noisy = [(frame + random.normal(0, sigma, frame.shape)).astype(np.float32) for frame in clean]
    assert beginnings(noisy) == {0: LOOK_AHEAD, 12: 3, 15: LOOK_AHEAD}


def test_a_flash_and_a_fade_are_no_cuts() -> None:
    frames = [clips.pattern(i, *SIZE) for i in range(20)]
    frames[7] = np.ones_like(frames[7])
    assert list(beginnings(frames)) == [0]
    faded = [frame * (1 - number / 19) for number, frame in enumerate(clips.pattern(i, *SIZE) for i in range(20))]
    assert list(beginnings([frame.astype(np.float32) for frame in faded])) == [0]


@pytest.mark.parametrize("count", [1, 2, 5, 6, 7])
def test_every_frame_comes_once_and_in_order(count: int) -> None:
    frames = [clips.pattern(i, *SIZE) for i in range(count)]
    out = list(scenes(Frame(pixels, float(number), 1.0) for number, pixels in enumerate(frames)))
    assert [frame.seconds for frame, _ in out] == list(map(float, range(count)))


@pytest.mark.parametrize(("count", "ahead"), [(1, 0), (2, 3), (4, 1), (8, 4)])
def test_frames_that_are_taken_together_are_of_one_scene(count: int, ahead: int) -> None:
    lengths = (1, 7, 2, 13)
    frames = [Frame(np.zeros((1, 1, 3), np.float32), float(n), 1.0) for n in range(sum(lengths))]
    firsts = {sum(lengths[:n]) for n in range(len(lengths))}
    scene_of = {n: max(first for first in firsts if first <= n) for n in range(len(frames))}
    found = [(frame, (frame,) if n in firsts else None) for n, frame in enumerate(frames)]
    seen = []
    for several, following, opening in together(found, count, ahead):
        numbers = [int(frame.seconds) for frame in several]
        after = [int(frame.seconds) for frame in following]
        assert len({scene_of[n] for n in (*numbers, *after)}) == 1
        assert numbers + after == list(range(numbers[0], numbers[0] + len(numbers) + len(after)))
        assert (opening is not None) == (numbers[0] in firsts)
        last = max(n for n in scene_of if scene_of[n] == scene_of[numbers[0]])
        assert len(numbers) == min(count, last + 1 - numbers[0])
        assert len(after) == min(ahead, last - numbers[-1])
        seen += numbers
    assert seen == list(range(len(frames)))


def test_looking_ahead_is_better_and_without_a_memory_changes_nothing(tmp_path: Path) -> None:
    frames = [clips.noisy(number, 30 / 255, *SIZE) for number in range(11)]
    source = clips.make_clip(tmp_path / "a.mkv", frames, encoder="ffv1", pixel_format="yuv444p")
    scores = {}
    for ahead in (False, True):
        done = []
        target = tmp_path / f"{ahead}.mkv"
        result = restore_video(
            source, target, task="denoise", codec="ffv1", look_ahead=ahead, progress=lambda p, d=done: d.append(p.done)
        )
        assert done == list(range(1, 12))
        assert result.num_frames == 11
        with ContainerReader(target) as reader:
            restored = [frame.pixels for frame in reader.frames()]
        scores[ahead] = np.mean([psnr(frame, clips.pattern(n, *SIZE)) for n, frame in enumerate(restored)])
    assert scores[True] > scores[False] + 0.05
    restorer = PerFrameRestorer(RestoreOptions(model="denoise-fast", noise=30, look_ahead=True))
    restorer.reset(frames)
    assert not restorer.remembers
    (alone,) = restorer.restore_together(frames[:1], frames[1:3])
    np.testing.assert_array_equal(alone, restorer.restore(frames[0]))


def test_compression_of_a_clip_is_likened_to_a_jpeg_quality(tmp_path: Path) -> None:
    """No codec of clips has one, and H.264 leaves other traces."""
    file = Picture.from_array(clips.noisy(0, 20 / 255, 160, 160)).save(tmp_path / "a.jpg", quality=20)
    frame = Picture.open(file).array()
    restorer = PerFrameRestorer(RestoreOptions())
    restorer.reset([frame])
    for said in (restorer.notes[0], preview_of([frame], RestoreOptions()).found):
        assert "compression like that of JPEG quality" in said
    restorer.reset([np.zeros((160, 160, 3), np.float32)])
    assert "the scene was left as it is" in restorer.notes[0]


def test_nothing_is_done_unasked_to_a_gif_of_many_palettes() -> None:
    """Recorders choose colours for each frame anew, and leave what hardly changed as it was before."""
    photograph, shown, frames = Image.fromarray(data.astronaut()), np.zeros((1, 1, 3)), []
    for number in range(8):
        image = photograph.crop((3 * number, number, 3 * number + 240, number + 160))
        values = np.asarray(image.quantize(palette=image.quantize(256)).convert("RGB")).astype(np.float32) / 255
        shown = np.where(np.abs(values - shown).max(axis=-1, keepdims=True) > 24 / 255, values, shown)
        frames.append(shown.astype(np.float32))
    assert len(np.unique(shown.reshape(-1, 3), axis=0)) > 3 * 256
    assert preview_of(frames, RestoreOptions()).tasks  # seen alone, it is noise
    preview = preview_of(frames, RestoreOptions(), "gif")
    assert not preview.tasks
    assert preview.found.startswith("dither in the colours of a palette")
    restorer = restorer_for(RestoreOptions(), "gif")
    restorer.reset(frames)
    np.testing.assert_array_equal(restorer.restore(frames[-1]), frames[-1])


def test_each_scene_has_levels_of_its_own(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    quiet = [clips.pattern(i, *SIZE) + random.normal(0, 8 / 255, (*SIZE, 3)) for i in range(6)]
    loud = [dark(i) + random.normal(0, 30 / 255, (*SIZE, 3)) for i in range(6)]
    frames = [frame.astype(np.float32) for frame in (*quiet, *loud)]
    source = clips.make_clip(tmp_path / "a.mkv", frames, encoder="ffv1", pixel_format="yuv444p")
    result = restore_video(source, tmp_path / "b.mkv", task="denoise", codec="ffv1")
    assert [round(25 * scene.seconds) for scene in result.scenes] == [0, 6]
    first, second = (255 * scene.steps[0].noise.typical for scene in result.scenes)
    assert first < 15 < second
    with ContainerReader(tmp_path / "b.mkv") as reader:
        after = [frame.pixels for frame in reader.frames()]
    for number, clean in ((3, clips.pattern(3, *SIZE)), (9, dark(3))):
        assert psnr(after[number], clean) > psnr(frames[number], clean) + 3


def test_frames_of_a_scene_are_treated_alike() -> None:
    """The level is estimated once, so that equal frames come out equal wherever they stand."""
    restorer = PerFrameRestorer(RestoreOptions(model="denoise-fast"))
    frames = [clips.noisy(number, 25 / 255, *SIZE) for number in range(4)]
    restorer.reset(frames)
    outputs = [restorer.restore(frame) for frame in (frames[0], frames[1], frames[0])]
    levels = [step.noise for step in restorer.steps]
    assert np.array_equal(outputs[0], outputs[2])
    assert levels[0] is not None


def test_a_noisy_scene_is_remembered_and_forgotten_at_its_end() -> None:
    frames = [clips.noisy(number, 30 / 255, *SIZE) for number in range(6)]
    restorer = PerFrameRestorer(RestoreOptions())
    seen = []
    for _ in range(2):
        restorer.reset(frames)
        seen.append([restorer.restore(frame) for frame in frames])
        assert [step.model for step in restorer.steps] == ["denoise-video"]
    np.testing.assert_array_equal(seen[0], seen[1])
    restorer.reset(frames[4:])
    assert not np.array_equal(restorer.restore(frames[4]), seen[0][4])


def test_a_faster_network_remembers_too_and_is_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [clips.noisy(number, 30 / 255, *SIZE) for number in range(6)]
    clean = clips.pattern(5, *SIZE)
    restorer = PerFrameRestorer(RestoreOptions(fast=True, noise=30))
    restorer.reset(frames)
    remembering = [restorer.restore(frame) for frame in frames][-1]
    assert [step.model for step in restorer.steps] == ["denoise-video-fast"]
    restorer.reset(frames)
    assert psnr(remembering, clean) > psnr(restorer.restore(frames[-1]), clean)
    assert psnr(remembering, clean) > psnr(frames[-1], clean) + 6
    with pytest.raises(UsageError, match="fast"):
        RestoreOptions(fast=True, model="denoise-fast")
    monkeypatch.setattr(zoo, "_second_folder", lambda: None)
    restorer = PerFrameRestorer(RestoreOptions(fast=True, noise=30, threads=1))  # loaded anew
    with pytest.raises(ModelError, match=r"'denoise-video-fast' is not installed; .*sfumato-models"):
        restorer.reset(frames)


def compressed(frame: np.ndarray) -> np.ndarray:
    """As JPEG of quality 30, which shows in it; of a frame that was never compressed nothing is to be done."""
    return np.asarray(as_jpeg(Image.fromarray((255 * frame).astype(np.uint8)), 30), np.float32) / 255


@pytest.mark.parametrize("codec", ["h264", "hevc", "mjpeg", ""])
@pytest.mark.parametrize("options", [{}, {"fast": True}, {"jpeg_quality": 40}])
def test_files_of_h264_and_h265_are_restored_by_the_network_for_them(codec: str, options: dict[str, Any]) -> None:
    frames = [compressed(clips.pattern(number, *SIZE)) for number in range(2)]
    restorer = PerFrameRestorer(RestoreOptions(task="dejpeg", **options), "matroska", codec)
    restorer.reset(frames)
    restorer.restore(frames[0])
    own = codec in ("h264", "hevc") and "jpeg_quality" not in options
    assert [step.model for step in restorer.steps] == ["dejpeg-video" if own else "dejpeg"]
    assert restorer.remembers == own
    assert any("no smaller network" in note for note in restorer.notes) == (own and "fast" in options)


def test_without_the_second_package_files_of_h264_are_restored_frame_by_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoo, "installed", lambda: tuple(set(zoo.SHIPPED) - zoo.IN_SECOND_PACKAGE))
    frames = [compressed(clips.pattern(number, *SIZE)) for number in range(2)]
    restorer = PerFrameRestorer(RestoreOptions(task="dejpeg"), "matroska", "h264")
    restorer.reset(frames)
    restorer.restore(frames[0])
    assert [step.model for step in restorer.steps] == ["dejpeg"]
    assert any("pip install ./packages/sfumato-models" in note for note in restorer.notes)


@pytest.mark.parametrize("fast", [False, True])
def test_faint_noise_is_removed_frame_by_frame(fast: bool) -> None:
    restorer = PerFrameRestorer(RestoreOptions(task="denoise", noise=8, fast=fast))
    frames = [clips.noisy(number, 8 / 255, *SIZE) for number in range(2)]
    restorer.reset(frames)
    restorer.restore(frames[0])
    assert [step.model for step in restorer.steps] == ["denoise-fast"]


def test_looking_ahead_faint_noise_is_removed_by_both_networks() -> None:
    """Their errors differ, so that the mean is better than either."""
    clean = [clips.pattern(number, *SIZE) for number in range(6)]
    frames = [clips.noisy(number, 10 / 255, *SIZE) for number in range(6)]
    scores = {}
    for options in (
        RestoreOptions(task="denoise", noise=10, look_ahead=True),
        RestoreOptions(model="denoise-video", noise=10, look_ahead=True),
        RestoreOptions(task="denoise", noise=10),
    ):
        restorer = PerFrameRestorer(options)
        restorer.reset(frames)
        found = list(restorer.restore_together(frames[:4], frames[4:]))
        said = "denoise-fast, which sees single frames, has 40% of the result." in restorer.notes
        key = restorer.steps[0].model, said
        scores[key] = np.mean([psnr(x_hat, x) for x_hat, x in zip(found, clean, strict=False)])
    assert list(scores) == [("denoise-video", True), ("denoise-video", False), ("denoise-fast", False)]
    assert scores["denoise-video", True] > max(list(scores.values())[1:])


@pytest.mark.parametrize(("noise", "fast"), [(1, False), (40, False), (10, True)])
def test_looking_ahead_one_network_works_alone_where_the_other_gains_nothing(noise: float, fast: bool) -> None:
    frames = [clips.noisy(number, noise / 255, *SIZE) for number in range(3)]
    restorer = PerFrameRestorer(RestoreOptions(task="denoise", noise=noise, look_ahead=True, fast=fast))
    restorer.reset(frames)
    list(restorer.restore_together(frames[:2], frames[2:]))
    assert [step.model for step in restorer.steps] == ["denoise-video" if noise == 40 else "denoise-fast"]
    assert not any("sees single frames" in note for note in restorer.notes)


def test_a_dark_frame_is_not_stretched(tmp_path: Path) -> None:
    """Pictures whose values take a small part of their range are; a fade to black is meant."""
    restorer = PerFrameRestorer(RestoreOptions(task="denoise", noise=10))
    black = np.full((*SIZE, 3), 0.02, np.float32)
    restorer.reset([black])
    assert np.abs(restorer.restore(black) - black).max() < 0.02


def test_a_clip_in_which_nothing_was_changed_is_copied(tmp_path: Path) -> None:
    frames = [clips.pattern(i, *SIZE) for i in range(6)]
    source = clips.make_clip(tmp_path / "a.mp4", frames, options={"crf": "1"}, pixel_format="yuv444p")
    for name, options in (("b.mp4", {}), ("c.mp4", {"strength": 0})):
        result = restore_video(source, tmp_path / name, **options)
        assert not result.steps
        assert (tmp_path / name).read_bytes() == source.read_bytes()
        assert "No frame was changed: the file was copied as it is." in result.notes


def test_enlarging_doubles_the_sides(tmp_path: Path) -> None:
    source = clips.make_clip(tmp_path / "a.mp4", [clips.pattern(i) for i in range(3)])
    restore_video(source, tmp_path / "b.mp4", task="upscale")
    with ContainerReader(tmp_path / "b.mp4") as reader:
        frames = [frame.pixels for frame in reader.frames()]
    assert frames[0].shape == (96, 128, 3)
    small = frames[0].reshape(48, 2, 64, 2, 3).mean(axis=(1, 3))
    assert psnr(small, clips.pattern(0)) > 22


@pytest.mark.parametrize(
    ("options", "size"), [({"width": 151}, (113, 151)), ({"height": 24}, (24, 32)), ({"height": 90}, (90, 120))]
)
def test_a_clip_gets_the_size_that_is_asked_for(tmp_path: Path, options: dict, size: tuple[int, int]) -> None:
    source = clips.make_clip(tmp_path / "a.mp4", [clips.pattern(i) for i in range(3)])
    for preview in (None, "1s@0"):
        target = tmp_path / f"{preview}.mp4"
        restore_video(source, target, preview=preview, **options)
        with ContainerReader(target) as reader:
            frames = [frame.pixels for frame in reader.frames()]
        assert len(frames) == 3
        assert frames[0].shape[0] == size[0]
        assert preview or frames[0].shape[1] == size[1]


def test_a_frame_that_is_shown_again_is_restored_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (np.random.default_rng(seed).random((32, 32, 3), np.float32) for seed in range(2))
    restorer = PerFrameRestorer(RestoreOptions(model="denoise-fast", noise=30))
    restorer.reset([first])
    expected = [restorer.restore(frame) for frame in (first, second)]
    worked = []
    monkeypatch.setattr(restorers, "carry_out", lambda *given: (worked.append(1), carry_out(*given))[1])
    restorer.reset([first])
    results = [restorer.restore(frame.copy()) for frame in (first, first, second, second, second, first)]
    assert len(worked) == 3
    for result, number in zip(results, (0, 0, 1, 1, 1, 0), strict=True):
        np.testing.assert_array_equal(result, expected[number])
