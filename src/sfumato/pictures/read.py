"""Picture files: reading them. What the file says is learned at once; pixels are decoded when somebody asks.

Every decoder's quirks end here: what leaves this file is an upright image of 1 or 3 colour channels and perhaps alpha,
in 8 bit, 16 bit or float, with the file's metadata beside it.
"""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass
from dataclasses import field as declared
from typing import TYPE_CHECKING, Any

from ..errors import MissingExtra, Option, PictureError
from . import exif, photometric, tiff
from .photometric import COMPRESSION
from .source import Source
from .texts import Text, gif_texts, jpeg_texts, png_texts
from .vips import decoding, field, vips

if TYPE_CHECKING:
    import pyvips

FORMATS = "JPEG, PNG, TIFF, WebP, AVIF, GIF and HEIC"
DEPTHS = {"uchar": 8, "ushort": 16, "float": 32}
UNKNOWN_RESOLUTION = 72 / 25.4  # pixels a millimetre: what most programs assume of a file that does not say

_LOADERS = {"jpeg": "jpegload", "png": "pngload", "tiff": "tiffload", "webp": "webpload", "gif": "gifload"}
_HEIF_BRANDS = {b"avif", b"avis", b"mif1", b"msf1", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"}
# Interpretations whose colours are converted to sRGB, so that a profile of the file no longer describes them.
CONVERTED = ("cmyk", "lab", "labs", "labq", "xyz", "yxy", "lch", "cmc", "oklab", "oklch", "hsv")
_PAGED = ("tiff", "webp", "gif", "avif", "heic")
ROWS_PER_STRIP, DNG_VERSION = 278, 50706  # tags of TIFF
_LARGEST_STRIP = 50_000_000  # values that the decoder may hold at a time in what counts as streamed
_RAW_SUFFIXES = (".nef", ".cr2", ".arw", ".pef", ".nrw", ".srw", ".dng", ".erf", ".3fr", ".iiq", ".kdc", ".dcr")
# A file of so few bytes for its stated size cannot hold a picture: no JPEG coder goes below a bit or two a block.
_MOST_JPEG_PIXELS_PER_BYTE = 2000


@dataclass(frozen=True)
class PictureFile:
    """A picture file whose header has been read.

    `width`, `height`: as seen, upright. `num_channels`: of colour, 1 or 3. `depth`: 8, 16 or 32 (float). `orientation`:
    1-8 as the file has it. `page`: from 0. `lossless`: its coding keeps every pixel (AVIF does not say and counts as
    lossy). `header`: libvips' image of it, for metadata. `tags`: a TIFF file's own. `notes`: a sentence for each thing
    that was converted or is left behind. `texts`: those that lie in the file beside its metadata.
    """

    source: Source
    format: str
    width: int
    height: int
    num_channels: int
    has_alpha: bool
    depth: int
    orientation: int
    num_pages: int
    page: int
    streamable: bool
    lossless: bool
    header: pyvips.Image = declared(repr=False)
    tags: tiff.Directory = declared(repr=False)
    notes: tuple[str, ...]
    texts: tuple[Text, ...] = declared(repr=False)
    state: tuple[int, int] = declared(repr=False)

    def image(self) -> pyvips.Image:
        """The whole picture, upright, colour then alpha; to be read once, from top to bottom, where it is upright."""
        if self.source.state != self.state:
            raise PictureError(f"{self.source} was changed after it was opened; open it again.")
        with decoding(self.source):
            if self.format == "heic":
                image = _decoded_heic(self.source, self.page)
            else:
                access = "sequential" if self.orientation == 1 else "random"
                image = _load(self.source, self.format, self.page, access)
            if self.orientation != 1:
                image = image.autorot()
            # Densities that no picture has would be passed on, and complained of on the terminal.
            return _converted(image.copy(xres=1.0, yres=1.0), self.header, self.tags)[0]

    def alpha(self) -> pyvips.Image:
        """The alpha channel alone, at the file's depth."""
        assert self.has_alpha
        return self.image()[self.num_channels]


def open_file(source: Source, max_pixels: int, page: int | None) -> PictureFile:
    """Reads the header of a picture file.

    `page`: which page or frame of several, from 1; None refuses a file that holds several. Raises PictureError, or
    MissingExtra for HEIC without its decoder.
    """
    format, head = _sniffed(source)
    tags = _tiff_tags(source, head, page) if format == "tiff" else {}
    with decoding(source):
        header = _load(source, format, 0, "sequential")
    notes: list[str] = []
    if format == "avif" and field(header, "heif-compression", "av1") != "av1":
        format = "heic"
        if importlib.util.find_spec("pillow_heif") is None:
            raise MissingExtra(f'{source} is a HEIC file; to read it: pip install "sfumato[media]".')

    num_pages = int(field(header, "n-pages", 1))
    if num_pages > 1 and page is None:
        raise PictureError(
            f"{source} holds {num_pages} pages or frames and only one can be restored at a time; choose it with ",
            Option("page"),
            " (page 1 is the first).",
        )
    if page is not None and not 1 <= page <= num_pages:
        raise PictureError(f"{source} has no page {page}; choose one from 1 to {num_pages}.")
    if num_pages > 1:
        with decoding(source):
            header = _load(source, format, (page or 1) - 1, "sequential")
        notes.append(f"Page {page} of {num_pages} was taken; the others are not in the result.")
    if header.width * header.height > max_pixels:
        raise PictureError(
            f"{source} states a size of {header.width} x {header.height}, over the limit of {max_pixels / 1e6:g} "
            "megapixels; if that is meant, raise the limit with ",
            Option("max_pixels"),
            ".",
        )
    size = source.size
    if format == "jpeg" and header.width * header.height > _MOST_JPEG_PIXELS_PER_BYTE * size:
        raise PictureError(f"{source} is cut off: {size} bytes hold no {header.width} x {header.height} pixels.")
    if format == "jpeg" and re.search(rb"\xff\xe2..MPF\0", head, re.DOTALL):
        notes.append("Further pictures behind the first (a gain map or a second view) are not in the result.")

    block = exif.exif_of_tiff(tags)
    if block is not None:
        header = header.copy()
        header.set_type(vips().GValue.blob_type, "exif-data", block)
    orientation = int(field(header, "orientation", 1))
    orientation = orientation if 1 <= orientation <= 8 and format not in ("avif", "heic") else 1
    width, height = header.width, header.height
    if orientation >= 5:
        width, height = height, width
    with decoding(source):
        image, converted = _converted(header, header, tags)
    if image.format not in DEPTHS:
        raise PictureError(f"{source} stores {image.format} numbers; convert it to 8 or 16 bit or 32-bit float.")
    has_alpha = bool(image.hasalpha())
    num_channels = image.bands - has_alpha
    if num_channels not in (1, 3):
        raise PictureError(
            f"{source} has {header.bands} channels; a picture has 1 or 3 and perhaps alpha: convert it first."
        )
    if field(header, "palette", 0) and format == "png":
        notes.append("The palette is written out as full colour.")
    interlaced = bool(field(header, "interlaced", 0) or field(header, "jpeg-multiscan", 0))
    return PictureFile(
        source=source,
        format=format,
        width=width,
        height=height,
        num_channels=num_channels,
        has_alpha=has_alpha,
        depth=DEPTHS[image.format],
        orientation=orientation,
        num_pages=num_pages,
        page=(page or 1) - 1,
        streamable=format in ("jpeg", "png", "tiff")
        and orientation == 1
        and not (interlaced or (format == "tiff" and _in_one_piece(tags, header.width * image.bands))),
        lossless=format in ("png", "tiff", "gif") or (format == "webp" and _webp_coding(head) == b"VP8L"),
        header=header,
        tags=tags,
        notes=tuple(notes + converted),
        texts=_texts(source, format, head),
        state=source.state,
    )


def _sniffed(source: Source) -> tuple[str, bytes]:
    """The format that the file's first bytes show, whatever its name says, and those bytes."""
    try:
        source.check_regular()
        with source.open() as file:
            head = file.read(1 << 20)
    except FileNotFoundError:
        raise PictureError(f"{source} does not exist; check the name.") from None
    except IsADirectoryError:
        raise PictureError(f"{source} is a folder, not a picture file.") from None
    except (OSError, ValueError) as error:
        raise PictureError(f"{source} cannot be opened: {getattr(error, 'strerror', None) or error}.") from None
    if not head:
        raise PictureError(f"{source} is empty (0 bytes); get another copy.")
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg", head
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png", head
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "tiff", head
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp", head
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return "gif", head
    brands = {head[i : i + 4] for i in range(8, min(64, len(head)), 4)}
    if head[4:8] == b"ftyp" and brands & _HEIF_BRANDS:
        return "avif", head
    raise PictureError(f"{source} is no picture that can be read; what can: {FORMATS}.")


def _texts(source: Source, format: str, head: bytes) -> tuple[Text, ...]:
    if format == "png":
        with source.open() as file:
            return png_texts(file)
    return {"jpeg": jpeg_texts, "gif": gif_texts}[format](head) if format in ("jpeg", "gif") else ()


def _webp_coding(head: bytes) -> bytes:
    """The name of the chunk that holds the pixels (VP8L is lossless), behind the metadata that may precede it."""
    at = 12
    while at + 8 <= len(head) and head[at : at + 4] not in (b"VP8L", b"VP8 ", b"ANMF"):
        size = int.from_bytes(head[at + 4 : at + 8], "little")
        at += 8 + size + size % 2
    return head[at : at + 4]


def _load(source: Source, format: str, page: int, access: str) -> pyvips.Image:
    options: dict[str, Any] = {"page": page} if format in _PAGED else {}
    if format == "tiff":
        # libvips' cap of 50 MB refuses honest files that keep all rows in one strip; our limit is that of pixels.
        options["unlimited"] = True
    return source.image(_LOADERS.get(format, "heifload"), access=access, fail_on="error", **options)


def _tiff_tags(source: Source, head: bytes, page: int | None) -> tiff.Directory:
    """The tags of a TIFF page, unless they are of a kind that cannot be restored."""
    with source.open() as file:
        tags = tiff.page_directory(file, (page or 1) - 1)
    if DNG_VERSION in tags or head[8:10] == b"CR" or source.suffix in _RAW_SUFFIXES:
        raise PictureError(f"{source} is a camera's raw file; develop it to a 16-bit TIFF first.")
    if reason := photometric.refusal(tags):
        raise PictureError(f"{source} {reason}.")
    return tags


def _in_one_piece(tags: tiff.Directory, row: int) -> bool:
    """Whether a TIFF file is compressed in strips so tall that one alone is a big picture. `row`: values of a row."""
    compression, rows = tiff.number(tags, COMPRESSION), tiff.number(tags, ROWS_PER_STRIP)
    return compression not in (None, 1) and rows is not None and min(rows, 1 << 31) * row > _LARGEST_STRIP


def _converted(image: pyvips.Image, header: pyvips.Image, tags: tiff.Directory) -> tuple[pyvips.Image, list[str]]:
    """The image in grey or RGB at a depth that is handled, and a sentence for each conversion."""
    notes: list[str] = []
    space, kind = image.interpretation, image.format
    if photometric.is_bare_ycbcr(tags):
        image = photometric.rgb_of_ycbcr(image, tags)
        notes.append("The YCbCr colours were converted to RGB.")
    elif space == "cmyk":
        colour = image[0:4].icc_transform(
            "srgb", embedded=True, input_profile="cmyk", depth=16 if kind == "ushort" else 8, intent="relative"
        )
        image = colour.bandjoin(image[4]) if image.bands > 4 else colour
        named = "its own profile" if header.get_typeof("icc-profile-data") else "a general profile, since it holds none"
        notes.append(f"CMYK was converted to sRGB through {named}.")
    elif space in CONVERTED:
        image = image.colourspace("rgb16")
        notes.append(f"The {space.upper()} colours were converted to sRGB at 16 bit.")
    elif kind == "uint":
        space = "grey16" if image.bands < 3 else "rgb16"
        image = image.linear(1 / 65537, 0.5).cast("ushort").copy(interpretation=space)
        notes.append("32-bit whole numbers were reduced to 16 bit.")
    elif kind == "ushort" and header.get_typeof("heif-compression"):
        # libvips shifts 10 and 12 bit up, which leaves white short of 65535.
        bits = int(field(header, "bits-per-sample", 10))
        image = (image >> (16 - bits)).linear(65535 / (2**bits - 1), 0.5).cast("ushort").copy(interpretation="rgb16")
    return image, notes


def _decoded_heic(source: Source, page: int) -> pyvips.Image:
    import numpy as np
    import pillow_heif

    try:
        decoded = pillow_heif.open_heif(source.open(), convert_hdr_to_8bit=False, hdr_to_16bit=True)[page]
        pixels = np.ascontiguousarray(np.asarray(decoded))
    except (ValueError, RuntimeError, OSError, EOFError, SyntaxError) as error:
        raise PictureError(f"{source} is damaged, so get another copy ({error}).") from None
    space = ("b-w", "grey16", "srgb", "rgb16")[2 * (pixels.ndim == 3 and pixels.shape[2] > 2) + (pixels.itemsize == 2)]
    return vips().Image.new_from_array(pixels, interpretation=space)
