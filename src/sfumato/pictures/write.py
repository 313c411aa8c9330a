"""Picture files: writing them, whole or not at all, with everything that the format can hold."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import OVERWRITE, PictureError, UsageError, exists_already
from ..files import written_whole
from . import exif, tiff
from .finish import finish
from .metadata import MOST_BYTES, is_too_long, packet_for, resolution_of, texts_for, with_metadata
from .photometric import COMPRESSION
from .read import RAW_SUFFIXES, PictureFile
from .texts import PACKET
from .vips import complaint, field, vips

if TYPE_CHECKING:
    import pyvips

WRITABLE = {
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".jpe": "jpeg",
    ".jfif": "jpeg",
    ".png": "png",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".webp": "webp",
    ".avif": "avif",
}
READ_ONLY = (
    *(".gif", ".heic", ".heif", ".bmp", ".ppm", ".pgm", ".pbm", ".pnm"),
    *(".jp2", ".j2k", ".j2c", ".jpx", ".jxl"),
    *RAW_SUFFIXES,
)
LOSSY = ("jpeg", "webp", "avif")
QUALITY = 95  # of these, unless another is given
LARGEST_SIDE = {"jpeg": 65535, "webp": 16383}
DEEPEST = {"jpeg": 8, "webp": 8, "avif": 12, "png": 16, "tiff": 32}
_TIFF_COMPRESSIONS = {1: "none", 5: "lzw"}
# Above this a JPEG encoder that looks for the best Huffman tables would hold the whole picture as coefficients.
_MOST_PIXELS_HELD = 20_000_000
# Above this an AVIF encoder at full colour would take more than 2.5 GB: 35 bytes a pixel, 22 with colour halved.
_MOST_PIXELS_IN_FULL_COLOUR = 64_000_000


def format_of(path: Path, format: str | None = None) -> str:
    """The format to write `path` in: `format` where given, otherwise what the suffix says."""
    if format is not None:
        if format not in DEEPEST:
            raise UsageError(f"Pictures are not written as {format!r}; choose one of {', '.join(DEEPEST)}.")
        return format
    suffix = path.suffix.lower()
    if suffix in WRITABLE:
        return WRITABLE[suffix]
    end = f"end its name in {', '.join(WRITABLE)}."
    if suffix in READ_ONLY:
        raise PictureError(f"{path} cannot be written: {suffix[1:].upper()} is only read; {end}")
    if suffix:
        raise PictureError(f"{path} cannot be written: {suffix} is no kind of picture file that is written; {end}")
    raise PictureError(f"{path} does not say in which format to write; {end}")


def not_kept_by(
    format: str, num_channels: int, depth: int, num_pixels: int, source: PictureFile | None, xmp: bytes | None = None
) -> tuple[str, ...]:
    """A sentence for each thing of the picture that a file of `format` cannot hold; xmp: as `write` has it."""
    lost = []
    if depth > DEEPEST[format] and not (depth == 16 and source is not None and source.format == format):
        lost.append(
            f"{'16 bit' if depth == 16 else 'Float'} is reduced to {_bits(format, source)} bit in {format.upper()}."
        )
    if num_channels == 1 and format in ("webp", "avif"):
        lost.append(f"Grey is stored as colour of three equal channels: {format.upper()} files have no grey here.")
    elif _usual_subsampling(format, num_pixels) == "420":
        lost.append("Colour has half the resolution in a lossy AVIF of more than 64 megapixels, to save memory.")
    if source is not None and source.header.get_typeof("iptc-data") and format != source.format:
        lost.append(f"The IPTC block of the {source.format.upper()} file is not carried into {format.upper()}.")
    if source is not None and source.has_more:
        lost.append("Further pictures behind the first (a gain map or a second view) are not in the result.")
    if is_too_long(source, xmp, format):
        most = f"{MOST_BYTES[format] // 1000} KB"
        lost.append(f"The source's XMP packet is not carried into {format.upper()}, which holds {most} of it at most.")
    for keyword in dict.fromkeys(packet_for(source, xmp, format)[1]):
        lost.append(f"The text {keyword!r} is not carried into {format.upper()}.")
    return tuple(lost)


def _usual_subsampling(format: str, num_pixels: int) -> str:
    return "420" if format == "avif" and num_pixels > _MOST_PIXELS_IN_FULL_COLOUR else "444"


def write(
    image: pyvips.Image,
    depth: int,
    source: PictureFile | None,
    path: Path,
    format: str,
    *,
    quality: int,
    subsampling: str | None,
    overwrite: bool,
    xmp: bytes | None = None,
) -> None:
    """Writes `image` (colour of `depth` bits, then alpha where there is one) to `path`, with the metadata of `source`
    and, where it is given, the packet `xmp`.

    The file appears under its name when it is complete, and not at all when something goes wrong.
    """
    if not 1 <= quality <= 100:
        raise UsageError(f"quality is {quality}; choose one from 1 to 100.")
    if subsampling is None:
        subsampling = _usual_subsampling(format, image.width * image.height)
    if subsampling not in ("444", "420"):
        raise UsageError(f"subsampling is {subsampling!r}; choose 444 (full colour) or 420 (smaller files).")
    if image.hasalpha() and format == "jpeg":
        raise PictureError(f"{path} cannot hold the picture's transparency; save as .png, .webp, .avif or .tiff.")
    if max(image.width, image.height) > LARGEST_SIDE.get(format, 10_000_000):
        raise PictureError(
            f"{path} cannot be {image.width} x {image.height}: {format.upper()} ends at {LARGEST_SIDE[format]} a side; "
            "save as .png or .tiff instead."
        )
    if path.exists() and not overwrite:
        raise PictureError(exists_already(path), *OVERWRITE)
    if not path.parent.is_dir():
        raise PictureError(f"{path} cannot be written: the folder {path.parent} does not exist.")
    ready = with_metadata(fitted(image, depth, format, source), source)
    texts = texts_for(source, format)
    packet, _ = packet_for(source, xmp, format)
    if packet is not None and format == "png" and packet == packet.decode(errors="replace").encode():
        texts = (*texts, (PACKET, packet.decode()))  # libvips compresses it, and few look for it there
    elif packet is not None:
        ready.set_type(vips().GValue.blob_type, "xmp-data", packet)
    options = _options(ready, source, format, quality, subsampling)
    vips().vips_lib.vips_error_clear()  # what warnings of earlier files left
    try:
        with written_whole(path) as partial:
            getattr(ready, f"{'heif' if format == 'avif' else format}save")(str(partial), **options)
            if format == "tiff" and source is not None and (block := field(source.header, "exif-data")):
                exif.add_exif_to_tiff(partial, block, image.width, image.height)
            finish(partial, format, None if source is None else resolution_of(source), texts)
    except (vips().Error, UnicodeDecodeError) as error:
        raise PictureError(_unwritten(path, error, source)) from None
    except (OSError, UnicodeEncodeError) as error:
        raise PictureError(f"{path} could not be written: {getattr(error, 'strerror', None) or error}.") from None


def _unwritten(path: Path, error: Exception, source: PictureFile | None) -> str:
    """What went wrong: libvips reads while it writes, so that damage of the source can show only now."""
    detail = str(getattr(error, "detail", "") or error).strip()
    reason = detail.splitlines()[0].rstrip(".")  # what follows is its consequence
    if reason == "webpsave: unable to encode":  # VP8 keeps how its blocks are coded in at most 512 KB
        return (
            f"{path} could not be written: the picture has more detail than lossy WebP holds at its size; lower the "
            "quality, save without loss (quality 100), or as .avif or .png."
        )
    if source is not None and not re.search(r"write|wbuffer|system error|space", reason):
        return f"{source.source} {complaint(error, source.source)}."
    reason = reason.rpartition(".part: ")[2]  # behind the temporary name, which is gone
    return f"{path} could not be written ({reason}); check the space left and the rights in {path.parent}."


def fitted(image: pyvips.Image, depth: int, format: str, source: PictureFile | None) -> pyvips.Image:
    """Values of `depth` bits rounded to what the format holds, without any change of colour space."""
    if depth <= DEEPEST[format]:
        return image
    bits = _bits(format, source)
    fitted = image.linear((2**bits - 1) / (1 if depth == 32 else 65535), 0.5)
    if bits == 8:
        return fitted.cast("uchar").copy(interpretation="srgb" if image.bands > 2 else "b-w")
    # The largest value is clipped here, since it need not be that of the 16 bits that hold it.
    fitted = (fitted > 2**bits - 1).ifthenelse(2**bits - 1, fitted).cast("ushort") << (16 - bits)
    return fitted.copy(interpretation="rgb16" if image.bands > 2 else "grey16")


def _bits(format: str, source: PictureFile | None) -> int:
    """Bits a value of a `format` file that holds as much as it can: AVIF's 10 or 12 as the source has it."""
    held = field(source.header, "bits-per-sample", 0) if source is not None and source.format in ("avif", "heic") else 0
    return held if format == "avif" and held in (10, 12) else DEEPEST[format]


def _options(
    image: pyvips.Image, source: PictureFile | None, format: str, quality: int, subsampling: str
) -> dict[str, Any]:
    keep = vips().enums.ForeignKeep
    kept = keep.XMP | keep.IPTC | keep.ICC | keep.OTHER
    known = source is not None and resolution_of(source) is not None
    # libvips would invent an EXIF block where there was none; WebP and AVIF have no other place for a resolution.
    if image.get_typeof("exif-data") or (known and format in ("webp", "avif")):
        kept |= keep.EXIF
    options: dict[str, Any] = {"keep": kept}
    num_pixels = image.width * image.height
    lossless = quality == 100 or (source is not None and source.format == format and source.lossless)
    if format == "jpeg":
        options |= {"Q": quality, "subsample_mode": "on" if subsampling == "420" else "off"}
        options |= {"optimize_coding": num_pixels <= _MOST_PIXELS_HELD}
    elif format == "png":
        options |= {"filter": "sub", "bitdepth": 16 if image.format == "ushort" else 8}
    elif format == "webp":
        options |= {"Q": quality, "exact": True, "lossless": lossless, "effort": 2}
        options |= {"smart_subsample": subsampling == "444"}
    elif format == "avif":
        options |= {"compression": "av1", "Q": quality, "lossless": lossless, "effort": 1}
        options |= {"subsample_mode": "on" if subsampling == "420" and not lossless else "off"}
        options |= {"bitdepth": _bits("avif", source) if image.format == "ushort" else 8}
    else:
        stored = tiff.number(source.tags, COMPRESSION) if source is not None else None
        compression = _TIFF_COMPRESSIONS.get(stored or 0, "deflate")
        bytes_raw = num_pixels * image.bands * {"uchar": 1, "ushort": 2, "float": 4}[image.format]
        options |= {"compression": compression, "bigtiff": bytes_raw > 3_900_000_000}
        if not known:
            options |= {"xres": 0.1, "yres": 0.1, "resunit": "cm"}  # 1 to 1, of which `finish` takes the unit
        options |= {"predictor": "float" if image.format == "float" else "horizontal"}
    return options
