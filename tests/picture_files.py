"""Small picture files such as people have, made by Pillow, tifffile and by hand: not by the library that is tested."""

from __future__ import annotations

import functools
import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageCms, PngImagePlugin

# Deliberately not the names that libvips or Pillow would fall back on.
CAMERA = ("Sfumato Works", "Camera obscura 2")
TAKEN = "2021:05:04 03:02:01"
MAKER_NOTE = b"Camera obscura\0\1\2\3\4\5"
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" '
    b'tiff:Orientation="6"><dc:title>Kitchen</dc:title></rdf:Description></rdf:RDF></x:xmpmeta>'
)
WIDTH, HEIGHT = 37, 23


def scene(channels: int = 3, depth: int = 8, *, height: int = HEIGHT, width: int = WIDTH, seed: int = 0) -> NDArray:
    """Stored values (h, w, c) of a picture that no flip or turn leaves as it is: light top left, noise, extremes."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width]
    values = 0.9 - 0.5 * rows[..., None] / height - 0.3 * columns[..., None] / width
    values = values + rng.normal(0, 0.08, (height, width, channels))
    values.reshape(-1)[:2] = (0, 1)
    if depth == 32:
        return (1.5 * values - 0.2).astype(np.float32)
    return (values.clip(0, 1) * (2**depth - 1)).round().astype(np.uint8 if depth == 8 else np.uint16)


def as_jpeg(image: Image.Image, quality: int, **options: object) -> Image.Image:
    """What JPEG leaves of an image."""
    file = BytesIO()
    image.save(file, "JPEG", quality=quality, **options)
    return Image.open(file)


def transparency(depth: int = 8, *, height: int = HEIGHT, width: int = WIDTH) -> NDArray:
    """Stored values (h, w): a fully transparent left third, an opaque right third, a ramp between."""
    ramp = (np.arange(width) * 3 / width - 1).clip(0, 1)
    largest = 1.0 if depth == 32 else 2**depth - 1
    dtype = {8: np.uint8, 16: np.uint16, 32: np.float32}[depth]
    values = np.round(ramp * largest) if depth < 32 else ramp
    return np.tile(values.astype(dtype), (height, 1))


@functools.cache  # littleCMS writes the time of the call into it
def profile(grey: bool = False) -> bytes:
    """An ICC profile: of sRGB, or a small one for grey with a gamma of 2.2."""
    if not grey:
        return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    white = b"XYZ \0\0\0\0" + struct.pack(">iii", 63190, 65536, 54061)
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, 563) + b"\0\0"
    name = b"desc\0\0\0\0" + struct.pack(">I", 9) + b"Old grey\0" + b"\0" * 79
    name += b"\0" * (-len(name) % 4)
    at = 128 + 4 + 3 * 12
    table = struct.pack(">I", 3)
    for tag, block in ((b"desc", name), (b"wtpt", white), (b"kTRC", curve)):
        table += tag + struct.pack(">II", at, len(block))
        at += len(block)
    illuminant = struct.pack(">iii", 63190, 65536, 54061)
    head = struct.pack(">I4sI4s4s4s", at, b"\0\0\0\0", 0x02400000, b"mntr", b"GRAY", b"XYZ ")
    head += struct.pack(">6H", 2021, 5, 4, 3, 2, 1) + b"acsp" + b"\0" * 28 + illuminant
    return head.ljust(128, b"\0") + table + name + white + curve


def exif(orientation: int | None = None, *, thumbnail: bool = False) -> bytes:
    """An EXIF block, big-endian as cameras write it, with GPS, a maker's note and, if asked, a thumbnail."""
    tags = Image.Exif()
    tags[0x010F], tags[0x0110] = CAMERA
    if orientation:
        tags[0x0112] = orientation
    shot = tags.get_ifd(0x8769)
    shot[0x9003], shot[0x927C], shot[0xA434] = TAKEN, MAKER_NOTE, "Lens of crown glass"
    position = tags.get_ifd(0x8825)
    position[1], position[2] = "N", (43.0, 46.0, 23.5)
    block = tags.tobytes()[6:]
    return b"Exif\0\0" + (_with_thumbnail(block) if thumbnail else block)


def _with_thumbnail(block: bytes) -> bytes:
    small = BytesIO()
    Image.fromarray(scene(height=8, width=12)).save(small, "JPEG")
    order = "<" if block[:2] == b"II" else ">"
    start = struct.unpack(order + "I", block[4:8])[0]
    count = struct.unpack(order + "H", block[start : start + 2])[0]
    link = start + 2 + 12 * count
    at = len(block) + len(block) % 2
    picture_at = at + 2 + 3 * 12 + 4
    listed = struct.pack(order + "HHHIHH", 3, 0x103, 3, 1, 6, 0)
    listed += struct.pack(order + "HHII", 0x201, 4, 1, picture_at)
    listed += struct.pack(order + "HHII", 0x202, 4, 1, len(small.getvalue()))
    linked = block[:link] + struct.pack(order + "I", at) + block[link + 4 :]
    return linked.ljust(at, b"\0") + listed + b"\0\0\0\0" + small.getvalue()


def turned(values: NDArray, orientation: int) -> NDArray:
    """How an upright picture is stored under an EXIF orientation, 1-8: applying the orientation gives `values` back."""
    return {
        1: lambda v: v,
        2: lambda v: v[:, ::-1],
        3: lambda v: v[::-1, ::-1],
        4: lambda v: v[::-1],
        5: lambda v: v.swapaxes(0, 1),
        6: lambda v: np.rot90(v, 1),
        7: lambda v: v.swapaxes(0, 1)[::-1, ::-1],
        8: lambda v: np.rot90(v, -1),
    }[orientation](values)


def write_png(path: Path, values: NDArray, *, icc: bytes | None = None, exif: bytes | None = None) -> Path:
    """Any kind of PNG from stored values (h, w, 1-4); Pillow writes no 16-bit colour. `exif`: without a prefix."""
    height, width, channels = values.shape
    colour_type = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    big_endian = np.ascontiguousarray(values.astype(values.dtype.newbyteorder(">")))
    rows = b"".join(b"\0" + row.tobytes() for row in big_endian)

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8 * values.itemsize, colour_type, 0, 0, 0)
    parts = [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header)]
    if icc:
        parts.append(chunk(b"iCCP", b"profile\0\0" + zlib.compress(icc)))
    parts.append(chunk(b"pHYs", struct.pack(">IIB", 11811, 11811, 1)))
    if exif:
        parts.append(chunk(b"eXIf", exif))
    path.write_bytes(b"".join([*parts, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]))
    return path


def write_tiff(path: Path, values: NDArray, *, alpha: bool, icc: bytes | None, orientation: int) -> Path:
    """Any kind of TIFF from stored values (h, w, c); the last channel is transparency where `alpha`."""
    grey = values.shape[2] < 3
    tifffile.imwrite(
        path,
        values if values.shape[2] > 1 else values[..., 0],
        photometric="minisblack" if grey else "rgb",
        planarconfig="contig" if values.shape[2] > 1 else None,
        extrasamples=["unassalpha"] if alpha else None,
        iccprofile=icc,
        resolution=(300, 300),
        resolutionunit="INCH",
        extratags=[(274, "H", 1, orientation, True)],
        metadata=None,
    )
    return path


def phone_jpeg(path: Path, *, orientation: int = 6, height: int = HEIGHT, width: int = WIDTH) -> Path:
    """As a phone writes it: stored lying (`height`, `width`: upright), with ICC, EXIF, thumbnail, XMP and 72 dpi."""
    stored = np.ascontiguousarray(turned(scene(height=height, width=width), orientation))
    block = exif(orientation, thumbnail=True)
    Image.fromarray(stored).save(path, quality=92, exif=block, icc_profile=profile(), xmp=XMP, dpi=(72, 72))
    return path


def scan_tiff(path: Path, *, height: int = HEIGHT, width: int = WIDTH) -> Path:
    """As a scanner writes it: 16-bit RGB, ICC, 300 dpi, deflate."""
    tifffile.imwrite(
        path,
        scene(depth=16, height=height, width=width),
        photometric="rgb",
        compression="zlib",
        iccprofile=profile(),
        resolution=(300, 300),
        resolutionunit="INCH",
        metadata=None,
    )
    return path


def transparent_png(path: Path, *, height: int = HEIGHT, width: int = WIDTH) -> Path:
    """RGBA at 8 bit with lively colour under full transparency, and a comment."""
    values = np.dstack([scene(height=height, width=width), transparency(height=height, width=width)])
    comment = PngImagePlugin.PngInfo()
    comment.add_text("Title", "Window")
    Image.fromarray(values).save(path, pnginfo=comment, dpi=(300, 300))
    return path


def grey_png(path: Path, *, depth: int = 8, height: int = HEIGHT, width: int = WIDTH) -> Path:
    """Grey at 8 or 16 bit."""
    Image.fromarray(scene(1, depth, height=height, width=width)[..., 0]).save(path)
    return path


def broken_jpeg(path: Path) -> Path:
    """A JPEG of which the second half never arrived."""
    phone_jpeg(path, orientation=1, height=96, width=128)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def animation_gif(path: Path) -> Path:
    """A GIF of three frames."""
    frames = [Image.fromarray(scene(seed=seed)) for seed in range(3)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100)
    return path


def pages_tiff(path: Path) -> Path:
    """A TIFF of three pages of 8-bit RGB, seeds 0-2 of `scene`."""
    with tifffile.TiffWriter(path) as file:
        for seed in range(3):
            file.write(scene(seed=seed), photometric="rgb", metadata=None)
    return path


def raw_file(path: Path) -> Path:
    """A DNG as a small camera might write it: the scene through a mosaic of red, green and blue."""
    light = scene(3, 16, height=60, width=80) >> 2
    mosaic = np.empty(light.shape[:2], np.uint16)
    for (row, column), channel in {(0, 0): 0, (0, 1): 1, (1, 0): 1, (1, 1): 2}.items():
        mosaic[row::2, column::2] = light[row::2, column::2, channel]
    matrix = [part for value in (3.24, -1.54, -0.5, -0.97, 1.88, 0.04, 0.06, -0.2, 1.06) for part in (value, 1)]
    matrix = [round(10_000 * part) for part in matrix]
    tags = [
        (271, "s", 0, CAMERA[0], True),
        (272, "s", 0, CAMERA[1], True),
        (274, "H", 1, 6, True),
        (33421, "H", 2, (2, 2), True),
        (33422, "B", 4, (0, 1, 1, 2), True),
        (50706, "B", 4, (1, 4, 0, 0), True),
        (50708, "s", 0, CAMERA[1], True),
        (50717, "H", 1, 16383, True),
        (50721, "2i", 9, matrix, True),
        (50728, "2I", 3, (1, 1, 1, 1, 1, 1), True),
        (50778, "H", 1, 21, True),
    ]
    tifffile.imwrite(path, mosaic, photometric="cfa", metadata=None, extratags=tags, subfiletype=0)
    return path
