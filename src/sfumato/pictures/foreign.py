"""Picture files that libvips does not read here: by Pillow, imagecodecs, rawpy and pillow-heif, each as a whole.

Each decoder gives an image as libvips would, with what the file says of profile, EXIF, XMP, density and pages.
"""

from __future__ import annotations

import importlib.util
import logging
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import MissingExtra, PictureError
from . import tiff
from .codestreams import jp2_depths, jxl_head, metadata_of
from .completeness import SEPARATE
from .source import Source
from .vips import vips

if TYPE_CHECKING:
    import pyvips

# Channels and numpy type of Pillow's modes that are read as they are; others are turned into one of these.
_MODES = {"L": (1, "u1"), "LA": (2, "u1"), "RGB": (3, "u1"), "RGBA": (4, "u1"), "I;16": (1, "<u2"), "I;16B": (1, ">u2")}
_TURNED = {"1": "L", "P": "RGB", "PA": "RGBA", "RGBX": "RGB", "CMYK": "RGB", "YCbCr": "RGB", "La": "LA", "RGBa": "RGBA"}
_PER_MM = 25.4
_EXTRAS = {
    "heic": ("HEIC", "pillow_heif"),
    "jxl": ("JPEG XL", "imagecodecs"),
    "jp2": ("JPEG 2000 (not 8-bit)", "imagecodecs"),
    "raw": ("camera's raw", "rawpy"),
    "tifffile": ("TIFF of this kind", "tifffile"),
}
_MOST_NAMED = 4  # depths in a sentence
_MOST_PIXELS = 1 << 28  # of what must be decoded to be looked at


def header(source: Source, decoder: str, page: int) -> pyvips.Image:
    """What the file says of itself, as an image of the right size and kind whose pixels are black."""
    if decoder == "pillow":
        with _explained(source), _opened(source, page) as image:
            channels, kind = _MODES[_mode_of(image)]
            made = vips().Image.black(image.width, image.height, bands=channels)
            return _described(made.cast("uchar" if kind == "u1" else "ushort"), image)
    if decoder == "raw":
        with _explained(source), _raw(source) as raw:
            height, width = (raw.sizes.iheight, raw.sizes.iwidth)[:: -1 if raw.sizes.flip >= 5 else 1]
            return vips().Image.black(width, height, bands=3).cast("ushort").copy(interpretation="rgb16")
    if decoder == "tifffile":
        with _explained(source), _tiff_page(source, page) as found_page:
            return _described_by_tags(found_page)
    if decoder == "heic":
        with _explained(source):
            return _described_by_heif(_heif(source), page)
    found = decoded(source, decoder, page)
    return (
        vips()
        .Image.black(found.width, found.height, bands=found.bands)
        .cast(found.format)
        .copy(interpretation=found.interpretation)
    )


def decoded(source: Source, decoder: str, page: int) -> pyvips.Image:
    """The picture. Raises PictureError for what cannot be decoded, MissingExtra where the decoder is not installed."""
    with _explained(source):
        return _image_of(_DECODERS[decoder](source, page))


def check_installed(source: Source, decoder: str) -> None:
    """Raises MissingExtra for a decoder that is an extra and not there."""
    name, module = _EXTRAS.get(decoder, ("", ""))
    if module and importlib.util.find_spec(module) is None:
        raise MissingExtra(f'{source} is a {name} file; to read it: pip install "sfumato[media]".')


@contextmanager
def _explained(source: Source) -> Iterator[None]:
    """Turns whatever a decoder raises into a sentence: on damaged files that can be any exception."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (PictureError, MissingExtra):
        raise
    except Exception as error:
        said = str(error).strip().splitlines()[:1] or [type(error).__name__]
        raise PictureError(f"{source} is damaged or incomplete, so get another copy ({said[0].rstrip('.')}).") from None


@contextmanager
def _opened(source: Source, page: int) -> Iterator[Any]:
    from PIL import Image

    with source.open() as file, Image.open(file) as image:
        image.seek(page)
        yield image


def _mode_of(image: Any) -> str:
    """The mode that its pixels are read in."""
    if image.mode == "P" and "transparency" in image.info:
        return "RGBA"
    mode = _TURNED.get(image.mode, image.mode)
    if mode not in _MODES:
        raise ValueError(f"it stores {image.mode} values, which are not read")
    return mode


def _by_pillow(source: Source, page: int) -> NDArray[Any]:
    with _opened(source, page) as image:
        mode = _mode_of(image)
        image.load()
        return np.asarray(image if image.mode == mode else image.convert(mode))


def _described(made: pyvips.Image, image: Any) -> pyvips.Image:
    """With what Pillow knows of the file as libvips' fields."""
    gvalue, info = vips().GValue, image.info
    channels = made.bands
    made = made.copy(interpretation=_space(channels, made.format == "ushort"))
    blobs = {"icc-profile-data": info.get("icc_profile"), "exif-data": info.get("exif"), "xmp-data": info.get("xmp")}
    for name, blob in blobs.items():
        if isinstance(blob, bytes) and blob:
            made.set_type(gvalue.blob_type, name, blob)
    density = info.get("dpi")
    if isinstance(density, tuple) and len(density) == 2 and all(0 < axis < 1e6 for axis in density):
        made = made.copy(xres=float(density[0]) / _PER_MM, yres=float(density[1]) / _PER_MM)
        made.set_type(gvalue.gstr_type, "resolution-unit", "in")
    made.set_type(gvalue.gint_type, "n-pages", int(getattr(image, "n_frames", 1)))
    made.set_type(gvalue.gint_type, "orientation", int(image.getexif().get(274, 1)))
    return made


def _by_netpbm(source: Source, page: int) -> NDArray[Any]:
    """Binary grey and colour of any largest value; Pillow reduces 16-bit colour to 8."""
    with source.open() as file:
        data = file.read()
    head = re.match(rb"P([56])(?:\s|#[^\n]*\n)+(\d+)(?:\s|#[^\n]*\n)+(\d+)(?:\s|#[^\n]*\n)+(\d+)\s", data)
    if head is None:
        return _by_pillow(source, page)
    width, height, largest = (int(head[i]) for i in (2, 3, 4))
    channels = 1 if head[1] == b"5" else 3
    kind = np.dtype("u1" if largest < 256 else ">u2")
    values = np.frombuffer(data, kind, height * width * channels, head.end()).reshape(height, width, channels)
    return _stretched(values, largest)


def _stretched(values: NDArray[Any], largest: int) -> NDArray[Any]:
    """Whole numbers whose white is `largest`, scaled so that it is the largest number of their type."""
    kind = values.dtype.newbyteorder("=")
    full = np.iinfo(kind).max
    if largest == full:
        return values.astype(kind)
    table = np.round(np.arange(largest + 1) * (full / largest)).astype(kind)
    return table[np.minimum(values, largest)]


def _by_jxl(source: Source, page: int) -> NDArray[Any]:
    import imagecodecs

    with source.open() as file:
        data = file.read()
    head = jxl_head(data)
    if (pixels := head.height * head.width) > _MOST_PIXELS:
        raise ValueError(f"it states {pixels:,} pixels")
    found = np.asarray(imagecodecs.jpegxl_decode(data))
    if head.is_animation and sorted(found.shape[:2]) != sorted((head.height, head.width)):
        raise PictureError(
            f"{source} is an animation of {len(found)} frames, not a picture, and of JPEG XL only pictures are read; "
            "save it as an animated PNG or WebP, or a frame of it as a picture."
        )
    if found.dtype.kind == "f":
        return found.astype(np.float32)
    if head.bits > 16:
        raise PictureError(f"{source} stores whole numbers of {head.bits} bits, over the 16 that are supported here.")
    return _stretched(found, 2**head.bits - 1)


def _by_jp2(source: Source, page: int) -> NDArray[Any]:
    import imagecodecs

    with source.open() as file:
        data = file.read()
    depths = jp2_depths(data)
    if len(set(depths)) != 1 or not 1 <= depths[0] <= 16:
        kinds = sorted(set(depths))
        stated = ", ".join(f"{abs(bits)}{' (signed)' if bits < 0 else ''}" for bits in kinds[:_MOST_NAMED])
        stated += " and other" if len(kinds) > _MOST_NAMED else ""
        raise PictureError(
            f"{source} stores values of {stated} bits, which are not supported here; save it with 8 or 16 bits in all "
            "channels."
        )
    return _stretched(np.asarray(imagecodecs.jpeg2k_decode(data)), 2 ** depths[0] - 1)


def _by_tifffile(source: Source, page: int) -> NDArray[Any]:
    with _tiff_page(source, page) as found:
        if found.imagelength * found.imagewidth > _MOST_PIXELS:
            raise ValueError(f"it states {found.imagelength * found.imagewidth:,} pixels")
        pixels = np.asarray(found.asarray())
        if pixels.dtype == np.float16:
            pixels = pixels.astype(np.float32)
        return np.moveaxis(pixels, 0, -1) if pixels.ndim == 3 and found.planarconfig == SEPARATE else pixels


@contextmanager
def _tiff_page(source: Source, page: int) -> Iterator[Any]:
    import tifffile

    if not (log := tifffile.logger()).handlers:  # what it thinks of odd tags is not for those who restore
        log.addHandler(logging.NullHandler())
    with source.open() as file, tifffile.TiffFile(file) as pages:
        yield pages.pages[page]


def _described_by_tags(page: Any) -> pyvips.Image:
    """An image of the page's size and kind with what its tags say as libvips' fields."""
    if min(page.imagewidth, page.imagelength) < 1 or page.imagewidth * page.imagelength > _MOST_PIXELS:
        raise ValueError(f"it states {page.imagewidth} x {page.imagelength} pixels")
    gvalue, tags = vips().GValue, page.tags
    kind = "float" if page.dtype.kind == "f" else {1: "uchar", 2: "ushort"}[page.dtype.itemsize]
    made = vips().Image.black(page.imagewidth, page.imagelength, bands=page.samplesperpixel).cast(kind)
    made = made.copy(interpretation=_space(page.samplesperpixel, kind == "ushort"))
    for name, code in (("icc-profile-data", 34675), ("xmp-data", 700)):
        if (blob := tags.valueof(code)) is not None:
            made.set_type(gvalue.blob_type, name, bytes(blob))
    made.set_type(gvalue.gint_type, "n-pages", len(page.parent.pages))
    made.set_type(gvalue.gint_type, "orientation", int(tags.valueof(274, 1)))
    unit = {2: 25.4, 3: 10.0}.get(int(tags.valueof(296, 2)))
    densities = [tags.valueof(code) for code in (282, 283)]
    if unit and all(density and density[1] for density in densities):
        across, down = (density[0] / density[1] / unit for density in densities)
        made.set_type(gvalue.gstr_type, "resolution-unit", "in" if unit > 20 else "cm")
        made = made.copy(xres=across, yres=down)
    return made


def notes_on(format: str, head: bytes) -> list[str]:
    """A sentence for what becomes of the file's colours, where that is not what the file says; head: its beginning."""
    if format == "raw":
        return ["The raw file was developed to 16 bit with its camera's white balance."]
    if format == "jxl" and not jxl_head(head).is_srgb:
        return ["The colour profile of the JPEG XL file is not read: its values are taken as sRGB."]
    return []


def with_boxes(source: Source, header: pyvips.Image) -> pyvips.Image:
    """The header with the EXIF block, the XMP packet and the density that boxes of a JPEG 2000 or JPEG XL file hold."""
    with source.open() as file:
        found = metadata_of(file)
    made = header.copy()
    for name, blob in found.items():
        made.set_type(vips().GValue.blob_type, name, blob)
    tags = tiff.page_directory(BytesIO(found.get("exif-data", b"")))
    across, down = (tiff.numbers(tags, tag)[:1] for tag in (282, 283))
    unit = {2: _PER_MM, 3: 10.0}.get(tiff.number(tags, 296) or 2)
    if not (unit and across and down and across[0] > 0 and down[0] > 0) or made.get_typeof("resolution-unit"):
        return made
    made.set_type(vips().GValue.gstr_type, "resolution-unit", "in")
    return made.copy(xres=across[0] / unit, yres=down[0] / unit)


@contextmanager
def _raw(source: Source) -> Iterator[Any]:
    import rawpy

    with source.open() as file, rawpy.imread(file) as raw:
        yield raw


def _by_raw(source: Source, page: int) -> NDArray[Any]:
    """Developed to 16-bit sRGB, upright, at the exposure that it has."""
    with _raw(source) as raw:
        return np.asarray(raw.postprocess(output_bps=16, use_camera_wb=True, no_auto_bright=True))


def _heif(source: Source) -> Any:
    """The pictures of the file, not yet decoded. The decoder's limits, of 1000 parts among others, stay as they are."""
    import pillow_heif

    with source.open() as file:
        return pillow_heif.open_heif(file, convert_hdr_to_8bit=False, hdr_to_16bit=True)


def _by_heif(source: Source, page: int) -> NDArray[Any]:
    return np.asarray(_heif(source)[page])


def _described_by_heif(pictures: Any, page: int) -> pyvips.Image:
    """An image of the picture's size and kind with what pillow-heif knows of it as libvips' fields."""
    picture, gvalue = pictures[page], vips().GValue
    channels, (width, height), is_deep = len(picture.mode.partition(";")[0]), picture.size, ";16" in picture.mode
    made = vips().Image.black(width, height, bands=channels).cast("ushort" if is_deep else "uchar")
    made = made.copy(interpretation=_space(channels, is_deep))
    fields = {"icc_profile": "icc-profile-data", "exif": "exif-data", "xmp": "xmp-data"}
    for key, name in fields.items():
        if blob := picture.info.get(key):
            made.set_type(gvalue.blob_type, name, blob)
    made.set_type(gvalue.gint_type, "n-pages", len(pictures))
    made.set_type(gvalue.gstr_type, "heif-compression", "hevc")
    return made


_DECODERS: dict[str, Callable[[Source, int], NDArray[Any]]] = {
    "pillow": _by_pillow,
    "netpbm": _by_netpbm,
    "jxl": _by_jxl,
    "jp2": _by_jp2,
    "raw": _by_raw,
    "heic": _by_heif,
    "tifffile": _by_tifffile,
}


def _image_of(pixels: NDArray[Any]) -> pyvips.Image:
    pixels = np.ascontiguousarray(pixels if pixels.ndim == 3 else pixels[..., None])
    if pixels.ndim != 3 or pixels.dtype not in (np.uint8, np.uint16, np.float32) or not 1 <= pixels.shape[2] <= 4:
        raise ValueError(f"it decodes to {pixels.dtype} of shape {pixels.shape}")
    return vips().Image.new_from_array(
        pixels.astype(pixels.dtype.newbyteorder("=")), interpretation=_space(pixels.shape[2], pixels.itemsize == 2)
    )


def _space(channels: int, deep: bool) -> str:
    return ("b-w", "grey16", "srgb", "rgb16")[2 * (channels > 2) + deep]
