"""`sfumato restore` and `sfumato info` on clips: names of results, what is said, and what is refused."""

import io
import json
from pathlib import Path

import av
import clips
import pytest
from command_line import Run, make_picture
from PIL import Image

from sfumato import Picture

FRAMES = [clips.noisy(number) for number in range(5)]
MODEL = ("--model", "level.onnx", "--noise", "0")


def test_a_clip_beside_its_source_and_under_a_name(here: Path, run: Run) -> None:
    clips.make_clip(here / "a.mp4", FRAMES)
    clips.make_clip(here / "old.avi", FRAMES, encoder="mpeg4")
    ran = run("restore", "a.mp4", "old.avi", *MODEL)
    assert (ran.status, ran.err) == (0, "")
    assert "5 frames" in ran.out
    assert (here / "a.restored.mp4").exists()
    assert (here / "old.avi.restored.mkv").exists()
    assert run("restore", "a.mp4", "-o", "out.mkv", "--codec", "ffv1", *MODEL).status == 0
    assert len(clips.times(here / "out.mkv")) == 5
    assert "1 already there" in run("restore", "a.mp4", *MODEL).out


def test_a_pattern_takes_clips_and_a_folder_takes_pictures_alone(here: Path, run: Run) -> None:
    (here / "in").mkdir()
    clips.make_clip(here / "in/a.mp4", FRAMES)
    make_picture(here / "in/b.png")
    assert run("restore", "in/*", "-o", "out", *MODEL).status == 0
    assert {path.name for path in (here / "out").glob("[ab]*")} == {"a.mp4", "b.png"}
    ran = run("restore", "in", "-o", "pictures", *MODEL)
    assert ran.status == 0
    assert "1 file of other kinds not read" in ran.out
    assert not (here / "pictures/a.mp4").exists()


def test_what_would_be_done_and_in_which_time(here: Path, run: Run) -> None:
    clips.make_clip(here / "a.mp4", FRAMES)
    ran = run("restore", "a.mp4", "--dry-run")
    assert ran.status == 0
    assert "noise" in ran.out
    assert "in its first scene (5 frames, about" in ran.out
    assert not (here / "a.restored.mp4").exists()


def test_a_preview_is_twice_as_wide_and_as_long_as_was_said(here: Path, run: Run) -> None:
    clips.make_clip(here / "a.mp4", FRAMES * 6, with_sound=True)
    assert run("restore", "a.mp4", "--preview", "0.4s@0:00.4", *MODEL).status == 0
    at = clips.times(here / "a.preview.mp4")
    assert len(at) == 10
    assert at[0] == 0
    ran = run("info", "a.preview.mp4")
    assert ran.status == 0
    run("restore", "a.mp4", "--preview", "0.4s@0.8", "-o", "end.mp4", *MODEL)
    assert len(clips.times(here / "end.mp4")) == 10  # 0.8 and 0.4 are a little more than 1.2
    assert f"width            {2 * 64 + 4}" in ran.out
    assert "audio" not in ran.out


def test_facts_of_a_clip(here: Path, run: Run) -> None:
    clips.make_clip(here / "a.mp4", FRAMES, with_sound=True)
    ran = run("info", "a.mp4")
    assert ran.status == 0
    for fact in ("frames           5", "codec            h264", "pixel_format     yuv420p", "audio: aac"):
        assert fact in ran.out
    assert "(und)" not in ran.out
    assert "colours" not in ran.out  # of which the file states nothing


def test_facts_of_what_restoring_refuses_and_the_way_out(here: Path, run: Run) -> None:
    tags = {"colorspace": 9, "color_range": 1, "color_primaries": 9, "color_trc": 16}
    clips.make_clip(here / "hdr.mp4", FRAMES, encoder="libx265", pixel_format="yuv420p10le", **tags)
    clips.make_clip(here / "tv.mkv", FRAMES, options={"x264-params": "tff=1", "flags": "+ilme+ildct"})
    usual = ("width            64", "height           48", "frames_a_second  25", "not_restored")
    for name, facts in {
        "hdr.mp4": ("hevc", "10 bit", "HDR, PQ (HDR10)", "primaries BT.2020, transfer PQ", "to standard range"),
        "tv.mkv": ("h264", "8 bit", "interlaced", "deinterlace it first: ffmpeg"),
    }.items():
        ran = run("info", name)
        assert (ran.status, ran.err) == (0, "")
        for fact in (*usual, *facts):
            assert fact in ran.out, fact
        refused = run("restore", name, *MODEL)
        assert refused.status == 1
        assert refused.err.strip().removeprefix("sfumato: ") in ran.out


def test_json_counts_frames(here: Path, run: Run) -> None:
    clips.make_clip(here / "a.mp4", FRAMES)
    ran = run("restore", "a.mp4", "--json", *MODEL)
    said = json.loads(ran.out)
    assert (said["status"], said["frames"]) == ("restored", 5)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("a.mp4", "--compare"), "a.mp4 is a clip, and --compare is for pictures"),
        (("a.mp4", "--page", "2"), "a.mp4 is a clip, and --page is for pictures"),
        (("a.mp4", "-o", "b.jpg"), "-o b.jpg is no file that a clip is written to; end its name in .mp4"),
        (("a.mp4", "--codec", "xvid"), "--codec: there is no codec 'xvid'"),
        (("a.mp4", "--preview", "soon"), "--preview is 'soon'"),
        (("a.mp4", "--fps", "30"), "--fps is for numbered frames; a.mp4 says itself when"),
        (("a.mp4", "--fps", "30", "--dry-run"), "--fps is for numbered frames"),
        (
            ("a.mp4", "-o", "b.gif", "--codec", "vp9"),
            "--codec is for video files (.mp4, .m4v, .mov, .mkv, .webm), and b",
        ),
        (("a.mp4", "-o", "b%03d.png", "--crf", "9"), "--crf is for video files"),
        (("a.mp4", "-o", "new/folder/b.gif", "--codec", "vp9"), "--codec is for video files"),
    ],
)
def test_what_is_refused(here: Path, run: Run, arguments: tuple[str, ...], sentence: str) -> None:
    clips.make_clip(here / "a.mp4", FRAMES)
    ran = run("restore", *arguments, *MODEL)
    assert ran.status in (1, 2)
    assert sentence in ran.err
    assert {path.name for path in here.iterdir()} == {"a.mp4", "level.onnx"}


def test_options_of_clips_on_a_picture_have_no_effect_and_that_is_said(here: Path, run: Run) -> None:
    make_picture(here / "a.png")
    assert "--codec had no effect: there was no clip." in run("restore", "a.png", "--codec", "vp9", *MODEL).out
    for given in (("-", "--fast"), ("a.png", "-o", "-", "--crf", "0"), ("a.png", "--samples", "2", "--fps", "9")):
        ran = run("restore", *given)
        assert (ran.status, ran.out) == (2, "")
        assert f"{given[-1] if given[-1] == '--fast' else given[-2]} is for clips, and here is one picture" in ran.err


def test_options_of_clips_that_change_nothing_of_this_one_are_said(here: Path, run: Run) -> None:
    clips.make_clip(here / "a.mp4", FRAMES)
    out = run("restore", "a.mp4", "--fast", "--look-ahead", "--task", "dejpeg", "--jpeg-quality", "50").out
    assert "remembers nothing, so the fast way changes nothing" in out
    assert "remembers nothing, so looking ahead changes nothing" in out
    out = run("restore", "a.mp4", "--dry-run", "--codec", "vp9", "--crf", "0", "--preview", "1s").out
    for option in ("--codec vp9", "--crf 0", "--preview 1s"):
        assert f"{option.split()[0]} had no effect: --dry-run writes no results." in out


def _frames(folder: Path) -> None:
    for number, frame in enumerate(FRAMES):
        (folder / "frames").mkdir(exist_ok=True)
        Picture.from_array(frame).save(folder / f"frames/f_{number:03d}.png")


def test_numbered_frames_by_a_pattern_or_as_a_folder(here: Path, run: Run) -> None:
    _frames(here)
    assert run("restore", "frames/f_%03d.png", *MODEL).status == 0
    assert len(list((here / "frames.restored").glob("f_00[0-4].png"))) == 5
    assert run("restore", "frames", "-o", "a.mp4", "--fps", "10", *MODEL).status == 0
    assert clips.times(here / "a.mp4") == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    assert "1 already there" in run("restore", "frames/f_%03d.png", *MODEL).out
    assert "1 already there" in run("restore", "frames", "-o", "a.mp4", "--fps", "10", *MODEL).out
    assert run("restore", "frames", "-o", "pictures", *MODEL).status == 0  # as pictures, each by itself
    assert len(list((here / "pictures").glob("*.png"))) == 5
    assert "frames           5" in run("info", "frames").out


def test_an_animation_is_taken_whole_and_a_frame_of_it_with_page(here: Path, run: Run) -> None:
    images = [Image.fromarray((frame * 255).astype("uint8")) for frame in FRAMES]
    images[0].save(here / "a.gif", save_all=True, append_images=images[1:], duration=50)
    assert run("restore", "a.gif", *MODEL).status == 0
    assert Image.open(here / "a.gif.restored.webp").n_frames == 5
    assert run("restore", "a.gif", "-o", "b.gif", *MODEL).status == 0
    assert Image.open(here / "b.gif").n_frames == 5
    assert run("restore", "a.gif", "--page", "2", "-o", "c.png", *MODEL).status == 0
    assert getattr(Image.open(here / "c.png"), "n_frames", 1) == 1
    said = run("info", "a.gif").out
    assert "frames           5" in said
    assert "repeats" in said


def test_clips_are_told_by_what_they_hold_and_named_for_it(here: Path, run: Run) -> None:
    clips.make_clip(here / "a.mp4", FRAMES, with_sound=True).rename(here / "clip")
    ran = run("restore", "clip", *MODEL)
    assert (ran.status, ran.err) == (0, "")
    assert len(clips.packets(here / "clip.restored.mkv", "audio")) > 0
    assert run("restore", "clip", "-o", "b.mp4", *MODEL).status == 0
    assert "codec            h264" in run("info", "clip").out


def test_sound_alone_has_nothing_to_restore(here: Path, run: Run) -> None:
    for name, format, codec in (("a.m4a", "mp4", "aac"), ("a.wav", "wav", "pcm_s16le"), ("a", "wav", "pcm_s16le")):
        with av.open(str(here / name), "w", format=format) as container:
            clips.tone(container, container.add_stream(codec, rate=8000, layout="mono"), 0.5)
        for command in ("restore", "info"):
            ran = run(command, name)
            assert ran.status == 1
            assert ran.err == f"sfumato: {name} holds sound, but no video; there is nothing to restore.\n"


def test_a_clip_through_a_pipe_is_refused(here: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    source = clips.make_clip(here / "a.mp4", FRAMES)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(source.read_bytes())))
    for arguments, name in ((("-", "-o", "b.mp4"), "A clip"), (("a.mp4", "-o", "-"), "a.mp4")):
        ran = run("restore", *arguments)
        assert (ran.status, ran.out) == (2, "")
        assert f"{name} is read from a file and written to one: name both, the result with -o." in ran.err
