"""A burst in, one picture out: aligned, without ghosts, cleaner than any of its pictures."""

from pathlib import Path

import numpy as np
import pytest
from command_line import Run

import sfumato
from sfumato import Picture
from sfumato.errors import PictureError, UsageError
from sfumato.measures import psnr
from sfumato.restoration import alignment
from sfumato.restoration.alignment import Motion, align, warped

SIZE = (160, 200)
MARGIN = 16


def scene(down: float = 0.0, across: float = 0.0, turn: float = 0.0, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Waves and rings, drawn wherever they are looked at: (h, w, 3), moved by so many pixels and turned by radians."""
    rows, columns = np.mgrid[: size[0], : size[1]].astype(np.float64)
    rows, columns = rows - (size[0] - 1) / 2, columns - (size[1] - 1) / 2
    y = np.cos(turn) * rows - np.sin(turn) * columns + down
    x = np.sin(turn) * rows + np.cos(turn) * columns + across
    parts = [np.sin(y / 5 + np.sin(x / 13)), np.cos(x / 6 + np.cos(y / 11)), np.sin(np.hypot(y - 30, x + 40) / 7)]
    found = np.stack([parts[0] + parts[1], parts[1] + parts[2], parts[0] + parts[2]], axis=2)
    return (0.5 + 0.18 * found).astype(np.float32)


def burst(sigma: float = 25, count: int = 5, turn: float = 0.0) -> tuple[list[np.ndarray], np.ndarray]:
    random = np.random.default_rng(0)
    moves = [(0.0, 0.0, 0.0)]
    moves += [(*random.uniform(-8, 8, 2), turn * random.uniform(-1, 1)) for _ in range(count - 1)]
    noisy = [scene(*move) + random.normal(0, sigma / 255, (*SIZE, 3)) for move in moves]
    return [frame.astype(np.float32) for frame in noisy], scene()


@pytest.mark.parametrize(
    ("move", "sigma"),
    [((0, 0, 0), 25), ((3, -5, 0), 0), ((-7.4, 6.3, 0), 25), ((2.5, 1.25, 0.012), 50), ((-31, 24, 0), 25)],
    ids=str,
)
def test_a_motion_is_found_to_parts_of_a_pixel(move: tuple[float, float, float], sigma: float) -> None:
    random = np.random.default_rng(1)
    size = (192, 256)
    frames = [scene(size=size), scene(*move, size=size)]
    frames = [(frame + random.normal(0, sigma / 255, frame.shape)).astype(np.float32).mean(axis=2) for frame in frames]
    rows, columns = np.mgrid[: size[0], : size[1]].astype(np.float64)
    rows, columns = rows - (size[0] - 1) / 2 - move[0], columns - (size[1] - 1) / 2 - move[1]
    cos, sin = np.cos(move[2]), np.sin(move[2])
    true = np.stack([cos * rows + sin * columns + (size[0] - 1) / 2, -sin * rows + cos * columns + (size[1] - 1) / 2])
    error = np.hypot(*(align(*frames).places(*size) - true))[MARGIN:-MARGIN, MARGIN:-MARGIN]
    assert np.sqrt(np.square(error).mean()) < (0.1 if sigma < 50 else 0.2)


def test_copies_of_other_sizes_tell_the_same_motion(monkeypatch: pytest.MonkeyPatch) -> None:
    """A large picture is aligned on a smaller copy, whose pixels' middles lie elsewhere."""
    reference, other = (scene(*move, size=(240, 320)).mean(axis=2) for move in ((0, 0, 0), (5.5, -3.25, 0.01)))
    whole = align(reference, other).places(240, 320)
    monkeypatch.setattr(alignment, "MOST_FITTED", 240 * 320 // 4)
    assert np.abs(align(reference, other).places(240, 320) - whole)[:, MARGIN:-MARGIN, MARGIN:-MARGIN].max() < 0.15


def test_what_lies_nearer_moves_by_itself() -> None:
    """The left half moves by two pixels less: parallax."""
    left, right = scene(2.0, 2.0, size=(256, 384)), scene(4.0, 4.0, size=(256, 384))
    other = np.concatenate([left[:, :192], right[:, 192:]], axis=1).mean(axis=2)
    motion = align(scene(size=(256, 384)).mean(axis=2), other)
    rows, columns = np.mgrid[:256, :384]
    moved = motion.places(256, 384) - np.stack([rows, columns])
    assert np.abs(moved[:, 64:-64, 40:120] + 2).mean() < 0.6
    assert np.abs(moved[:, 64:-64, 264:344] + 4).mean() < 0.6
    assert motion.field is not None


def test_a_picture_between_its_pixels_keeps_fine_detail() -> None:
    places = Motion(np.array([[1, 0, 0.5], [0, 1, 0.5]])).places(*SIZE)
    inside = np.s_[MARGIN:-MARGIN, MARGIN:-MARGIN]
    errors = [np.abs(warped(scene(), places, sharp=sharp) - scene(0.5, 0.5))[inside].max() for sharp in (False, True)]
    assert errors[1] < errors[0] < 0.02
    assert np.array_equal(warped(scene(), Motion(np.eye(2, 3)).places(*SIZE), sharp=True), scene())


@pytest.mark.parametrize("turn", [0.0, 0.008])
def test_a_burst_is_cleaner_than_its_best_picture_alone(turn: float) -> None:
    frames, clean = burst(turn=turn)
    alone = sfumato.restore(frames[0], task="denoise").picture.array()
    merged = sfumato.merge(frames, reference=0, task="denoise")
    assert psnr(merged.picture.array(), clean) > psnr(alone, clean) + 1.0
    assert psnr(merged.mean.array(), clean) > psnr(frames[0], clean) + 5  # five pictures: 7.0 at most
    assert merged.agreeing[MARGIN:-MARGIN, MARGIN:-MARGIN].mean() > 4.4


def test_what_moved_leaves_no_ghost() -> None:
    frames, clean = burst(sigma=15)
    random = np.random.default_rng(2)
    for number, frame in enumerate(frames):  # a red card goes by
        frame[40:80, 20 + 25 * number : 50 + 25 * number] = random.normal((0.95, 0.1, 0.1), 15 / 255, (40, 30, 3))
    merged = sfumato.merge(frames, reference=0, task="denoise")
    after = merged.picture.array()
    card = after[46:74, 26:44]
    assert np.abs(card - np.array([0.95, 0.1, 0.1])).max() < 0.12
    way = after[44:76, 60:170]
    assert psnr(way, clean[44:76, 60:170]) > psnr(frames[0][44:76, 60:170], clean[44:76, 60:170]) + 6
    assert merged.agreeing[46:74, 26:44].mean() < 1.5


def test_one_of_another_scene_is_left_out_and_all_others_are_refused() -> None:
    frames, clean = burst(count=4)
    strange = np.ascontiguousarray(frames[1][::-1, :, ::-1])
    merged = sfumato.merge([*frames, strange], reference=0, task="denoise")
    assert "Picture 5 shows another scene and was left out." in merged.notes
    assert psnr(merged.picture.array(), clean) > 30
    with pytest.raises(PictureError, match="Of Picture 1 the other shows another scene"):
        sfumato.merge([frames[0], strange], reference=0)


def test_exposures_may_differ_a_little() -> None:
    frames, clean = burst(count=4)
    brighter = [frame * gain for frame, gain in zip(frames, (1, 1.25, 0.8, 1.1), strict=True)]
    merged = sfumato.merge(brighter, reference=0, task="denoise")
    assert merged.agreeing.mean() > 3
    assert psnr(merged.picture.array(), clean) > 31


def test_depth_and_metadata_are_those_of_the_reference(tmp_path: Path) -> None:
    frames, _ = burst(count=3)
    for number, frame in enumerate(frames):
        Picture.from_array(frame, depth=16, xmp=b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>").save(
            tmp_path / f"{number}.png"
        )
    merged = sfumato.merge(sorted(tmp_path.glob("*.png")), reference=1, task="denoise")
    assert (merged.picture.depth, merged.reference) == (16, 1)
    assert merged.picture.xmp() is not None
    assert merged.restored.steps


def test_grey_pictures_and_the_sharpest_of_them() -> None:
    frames, clean = burst(sigma=15, count=4)
    grey = [frame.mean(axis=2, keepdims=True) for frame in frames]
    soft = [alignment.blurred(frame[..., 0], 2.0)[..., None] for frame in grey[:3]]
    merged = sfumato.merge([*soft, grey[0]], task="denoise")
    assert merged.reference == 3
    assert merged.picture.num_channels == 1
    assert psnr(merged.picture.array(), clean.mean(axis=2, keepdims=True)) > 27


@pytest.mark.parametrize(
    ("sizes", "kind", "sentence"),
    [
        ([SIZE], UsageError, "two pictures or more of one scene; to restore one"),
        ([], UsageError, "two pictures or more"),
        ([SIZE, (160, 198)], PictureError, "Picture 2 is 198x160 in colour, and Picture 1 200x160"),
        ([(12, 12), (12, 12)], PictureError, "12x12 in colour, which is too small to be aligned"),
    ],
)
def test_what_is_no_burst(sizes: list[tuple[int, int]], kind: type[Exception], sentence: str) -> None:
    with pytest.raises(kind, match=sentence):
        sfumato.merge([scene(size=size) for size in sizes])


def test_the_command_merges_files_and_says_what_it_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    monkeypatch.chdir(tmp_path)
    frames, clean = burst(count=3)
    (tmp_path / "burst").mkdir()
    for number, frame in enumerate(frames):
        Picture.from_array(frame).save(tmp_path / f"burst/{number}.jpg")
    ran = run("merge", "burst/*.jpg", "-o", "one.png", "--reference", "1", "--task", "denoise")
    assert (ran.status, ran.err) == (0, "")
    assert "3 pictures -> one.png  (each pixel the mean of 2." in ran.out
    assert "like 0.jpg" in ran.out
    assert psnr(Picture.open("one.png").array(), clean) > 28
    assert run("merge", "burst", "--reference", "2", "-q", "--task", "denoise").out == ""
    assert Path("burst/1.merged.jpg").exists()
    again = run("merge", "burst", "-o", "one.png")
    assert again.status == 1
    assert "one.png exists already; pass --overwrite" in again.err
    assert "--reference is 9; there are pictures 1 to 3" in run("merge", "burst", "-o", "a.png", "--reference", "9").err
    assert "there is no such file" in run("merge", "nothing.jpg", "burst/0.jpg", "-o", "a.png").err
    assert "cannot be written: GIF" in run("merge", "burst", "-o", "a.gif").err
    assert not Path("a.png").exists()


def test_coarse_noise_as_cameras_leave_it_is_no_other_scene() -> None:
    """The estimator takes much of it for texture; that pictures differ evenly everywhere says that it is noise."""
    random = np.random.default_rng(3)
    frames = []
    for move in [(0.0, 0.0), *(random.uniform(-4, 4, 2) for _ in range(4))]:
        noise = [alignment.blurred(random.normal(0, 1, SIZE).astype(np.float32), 1.5) for _ in range(3)]
        frames.append((scene(*move) + 15 / 255 * np.stack(noise, axis=2) / np.std(noise)).astype(np.float32))
    merged = sfumato.merge(frames, reference=0, task="denoise")
    assert merged.agreeing[MARGIN:-MARGIN, MARGIN:-MARGIN].mean() > 2.5
    assert psnr(merged.mean.array(), scene()) > psnr(frames[0], scene()) + 2
