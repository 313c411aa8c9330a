"""Clips that cannot be restored, or hardly: a clear sentence or the right result, and never half a file."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import av
import clips
import model_files
import numpy as np
import pytest

from sfumato import Picture
from sfumato.errors import PictureError, UsageError
from sfumato.models.engine import Engine
from sfumato.video.codecs import is_media
from sfumato.video.formats import describe
from sfumato.video.lengths import FrameLengths
from sfumato.video.restore import RestoredVideo, restore_video

FRAMES = [clips.noisy(number) for number in range(6)]


@pytest.fixture(scope="module")
def identity() -> Engine:
    return Engine(model_files.level_identity())


def restored(source: Path, target: Path, engine: Engine, **options: object) -> RestoredVideo:
    return restore_video(source, target, model=engine, noise=0, **options)


def refused(source: Path, engine: Engine, sentence: str, **options: object) -> None:
    target = source.with_name("result.mkv")
    with pytest.raises((PictureError, UsageError), match=sentence):
        restored(source, target, engine, **options)
    assert sorted(os.listdir(source.parent)) == [source.name]


def test_interlaced_video_is_refused_with_the_way_out(tmp_path: Path, identity: Engine) -> None:
    options = {"x264-params": "tff=1", "flags": "+ilme+ildct"}
    source = clips.make_clip(tmp_path / "a.mkv", FRAMES, options=options)
    refused(source, identity, "is interlaced, .* deinterlace it first: ffmpeg -i IN -vf bwdif")


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_hdr_is_refused_with_the_way_out(tmp_path: Path, identity: Engine, transfer: int, name: str) -> None:
    tags = {"colorspace": 9, "color_range": 1, "color_primaries": 9, "color_trc": transfer}
    source = clips.make_clip(tmp_path / "a.mp4", FRAMES, encoder="libx265", pixel_format="yuv420p10le", **tags)
    refused(source, identity, f"is HDR video .{name}.*convert it to standard range")


def test_transparent_video_is_refused(tmp_path: Path, identity: Engine) -> None:
    source = tmp_path / "a.mkv"
    with av.open(str(source), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuva420p"
        frame = av.VideoFrame(64, 48, "yuva420p")
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    refused(source, identity, "is partly transparent")
    assert "is partly transparent" in describe(source)["not_restored"]


def test_sound_alone_is_refused(tmp_path: Path, identity: Engine) -> None:
    source = tmp_path / "a.m4a"
    with av.open(str(source), "w", format="mp4") as container:
        clips.tone(container, container.add_stream("aac", rate=8000, layout="mono"), 0.5)
    refused(source, identity, "holds sound, but no video; there is nothing to restore")


@pytest.mark.parametrize(
    ("head", "is_one"),
    [
        (b"\0\0\0\x20ftypisom", True),
        (b"\0\0\0\x20ftypM4A ", True),
        (b"\0\0\0\x20ftypheic", False),
        (b"\0\0\0\x20ftypavif", False),
        (b"\0\0\0\x18ftypcrx ", False),
        (b"RIFF\0\0\0\0AVI LIST", True),
        (b"RIFF\0\0\0\0WEBPVP8 ", False),
        (b"\x1aE\xdf\xa3", True),
        (b"G" + bytes(187) + b"G", True),
        (b"GIF89a" + bytes(182) + b"G", False),
        (b"\xff\xd8\xff\xe0", False),
        (b"\x89PNG\r\n", False),
        (b"P6 3 3", False),
        (b"", False),
    ],
)
def test_sound_and_video_are_told_from_pictures_by_how_they_begin(head: bytes, is_one: bool) -> None:
    assert is_media(head) == is_one


@pytest.mark.parametrize("contents", [b"", b"no video at all" * 100], ids=["empty", "text"])
def test_what_is_no_video_is_refused(tmp_path: Path, identity: Engine, contents: bytes) -> None:
    source = tmp_path / "a.mp4"
    source.write_bytes(contents)
    refused(source, identity, "a.mp4 cannot be read as a video|holds nothing that can be played")


def test_a_missing_file_is_said(tmp_path: Path, identity: Engine) -> None:
    with pytest.raises(PictureError, match="does not exist"):
        restored(tmp_path / "a.mp4", tmp_path / "b.mp4", identity)


def test_a_file_without_its_index_is_refused(tmp_path: Path, identity: Engine) -> None:
    source = clips.make_clip(tmp_path / "a.mp4", FRAMES)
    source.write_bytes(source.read_bytes()[:-2000])  # the index of an MP4 lies at its end
    refused(source, identity, "damaged, cut off or of another kind")


def test_what_is_there_of_a_file_that_is_cut_off_is_restored(tmp_path: Path, identity: Engine) -> None:
    options = {"preset": "ultrafast", "g": "5"}
    source = clips.make_clip(tmp_path / "a.ts", FRAMES * 5, options=options)
    whole = restored(source, tmp_path / "whole.mkv", identity).num_frames
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    assert 0 < restored(source, tmp_path / "half.mkv", identity).num_frames < whole == 30


@pytest.mark.parametrize(
    ("name", "movflags", "encoder"),
    [
        ("a.mp4", "faststart", "libx264"),
        ("a.mp4", "frag_keyframe+empty_moov", "libx264"),
        ("a.mov", "frag_keyframe+empty_moov+default_base_moof", "libx264"),
        ("a.mkv", "", "libx264"),
        ("a.webm", "", "libvpx-vp9"),
    ],
)
@pytest.mark.parametrize("with_sound", [True, False])
def test_a_file_that_ends_early_is_restored_as_far_as_it_goes_and_that_is_said(
    tmp_path: Path, identity: Engine, name: str, movflags: str, encoder: str, with_sound: bool
) -> None:
    with_sound &= encoder == "libx264"
    first, source = tmp_path / "first.mkv", tmp_path / name
    clips.make_clip(first, FRAMES * 8, encoder=encoder, options={"g": "10"}, with_sound=with_sound)
    with av.open(str(first)) as bare, av.open(str(source), "w", options={"movflags": movflags}) as container:
        copies = [container.add_stream_from_template(stream) for stream in bare.streams]
        for packet in bare.demux():
            if packet.size:
                packet.stream = copies[packet.stream_index]
                container.mux(packet)
    assert not restored(source, tmp_path / "whole.mkv", identity).notes
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    result = restored(source, tmp_path / "half.mkv", identity)
    assert 0 < result.num_frames < 48
    assert any("it seems to be cut off" in note for note in result.notes), result.notes
    times = clips.times(tmp_path / "whole.mkv")[: result.num_frames]
    assert clips.times(tmp_path / "half.mkv") == pytest.approx(times, abs=1e-3)


def test_a_size_that_changes_is_refused_with_the_time(tmp_path: Path, identity: Engine) -> None:
    small = [clips.noisy(number, height=32, width=48) for number in range(6)]
    one, two = (
        clips.make_clip(tmp_path / name, frames, encoder="mpeg2video")
        for name, frames in (("a.m2v", FRAMES), ("b.m2v", small))
    )
    source = tmp_path / "c.m2v"
    source.write_bytes(one.read_bytes() + two.read_bytes())
    one.unlink()
    two.unlink()
    refused(source, identity, "changes its size from 64x48 to 48x32 at 0.2. s: cut it there")


@pytest.mark.parametrize("count", [1, 2, 3])
def test_very_short_clips(tmp_path: Path, identity: Engine, count: int) -> None:
    source = clips.make_clip(tmp_path / "a.mp4", FRAMES[:count])
    assert restored(source, tmp_path / "b.mp4", identity).num_frames == count
    assert clips.times(tmp_path / "b.mp4") == clips.times(source)


@pytest.mark.parametrize(
    ("suffix", "options", "sentence"),
    [
        (".mkv", {"codec": "xvid"}, "codec: there is no codec 'xvid'; choose among h264, h265"),
        (".webm", {"codec": "h264"}, r"codec: h264 does not go into \.webm files; name one of \.mp4"),
        (".mkv", {"crf": 99}, "crf is 99; for h264 give 0 .best. to 51, usual is 18"),
        (".mkv", {"crf": 20, "codec": "ffv1"}, "crf is 20, but ffv1 has none: leave it out"),
        (".avi", {}, "is no file that a clip is written to; end its name in .mp4"),
        (".mkv", {"preview": "soon"}, "preview is 'soon'; say how long and from where on, such as 5s@1:20"),
        (".mkv", {"preview": "1s@9:00"}, "has no frame at 9:00; it lasts 0.24 s"),
        (".mkv", {"max_pixels": 100}, "has frames of 64x48, more than the 100 pixels"),
        (".mkv", {"codec": "prores", "fps": 0}, "fps is 0"),
    ],
)
def test_options_that_cannot_be_meant(
    tmp_path: Path, identity: Engine, suffix: str, options: dict[str, object], sentence: str
) -> None:
    source = clips.make_clip(tmp_path / "a.mp4", FRAMES)
    with pytest.raises((PictureError, UsageError), match=sentence):
        restored(source, tmp_path / f"b{suffix}", identity, **options)
    assert os.listdir(tmp_path) == ["a.mp4"]


def test_a_result_that_is_there_is_left_alone(tmp_path: Path, identity: Engine) -> None:
    source = clips.make_clip(tmp_path / "a.mp4", FRAMES)
    (tmp_path / "b.mp4").write_text("mine")
    with pytest.raises(PictureError, match=r"b\.mp4 exists already; pass overwrite=True"):
        restored(source, tmp_path / "b.mp4", identity)
    assert (tmp_path / "b.mp4").read_text() == "mine"
    assert restored(source, tmp_path / "b.mp4", identity, overwrite=True).num_frames == 6


def test_a_killed_run_leaves_nothing_under_the_name_of_the_result(tmp_path: Path) -> None:
    source = clips.make_clip(tmp_path / "a.mp4", [clips.noisy(i, height=240, width=320) for i in range(60)])
    code = (
        "import sys; from sfumato import restore_video\n"
        "restore_video(sys.argv[1], sys.argv[2], noise=20, progress=lambda at: print(at.done, flush=True))"
    )
    target = tmp_path / "b.mp4"
    command = [sys.executable, "-c", code, str(source), str(target)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) == 3:
            process.send_signal(signal.SIGKILL)
            break
    process.wait(60)
    assert process.returncode != 0
    assert not target.exists()


def test_memory_does_not_grow_with_the_number_of_frames(tmp_path: Path) -> None:
    code = (
        "import resource, sys; from sfumato import restore_video; peaks = []\n"
        "def tell(at): peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
        "restore_video(sys.argv[1], sys.argv[2], noise=0, model=sys.argv[3], progress=tell)\n"
        "print(peaks[60], peaks[-1])"
    )
    (tmp_path / "level.onnx").write_bytes(model_files.level_identity())
    frames = [clips.noisy(number, height=96, width=128) for number in range(8)] * 32
    source = clips.make_clip(tmp_path / "a.mkv", frames, encoder="mpeg4", options={"b": "2000000"})
    arguments = [str(source), str(tmp_path / "b.mp4"), str(tmp_path / "level.onnx")]
    ran = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=120)
    early, late = (int(word) for word in ran.stdout.split())
    assert late - early < 12_000  # kilobytes: 196 frames of 128x96 as floats would take 29 MB


def test_the_interruption_leaves_nothing_behind(tmp_path: Path, identity: Engine) -> None:
    source = clips.make_clip(tmp_path / "a.mp4", FRAMES)

    def stop(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restored(source, tmp_path / "b.mp4", identity, progress=stop)
    assert os.listdir(tmp_path) == ["a.mp4"]


def test_a_picture_that_is_stored_as_video_is_restored(tmp_path: Path, identity: Engine) -> None:
    source = clips.make_clip(tmp_path / "still.mp4", [np.full((48, 64, 3), 0.4, np.float32)], rate=1)
    result = restored(source, tmp_path / "b.mp4", identity)
    assert (result.num_frames, len(result.scenes)) == (1, 1)


@pytest.mark.parametrize(("codec", "least"), [("h265", "64x16"), ("av1", "16x32")])
def test_frames_too_small_for_a_codec_are_refused(tmp_path: Path, identity: Engine, codec: str, least: str) -> None:
    frames = [frame[:30, :48] for frame in FRAMES]
    source = clips.make_clip(tmp_path / "a.mkv", frames, encoder="ffv1")
    refused(source, identity, f"{codec} needs frames of at least {least} pixels, and these have 48x30", codec=codec)
    assert restored(source, tmp_path / "b.mkv", identity, codec="ffv1").num_frames == len(frames)


def test_an_encoder_that_does_not_open_is_said(tmp_path: Path, identity: Engine) -> None:
    (tmp_path / "in").mkdir()
    Picture.from_array(FRAMES[0][:3, :5], depth=8).save(tmp_path / "in" / "1.png")
    refused(tmp_path / "in", identity, "result.mkv could not be written", codec="ffv1")


@pytest.mark.parametrize("codec", ["h264", "h265", "vp9"])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_frames_are_stored_in_their_order(tmp_path: Path, identity: Engine, codec: str, count: int) -> None:
    source = clips.make_clip(tmp_path / "a.mp4", FRAMES[:count])
    restored(source, tmp_path / "b.mp4", identity, codec=codec)
    with av.open(str(tmp_path / "b.mp4")) as container:
        packets = [packet for packet in container.demux(video=0) if packet.pts is not None]
    assert len({packet.pts for packet in packets}) == count
    assert all(packet.dts is not None and -count * 1024 <= packet.dts <= packet.pts for packet in packets)


def test_times_of_decoding_that_an_encoder_never_set_are_set() -> None:
    lengths = FrameLengths()
    packets = [SimpleNamespace(pts=pts, dts=0x27FFFFD828000000, duration=0) for pts in (0, 1)]
    for packet in packets:
        lengths.add(packet.pts, 1)
    lengths.state(packets)
    lengths.fill_up(packets[-1])
    assert [(packet.dts, packet.duration) for packet in packets] == [(0, 1), (1, 1)]
