"""What a video file holds besides its frames is in the result: times, sound, colours, rotation, and the rest."""

import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import clips
import model_files
import numpy as np
import pytest

from sfumato.errors import PictureError
from sfumato.models.engine import Engine
from sfumato.video.containers import ContainerReader
from sfumato.video.encoding import ContainerWriter
from sfumato.video.restore import RestoredVideo, restore_video

FRAMES = [clips.noisy(number) for number in range(6)]


@pytest.fixture(scope="module")
def identity() -> Engine:
    """Takes a tenth of the noise level away: nothing at 0."""
    return Engine(model_files.level_identity())


def restored(source: Path, target: str, engine: Engine, noise: float = 0, **options: Any) -> RestoredVideo:
    return restore_video(source, source.with_name(target), model=engine, noise=noise, **options)


def planes_of(path: Path) -> list[np.ndarray]:
    """All stored values of all frames."""
    found = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            dtype = np.uint8 if frame.format.components[0].bits == 8 else np.uint16
            for plane in frame.planes:
                lines = np.asarray(memoryview(plane)).view(dtype).reshape(plane.height, -1)
                found.append(lines[:, : plane.width].copy())
    return found


def stream_of(path: Path) -> dict[str, Any]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        names = ("width", "height", "color_range", "colorspace", "color_primaries", "color_trc", "pix_fmt")
        facts = {name: getattr(context, name) for name in names}
        facts["aspect"] = stream.sample_aspect_ratio or 1
        facts["pix_fmt"] = facts["pix_fmt"].replace("yuvj", "yuv")  # full range is among the facts
        facts["rate"] = stream.average_rate
        facts["rotation"] = next(container.decode(stream)).rotation
    return facts


@pytest.mark.parametrize(
    "pixel_format",
    ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv444p10le", "yuv420p12le", "gray", "gray10le"],
)
def test_frames_that_nothing_changes_keep_every_stored_value(
    tmp_path: Path, identity: Engine, pixel_format: str
) -> None:
    source = clips.make_clip(tmp_path / "a.mkv", FRAMES, encoder="ffv1", pixel_format=pixel_format)
    restored(source, "b.mkv", identity, codec="ffv1")
    before, after = planes_of(source), planes_of(tmp_path / "b.mkv")
    assert len(before) == len(after) > 0
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    assert stream_of(tmp_path / "b.mkv")["pix_fmt"] == pixel_format


@pytest.mark.parametrize("full", [False, True], ids=["limited", "full"])
@pytest.mark.parametrize("matrix", [1, 5, 6, 7, 9])
def test_a_change_goes_through_the_matrix_and_the_range_of_the_file(
    tmp_path: Path, identity: Engine, matrix: int, full: bool
) -> None:
    grey = [np.full((32, 48, 3), 0.5, np.float32)] * 2
    colours = {"colorspace": matrix, "color_range": 2 if full else 1, "color_primaries": 1, "color_trc": 1}
    source = clips.make_clip(tmp_path / "a.mkv", grey, encoder="ffv1", pixel_format="yuv444p10le", **colours)
    restored(source, "b.mkv", identity, noise=50, codec="ffv1")
    luma, blue, red = planes_of(tmp_path / "b.mkv")[:3]
    white = 1023 if full else 219 * 4
    black = 0 if full else 64
    assert np.abs(luma - (black + white * (0.5 - 0.1 * 50 / 255))).max() <= 1
    assert np.abs(blue.astype(int) - 512).max() <= 1
    assert np.abs(red.astype(int) - 512).max() <= 1
    assert stream_of(source) == stream_of(tmp_path / "b.mkv")


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [
        *((".mp4", codec) for codec in ("h264", "h265", "vp9", "av1")),
        *((".mov", codec) for codec in ("h264", "h265", "prores")),
        *((".mkv", codec) for codec in ("h264", "h265")),
    ],
)
def test_colour_tags_and_the_shape_of_pixels_are_kept(
    tmp_path: Path, identity: Engine, suffix: str, codec: str
) -> None:
    tags = {"colorspace": 1, "color_range": 1, "color_primaries": 1, "color_trc": 1}
    source = clips.make_clip(
        tmp_path / "a.mkv",
        FRAMES,
        pixel_format="yuv422p10le" if codec == "prores" else "yuv420p",
        sample_aspect_ratio=Fraction(4, 3),
        **tags,
    )
    restored(source, f"b{suffix}", identity, codec=codec)
    assert stream_of(source) == stream_of(tmp_path / f"b{suffix}")
    assert stream_of(source)["aspect"] == Fraction(4, 3)


def test_webm_keeps_colour_tags_and_refuses_other_shapes_of_pixels(tmp_path: Path, identity: Engine) -> None:
    tags = {"colorspace": 1, "color_range": 2, "color_primaries": 1, "color_trc": 1}
    source = clips.make_clip(tmp_path / "a.mp4", FRAMES, **tags)
    restored(source, "b.webm", identity)
    assert stream_of(source) == stream_of(tmp_path / "b.webm")
    wide = clips.make_clip(tmp_path / "wide.mp4", FRAMES, sample_aspect_ratio=Fraction(4, 3))
    with pytest.raises(PictureError, match=r"are not square, which vp9 in \.webm cannot say"):
        restored(wide, "c.webm", identity)


@pytest.mark.parametrize("pixel_format", ["yuv420p10le", "yuv422p10le"])
def test_ten_bits_stay_ten(tmp_path: Path, identity: Engine, pixel_format: str) -> None:
    source = clips.make_clip(tmp_path / "a.mp4", FRAMES, encoder="libx265", pixel_format=pixel_format)
    result = restored(source, "b.mp4", identity)
    assert result.clip.depth == 10
    assert stream_of(tmp_path / "b.mp4")["pix_fmt"] == pixel_format


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotation_is_kept(tmp_path: Path, identity: Engine, degrees: int) -> None:
    source = clips.make_clip(
        tmp_path / "a.mp4", FRAMES, setup=lambda container, stream: stream.set_display_rotation(degrees)
    )
    restored(source, "b.mp4", identity)
    turned = stream_of(source)["rotation"]
    assert turned % 360 in (90, 180, 270)
    assert stream_of(tmp_path / "b.mp4")["rotation"] == turned


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_varying_times_are_kept(tmp_path: Path, identity: Engine, suffix: str) -> None:
    at = [0, 40, 55, 300, 340, 1000]
    source = clips.make_clip(tmp_path / f"a{suffix}", FRAMES, times=at, base=Fraction(1, 1000))
    restored(source, f"b{suffix}", identity)
    assert clips.times(tmp_path / f"b{suffix}") == clips.times(source)
    assert np.allclose(clips.times(source), np.array(at) / 1000)


@pytest.mark.parametrize("rate", [25, Fraction(30000, 1001), 50])
def test_the_frame_rate_is_kept(tmp_path: Path, identity: Engine, rate: Fraction | int) -> None:
    source = clips.make_clip(tmp_path / "a.mp4", FRAMES, rate=rate)
    restored(source, "b.mp4", identity)
    assert stream_of(source)["rate"] == rate == stream_of(tmp_path / "b.mp4")["rate"]
    assert clips.times(tmp_path / "b.mp4") == clips.times(source)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_start_other_than_0_keeps_picture_and_sound_together(tmp_path: Path, identity: Engine, suffix: str) -> None:
    at = list(range(25, 31))
    source = clips.make_clip(tmp_path / f"a{suffix}", FRAMES, times=at, with_sound=True)
    restored(source, f"b{suffix}", identity)
    assert np.allclose(clips.times(source)[0], 1.0, atol=0.002)
    assert clips.times(tmp_path / f"b{suffix}") == clips.times(source)
    assert _sound_times(tmp_path / f"b{suffix}") == _sound_times(source)


def _sound_times(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [round(frame.time, 3) for frame in container.decode(audio=0)]


@pytest.mark.parametrize("size", [(47, 64), (48, 63), (47, 63)])
@pytest.mark.parametrize("suffix", [".webm", ".mkv", ".mp4"])
def test_odd_sizes_with_halved_colour(tmp_path: Path, identity: Engine, size: tuple[int, int], suffix: str) -> None:
    frames = [clips.noisy(number, height=size[0], width=size[1]) for number in range(3)]
    source = clips.make_clip(tmp_path / "a.mkv", frames, encoder="ffv1")
    restored(source, f"b{suffix}", identity)
    facts = stream_of(tmp_path / f"b{suffix}")
    assert (facts["height"], facts["width"], facts["pix_fmt"]) == (*size, "yuv420p")


def test_sound_subtitles_chapters_attachments_and_metadata_go_along(tmp_path: Path, identity: Engine) -> None:
    source = tmp_path / "a.mkv"
    clips.make_clip(source.with_name("bare.mkv"), FRAMES * 8, with_sound=True)
    _add_everything(source.with_name("bare.mkv"), source)
    result = restored(source, "b.mkv", identity)
    after = tmp_path / "b.mkv"
    for kind in ("audio", "subtitle"):
        assert clips.packets(after, kind) == clips.packets(source, kind) != []
    with av.open(str(source)) as a, av.open(str(after)) as b:
        assert b.chapters() == a.chapters() != []
        assert b.metadata["title"] == "A trial" == a.metadata["title"]
        assert [stream.type for stream in b.streams] == [stream.type for stream in a.streams]
        assert [stream.metadata.get("language") for stream in b.streams] == [
            stream.metadata.get("language") for stream in a.streams
        ]
        assert [stream.disposition for stream in b.streams] == [stream.disposition for stream in a.streams]
        assert b.streams.attachments[0].data == b"a font"
    assert result.num_frames == 48


def _add_everything(bare: Path, target: Path) -> None:
    """The clip with subtitles, chapters, an attachment, a title and languages."""
    with av.open(str(bare)) as source, av.open(str(target), "w") as container:
        copies = {stream.index: container.add_stream_from_template(stream) for stream in source.streams}
        subtitles = container.add_mux_stream("subrip")
        subtitles.metadata["language"] = "ger"
        copies[source.streams.audio[0].index].metadata["language"] = "fre"
        container.add_attachment("font.ttf", "application/x-truetype-font", b"a font")
        container.metadata["title"] = "A trial"
        chapter = {"start": 0, "end": 1000, "time_base": Fraction(1, 1000), "metadata": {"title": "One"}}
        container.set_chapters([{"id": 1, **chapter}, {"id": 2, **chapter, "start": 1000, "end": 1900}])
        for packet in source.demux():
            if packet.size:
                packet.stream = copies[packet.stream_index]
                container.mux(packet)
        text = av.Packet(b"Hello")
        text.stream, text.time_base, text.pts, text.dts, text.duration = subtitles, Fraction(1, 1000), 500, 500, 800
        container.mux(text)


def test_sound_that_the_file_cannot_hold_is_said_before_the_work(tmp_path: Path, identity: Engine) -> None:
    source = clips.make_clip(tmp_path / "a.mp4", FRAMES, with_sound=True)
    with pytest.raises(PictureError, match=r"\.webm files cannot hold the audio .* aac; name a \.mkv file with output"):
        restored(source, "b.webm", identity)
    assert not (tmp_path / "b.webm").exists()


def test_a_file_that_can_hold_the_subtitles_is_named(tmp_path: Path, identity: Engine) -> None:
    clips.make_clip(tmp_path / "bare.mp4", FRAMES)
    source = tmp_path / "a.mp4"
    with av.open(str(tmp_path / "bare.mp4")) as bare, av.open(str(source), "w") as container:
        copy = container.add_stream_from_template(bare.streams.video[0])
        subtitles = container.add_mux_stream("mov_text")
        for packet in bare.demux(video=0):
            if packet.size:
                packet.stream = copy
                container.mux(packet)
        text = av.Packet(b"\x00\x05Hello")
        text.stream, text.time_base, text.pts, text.dts, text.duration = subtitles, Fraction(1, 1000), 0, 0, 100
        container.mux(text)
    with pytest.raises(PictureError, match=r"\.mkv files cannot hold .* mov_text; name a \.mp4 or \.mov file"):
        restored(source, "b.mkv", identity)
    restored(source, "b.mp4", identity)
    assert clips.packets(tmp_path / "b.mp4", "subtitle") == clips.packets(source, "subtitle") != []


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_chapters_are_not_said_to_be_missing(tmp_path: Path, identity: Engine, suffix: str) -> None:
    chapter = {"time_base": Fraction(1, 1000), "metadata": {"title": "One"}}
    chapters = [{"id": 1, "start": 0, "end": 100, **chapter}, {"id": 2, "start": 100, "end": 240, **chapter}]
    source = clips.make_clip(
        tmp_path / f"a{suffix}", FRAMES, setup=lambda container, _: container.set_chapters(chapters)
    )
    result = restored(source, f"b{suffix}", identity, crf=18)
    assert not any("data stream" in note for note in result.notes)
    with av.open(str(source)) as a, av.open(str(tmp_path / f"b{suffix}")) as b:
        assert b.chapters() == a.chapters() != []


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("at", [[0, 40, 80, 1000, 1100, 1200], [0, 200, 240, 280, 320, 360]])
def test_a_clip_of_varying_times_ends_when_its_last_frame_does(
    tmp_path: Path, identity: Engine, at: list[int], suffix: str
) -> None:
    source = clips.make_clip(
        tmp_path / "a.mp4", FRAMES, times=at, base=Fraction(1, 1000), options={"tune": "zerolatency"}
    )
    restored(source, f"b{suffix}", identity, crf=18)
    with av.open(str(source)) as a, av.open(str(tmp_path / f"b{suffix}")) as b:
        assert abs(a.duration - b.duration) <= 1000  # microseconds


@pytest.mark.parametrize(("height", "matrix"), [(768, 6), (720, 6), (384, 2)])
def test_a_matrix_that_the_new_size_would_hide_is_stated(tmp_path: Path, height: int, matrix: int) -> None:
    source = clips.make_clip(tmp_path / "a.mp4", [clips.noisy(0, height=384, width=64)])
    with ContainerReader(source) as reader:
        target = tmp_path / "b.mp4"
        with ContainerWriter(target, target, reader.clip, reader, (height, 64)) as writer:
            for frame in reader.frames():
                writer.write(frame, np.resize(frame.pixels, (height, 64, 3)))
    assert stream_of(source)["colorspace"] == 2
    assert stream_of(target)["colorspace"] == matrix


def test_frames_of_rgb_stay_so(tmp_path: Path, identity: Engine) -> None:
    source = clips.make_clip(tmp_path / "a.mkv", FRAMES, encoder="libx265", pixel_format="gbrp")
    result = restored(source, "b.mkv", identity, codec="ffv1")
    assert not any("are stored as" in note for note in result.notes)
    with av.open(str(source)) as a, av.open(str(tmp_path / "b.mkv")) as b:
        for before, after in zip(a.decode(video=0), b.decode(video=0), strict=True):
            assert after.format.is_rgb
            assert np.array_equal(before.to_ndarray(format="rgb24"), after.to_ndarray(format="rgb24"))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_a_cover_picture_stays_one(tmp_path: Path, identity: Engine, suffix: str) -> None:
    clips.make_clip(tmp_path / "bare.mp4", FRAMES)
    clips.make_clip(tmp_path / "cover.mkv", FRAMES[:1], encoder="mjpeg", pixel_format="yuvj420p", color_range=2)
    source = tmp_path / "a.mp4"
    with av.open(str(source), "w") as container:
        parts = [av.open(str(tmp_path / name)) for name in ("bare.mp4", "cover.mkv")]
        copies = [container.add_stream_from_template(part.streams.video[0]) for part in parts]
        copies[1].disposition = av.stream.Disposition.attached_pic
        for part, copy in zip(parts, copies, strict=True):
            for packet in part.demux(video=0):
                if packet.size:
                    packet.stream = copy
                    container.mux(packet)
            part.close()
    result = restored(source, f"b{suffix}", identity, crf=18)
    with av.open(str(tmp_path / f"b{suffix}")) as container:
        kinds = [bool(s.disposition & av.stream.Disposition.attached_pic) for s in container.streams.video]
    assert kinds == ([False] if suffix == ".webm" else [False, True])
    assert any("cover picture" in note for note in result.notes) == (suffix == ".webm")
    if suffix != ".webm":
        assert clips.packets(tmp_path / "cover.mkv", "video")[0] in clips.packets(tmp_path / f"b{suffix}", "video")


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_piece_of_variable_frame_rate_is_what_is_shown_then(tmp_path: Path, identity: Engine, suffix: str) -> None:
    at = [*range(0, 200, 20), 200, *range(2000, 3000, 20)]  # milliseconds: one frame stands for 1.8 seconds
    frames = [np.full((32, 32, 3), (n % 10) / 10, np.float32) for n in range(len(at))]
    source = clips.make_clip(tmp_path / f"a{suffix}", frames, times=at, base=Fraction(1, 1000))
    for piece, shown, first in (
        ("1s@1", [0], 0.0),
        ("1s@1.95", [0, *range(50, 1000, 20)], 0.0),
        ("0.1s@0.1", range(0, 100, 20), 0.5),
    ):
        target = tmp_path / f"b{suffix}"
        restore_video(source, target, model=identity, noise=0, preview=piece, overwrite=True)
        assert clips.times(target) == pytest.approx([time / 1000 for time in shown], abs=2e-3)
        with av.open(str(target)) as container:
            assert container.duration / 1e6 == pytest.approx(float(piece.partition("s")[0]), abs=2e-3)
            value = next(container.decode(video=0)).to_ndarray(format="rgb24")[:, :32].mean() / 255
        assert value == pytest.approx(first, abs=0.02)


def test_encoders_write_nothing_to_the_terminal(tmp_path: Path) -> None:
    clips.make_clip(tmp_path / "a.mkv", [clips.noisy(number) for number in range(3)])
    for codec in ("h264", "h265", "vp9", "av1", "ffv1", "prores"):
        code = (
            "from sfumato import restore_video\n"
            f"restore_video('a.mkv', '{codec}.mkv', task='denoise', model='denoise-fast', noise=5, codec='{codec}')"
        )
        ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
        assert (ran.stdout, ran.stderr) == ("", "")
