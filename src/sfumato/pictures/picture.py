"""A picture file in memory and back: colour, alpha, 8 and 16 bit, float, with everything else that the file holds."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..errors import Option, UsageError
from .metadata import profile_name, resolution_of
from .pixels import SPACES, Colour, InMemory, Pixels, Spool, nominal, quantised, rows_of
from .read import PictureFile, open_file
from .source import Source
from .span import Span, share_beyond, span_of
from .vips import decoding, field, vips
from .write import DEEPEST, format_of, not_kept_by, write

if TYPE_CHECKING:
    import pyvips


OPAQUE = {8: 255.0, 16: 65535.0, 32: 1.0}  # by depth


@dataclass(frozen=True)
class Picture:
    """A picture: colour that may be replaced, and the file it came from, whose other contents go along.

    Nothing is decoded before it is asked for, and nothing is kept: each of `array`, `alpha`, `strips` and `save` reads
    the file again; `decoded` is for who reads it often. A Picture never changes; `with_array` and `with_strips` give
    new ones.

    Attributes:
        path: the file, or None for a picture made of an array or of bytes.
        format: "jpeg", "png", "tiff", "webp", "avif", and what is only read: "gif", "heic", "bmp", "pnm", "jp2", "jxl".
        width, height: in pixels, upright, as seen.
        num_channels: of colour: 1 (grey) or 3 (RGB).
        has_alpha: whether there is a transparency channel besides.
        depth: bits a value: 8, 16 or 32 (float).
        notes: a sentence for each thing that was converted or that a result cannot hold.
        streamable: whether the decoder gives the picture top to bottom in bounded memory.
    """

    path: Path | None
    format: str
    width: int
    height: int
    num_channels: int
    has_alpha: bool
    depth: int
    notes: tuple[str, ...] = ()
    streamable: bool = True
    _file: PictureFile | None = None
    _colour: Colour | None = None
    _alpha: NDArray[Any] | None = None
    _xmp: bytes | None = None

    @classmethod
    def open(
        cls, source: str | Path | bytes | BinaryIO, *, max_pixels: int = 500_000_000, page: int | None = None
    ) -> Picture:
        """Reads the header of a file, of a file's bytes or of an open binary file, which is read to its end.

        `page` chooses one of several pages or frames, from 1.

        Raises PictureError for what is no picture, is empty, states more than `max_pixels`, or holds several pages and
        no choice was made; MissingExtra for HEIC where its decoder is not installed. Damage inside the pixels shows
        when they are read, as PictureError too.
        """
        file = open_file(Source.of(source), max_pixels, page)
        return cls(
            path=file.source.path,
            format=file.format,
            width=file.width,
            height=file.height,
            num_channels=file.num_channels,
            has_alpha=file.has_alpha,
            depth=file.depth,
            notes=file.notes,
            streamable=file.streamable,
            _file=file,
        )

    @classmethod
    def from_array(
        cls,
        pixels: NDArray[Any],
        *,
        alpha: NDArray[Any] | None = None,
        depth: int = 8,
        format: str = "png",
        xmp: bytes | None = None,
    ) -> Picture:
        """A picture of float `pixels` (h, w, c) or (h, w), nominal [0, 1], c = 1 or 3, and float `alpha` (h, w).

        xmp: an XMP packet that its file is to hold.
        """
        pixels = pixels[..., None] if pixels.ndim == 2 else pixels
        height, width, num_channels = pixels.shape
        assert num_channels in (1, 3), f"a picture has 1 or 3 colour channels, not {num_channels}"
        assert alpha is None or alpha.shape == (height, width), "alpha is (h, w) of the same size"
        return cls(
            path=None,
            format=format,
            width=width,
            height=height,
            num_channels=num_channels,
            has_alpha=alpha is not None,
            depth=depth,
            _colour=InMemory(quantised(pixels, depth)),
            _alpha=None if alpha is None else quantised(alpha, depth),
            _xmp=xmp,
        )

    @property
    def output_format(self) -> str:
        """The format that a result is written in unless another is given: the file's own where it can be written."""
        if self.format == "heic":
            return "jpeg" if self.depth == 8 and not self.has_alpha else "png"
        return self.format if self.format in DEEPEST else "png"

    def array(self) -> Pixels:
        """The colour as float32 (h, w, c), upright, nominal [0, 1]; float files are not clipped. Alpha is not in it."""
        pixels = np.empty((self.height, self.width, self.num_channels), np.float32)
        row = 0
        for strip in self.strips():
            pixels[row : row + len(strip)] = strip
            row += len(strip)
        return pixels

    def alpha(self) -> Pixels | None:
        """The transparency as float32 (h, w) in [0, 1], 1 = opaque; None where the picture has none."""
        image = self._alpha_image()
        if image is None:
            return None
        with decoding(self._named):
            return np.concatenate([nominal(rows, self.depth)[..., 0] for rows in rows_of(image, 256)])

    def strips(self, rows: int = 256) -> Iterator[Pixels]:
        """The colour from top to bottom as float32 (r, w, c), r = `rows` but for the last: one pass, bounded memory."""
        assert rows > 0
        if self._colour is not None:
            for top in range(0, self.height, rows):
                yield nominal(self._colour.rows(top, min(rows, self.height - top)), self.depth)
            return
        assert self._file is not None
        with decoding(self._named):
            for strip in rows_of(self._file.image()[0 : self.num_channels], rows):
                yield nominal(strip, self.depth)

    def decoded(self, limit: int = 64_000_000) -> Picture:
        """The same picture with its colour in memory, where that takes at most `limit` bytes, to be decoded once."""
        if self._colour is not None or self.height * self.width * self.num_channels * (self.depth // 8) > limit:
            return self
        assert self._file is not None
        with decoding(self._named):
            rows = rows_of(self._file.image()[0 : self.num_channels], 256)
            return self._recoloured(InMemory(np.concatenate(list(rows))))

    def with_array(self, pixels: NDArray[Any]) -> Picture:
        """The same picture with new colour, float (h, w, c) with the same c; alpha follows an integer scale in size."""
        pixels = pixels[..., None] if pixels.ndim == 2 else pixels
        return self._recoloured(InMemory(quantised(pixels, self.depth)))

    def with_strips(
        self, strips: Iterable[NDArray[Any]], height: int | None = None, width: int | None = None
    ) -> Picture:
        """The same picture with new colour that comes in float strips (r, w, c), top to bottom, any r.

        They wait in a temporary file that lives as long as the Picture. `height`, `width`: of the new colour, where
        they differ from the picture's.
        """
        height, width = height or self.height, width or self.width
        spool = Spool(strips, (height, width, self.num_channels), self.depth)
        return self._recoloured(spool)

    def with_colour(self, strips: Iterable[NDArray[Any]]) -> Picture:
        """A grey picture in colour: float strips (r, w, 3), top to bottom, any r; all else stays."""
        spool = Spool(strips, (self.height, self.width, 3), self.depth)
        return replace(self, num_channels=3, streamable=True, _colour=spool)

    def with_alpha(self, alpha: NDArray[Any]) -> Picture:
        """The same picture with other transparency, float (h, w) in [0, 1]; it must have some already."""
        assert self.has_alpha, "only transparency that is there is replaced"
        assert alpha.shape == (self.height, self.width), "alpha is (h, w) of the same size"
        colour = self._colour or InMemory(quantised(self.array(), self.depth))
        return replace(self, _colour=colour, _alpha=quantised(alpha, self.depth))

    def reduced(self, height: int, width: int) -> Picture:
        """The picture in a smaller size, by Lanczos's kernel of three lobes, with all else that its file holds.

        The kernel is as wide as what a pixel comes to stand for, so that nothing is aliased.
        """
        assert height <= self.height, "libvips enlarges off the centre"
        assert width <= self.width, "libvips enlarges off the centre"
        image = self._image()
        with decoding(self._named):
            if self.has_alpha:
                image = image.premultiply(max_alpha=OPAQUE[self.depth])
            image = image.resize(width / image.width, vscale=height / image.height, kernel="lanczos3")
            if self.has_alpha:
                image = image.unpremultiply(max_alpha=OPAQUE[self.depth])
            image = image.rint() if self.depth < 32 else image
            image = image.cast({8: "uchar", 16: "ushort", 32: "float"}[self.depth])
            assert (image.height, image.width) == (height, width)
            alpha: list[NDArray[Any]] = []

            def colour() -> Iterator[Pixels]:
                for rows in rows_of(image, 256):  # one pass, since the file may be read once only
                    if self.has_alpha:
                        alpha.append(rows[..., self.num_channels].copy())
                    yield nominal(rows[..., : self.num_channels], self.depth)

            spool = Spool(colour(), (height, width, self.num_channels), self.depth)
        return replace(
            self,
            width=width,
            height=height,
            streamable=True,
            _colour=spool,
            _alpha=np.concatenate(alpha) if alpha else None,
        )

    def crop(self, left: int, top: int, width: int, height: int) -> Picture:
        """A part of the picture, with all else that its file holds. Raises UsageError for one that is not within it."""
        if not (0 <= left < left + width <= self.width and 0 <= top < top + height <= self.height):
            part = ",".join(map(str, (left, top, width, height)))
            raise UsageError(Option("crop"), f" {part} does not lie within {self.width}x{self.height} pixels.")
        colour = np.empty((height, width, self.num_channels), np.float32)
        row = 0
        for strip in self.strips():
            rows = strip[max(top - row, 0) : max(top + height - row, 0), left : left + width]
            first = max(row - top, 0)
            colour[first : first + len(rows)] = rows
            row += len(strip)
            if row >= top + height:
                break
        alpha = self.alpha()
        part_of_alpha = None if alpha is None else quantised(alpha[top : top + height, left : left + width], self.depth)
        shown = InMemory(quantised(colour, self.depth))
        return replace(self, width=width, height=height, streamable=True, _colour=shown, _alpha=part_of_alpha)

    def xmp(self) -> bytes | None:
        """The XMP packet that its file holds or will hold, None where there is none."""
        if self._xmp is not None or self._file is None:
            return self._xmp
        return field(self._file.header, "xmp-data")

    def with_xmp(self, packet: bytes) -> Picture:
        """The same picture with another XMP packet."""
        return replace(self, _xmp=packet)

    def save(
        self,
        path: str | Path,
        *,
        quality: int = 95,
        subsampling: str | None = None,
        overwrite: bool = False,
        format: str | None = None,
    ) -> Path:
        """Writes the picture to `path`, complete or not at all, and gives the path back.

        `format`: "jpeg", "png", "tiff", "webp" or "avif"; by default what the suffix says. `quality` 1-100 is for
        JPEG, WebP and AVIF, the last two of which keep every pixel at 100 (WebP also when the file it came from did).
        `subsampling`: "444" or "420"; by default the first, but in AVIF of more than 64 megapixels the second, which
        takes a gigabyte less. What the format cannot hold is listed by `not_kept_by`. Raises PictureError when
        `path` exists and `overwrite` is not given, when the format is none that can be written, and when transparency
        would be lost; UsageError for options out of range.
        """
        path = Path(path)
        format = format_of(path, format)
        picture = self if (span := self._span_for(format)) is None else self.in_span(span)
        with decoding(self._named):
            image = picture._image()
        options: dict[str, Any] = {"quality": quality, "subsampling": subsampling, "overwrite": overwrite}
        write(image, self.depth, self._file, path, format, xmp=self._xmp, **options)
        return path

    def to_bytes(self, format: str | None = None, *, quality: int = 95, subsampling: str | None = None) -> bytes:
        """The file that `save` would write, as bytes; `format` is `output_format` unless it is given."""
        format = format or self.output_format
        with tempfile.TemporaryDirectory(prefix="sfumato-") as folder:
            path = Path(folder) / f"picture.{format}"
            return self.save(path, format=format, quality=quality, subsampling=subsampling).read_bytes()

    @property
    def origin(self) -> Source | None:
        """The file that it was read from, whatever was done to it since; None for an array."""
        return None if self._file is None else self._file.source

    def copy_of_file(self) -> Source | None:
        """The whole file that the picture is, None where it holds more pages, has been changed, or is no file."""
        is_as_read = self._colour is None and self._alpha is None and self._xmp is None
        return self._file.source if is_as_read and self._file is not None and self._file.num_pages == 1 else None

    def not_kept_by(self, format: str) -> tuple[str, ...]:
        """A sentence for each thing of this picture that a file of `format` cannot hold, such as 16 bit in JPEG."""
        lost = not_kept_by(format, self.num_channels, self.depth, self.width * self.height, self._file, self._xmp)
        if (span := self._span_for(format)) is not None:
            return (*lost, f"Values of {span.describe(self.depth)} were scaled to black to white.")
        beyond = share_beyond(self) if self.depth == 32 and DEEPEST[format] < 32 else 0.0
        if beyond >= 0.001:
            lost = (*lost, f"{100 * beyond:.2g} % of the values lay beyond black or white and were cut off.")
        return lost

    def in_span(self, span: Span) -> Picture:
        """The same picture with the ends of the span at black and white."""
        return self.with_strips(span.scaled(strip) for strip in self.strips())

    def _span_for(self, format: str) -> Span | None:
        """How the values must be scaled for a file of `format`, where it holds less depth than they have."""
        span = span_of(self) if self.depth > DEEPEST[format] else None
        return span if span is not None and span.is_needed else None

    def describe(self) -> dict[str, Any]:
        """Plain facts, for people: what the file is and what it says of the photograph. Absent facts are left out."""
        facts: dict[str, Any] = {
            "file": str(self.path) if self.path else None,
            "format": self.format,
            "width": self.width,
            "height": self.height,
            "megapixels": round(self.width * self.height / 1e6, 2),
            "colour": "grey" if self.num_channels == 1 else "RGB",
            "depth": {8: "8 bit", 16: "16 bit", 32: "32-bit float"}[self.depth],
            "alpha": self.has_alpha,
            "streamable": self.streamable,
            "notes": " ".join(self.notes) or None,
        }
        if self._file is not None:
            header = self._file.header
            resolution = resolution_of(self._file)
            facts |= {
                "bytes": self._file.source.size,
                "pages": self._file.num_pages,
                "orientation": self._file.orientation,
                "icc_profile": profile_name(profile) if (profile := field(header, "icc-profile-data")) else None,
                "resolution_dpi": tuple(round(25.4 * axis, 1) for axis in resolution) if resolution else None,
                "camera": " ".join(filter(None, (_said(header, "ifd0-Make"), _said(header, "ifd0-Model")))) or None,
                "taken": _said(header, "ifd2-DateTimeOriginal"),
                "exif": bool(header.get_typeof("exif-data")),
                "xmp": bool(header.get_typeof("xmp-data")),
            }
        return {name: fact for name, fact in facts.items() if fact is not None}

    @property
    def _named(self) -> str:
        return "The picture" if self.path is None else str(self.path)

    def _recoloured(self, colour: Colour) -> Picture:
        height, width, num_channels = colour.shape
        assert num_channels == self.num_channels, f"{num_channels} channels for a picture of {self.num_channels}"
        if (height, width) == (self.height, self.width):
            return replace(self, streamable=True, _colour=colour)
        alpha = None
        if self.has_alpha:
            scale = max(1, height // self.height)
            assert (height, width) == (self.height * scale, self.width * scale), "alpha follows whole scales only"
            alpha = quantised(_present(self.alpha()).repeat(scale, axis=0).repeat(scale, axis=1), self.depth)
        return replace(self, width=width, height=height, streamable=True, _colour=colour, _alpha=alpha)

    def _alpha_image(self) -> pyvips.Image | None:
        if self._alpha is not None:
            return vips().Image.new_from_array(self._alpha[..., None], interpretation=SPACES[self.depth][0])
        return self._file.alpha() if self.has_alpha and self._file is not None else None

    def _image(self) -> pyvips.Image:
        """Colour and alpha as libvips writes them."""
        if self._colour is None:
            assert self._file is not None
            return self._file.image()
        space = SPACES[self.depth][self.num_channels == 3]
        image, alpha = self._colour.image(space), self._alpha_image()
        return image if alpha is None else image.bandjoin(alpha).copy(interpretation=space)


def _present(alpha: Pixels | None) -> Pixels:
    assert alpha is not None, "a picture that has transparency gives it"
    return alpha


def _said(header: pyvips.Image, name: str) -> str | None:
    """An EXIF text field; libvips gives it as `value (value, type, components, bytes)`."""
    return field(header, f"exif-{name}", "").rpartition(" (")[0].strip() or None
