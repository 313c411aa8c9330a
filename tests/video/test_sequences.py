"""Numbered frames and animated pictures as clips, and from each kind to each other."""

import os
from pathlib import Path
from typing import Any

import av
import clips
import model_files
import numpy as np
import pytest
from PIL import Image

from sfumato import Picture
from sfumato.errors import PictureError
from sfumato.models.engine import Engine
from sfumato.video.animations import AnimationReader
from sfumato.video.restore import RestoredVideo, restore_video
from sfumato.video.sequences import SequenceReader

FRAMES = [clips.noisy(number) for number in range(5)]
ANIMATED = [".gif", ".png", ".webp"]


@pytest.fixture(scope="module")
def identity() -> Engine:
    return Engine(model_files.level_identity())


def restored(source: Path, target: Path, engine: Engine, **options: Any) -> RestoredVideo:
    return restore_video(source, target, model=engine, noise=0, **options)


def numbered(folder: Path, frames: list[np.ndarray] = FRAMES, depth: int = 8, suffix: str = ".png") -> Path:
    folder.mkdir(parents=True)
    for number, frame in enumerate(frames, start=8):
        Picture.from_array(frame, depth=depth).save(folder / f"shot_{number}{suffix}")
    return folder


def animation(path: Path, lengths: list[int], alpha: bool = False) -> Path:
    images = []
    for frame in FRAMES:
        values = np.rint(frame * 255).astype(np.uint8)
        if alpha:
            cover = np.zeros((*values.shape[:2], 1), np.uint8)
            cover[8:40, 8:56] = 255
            values = np.concatenate([values, cover], axis=2)
        images.append(Image.fromarray(values))
    lossless = {"lossless": True, "exact": True} if path.suffix == ".webp" else {}
    first, *others = images
    first.save(path, save_all=True, append_images=others, duration=lengths, loop=3, **lossless)
    return path


def frames_of(path: Path) -> list[np.ndarray]:
    reader = SequenceReader(path, None, 10**9) if path.is_dir() or "%" in path.name else AnimationReader(path)
    with reader:
        return [frame.pixels for frame in reader.frames()]


@pytest.mark.parametrize(("depth", "suffix"), [(8, ".png"), (16, ".png"), (16, ".tif"), (32, ".tif")])
def test_numbered_frames_keep_depth_names_and_values(tmp_path: Path, identity: Engine, depth: int, suffix: str) -> None:
    source = numbered(tmp_path / "in", depth=depth, suffix=suffix)
    result = restored(source, tmp_path / "out", identity)
    assert result.num_frames == 5
    assert sorted(os.listdir(tmp_path / "out")) == sorted(os.listdir(source))
    for name in os.listdir(source):
        before, after = Picture.open(source / name), Picture.open(tmp_path / "out" / name)
        assert after.depth == depth
        assert np.array_equal(before.array(), after.array())


def test_a_pattern_takes_frames_in_the_order_of_their_numbers(tmp_path: Path, identity: Engine) -> None:
    source = numbered(tmp_path / "in")  # 8, 9, 10, 11, 12: not the order of their names
    Picture.from_array(FRAMES[0]).save(source / "cover.png")
    result = restored(source / "shot_%d.png", tmp_path / "new/out_%03d.png", identity)
    assert result.num_frames == 5
    for number, frame in enumerate(FRAMES, start=8):
        after = Picture.open(tmp_path / f"new/out_{number:03d}.png").array()
        assert np.abs(after - frame).max() <= 0.5 / 255 + 1e-6


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".mkv"])
def test_frames_become_a_video_of_their_rate(tmp_path: Path, identity: Engine, suffix: str) -> None:
    source = numbered(tmp_path / "in", depth=16)
    restored(source, tmp_path / f"a{suffix}", identity, fps=10)
    assert np.allclose(clips.times(tmp_path / f"a{suffix}"), np.arange(5) / 10, atol=0.001)
    result = restored(tmp_path / f"a{suffix}", tmp_path / "back/%d.png", identity)
    assert result.clip.depth == 10
    back = Picture.open(tmp_path / "back/3.png")
    assert back.depth == 16
    assert np.abs(back.array().mean(axis=(0, 1)) - FRAMES[2].mean(axis=(0, 1))).max() < 0.01


@pytest.mark.parametrize("suffix", ANIMATED)
def test_animations_keep_times_repeats_and_values(tmp_path: Path, identity: Engine, suffix: str) -> None:
    source = animation(tmp_path / f"a{suffix}", [40, 80, 120, 40, 200])
    result = restored(source, tmp_path / f"b{suffix}", identity)
    assert result.num_frames == 5
    with AnimationReader(source) as before, AnimationReader(tmp_path / f"b{suffix}") as after:
        assert after.info["loop"] == before.info["loop"] != 0
        pairs = list(zip(before.frames(), after.frames(), strict=True))
    assert [(round(a.seconds, 3), round(a.length, 3)) for a, _ in pairs] == [
        (round(b.seconds, 3), round(b.length, 3)) for _, b in pairs
    ]
    for a, b in pairs:
        assert np.array_equal(a.pixels, b.pixels)


@pytest.mark.parametrize("target", ANIMATED)
@pytest.mark.parametrize("suffix", ANIMATED)
def test_transparent_animations_stay_so(tmp_path: Path, identity: Engine, suffix: str, target: str) -> None:
    source = animation(tmp_path / f"a{suffix}", [40] * 5, alpha=True)
    restored(source, tmp_path / f"b{target}", identity)
    with AnimationReader(source) as before, AnimationReader(tmp_path / f"b{target}") as after:
        for a, b in zip(before.frames(), after.frames(), strict=True):
            assert a.alpha is not None
            assert np.array_equal(a.alpha, b.alpha)
            assert np.abs((a.pixels - b.pixels) * a.alpha[..., None]).mean() < 0.03
    with pytest.raises(PictureError, match="cannot hold the transparency"):
        restored(source, tmp_path / "c.mp4", identity)
    assert not (tmp_path / "c.mp4").exists()


def test_video_becomes_an_animation_and_back(tmp_path: Path, identity: Engine) -> None:
    source = clips.make_clip(tmp_path / "a.mp4", FRAMES, rate=30, with_sound=True)
    result = restored(source, tmp_path / "b.gif", identity)
    assert any("holds no sound" in note for note in result.notes)
    with AnimationReader(tmp_path / "b.gif") as reader:
        assert abs(reader.clip.seconds - 5 / 30) < 0.01  # units are of 10 ms, and do not add up
    restored(tmp_path / "b.gif", tmp_path / "c.mp4", identity)
    assert len(clips.times(tmp_path / "c.mp4")) == 5


def test_transparent_frames_keep_their_transparency_when_enlarged(tmp_path: Path) -> None:
    source = animation(tmp_path / "a.png", [40] * 5, alpha=True)
    restore_video(source, tmp_path / "b.webp", task="upscale")
    with AnimationReader(tmp_path / "b.webp") as reader:
        frame = next(reader.frames())
    assert frame.pixels.shape == (96, 128, 3)
    assert frame.alpha is not None
    assert frame.alpha[16:80, 16:112].min() == 1
    assert frame.alpha[:16].max() == 0


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ((), "holds no frames: picture files with numbers"),
        (("cat.png", "dog.png"), "not those of one sequence .cat.png, dog.png, ...."),
        (("a_1.png", "b_1.png"), "not those of one sequence"),
        (("a_1.png", "a_2.tif"), "not those of one sequence"),
    ],
)
def test_a_folder_that_is_no_sequence(tmp_path: Path, identity: Engine, names: tuple[str, ...], sentence: str) -> None:
    (tmp_path / "in").mkdir()
    for name in names:
        Picture.from_array(FRAMES[0]).save(tmp_path / "in" / name)
    with pytest.raises(PictureError, match=sentence):
        restored(tmp_path / "in", tmp_path / "out.mp4", identity)
    assert os.listdir(tmp_path) == ["in"]


def test_frames_of_another_size_are_named(tmp_path: Path, identity: Engine) -> None:
    source = numbered(tmp_path / "in")
    Picture.from_array(clips.pattern(0, 20, 30)).save(source / "shot_13.png")
    with pytest.raises(PictureError, match=r"shot_13\.png is 30x20 in colour, and the first .* 64x48 in colour"):
        restored(source, tmp_path / "out", identity)
    assert os.listdir(tmp_path) == ["in"]


def test_missing_numbers_and_files_that_are_there_are_said(tmp_path: Path, identity: Engine) -> None:
    source = numbered(tmp_path / "in")
    (source / "shot_10.png").unlink()
    result = restored(source, tmp_path / "out", identity)
    assert any("1 numbers are missing between 8 and 12" in note for note in result.notes)
    with pytest.raises(PictureError, match="out exists already; pass overwrite=True"):
        restored(source, tmp_path / "out", identity)
    with pytest.raises(PictureError, match=r"No file is named like .*none_%d\.png"):
        restored(source / "none_%d.png", tmp_path / "new", identity)


def test_a_damaged_animation_is_refused(tmp_path: Path, identity: Engine) -> None:
    source = animation(tmp_path / "a.png", [40] * 5)
    source.write_bytes(source.read_bytes()[:-4000])
    with pytest.raises(PictureError, match=r"a\.png"):
        restored(source, tmp_path / "b.png", identity)
    assert not (tmp_path / "b.png").exists()


def test_one_frame_is_a_sequence_too(tmp_path: Path, identity: Engine) -> None:
    source = numbered(tmp_path / "in", FRAMES[:1])
    assert restored(source, tmp_path / "a.mp4", identity).num_frames == 1
    assert len(frames_of(source)) == 1


@pytest.mark.parametrize("suffix", ANIMATED)
def test_what_plays_once_does_so_still(tmp_path: Path, identity: Engine, suffix: str) -> None:
    first, *others = [Image.fromarray(np.rint(frame * 255).astype(np.uint8)) for frame in FRAMES]
    first.save(tmp_path / "a.gif", save_all=True, append_images=others, duration=40)
    restored(tmp_path / "a.gif", tmp_path / f"b{suffix}", identity)
    with AnimationReader(tmp_path / f"b{suffix}") as reader:
        assert dict(reader.clip.facts)["repeats"] == 1


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_the_last_frame_stays_as_long_as_it_was(tmp_path: Path, identity: Engine, suffix: str) -> None:
    source = animation(tmp_path / "a.webp", [100, 50, 200, 40, 1000])
    restored(source, tmp_path / f"b{suffix}", identity)
    with av.open(str(tmp_path / f"b{suffix}")) as container:
        assert abs(container.duration - 1_390_000) <= 1000  # microseconds
