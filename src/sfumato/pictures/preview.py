"""A picture for the eye: small, 8 bit, in sRGB, without metadata."""

from __future__ import annotations

from ..errors import Option, UsageError
from .metadata import with_metadata
from .picture import Picture
from .span import span_of
from .vips import decoding, vips
from .write import DEEPEST, fitted

MEDIA_TYPES = {"png": "image/png", "webp": "image/webp", "jpeg": "image/jpeg"}
QUALITY = 88
Box = tuple[int, int, int, int]  # left, top, width, height


def preview(picture: Picture, *, size: int, crop: Box | None = None, format: str = "webp") -> bytes:
    """The picture, or the part `crop` of it, reduced to at most `size` pixels a side, as a file.

    Smaller ones keep their size. Colours of the picture's profile are converted to sRGB; in JPEG, transparent parts lie
    on white. format: "png", "webp" or "jpeg". Raises UsageError for another one and for a part that is not within the
    picture, PictureError where the picture cannot be decoded.
    """
    if format not in MEDIA_TYPES:
        raise UsageError(Option("format"), f" is {format!r}; give one of {', '.join(MEDIA_TYPES)}.")
    if picture.depth > DEEPEST[format] and (span := span_of(picture)) is not None and span.is_needed:
        picture = picture.in_span(span)
    with decoding(picture.path or "The picture"):
        image = with_metadata(fitted(picture._image(), picture.depth, "webp", picture._file), picture._file)
        if crop is not None:
            left, top, width, height = crop
            if not (0 <= left < left + width <= image.width and 0 <= top < top + height <= image.height):
                part = ",".join(map(str, crop))
                raise UsageError(Option("crop"), f" {part} does not lie within {image.width}x{image.height} pixels.")
            image = image.crop(*crop)
        if max(image.width, image.height) > size:
            image = image.thumbnail_image(size, height=size, size="down", no_rotate=True, export_profile="srgb")
        elif image.get_typeof("icc-profile-data"):
            image = image.icc_transform("srgb", embedded=True, intent="relative")
        if format == "jpeg" and image.hasalpha():
            image = image.flatten(background=255)
        none = vips().enums.ForeignKeep.NONE
        if format == "png":
            return bytes(image.pngsave_buffer(keep=none, compression=3))
        if format == "webp":
            return bytes(image.webpsave_buffer(keep=none, Q=QUALITY, effort=1))
        return bytes(image.jpegsave_buffer(keep=none, Q=QUALITY))
