"""What goes along with a picture's pixels: profile, EXIF, XMP, texts, resolution, from the file that was read."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

from .read import CONVERTED, FINEST, UNKNOWN_RESOLUTION, PictureFile
from .texts import COMMENT, Text
from .vips import field, field_names, vips
from .xmp import only_the_mark, with_texts, without_followers

if TYPE_CHECKING:
    import pyvips

MOST_BYTES = {"jpeg": 60_000}  # of an XMP packet: libvips drops a longer one
_KEPT = ("icc-profile-data", "iptc-data", "image-description", "exif-data")
DESCRIPTION = 270  # a tag of TIFF
_STRUCTURE = (
    *(
        "width",
        "height",
        "bands",
        "format",
        "coding",
        "interpretation",
        "xoffset",
        "yoffset",
        "xres",
        "yres",
        "filename",
    ),
    *("xoffset", "yoffset", "xres", "yres", "filename", "vips-sequential"),
)


def with_metadata(image: pyvips.Image, source: PictureFile | None) -> pyvips.Image:
    """The pixels of `image` with the metadata of `source` and nothing else; the XMP packet is `packet_for`'s."""
    gvalue = vips().GValue
    clean = image.copy()
    for name in field_names(clean):
        # A conversion leaves the profile of its result, which is the one that holds for these pixels.
        if clean.get_typeof(name) and name not in (*_STRUCTURE, "icc-profile-data"):
            clean.remove(name)
    if source is None:
        return clean.copy(xres=UNKNOWN_RESOLUTION, yres=UNKNOWN_RESOLUTION)
    header = source.header
    for name in field_names(header):
        # The profile of colours that were converted describes them no more, that of grey no colours.
        turned = header.interpretation in CONVERTED or (source.num_channels == 1 and clean.bands > 2)
        foreign = name == "icc-profile-data" and turned
        # libvips has only UTF-8 in a description; a TIFF file's own goes along in its EXIF block, byte by byte.
        foreign = foreign or (name == "image-description" and DESCRIPTION in source.tags)
        if name in _KEPT and not foreign and (value := field(header, name)) is not None:
            clean.set_type(header.get_typeof(name), name, value)
    resolution = resolution_of(source)
    across, down = resolution or (UNKNOWN_RESOLUTION, UNKNOWN_RESOLUTION)
    clean = clean.copy(xres=across, yres=down)
    if resolution is not None:
        clean.set_type(gvalue.gstr_type, "resolution-unit", "in")
    # Setting the EXIF block spread it out into fields, the old thumbnail among them.
    for name in field_names(clean):
        if name.startswith("exif-ifd1-") or name in ("jpeg-thumbnail-data", "exif-ifd0-Orientation"):
            clean.remove(name)
    clean.set_type(gvalue.gint_type, "orientation", 1)
    return clean


def packet_for(source: PictureFile | None, xmp: bytes | None, format: str) -> tuple[bytes | None, tuple[str, ...]]:
    """The XMP packet of a file of `format`, and the keywords of the texts that neither it nor the file itself holds.

    xmp: the packet that the picture is to have, None for that of `source`. It says that the picture stands upright, and
    nothing of pictures that lay behind it. Of one that is too long for the format only the mark that pixels were made
    up is left, and of the texts those that still fit.
    """
    packet, most = _own_packet(source, xmp), MOST_BYTES.get(format)
    if packet is not None and most is not None and len(packet) > most:
        packet = only_the_mark(packet)
    texts = texts_for(source, format, held=False)
    whole, lost = with_texts(packet, texts)
    if whole is None or most is None or len(whole) <= most:
        return whole, lost
    fitting: list[Text] = []
    for text in texts:
        longer, _ = with_texts(packet, (*fitting, text))
        if longer is not None and len(longer) > most:
            lost = (*lost, text[0])
        else:
            fitting.append(text)
    return with_texts(packet, fitting)[0], lost


def is_too_long(source: PictureFile | None, xmp: bytes | None, format: str) -> bool:
    """Whether a file of `format` has no room for the XMP packet that `packet_for` makes of `source` or `xmp`."""
    packet, most = _own_packet(source, xmp), MOST_BYTES.get(format)
    return packet is not None and most is not None and len(packet) > most


def _own_packet(source: PictureFile | None, xmp: bytes | None) -> bytes | None:
    packet = field(source.header, "xmp-data") if xmp is None and source is not None else xmp
    return None if packet is None else without_followers(_upright(packet))


def texts_for(source: PictureFile | None, format: str, *, held: bool = True) -> tuple[Text, ...]:
    """The texts of `source` that a file of `format` holds as such, or those that it does not hold."""
    texts = () if source is None else source.texts
    return tuple(text for text in texts if held == (format == "png" or (format == "jpeg" and text[0] == COMMENT)))


def _upright(xmp: bytes) -> bytes:
    return re.sub(rb"""(tiff:Orientation(?:=["']|>))[2-8]""", rb"\g<1>1", xmp)


def resolution_of(source: PictureFile) -> tuple[float, float] | None:
    """Pixels a millimetre across and down, as seen; None when the file does not say."""
    header = source.header
    across, down = header.xres, header.yres
    if source.format in ("jpeg", "tiff", "jxl", "jp2") or source.decoder == "pillow":
        known = bool(header.get_typeof("resolution-unit"))
    elif source.format == "png":
        known = abs(across - 2.834) > 1e-6  # libvips' own value where the file has none
    else:
        across, down = (_exif_resolution(header, name) for name in ("XResolution", "YResolution"))
        known = min(across, down) > 1.001  # 25.4 dpi is what libvips adds to EXIF that says nothing
    if not known or not 0 < min(across, down) <= max(across, down) <= FINEST:
        return None
    return (down, across) if source.orientation >= 5 else (across, down)


def _exif_resolution(header: pyvips.Image, name: str) -> float:
    """Pixels a millimetre by an EXIF tag, which libvips gives as `72/1 (...`; 0 when the tag says nothing."""
    said = field(header, f"exif-ifd0-{name}", "")
    unit = field(header, "exif-ifd0-ResolutionUnit", "2")
    ratio = re.match(r"(\d+)/([1-9]\d*)", said)
    return int(ratio[1]) / int(ratio[2]) / (10 if unit.startswith("3") else 25.4) if ratio else 0.0


def profile_name(profile: bytes) -> str:
    """The description in an ICC profile (ICC.1:2022 section 9.2.41), of either of the two forms that it can have."""
    try:
        for i in range(struct.unpack(">I", profile[128:132])[0]):
            name, at, _ = struct.unpack(">4sII", profile[132 + 12 * i : 144 + 12 * i])
            if name == b"desc" and profile[at : at + 4] == b"desc":
                length = struct.unpack(">I", profile[at + 8 : at + 12])[0]
                return profile[at + 12 : at + 12 + length].rstrip(b"\0").decode("ascii", "replace")
            if name == b"desc" and profile[at : at + 4] == b"mluc":
                length, start = struct.unpack(">II", profile[at + 20 : at + 28])
                return profile[at + start : at + start + length].decode("utf-16-be", "replace").rstrip("\0")
    except struct.error:
        pass
    return "unnamed"
