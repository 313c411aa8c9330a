"""Video files: reading them, by PyAV (FFmpeg's libraries).

Frames come as the planes that the file stores and as RGB. Everything else in the file, from sound to chapters, is
passed on as it lies there.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ..errors import MissingExtra, PictureError
from .frames import Clip, Frame, Stored, duration
from .losses import Losses
from .planes import MATRICES, RGB, Layout, Plane, matrix_for

if TYPE_CHECKING:
    import av
    from av.container import InputContainer
    from av.video import VideoStream

# Formats of frames that are stored otherwise than in planes of whole values, and the planes that hold the same.
UNPACKED = {
    **dict.fromkeys(("nv12", "nv21"), "yuv420p"),
    **dict.fromkeys(("nv16", "yuyv422", "uyvy422", "yvyu422"), "yuv422p"),
    **dict.fromkeys(("nv24", "nv42"), "yuv444p"),
    "p010le": "yuv420p10le",
    "p210le": "yuv422p10le",
    "uyyvyy411": "yuv411p",
    **dict.fromkeys(("rgb24", "bgr24", "rgb0", "bgr0", "0rgb", "0bgr", "pal8", "rgb8", "bgr8"), "gbrp"),
    **dict.fromkeys(("rgb565le", "rgb555le", "bgr565le", "bgr555le", "rgb444le", "bgr444le"), "gbrp"),
    **dict.fromkeys(("x2rgb10le", "x2bgr10le"), "gbrp10le"),
    **dict.fromkeys(("rgb48le", "rgb48be", "bgr48le", "bgr48be"), "gbrp16le"),
    **dict.fromkeys(("monob", "monow"), "gray"),
}
HDR = {16: "PQ (HDR10)", 18: "HLG"}  # transfer characteristics by the numbers of ITU-T H.273
# What `info` calls the numbers of ITU-T H.273 for primaries, transfer and matrix; others stay numbers.
COLOURS = (
    {1: "BT.709", 5: "PAL", 6: "NTSC", 9: "BT.2020", 12: "Display P3"},
    {1: "BT.709", 4: "gamma 2.2", 5: "gamma 2.8", 6: "BT.601", 8: "linear", 13: "sRGB", **HDR},
    {0: "RGB", 1: "BT.709", 5: "BT.601", 6: "BT.601", 9: "BT.2020"},
)
UNSTATED = 2
FULL_RANGE = 2
PROGRESSIVE = (0, 1)  # field orders; 0 says nothing


class ContainerReader:
    """A video file, opened; its first video stream that is no cover picture.

    only_look: it is described and not restored: what restoring refuses it for is its `refusal`, and not raised.

    Raises PictureError for what is none, cannot be decoded, is interlaced, HDR or partly transparent; MissingExtra
    where PyAV is not installed.
    """

    def __init__(self, path: Path, threads: int | None = None, *, only_look: bool = False) -> None:
        self.path, self.notes = path, list[str]()
        self.refusal: PictureError | None = None
        check_installed(path)
        self.container = _opened(path)
        try:
            self.stream = self._video_stream()
            self.stream.thread_type = "AUTO"
            if threads is not None:
                self.stream.codec_context.thread_count = threads
            try:
                self._check_planes()
                self.layout = self._layout()
                self._check_light()
                self._check_progressive(self._is_interlaced if only_look else self._has_fields)
            except PictureError as error:
                if not only_look:
                    raise
                self.refusal = error
        except BaseException:
            self.container.close()
            raise
        self._from_start = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.container.close()

    @cached_property
    def clip(self) -> Clip:
        stream, context = self.stream, self.stream.codec_context
        length = stream.duration * stream.time_base if stream.duration and stream.time_base else None
        if length is None and self.container.duration:
            length = Fraction(self.container.duration, 1_000_000)
        rate = float(stream.average_rate or stream.guessed_rate or 25)
        count = stream.frames or (round(float(length) * rate) if length else None)
        others = [_described(other) for other in self.container.streams if other.index != stream.index]
        turned = self.rotation
        facts = (
            ("bytes", self.path.stat().st_size),
            ("codec", context.name),
            ("pixel_format", context.pix_fmt),
            ("range", "full" if self._is_full_range else "limited"),
            ("dynamic_range", f"HDR, {HDR[context.color_trc]}" if context.color_trc in HDR else None),
            ("scan", "interlaced" if self._is_interlaced else None),
            ("pixel_aspect", _unless(stream.sample_aspect_ratio, (None, 0, 1))),
            ("rotation", _unless(turned, (None, 0))),
            ("colours", _colours(context)),
            ("starts_at", _unless(round(self._begins, 3), (0.0,))),
            ("other_streams", others or None),
            ("chapters", len(self.container.chapters()) or None),
            ("title", self.container.metadata.get("title")),
        )
        return Clip(
            path=self.path,
            kind="video",
            format=self.container.format.name.split(",")[0],
            width=context.width,
            height=context.height,
            num_channels=1 if sum(not part.is_alpha for part in self._format.components) == 1 else 3,
            depth=self._format.components[0].bits,
            has_alpha=any(part.is_alpha for part in self._format.components),
            num_frames=count,
            rate=rate,
            seconds=float(length) if length else None,
            is_exact=bool(stream.frames),
            facts=facts,
        )

    @cached_property
    def rotation(self) -> int | None:
        """Degrees by which players turn the frames, counterclockwise."""
        return None if self.display_matrix is None else self._first_frame.rotation

    @cached_property
    def display_matrix(self) -> list[int] | None:
        """How players turn or mirror the frames: nine numbers, None where they do not."""
        from av.sidedata.sidedata import Type

        found = self._first_frame.side_data.get(Type.DISPLAYMATRIX)
        return None if found is None else np.frombuffer(bytes(found), np.int32).tolist()

    @cached_property
    def _first_frame(self) -> Any:
        """Decoded by another reader, since this one begins at the start."""
        with _opened(self.path) as container:
            for frame in container.decode(container.streams[self.stream.index]):
                return frame
        raise PictureError(f"{self.path} holds no frame that can be decoded; get another copy.")

    def first_packet(self, index: int) -> bytes:
        """Of a stream, as it lies in the file; read by another reader."""
        with _opened(self.path) as container:
            return next((bytes(packet) for packet in container.demux(container.streams[index]) if packet.size), b"")

    def seek(self, seconds: float) -> None:
        assert self.stream.time_base is not None
        start = self.stream.start_time or 0
        self._from_start = seconds <= 0
        self.container.seek(start + int(seconds / self.stream.time_base), stream=self.stream)

    def frames(self, pass_on: Callable[[Any], None] | None = None) -> Iterator[Frame]:
        count, last = 0, None
        losses = Losses(self.path, self.container, self.stream.frames)
        played = (stream for stream in self.container.streams if stream.type in ("video", "audio", "subtitle"))
        streams = list(played) if pass_on is not None else [self.stream]
        step = self._usual_step
        for packet in self._packets(streams):
            losses.hear(packet)
            if packet.stream.index != self.stream.index:
                if packet.size and pass_on is not None:
                    pass_on(packet)
                continue
            try:
                decoded = packet.decode()
            except Exception as error:  # PyAV's errors are of many kinds
                if not _is_of_av(error):
                    raise
                losses.not_decoded()
                continue
            for found in decoded:
                pts = found.pts if found.pts is not None else (0 if last is None else last + step)
                last = pts if last is None else max(pts, last + 1)  # encoders take growing times only
                yield self._frame(found, last)
                count += 1
        if count == 0:
            raise PictureError(f"{self.path} holds no frame that can be decoded; get another copy.")
        if self._from_start and pass_on is not None:
            self.notes += losses.notes(count)

    def _packets(self, streams: list[Any]) -> Iterator[Any]:
        try:
            yield from self.container.demux(streams)
        except Exception as error:
            if not _is_of_av(error):
                raise
            self.notes.append(f"Reading {self.path} ended early: {said(error)}.")

    def _frame(self, found: Any, pts: int) -> Frame:
        context = self.stream.codec_context
        if (found.width, found.height) != (self.clip.width, self.clip.height):
            where = duration(float(pts * found.time_base) - self._begins)
            raise PictureError(
                f"{self.path} changes its size from {self.clip.width}x{self.clip.height} to "
                f"{found.width}x{found.height} at {where}: cut it there and restore the parts."
            )
        self._check_progressive(found.interlaced_frame)
        if found.format.name != self.pixel_format:
            try:
                found = found.reformat(format=self.pixel_format)
            except Exception as error:
                raise PictureError(
                    f"{self.path} stores frames as {context.pix_fmt}, which is not read ({said(error)})."
                ) from None
        planes = [_values(plane, self.layout.dtype) for plane in found.planes]
        stored = Stored(planes, pts, found.duration or self._usual_step, found.time_base)
        seconds = float(pts * found.time_base) - self._begins
        length = float(stored.duration * stored.time_base)
        return Frame(self.layout.to_rgb(planes), seconds, length, stored=stored)

    @property
    def _begins(self) -> float:
        return float((self.stream.start_time or 0) * (self.stream.time_base or 0))

    @property
    def _usual_step(self) -> int:
        rate, base = self.stream.average_rate or self.stream.guessed_rate, self.stream.time_base
        return max(1, round(1 / (rate * base))) if rate and base else 1

    def _video_stream(self) -> VideoStream:
        import av

        streams = self.container.streams.video
        moving = [stream for stream in streams if not stream.disposition & av.stream.Disposition.attached_pic]
        if not moving:
            what = "a cover picture, but no video" if streams else "sound, but no video"
            what = what if len(self.container.streams) else "nothing that can be played"
            raise PictureError(f"{self.path} holds {what}; there is nothing to restore.")
        if moving[0].codec_context is None:
            raise PictureError(f"{self.path} is coded in a way that is not read here; convert it to H.264 first.")
        if not moving[0].codec_context.width or moving[0].codec_context.pix_fmt is None:
            raise PictureError(f"{self.path} cannot be decoded; it is damaged or cut off, so get another copy.")
        return moving[0]

    @cached_property
    def pixel_format(self) -> str:
        """The name of the planar format that the frames are taken in."""
        name = str(self.stream.codec_context.pix_fmt)
        return UNPACKED.get(name, name).replace("yuvj", "yuv")

    @property
    def _format(self) -> av.VideoFormat:
        import av

        return av.VideoFormat(self.pixel_format)

    @property
    def _is_full_range(self) -> bool:
        context = self.stream.codec_context
        return context.color_range == FULL_RANGE or str(context.pix_fmt).startswith("yuvj") or self._format.is_rgb

    @property
    def _has_fields(self) -> bool:
        """Whether the stream says that its frames are interlaced."""
        return self.stream.codec_context.field_order not in PROGRESSIVE

    @cached_property
    def _is_interlaced(self) -> bool:
        return self._has_fields or self._first_frame.interlaced_frame

    def _check_planes(self) -> None:
        format, name = self._format, self.pixel_format
        if any(component.is_alpha for component in format.components):
            raise PictureError(
                f"{self.path} is partly transparent, which video files are not restored with; save its frames as PNG "
                "files and restore these."
            )
        planes = [component.plane for component in format.components]
        if len(set(planes)) != len(planes) or format.is_big_endian or "f" in name[4:] or len(planes) not in (1, 3):
            raise PictureError(
                f"{self.path} stores frames as {self.stream.codec_context.pix_fmt}, which is not supported; convert it "
                "to yuv420p or yuv422p10 first."
            )

    def _layout(self) -> Layout:
        context, format, full = self.stream.codec_context, self._format, self._is_full_range
        bits = format.components[0].bits
        if format.is_rgb:
            return Layout("rgb", bits, full_range=True)
        if len(format.components) == 1:
            return Layout("grey", bits, full_range=full)
        matrix = matrix_for(context.colorspace if context.colorspace != RGB else 2, context.height)
        if matrix is None:
            raise PictureError(
                f"{self.path} stores its colours by matrix {context.colorspace} (ITU-T H.273), which is not supported; "
                f"those that are: {', '.join(map(str, MATRICES))}."
            )
        across, down = 64 // format.chroma_width(64), 64 // format.chroma_height(64)
        return Layout("yuv", bits, across, down, full, matrix)

    def _check_light(self) -> None:
        if (transfer := self.stream.codec_context.color_trc) in HDR:
            raise PictureError(
                f"{self.path} is HDR video ({HDR[transfer]}), which the networks do not know; convert it to standard "
                "range (BT.709) first, as with FFmpeg's filters zscale and tonemap."
            )

    def _check_progressive(self, interlaced: bool) -> None:
        if interlaced:
            raise PictureError(
                f"{self.path} is interlaced, and a network would take the combs for detail; deinterlace it first: "
                "ffmpeg -i IN -vf bwdif -c:v ffv1 -c:a copy OUT.mkv"
            )


def check_installed(path: Path) -> None:
    """Raises MissingExtra where PyAV is not there."""
    if importlib.util.find_spec("av") is None:
        raise MissingExtra(f'{path} is a video file; to read and write it: pip install "sfumato[media]".')


def holds_chapters(stream: Any) -> bool:
    """Whether a data stream is the track in which MP4 and MOV keep their chapters: one sample for each."""
    chapters = [(chapter["start"], chapter["time_base"]) for chapter in stream.container.chapters()]
    return [(entry.timestamp, stream.time_base) for entry in stream.index_entries] == chapters != []


def said(error: BaseException) -> str:
    """What an error of FFmpeg's says, in short."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).splitlines()[0].rstrip(".")


def _is_of_av(error: BaseException) -> bool:
    import av

    return isinstance(error, av.FFmpegError | ValueError)


def _opened(path: Path) -> InputContainer:
    import av

    try:
        return av.open(str(path), "r")
    except Exception as error:
        if not _is_of_av(error):
            raise
        raise PictureError(
            f"{path} cannot be read as a video ({said(error)}); it is damaged, cut off or of another kind."
        ) from None


def _values(plane: av.video.plane.VideoPlane, dtype: type[np.generic]) -> Plane:
    """A plane (h, w), without the bytes that fill its lines up."""
    lines = np.asarray(memoryview(plane)).view(dtype).reshape(plane.height, -1)
    return lines[:, : plane.width].copy()


def _described(stream: Any) -> str:
    context = stream.codec_context
    language = _unless(stream.metadata.get("language"), (None, "und"))
    return f"{stream.type}: {context.name if context else 'unknown'}" + (f" ({language})" if language else "")


def _colours(context: av.VideoCodecContext) -> str | None:
    """What a clip states of its colours; None where it states nothing."""
    numbers = (context.color_primaries, context.color_trc, context.colorspace)
    kinds = zip(("primaries", "transfer", "matrix"), numbers, COLOURS, strict=True)
    stated = (f"{kind} {names.get(number, number)}" for kind, number, names in kinds if number != UNSTATED)
    return ", ".join(stated) or None


def _unless(value: Any, usual: tuple[Any, ...]) -> Any:
    return None if value in usual else str(value)
