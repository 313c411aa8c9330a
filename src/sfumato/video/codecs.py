"""What video files are encoded with: which codec, at which quality, in which files."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

from ..errors import Option, PictureError, UsageError

WRITABLE = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
READ_ONLY = (
    *(".avi", ".mpg", ".mpeg", ".mpe", ".m2v", ".vob", ".ts", ".mts", ".m2ts", ".wmv", ".asf", ".flv", ".f4v"),
    *(".3gp", ".3g2", ".ogv", ".mxf", ".dv", ".y4m", ".rm", ".divx"),
)
SUFFIXES = (*WRITABLE, *READ_ONLY)
OTHER_SUFFIX = ".mkv"  # of results of what is only read
HEAD = 189  # bytes by which a file of sound or video is told
MAGIC = (  # of Matroska, FLV, ASF, MPEG, Ogg, FLAC and MP3 files
    *(b"\x1aE\xdf\xa3", b"FLV\x01", b"0&\xb2u", b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3", b"OggS", b"fLaC", b"ID3"),
    *(b"\xff\xfb", b"\xff\xf3"),
)
PICTURE_BRANDS = (b"hei", b"hev", b"mif", b"msf", b"avif", b"avis", b"crx")  # of files that are built like MP4


def is_media(head: bytes) -> bool:
    """Whether a file that begins with these bytes, up to `HEAD` of them, holds sound or video."""
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide"):
        return not head[8:].startswith(PICTURE_BRANDS)
    if head[:4] == b"RIFF":
        return head[8:12] in (b"AVI ", b"WAVE")
    is_transport_stream = len(head) == HEAD and head[0] == head[-1] == 0x47 and not head.startswith(b"GIF8")
    return head.startswith(MAGIC) or is_transport_stream


@dataclass(frozen=True)
class Codec:
    """An encoder of FFmpeg's. crf: its usual constant rate factor, lower is better; None where it has none.

    files: suffixes of the files that it goes into. takes_odd: whether sides may be odd where colour has half the
    resolution. tag: how files of Apple's kinds name it, where players insist. smallest: width and height of the
    smallest frames.
    """

    encoder: str
    crf: int | None
    worst: int
    options: dict[str, str]
    files: tuple[str, ...]
    takes_odd: bool = True
    tag: str = ""
    smallest: tuple[int, int] = (1, 1)


_APPLE = (".mp4", ".m4v", ".mov", ".mkv")
CODECS = {
    "h264": Codec("libx264", 18, 51, {"preset": "medium"}, _APPLE, takes_odd=False),
    "h265": Codec(  # libx265 (of PyAV 18) writes beyond its memory where frames are 33 to 48 pixels wide
        *("libx265", 20, 51, {"preset": "medium", "x265-params": "log-level=none"}, _APPLE),
        takes_odd=False,
        tag="hvc1",
        smallest=(64, 16),
    ),
    "vp9": Codec(
        *("libvpx-vp9", 24, 63, {"b": "0", "deadline": "good", "cpu-used": "3", "row-mt": "1"}),
        (".webm", ".mkv", ".mp4"),
    ),
    "av1": Codec(  # SVT-AV1 never comes to an end where frames are wide and below 32 high
        *("libsvtav1", 24, 63, {"preset": "6"}, (".webm", ".mkv", ".mp4")), takes_odd=False, smallest=(16, 32)
    ),
    "ffv1": Codec("ffv1", None, 0, {"level": "3", "slicecrc": "1"}, (".mkv",)),  # keeps every value
    "prores": Codec("prores_ks", None, 0, {"vendor": "apl0"}, (".mov", ".mkv")),
}


def codec_for(path: Path, bits: int, name: str | None = None, *, is_odd: bool = False) -> str:
    """The name of the codec for a file: the one that is asked for, or by its suffix and the bits a value.

    is_odd: whether the sides are no multiples of what a value of the colour planes stands for, which H.264 and H.265
    do not take.

    Raises UsageError for an unknown codec and for one that such a file does not hold.
    """
    suffix = path.suffix.lower()
    assert suffix in WRITABLE, f"{path} is no video file"
    if name is None:
        usual = "h264" if bits == 8 else "h265"
        if suffix == ".webm":
            return "vp9" if bits == 8 else "av1"
        return "vp9" if (is_odd and suffix in CODECS["vp9"].files) else usual
    if name not in CODECS:
        raise UsageError(Option("codec"), f": there is no codec {name!r}; choose among {', '.join(CODECS)}.")
    if suffix not in CODECS[name].files:
        fitting = ", ".join(CODECS[name].files)
        raise UsageError(Option("codec"), f": {name} does not go into {suffix} files; name one of {fitting}.")
    return name


def check_crf(name: str, crf: float | None) -> None:
    """Raises UsageError for a rate factor that the codec does not have."""
    codec = CODECS[name]
    if crf is None:
        return
    if codec.crf is None:
        raise UsageError(Option("crf"), f" is {crf:g}, but {name} has none: leave it out.")
    if not 0 <= crf <= codec.worst:
        raise UsageError(
            Option("crf"), f" is {crf:g}; for {name} give 0 (best) to {codec.worst}, usual is {codec.crf}."
        )


def stored_format(name: str, pixel_format: str) -> str | None:
    """The format of frames that a codec keeps these in: the same, or one that holds more; None where there is none."""
    import av

    try:
        formats = {format.name for format in av.codec.Codec(CODECS[name].encoder, "w").video_formats or ()}
    except ValueError:
        raise PictureError(
            f"The encoder {CODECS[name].encoder} is missing here; choose another ", Option("codec"), "."
        ) from None
    return next((found for found in (pixel_format, *_WIDER.get(pixel_format, ())) if found in formats), None)


def suffixes_for(codec: str) -> list[str]:
    """Of the usual files that can hold sound, subtitles or pictures of a codec, by FFmpeg's name."""
    import av

    found = []
    for suffix in (".mkv", ".mp4", ".mov"):
        with av.open(io.BytesIO(), "w", format=WRITABLE[suffix]) as container:
            if codec in container.supported_codecs:
                found.append(suffix)
    return found[:1] if ".mkv" in found else found


_WIDER = {
    "gray": ("yuv420p", "yuv422p10le"),
    "gray10le": ("yuv420p10le", "yuv422p10le"),
    "gray12le": ("yuv420p12le",),
    "gbrp": ("bgr0", "yuv444p", "yuv444p10le"),
    "gbrp10le": ("yuv444p10le",),
    "yuv410p": ("yuv420p", "yuv422p10le"),
    "yuv411p": ("yuv422p", "yuv422p10le", "yuv444p"),
    "yuv440p": ("yuv444p", "yuv444p10le"),
    "yuv420p": ("yuv422p10le",),
    "yuv422p": ("yuv422p10le", "yuv444p"),
    "yuv444p": ("yuv444p10le",),
    "yuv420p10le": ("yuv422p10le",),
    "yuv422p10le": ("yuv444p10le",),
    "yuv420p9le": ("yuv420p10le",),
}
