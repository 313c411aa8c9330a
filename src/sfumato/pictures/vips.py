"""libvips, set up for this package on first use: nothing remembered between files, nothing printed, errors in words."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ..errors import PictureError

_CUT_OFF = re.compile(
    r"premature end|truncated|end of (file|stream|image|GIF)|not enough|too short|bad seek|got \d+ bytes, expected",
    re.IGNORECASE,
)
_NOT_COMPRESSED_SO = re.compile(r"scheme .*not implemented|compression support is not configured", re.IGNORECASE)
_TOO_MUCH = re.compile("security limit", re.IGNORECASE)  # as AVIF and HEIC in hundreds of tiles
_NOT_SUPPORTED = re.compile(r"not supported|unsupported|not a whole number of bytes", re.IGNORECASE)

OWN_LOADERS = ("Jpeg", "Png", "Tiff", "Webp", "Nsgif", "Heif")


class DecoderLimit(PictureError):
    """A file that is larger, or in more parts, than the decoder takes that was asked."""


@functools.cache
def vips() -> Any:
    """pyvips, imported on first use and set up: nothing remembered between files, nothing printed."""
    import pyvips

    # The operation cache knows files by name: a file that was rewritten would come back as it was.
    pyvips.cache_set_max(0)
    pyvips.cache_set_max_mem(0)
    pyvips.cache_set_max_files(0)
    # libvips' warnings come through this logger; without a handler Python prints them.
    logging.getLogger("pyvips").addHandler(logging.NullHandler())
    # A warning may quote the file, which need not be UTF-8: pyvips' callback would fail and print that it did.
    pyvips._to_string = functools.partial(_as_text, pyvips.ffi)
    return pyvips


def _as_text(ffi: Any, text: Any) -> str:
    """A C string as text, whatever bytes it holds."""
    return "NULL" if text == ffi.NULL else ffi.string(text).decode(errors="replace")


def block_other_loaders() -> None:
    """In this process, leave libvips only the loaders that this package calls, whatever a file claims to be."""
    pyvips = vips()
    pyvips.block_untrusted_set(True)
    pyvips.operation_block_set("VipsForeignLoad", True)
    for name in OWN_LOADERS:
        pyvips.operation_block_set(f"VipsForeignLoad{name}", False)


@contextmanager
def decoding(source: object) -> Iterator[None]:
    """Turns libvips' errors into a sentence about `source`, whose text is what the file is called."""
    # Warnings about an earlier file wait in libvips' buffer and would be read as this one's.
    vips().vips_lib.vips_error_clear()
    try:
        yield
    except vips().Error as error:
        kind = DecoderLimit if _TOO_MUCH.search(str(error)) else PictureError
        raise kind(f"{source} {complaint(error, source)}.") from None
    except UnicodeDecodeError as error:  # pyvips reads the report as UTF-8, and it may quote the file
        raise PictureError(f"{source} {complaint(error, source)}.") from None


def field_names(image: Any) -> list[str]:
    """The names of an image's metadata, but for those that are no text: some are taken from the file."""
    pyvips = vips()
    pointers, names = pyvips.vips_lib.vips_image_get_fields(image.pointer), []
    number = 0
    while pointers[number] != pyvips.ffi.NULL:
        with suppress(UnicodeDecodeError):
            names.append(pyvips.ffi.string(pointers[number]).decode())
        pyvips.glib_lib.g_free(pointers[number])
        number += 1
    pyvips.glib_lib.g_free(pointers)
    return names


def field(image: Any, name: str, default: Any = None) -> Any:
    """A value of an image's metadata, or `default` where there is none, or what there is is no text."""
    try:
        return image.get(name) if image.get_typeof(name) else default
    except UnicodeDecodeError:
        return default


def complaint(error: Exception, source: object) -> str:
    """libvips' report on `source` as the end of a sentence that starts with the file's name."""
    detail = str(getattr(error, "detail", "") or "").replace(f"{source}: ", "")
    lines = [line.strip().rstrip(".") for line in detail.splitlines() if line.strip()]
    said = f" ({lines[0]})" if lines else ""
    if _TOO_MUCH.search(detail):
        return f"is larger, or in more parts, than its decoder takes; save it as JPEG or TIFF{said}"
    if _CUT_OFF.search(detail):
        return f"is cut off: the file ends before the picture does, so get a complete copy{said}"
    if _NOT_COMPRESSED_SO.search(detail):
        return f"is compressed in a way that is not supported here; save it with LZW or Deflate{said}"
    if _NOT_SUPPORTED.search(detail):
        return f"stores its pixels in a way that is not supported here; save it with 8 or 16 bits a channel{said}"
    return f"is damaged or incomplete, so get another copy{said}"
