"""Picture files: reading them. What the file says is learned at once; pixels are decoded when somebody asks.

Every decoder's quirks end here: what leaves this file is an upright image of 1 or 3 colour channels and perhaps alpha,
in 8 bit, 16 bit or float, with the file's metadata beside it.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from dataclasses import field as declared
from typing import TYPE_CHECKING, Any

from ..errors import Option, PictureError
from . import exif, foreign, photometric, tiff
from .codestreams import jp2_depths, jp2_has_palette
from .completeness import ROWS_PER_STRIP, TILE_WIDTH, cut_off
from .photometric import COMPRESSION
from .source import Source
from .texts import Text, gif_texts, jpeg_texts, png_parts, png_texts
from .tiff_decoders import tiff_decoder
from .vips import DecoderLimit, decoding, field, vips

if TYPE_CHECKING:
    import pyvips

FORMATS = "JPEG, PNG, TIFF, WebP, AVIF, GIF, BMP, PPM, JPEG 2000, and with sfumato[media] HEIC, JPEG XL and raw files"
DEPTHS = {"uchar": 8, "ushort": 16, "float": 32}
UNKNOWN_RESOLUTION = 72 / 25.4  # pixels a millimetre: what most programs assume of a file that does not say

_LOADERS = {
    "jpeg": "jpegload",
    "png": "pngload",
    "tiff": "tiffload",
    "webp": "webpload",
    "gif": "gifload",
    "avif": "heifload",
}
# Formats that libvips does not read here, each with its decoder in `foreign`.
_FOREIGN = {"bmp": "pillow", "pnm": "netpbm", "jp2": "pillow", "jxl": "jxl", "raw": "raw"}
_ANIMATED = ("png", "gif", "webp", "avif")
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"}
_HEIF_BRANDS = {b"avif", b"avis", b"mif1", b"msf1"} | _HEIC_BRANDS
# Interpretations whose colours are converted to sRGB, so that a profile of the file no longer describes them.
CONVERTED = ("cmyk", "lab", "labs", "labq", "xyz", "yxy", "lch", "cmc", "oklab", "oklch", "hsv")
_BMP_HEADERS = {size.to_bytes(4, "little") for size in (12, 40, 52, 56, 64, 108, 124)}
_PAGED = ("tiff", "webp", "gif", "avif", "heic")
DNG_VERSION = 50706  # a tag of TIFF
_LARGEST_STRIP = 50_000_000  # values that the decoder may hold at a time in what counts as streamed
# How raw files begin that are no TIFF files: of Fujifilm, Olympus, Panasonic, and Canon's later ones.
_RAW_BEGINNINGS = (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0")
_RAW_BRAND = b"crx "
RAW_SUFFIXES = (
    ".raf",
    ".orf",
    ".rw2",
    ".cr3",
    ".nef",
    ".cr2",
    ".arw",
    ".pef",
    ".nrw",
    ".srw",
    ".dng",
    ".erf",
    ".3fr",
    ".iiq",
    ".kdc",
    ".dcr",
)
FINEST = 100_000.0  # pixels a millimetre, which no picture has


@dataclass(frozen=True)
class PictureFile:
    """A picture file whose header has been read.

    `width`, `height`: as seen, upright. `num_channels`: of colour, 1 or 3. `depth`: 8, 16 or 32 (float). `orientation`:
    1-8 as the file has it. `decoder`: the format whose loader of libvips reads it, or one of `foreign`. `page`: from 0.
    `lossless`: its coding keeps every pixel (AVIF does not say, and counts as lossy). `header`: an image of it for its
    metadata. `tags`: a TIFF file's own. `notes`: a sentence for each thing that was converted or is left behind.
    `texts`: those that lie in the file beside its metadata. `has_more`: further pictures lie behind this one, such as
    a gain map.
    """

    source: Source
    format: str
    width: int
    height: int
    num_channels: int
    has_alpha: bool
    depth: int
    orientation: int
    decoder: str
    num_pages: int
    page: int
    streamable: bool
    lossless: bool
    header: pyvips.Image = declared(repr=False)
    tags: tiff.Directory = declared(repr=False)
    notes: tuple[str, ...]
    texts: tuple[Text, ...] = declared(repr=False)
    has_more: bool
    state: tuple[int, int] = declared(repr=False)

    def image(self) -> pyvips.Image:
        """The whole picture, upright, colour then alpha; to be read once, from top to bottom, where it is upright."""
        if self.source.state != self.state:
            raise PictureError(f"{self.source} was changed after it was opened; open it again.")
        with decoding(self.source):
            if self.decoder in _LOADERS:
                is_tiled = TILE_WIDTH in self.tags  # turned from its file, each tile would be decoded again and again
                access = "sequential" if self.orientation == 1 or is_tiled else "random"
                image = _load(self.source, self.decoder, self.page, access)
                if self.orientation != 1 and is_tiled:
                    image = image.copy_memory()
            else:
                image = foreign.decoded(self.source, self.decoder, self.page)
                image.set_type(vips().GValue.gint_type, "orientation", self.orientation)
            if self.orientation != 1:
                image = image.autorot()
            if max(image.xres, image.yres) > FINEST:  # would be passed on, and complained of on the terminal
                image = image.copy(xres=1.0, yres=1.0)
            return _converted(image, self.header, self._meaning)[0]

    @property
    def _meaning(self) -> tiff.Directory:
        """The tags that say what the numbers mean: none of a raw file's, which is developed."""
        return {} if self.format == "raw" else self.tags

    def alpha(self) -> pyvips.Image:
        """The alpha channel alone, at the file's depth."""
        assert self.has_alpha
        return self.image()[self.num_channels]


def open_file(source: Source, max_pixels: int, page: int | None) -> PictureFile:
    """Reads the header of a picture file.

    `page`: which page or frame of several, from 1; None refuses a file that holds several. Raises PictureError, or
    MissingExtra for HEIC, JPEG XL and raw files without their decoders.
    """
    format, head = _sniffed(source)
    tags = _tiff_tags(source, page) if format == "tiff" else {}
    if format == "tiff" and (DNG_VERSION in tags or head[8:10] == b"CR" or source.suffix in RAW_SUFFIXES):
        format = "raw"
    if format == "tiff" and (reason := photometric.refusal(tags)):
        raise PictureError(f"{source} {reason}.")
    decoder = tiff_decoder(source, tags) if format == "tiff" else _FOREIGN.get(format, format)
    if format == "jp2" and set(jp2_depths(head)) - {8} and not jp2_has_palette(head):
        decoder = "jp2"  # Pillow reads 8 bit alone
    foreign.check_installed(source, decoder)
    header = _header(source, decoder, 0) if format != "avif" else _header_of_heif(source, head)
    notes = foreign.notes_on(format, head)
    if format == "avif" and field(header, "heif-compression", "av1") != "av1":
        format = decoder = "heic"
        foreign.check_installed(source, decoder)

    num_pages = _num_frames(source) if format == "png" else int(field(header, "n-pages", 1))
    if format == "avif" and head[8:12] == b"avis":  # libvips counts the first frame alone
        num_pages = int(field(foreign.header(source, "pillow", 0), "n-pages", 1))
    if num_pages > 1 and page is None and format in _ANIMATED:
        whole = "`sfumato restore` and `sfumato.restore_video` take all of it"
        if format == "avif":
            whole = "save it as an animated WebP to restore all of it"
        raise PictureError(
            f"{source} is an animation of {num_pages} frames, not a picture: {whole}; or choose a frame with ",
            Option("page"),
            " (page 1 is the first).",
        )
    if num_pages > 1 and page is None:
        raise PictureError(
            f"{source} holds {num_pages} pages or frames and only one can be restored at a time; choose it with ",
            Option("page"),
            " (page 1 is the first), or restore a TIFF file's with `sfumato restore --all-pages`.",
        )
    if page is not None and not 1 <= page <= num_pages:
        raise PictureError(f"{source} has no page {page}; choose one from 1 to {num_pages}.")
    if num_pages > 1:
        if page != 1 and (format == "png" or head[8:12] == b"avis"):
            decoder = "pillow"  # libvips reads the first frame alone
            if header.format == "ushort" and format == "avif":
                notes.append("The frame was read at 8 bit, as all but the first are.")
        header = _header(source, decoder, (page or 1) - 1)
        notes.append(f"Page {page} of {num_pages} was taken; the others are not in the result.")
    if header.width * header.height > max_pixels:
        raise PictureError(
            f"{source} states a size of {header.width} x {header.height}, over the limit of {max_pixels / 1e6:g} "
            "megapixels; if that is meant, raise the limit with ",
            Option("max_pixels"),
            ".",
        )
    if missing := cut_off(format, head, tags, source.size, header.width, header.height):
        raise PictureError(f"{source} {missing}.")
    block = exif.exif_of_tiff(tags)
    if block is not None:
        header = header.copy()
        header.set_type(vips().GValue.blob_type, "exif-data", block)
    if format in ("jxl", "jp2"):
        header = foreign.with_boxes(source, header)
    orientation = int(field(header, "orientation", 1))
    orientation = orientation if 1 <= orientation <= 8 and format not in ("avif", "heic") else 1
    width, height = header.width, header.height
    if orientation >= 5:
        width, height = height, width
    with decoding(source):
        image, converted = _converted(header, header, {} if format == "raw" else tags)
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
        decoder=decoder,
        num_pages=num_pages,
        page=(page or 1) - 1,
        streamable=format in ("jpeg", "png", "tiff")
        and orientation == 1
        and not (interlaced or (format == "tiff" and _in_one_piece(tags, header.width * image.bands))),
        lossless=format in ("png", "tiff", "gif", "bmp", "pnm") or (format == "webp" and _webp_coding(head) == b"VP8L"),
        header=header,
        tags=tags,
        notes=tuple(notes + converted),
        texts=_texts(source, format, head),
        has_more=format == "jpeg" and bool(re.search(rb"\xff\xe2..MPF\0", head, re.DOTALL)),
        state=source.state,
    )


def _header(source: Source, decoder: str, page: int) -> pyvips.Image:
    if decoder not in _LOADERS:
        return foreign.header(source, decoder, page)
    with decoding(source):
        return _load(source, decoder, page, "sequential")


def _header_of_heif(source: Source, head: bytes) -> pyvips.Image:
    """Of AVIF and HEIC. libvips takes 256 tiles at most, the decoder of HEIC a thousand: 200 megapixels of telephones.

    head: the file's first bytes.
    """
    try:
        return _header(source, "avif", 0)
    except DecoderLimit:
        if not _brands(head) & _HEIC_BRANDS:
            raise
        foreign.check_installed(source, "heic")
        with suppress(PictureError):
            return foreign.header(source, "heic", 0)
        raise


def _num_frames(source: Source) -> int:
    """Frames of a PNG file: 1, unless it is an animation."""
    with source.open() as file:
        for name, size in png_parts(file):
            if name == b"acTL" and size >= 8:
                return max(1, int.from_bytes(file.read(4), "big"))
            if name == b"IDAT":
                break
    return 1


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
    if head.startswith(_RAW_BEGINNINGS) or head[4:12] == b"ftyp" + _RAW_BRAND:
        return "raw", head
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp", head
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return "gif", head
    if head[:2] == b"BM" and len(head) > 17 and head[14:18] in _BMP_HEADERS:
        return "bmp", head
    if re.match(rb"P[1-6][\s#]", head):
        return "pnm", head
    if head[:12] == b"\0\0\0\x0cjP  \r\n\x87\n" or head[:4] == b"\xff\x4f\xff\x51":
        return "jp2", head
    if head[:2] == b"\xff\n" or head[:12] == b"\0\0\0\x0cJXL \r\n\x87\n":
        return "jxl", head
    if head[4:8] == b"ftyp" and _brands(head) & _HEIF_BRANDS:
        return "avif", head
    raise PictureError(f"{source} is no picture that can be read; what can: {FORMATS}.")


def _brands(head: bytes) -> set[bytes]:
    return {head[at : at + 4] for at in range(8, min(64, len(head)), 4)}


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
    return source.image(_LOADERS[format], access=access, fail_on="error", **options)


def _tiff_tags(source: Source, page: int | None) -> tiff.Directory:
    with source.open() as file:
        return tiff.page_directory(file, (page or 1) - 1)


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
