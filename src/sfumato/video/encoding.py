"""Video files: writing them, by PyAV (FFmpeg's libraries), with all that the file they came from holds besides."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ..errors import Option, PictureError
from ..tiling.strips import Rows
from .codecs import CODECS, WRITABLE, check_crf, codec_for, stored_format, suffixes_for
from .containers import UNPACKED, ContainerReader, check_installed, holds_chapters, said
from .frames import Clip, Frame, Stored
from .lengths import FrameLengths
from .planes import Layout, Plane, matrix_for

if TYPE_CHECKING:
    from av.video import VideoFrame, VideoStream

FINEST_TIMES = Fraction(1, 90_000)  # for frames of files that state times in milliseconds
APPLE = (".mp4", ".m4v", ".mov")
COPIED = ("color_range", "color_primaries", "color_trc", "colorspace")
GENERATED = ("major_brand", "minor_version", "compatible_brands", "encoder", "ENCODER", "DURATION", "handler_name")
GENERATED_PREFIXES = ("_STATISTICS", "BPS", "NUMBER_OF_")  # what mkvmerge counts


class ContainerWriter:
    """A video file that is being written at `place`, whose suffix need not be that of `path`, its later name.

    source: the video file that the frames come from, whose sound, subtitles, chapters, metadata, colour tags and times
    go along; None for frames from elsewhere. size: height and width of the frames. with_sound: whether anything but
    the frames goes along.

    Raises PictureError for streams that such a file cannot hold, and for sizes and kinds of frames that the codec
    cannot; UsageError as `codec_for`.
    """

    def __init__(
        self,
        place: Path,
        path: Path,
        clip: Clip,
        source: ContainerReader | None,
        size: tuple[int, int],
        *,
        codec: str | None = None,
        crf: float | None = None,
        threads: int | None = None,
        with_sound: bool = True,
    ) -> None:
        import av

        check_installed(path)
        self.path, self.notes, self._source, self._clip = path, list[str](), source, clip
        self._with_sound = with_sound
        self._height, self._width = size
        across, down = (2, 2) if source is None else (source.layout.across, source.layout.down)
        is_odd = bool(self._width % across or self._height % down)
        self.codec = codec_for(path, clip.depth, codec, is_odd=is_odd)
        check_crf(self.codec, crf)
        self._layout, self._format, self._encoded = self._stored()
        with self._saying():
            self._container = av.open(
                str(place), "w", format=WRITABLE[path.suffix.lower()], options=_muxing(path, source)
            )
        self._copied: dict[int, Any] = {}
        try:
            self._add_streams(crf, threads)
        except BaseException:
            self._container.close()
            raise
        self._last = -1
        self._lengths = FrameLengths()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                packets = self._lengths.state(self._packets(None))
                if packets and self.path.suffix.lower() in APPLE:
                    self._lengths.fill_up(packets[-1])
                self._mux(packets)
        finally:
            self._container.close()

    def write(self, frame: Frame, pixels: Rows) -> None:
        stored = frame.stored
        if frame.alpha is not None and frame.alpha.min() < 1:
            raise PictureError(
                f"{self.path} cannot hold the transparency of {self._clip.path}; end its name in .webp or .png, or "
                "name frames, such as frames/%04d.png."
            )
        if isinstance(stored, Stored) and self._is_same and pixels.shape == frame.pixels.shape:
            planes = self._layout.changed(stored.planes, pixels - frame.pixels)
        else:
            planes = self._layout.to_planes(_with_channels(pixels, self._layout.num_channels))
        found = self._encodable(planes, frame)
        assert found.pts is not None
        self._lengths.add(found.pts, found.duration)
        self._mux(self._lengths.state(self._packets(found)))

    def pass_on(self, packet: Any) -> None:
        """A packet of another stream of the source, as it is."""
        stream = self._copied.get(packet.stream_index)
        if stream is not None:
            packet.stream = stream
            self._mux([packet])

    def _packets(self, frame: VideoFrame | None) -> list[Any]:
        """What the encoder, which opens at the first frame, gives for it."""
        with self._saying():
            return self._stream.encode(frame)

    def _mux(self, packets: Any) -> None:
        with self._saying():
            for packet in packets:
                self._container.mux(packet)

    @contextmanager
    def _saying(self) -> Iterator[None]:
        """Raises PictureError where FFmpeg fails."""
        import av

        try:
            yield
        except (av.FFmpegError, OSError) as error:
            raise PictureError(f"{self.path} could not be written: {said(error)}.") from None

    def _encodable(self, planes: list[Plane], frame: Frame) -> VideoFrame:
        import av

        found = av.VideoFrame(self._width, self._height, self._format)
        for plane, values in zip(found.planes, planes, strict=True):
            lines = np.asarray(memoryview(plane)).view(values.dtype).reshape(plane.height, -1)
            lines[:, : plane.width] = values
        if self._encoded != self._format:
            found = found.reformat(format=self._encoded)
        stored = frame.stored
        if isinstance(stored, Stored):
            found.time_base, found.pts, found.duration = stored.time_base, stored.pts, stored.duration
        else:
            base = self._stream.codec_context.time_base
            found.time_base, found.pts = base, max(round(frame.seconds / base), self._last + 1)
            found.duration = max(1, round(frame.length / base))
            self._last = found.pts
        found.color_range = self._stream.codec_context.color_range
        found.colorspace = self._stream.codec_context.colorspace
        return found

    def _stored(self) -> tuple[Layout, str, str]:
        """How the frames are stored, and the names of that format in planes and of the one that the codec takes."""
        import av

        source = self._source
        wanted = source.pixel_format if source is not None else _usual_format(self._clip)
        least_width, least_height = CODECS[self.codec].smallest
        if self._width < least_width or self._height < least_height:
            raise PictureError(
                f"{self.path}: {self.codec} needs frames of at least {least_width}x{least_height} pixels, and these "
                f"have {self._width}x{self._height}; choose another ",
                Option("codec"),
                ", as ffv1 in a .mkv file.",
            )
        encoded = stored_format(self.codec, wanted)
        if encoded is None:
            raise PictureError(
                f"{self.path}: {self.codec} cannot hold frames of {wanted}; choose another ",
                Option("codec"),
                ", as ffv1.",
            )
        format = UNPACKED.get(encoded, encoded)
        chosen = av.VideoFormat(format)
        across, down = (64 // chosen.chroma_width(64), 64 // chosen.chroma_height(64)) if not chosen.is_rgb else (1, 1)
        if (self._width % across or self._height % down) and not CODECS[self.codec].takes_odd:
            raise PictureError(
                f"{self.path}: {self.codec} stores {self._width}x{self._height} at half the colour's resolution and "
                "needs even sides; choose another ",
                Option("codec"),
                ", as vp9 or ffv1 in a .mkv file.",
            )
        if source is not None and format == source.pixel_format:
            return source.layout, format, encoded
        if source is not None:
            self.notes.append(f"Frames of {wanted} are stored as {format} by {self.codec}.")
        bits, is_hd = chosen.components[0].bits, self._height >= 720
        full = source is not None and source.layout.full_range and source.layout.kind != "rgb"
        if chosen.is_rgb:
            return Layout("rgb", bits, full_range=True), format, encoded
        if len(chosen.components) == 1:
            return Layout("grey", bits, full_range=full), format, encoded
        matrix = source.layout.matrix if source is not None and source.layout.kind == "yuv" else 1 if is_hd else 6
        return Layout("yuv", bits, across, down, full, matrix), format, encoded

    @property
    def _is_same(self) -> bool:
        """Whether frames are stored as in the source."""
        return self._source is not None and self._source.layout == self._layout

    def _add_streams(self, crf: float | None, threads: int | None) -> None:
        source = self._source
        if source is None:
            self._stream = self._video_stream(crf, threads)
            return
        for stream in source.container.streams:
            if stream.index == source.stream.index:
                self._stream = self._video_stream(crf, threads)
            elif self._with_sound:
                self._copy_stream(stream)
        if not self._with_sound:
            return
        self._container.metadata.update(_kept(source.container.metadata))
        if chapters := source.container.chapters():
            self._container.set_chapters(chapters)

    def _video_stream(self, crf: float | None, threads: int | None) -> VideoStream:
        import av

        codec, source = CODECS[self.codec], self._source
        options = dict(codec.options)
        if codec.crf is not None:
            options["crf"] = f"{codec.crf if crf is None else crf:g}"
        if self.codec == "prores":
            options["profile"] = "4" if "444" in self._format else "3"
        rate = Fraction(self._clip.rate).limit_denominator(1001)
        if source is not None:
            rate = source.stream.average_rate or source.stream.guessed_rate or rate
        os.environ.setdefault("SVT_LOG", "1")  # or the encoder of AV1 writes its settings to the terminal
        stream = self._container.add_stream(codec.encoder, rate=rate, options=options)
        assert isinstance(stream, av.video.VideoStream)
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = self._width, self._height, self._encoded
        if codec.tag and self.path.suffix.lower() != ".mkv":
            context.codec_tag = codec.tag
        if threads is not None:
            context.thread_count = threads
        self._tag_colours(stream)
        if source is None:
            context.time_base = FINEST_TIMES if self._clip.kind == "animation" else 1 / rate
            stream.time_base = context.time_base
            return stream
        base = source.stream.time_base or FINEST_TIMES
        context.time_base = stream.time_base = base
        if (aspect := source.stream.sample_aspect_ratio) not in (None, 0, 1):
            self._check_aspect()
            context.sample_aspect_ratio = aspect
        if (matrix := source.display_matrix) is not None:
            stream.set_display_matrix(matrix)
        stream.metadata.update(_kept(source.stream.metadata))
        stream.disposition = source.stream.disposition
        return stream

    def _check_aspect(self) -> None:
        """Raises PictureError where the shape of pixels would be lost: PyAV lets codecs state it, not Matroska."""
        suffix = self.path.suffix.lower()
        if suffix in (".mkv", ".webm") and self.codec in ("vp9", "av1", "ffv1"):
            raise PictureError(
                f"{self.path}: the pixels of {self._clip.path} are not square, which {self.codec} in {suffix} cannot "
                "say here; name a .mp4 file, or another ",
                Option("codec"),
                ", as h265.",
            )

    def _tag_colours(self, stream: VideoStream) -> None:
        context, source = stream.codec_context, self._source
        if source is not None and source.layout.kind == self._layout.kind:
            for name in COPIED:
                setattr(context, name, getattr(source.stream.codec_context, name))
            if self._layout.kind == "yuv" and matrix_for(context.colorspace, self._height) != self._layout.matrix:
                context.colorspace = self._layout.matrix  # the source leaves it to its size, and this size says another
        elif self._layout.kind == "yuv":
            context.colorspace = self._layout.matrix
            context.color_primaries, context.color_trc = (1, 13) if self._layout.matrix == 1 else (6, 13)
        if self._layout.kind != "rgb" and self._layout.full_range:
            context.color_range = 2
        elif self._layout.kind == "yuv" and source is None:
            context.color_range = 1

    def _copy_stream(self, stream: Any) -> None:
        """A stream of the source that goes along as it is."""
        import av

        if stream.disposition & av.stream.Disposition.attached_pic and self._copy_cover(stream):
            return
        if stream.type == "attachment":
            self._container.add_attachment(stream.name or "attachment", stream.mimetype or "", stream.data)
            return
        if stream.type == "data" or stream.codec_context is None:
            if not holds_chapters(stream):  # which are written on their own
                self.notes.append(f"A data stream of {self._clip.path} is not in the result.")
            return
        name = stream.codec_context.name
        canonical = stream.codec_context.codec.canonical_name
        if canonical not in self._container.supported_codecs:
            what = f"the {stream.type} of {self._clip.path}, which is {name}"
            if not (holding := suffixes_for(canonical)):
                self.notes.append(f"No file that is written here can hold {what}: it is not in the result.")
                return
            raise PictureError(
                f"{self.path}: {self.path.suffix} files cannot hold {what}; name a {' or '.join(holding)} file with ",
                Option("output"),
                ".",
            )
        try:
            copy = self._container.add_stream_from_template(stream)
        except (av.FFmpegError, ValueError) as error:
            raise PictureError(
                f"{self.path}: the {stream.type} of {self._clip.path} ({name}) could not be copied ({said(error)}); "
                "name a .mkv file with ",
                Option("output"),
                ".",
            ) from None
        copy.metadata.update(_kept(stream.metadata))
        copy.disposition = stream.disposition
        self._copied[stream.index] = copy

    def _copy_cover(self, stream: Any) -> bool:
        """A cover picture, where it is no stream of its own: in .mkv it is attached, .webm has none."""
        suffix = self.path.suffix.lower()
        if suffix == ".mkv" and self._source is not None:
            kind = stream.codec_context.name.replace("mjpeg", "jpeg")
            self._container.add_attachment(f"cover.{kind}", f"image/{kind}", self._source.first_packet(stream.index))
        elif suffix == ".webm":
            self.notes.append(f"The cover picture of {self._clip.path} is not in the result: {suffix} files have none.")
        return suffix in (".mkv", ".webm")


def _kept(metadata: dict[str, str]) -> dict[str, str]:
    """Without what the writing program says of its own file."""
    return {
        name: value
        for name, value in metadata.items()
        if name not in GENERATED and not name.startswith(GENERATED_PREFIXES)
    }


def _muxing(path: Path, source: ContainerReader | None) -> dict[str, str]:
    """MP4 and MOV with their index in front, so that they play while they load; with a phone's own metadata."""
    if path.suffix.lower() not in APPLE:
        return {}
    has_own = source is not None and any(name.startswith("com.") for name in source.container.metadata)
    return {"movflags": "+faststart+use_metadata_tags" if has_own else "+faststart"}


def _usual_format(clip: Clip) -> str:
    deep = "" if clip.depth == 8 else "10le"
    return f"yuv420p{deep}"


def _with_channels(pixels: Rows, channels: int) -> Rows:
    if pixels.shape[2] == channels:
        return pixels
    return np.broadcast_to(pixels, (*pixels.shape[:2], 3)) if channels == 3 else pixels.mean(axis=2, keepdims=True)
