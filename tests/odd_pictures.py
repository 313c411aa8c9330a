"""Picture files that are odd: valid ones of rare kinds, and files changed by bytes, by chunk and by tag.

Everything is made of a generator of random numbers that is handed in, so that a file can be made again by its number.
"""

from __future__ import annotations

import struct
import tempfile
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import picture_files as files
import tifffile
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

Random = np.random.Generator
WILD = (0, 1, 2, 7, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 62, (1 << 64) - 1)


# Valid files


def known_files() -> dict[str, bytes]:
    """One small file of each kind that people have, by name."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        rgb = Image.fromarray(files.scene())
        alpha = Image.fromarray(np.dstack([files.scene(), files.transparency()]))
        files.phone_jpeg(here / "phone.jpg")
        files.scan_tiff(here / "scan.tif")
        files.transparent_png(here / "window.png")
        files.write_png(here / "deep.png", files.scene(3, 16), icc=files.profile(), exif=files.exif(3)[6:])
        files.animation_gif(here / "moving.gif")
        files.pages_tiff(here / "pages.tif")
        tifffile.imwrite(here / "big.tif", files.scene(), photometric="rgb", bigtiff=True)
        tifffile.imwrite(here / "motorola.tif", files.scene(1, 16)[..., 0], byteorder=">", tile=(16, 16))
        tifffile.imwrite(here / "float.tif", files.scene(3, 32), photometric="rgb", compression="zlib", predictor=True)
        told: dict[str, Any] = {"exif": files.exif(6), "xmp": files.XMP, "icc_profile": files.profile()}
        rgb.save(here / "progressive.jpg", progressive=True, quality=90, comment="A comment")
        rgb.convert("CMYK").save(here / "print.jpg")
        rgb.convert("L").save(here / "grey.jpg", dpi=(300, 300))
        rgb.save(here / "lossy.webp", quality=80, **told)
        alpha.save(here / "lossless.webp", lossless=True, **told)
        rgb.save(here / "still.avif", quality=80, **told)
        alpha.save(here / "clear.avif", quality=80)
        rgb.save(here / "plain.gif", comment=b"A comment")
        rgb.save(here / "lzw.tif", compression="tiff_lzw")
        rgb.save(here / "told.tif", exif=files.exif())
        rgb.save(here / "jpeg.tif", compression="jpeg")
        rgb.convert("P").save(here / "palette.png", transparency=3)
        rgb.save(here / "moving.png", save_all=True, append_images=[rgb.rotate(180)])
        rgb.save(here / "plain.bmp")
        rgb.save(here / "plain.ppm")
        (here / "ascii.pgm").write_bytes(b"P2\n# by hand\n3 2\n15\n1 2 3 4 5 6\n")
        rgb.save(here / "plain.jp2")
        (here / "deep.jp2").write_bytes(imagecodecs.jpeg2k_encode(files.scene(3, 16)))
        (here / "plain.jxl").write_bytes(imagecodecs.jpegxl_encode(files.scene()))
        files.raw_file(here / "camera.dng")
        for compression in ("zstd", "lzma", "lerc", "jpegxl"):
            tifffile.imwrite(here / f"{compression}.tif", files.scene(), photometric="rgb", compression=compression)
        return {path.name: path.read_bytes() for path in sorted(here.iterdir())}


sizes = st.tuples(st.integers(1, 40), st.integers(1, 40))
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)


@st.composite
def tiff_files(draw: st.DrawFn) -> bytes:
    """TIFF of any layout that tifffile writes: channels, depths, tiles, strips, planes, byte orders, extra samples."""
    dtype = draw(st.sampled_from(["u1", "u2", "u4", "u8", "i1", "i2", "i4", "f2", "f4", "f8", "c8", "?"]))
    channels, (height, width) = draw(st.integers(1, 6)), draw(sizes)
    planar = draw(st.booleans()) and channels > 1
    photometric = draw(st.sampled_from(["minisblack", "miniswhite", "rgb", "ycbcr", "cielab", "separated", "cfa"]))
    shape = (channels, height, width) if planar else (height, width, channels)
    values = np.random.default_rng(draw(st.integers(0, 99))).integers(0, 255, shape).astype(dtype)
    options: dict[str, Any] = {
        "photometric": photometric,
        "planarconfig": None if channels == 1 else "separate" if planar else "contig",
        "bigtiff": draw(st.booleans()),
        "byteorder": draw(st.sampled_from("<>")),
        "compression": draw(st.sampled_from([None, "zlib", "lzw", "packbits", "zstd", "lzma", "jpeg2000", "webp"])),
        "resolution": draw(st.sampled_from([None, (300, 300), (1, 7)])),
        "extratags": [(274, "H", 1, draw(st.integers(0, 9)), True)],
        "description": draw(st.one_of(st.none(), texts.filter(str.isascii))),
        "metadata": None,
    }
    options |= draw(st.sampled_from([{}, {"tile": (16, 16)}, {"rowsperstrip": 1}, {"rowsperstrip": 7}]))
    values = values[0] if planar and channels == 1 else values[..., 0] if channels == 1 else values
    file = BytesIO()
    try:
        with tifffile.TiffWriter(file, bigtiff=options.pop("bigtiff"), byteorder=options.pop("byteorder")) as writer:
            for _ in range(draw(st.sampled_from([1, 1, 1, 3]))):
                writer.write(values, **options)
    except Exception:  # what cannot be written is no file: the combinations that are refused are many
        return b""
    return file.getvalue()


@st.composite
def png_files(draw: st.DrawFn) -> bytes:
    """PNG of every colour type and bit depth, with texts, densities, EXIF and a palette that may be too short."""
    kinds = [(0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 16), (3, 1), (3, 2), (3, 4), (3, 8), (4, 8), (6, 16)]
    colour, bits = draw(st.sampled_from(kinds))
    height, width = draw(sizes)
    row = -(-width * bits * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour] // 8)
    random = np.random.default_rng(draw(st.integers(0, 99)))
    rows = b"".join(b"\0" + random.bytes(row) for _ in range(height))
    parts = [chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))]
    if draw(st.booleans()):
        parts.append(chunk(b"pHYs", struct.pack(">IIB", draw(st.sampled_from(WILD)) & 0xFFFFFFFF, 11811, 1)))
    if colour == 3:
        parts.append(chunk(b"PLTE", random.bytes(3 * draw(st.integers(1, 2**bits)))))
    for _ in range(draw(st.integers(0, 2))):
        text = draw(texts).encode()
        parts.append(
            draw(
                st.sampled_from(
                    [
                        chunk(b"iTXt", b"Title\0\0\0\0\0" + text),
                        chunk(b"iTXt", b"Title\0\1\0\0\0" + zlib.compress(text)),
                        chunk(b"tEXt", b"Comment\0" + text),
                        chunk(b"zTXt", b"\xe4\xff\0\0" + zlib.compress(text)),
                    ]
                )
            )
        )
    if draw(st.booleans()):
        parts.append(chunk(b"eXIf", files.exif(draw(st.integers(1, 8)))[6:]))
    parts += [chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@st.composite
def pillow_files(draw: st.DrawFn) -> bytes:
    """What Pillow writes: every mode that a format takes, animations, texts, EXIF, densities."""
    format = draw(
        st.sampled_from(["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "PPM", "JPEG2000"])
    )  # its AVIF encoder dies of one-pixel pictures
    height, width = draw(sizes)
    mode = draw(st.sampled_from(["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "F"]))
    frames = [_frame(draw(st.integers(0, 9)), height, width, mode) for _ in range(draw(st.sampled_from([1, 1, 3])))]
    options: dict[str, Any] = {"dpi": (draw(st.sampled_from([72, 96, 300, 1, 65535])),) * 2}
    if draw(st.booleans()):
        options["exif"] = files.exif(draw(st.integers(0, 9)))
    if len(frames) > 1 and format != "JPEG":
        options |= {"save_all": True, "append_images": frames[1:]}
    if format == "PNG" and draw(st.booleans()):
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_itxt("Title", draw(texts))
    if format in ("JPEG", "GIF"):
        options["comment"] = draw(texts).encode()[:200]
    file = BytesIO()
    try:
        frames[0].save(file, format, **options)
    except Exception:  # as above
        return b""
    return file.getvalue()


def _frame(number: int, height: int, width: int, mode: str) -> Image.Image:
    image = Image.fromarray(files.scene(height=height + 1, width=width + 1, seed=number)[:height, :width])
    if mode == "I;16":
        return Image.fromarray(files.scene(1, 16, height=height + 1, width=width + 1, seed=number)[:height, :width, 0])
    return image.convert(mode)


def odd_files(count: int, number: int = 0) -> list[bytes]:
    """About `count` valid odd files, which `number` as a seed decides."""
    made: list[bytes] = []

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.one_of(tiff_files(), png_files(), pillow_files()))
    def collect(data: bytes) -> None:
        if data:
            made.append(data)

    collect()
    return made


# Changed files


def changed(data: bytes, random: Random) -> bytes:
    """The file with one to three changes: of bytes, of the parts that its format is made of, or of its tags."""
    for _ in range(int(random.integers(1, 4))):
        data = CHANGES[int(random.integers(len(CHANGES)))](data, random) or data
    return data


def _at(data: bytes, random: Random) -> int:
    """Somewhere, more often where the header is."""
    return int(random.integers(min(len(data), 300 if random.random() < 0.5 else len(data))))


def _cut_off(data: bytes, random: Random) -> bytes:
    return data[: _at(data, random) + 1]


def _bits_flipped(data: bytes, random: Random) -> bytes:
    damaged = bytearray(data)
    for _ in range(int(random.integers(1, 9))):
        damaged[_at(data, random)] ^= 1 << int(random.integers(8))
    return bytes(damaged)


def _bytes_set(data: bytes, random: Random) -> bytes:
    at, size = _at(data, random), int(random.choice([1, 2, 4, 8]))
    order = "little" if random.random() < 0.5 else "big"
    value = (int(random.choice(np.array(WILD, object))) & ((1 << 8 * size) - 1)).to_bytes(size, order)  # type: ignore[arg-type]
    return data[:at] + value + data[at + size :]


def _moved(data: bytes, random: Random) -> bytes:
    """Some bytes out of the file, or in twice."""
    at, size = _at(data, random), int(random.integers(1, 64))
    return data[:at] + data[at : at + size] * int(random.choice([0, 2, 9])) + data[at + size :]


def _part_changed(data: bytes, random: Random) -> bytes:
    """A PNG chunk, JPEG segment, RIFF chunk or ISO box left out, doubled, moved, refilled or of another length."""
    head, parts = parts_of(data)
    if len(parts) < 2:
        return data
    number, other = (int(i) for i in random.integers(len(parts), size=2))
    way = int(random.integers(5))
    if way == 0:
        del parts[number]
    elif way == 1:
        parts.insert(other, parts[number])
    elif way == 2:
        parts[number], parts[other] = parts[other], parts[number]
    elif way == 3:
        name, body = parts[number]
        parts[number] = name, _bytes_set(body, random) if body else random.bytes(9)
    else:
        name, body = parts[number]
        parts[number] = name, body[: int(random.integers(len(body) + 1))]
    return head + b"".join(_part(data, name, body) for name, body in parts)


def parts_of(data: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """The beginning of a file, and the name and body of each of its parts; no parts where the format has none."""
    parts = []
    if data[:4] == b"\x89PNG":
        at = 8
        while at + 12 <= len(data):
            size = int.from_bytes(data[at : at + 4], "big")
            parts.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
            at += 12 + size
        return data[:8], parts
    if data[:2] == b"\xff\xd8":
        at = 2
        while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
            size = int.from_bytes(data[at + 2 : at + 4], "big")
            parts.append((data[at : at + 2], data[at + 4 : at + 2 + size]))
            at += 2 + max(size, 2)
        return data[:2], [*parts, (b"", data[at:])]
    if data[:4] == b"RIFF":
        at = 12
        while at + 8 <= len(data):
            size = int.from_bytes(data[at + 4 : at + 8], "little")
            parts.append((data[at : at + 4], data[at + 8 : at + 8 + size]))
            at += 8 + size + size % 2
        return data[:12], parts
    if data[4:8] == b"ftyp":
        at = 0
        while at + 8 <= len(data):
            size = max(8, int.from_bytes(data[at : at + 4], "big"))
            parts.append((data[at + 4 : at + 8], data[at + 8 : at + size]))
            at += size
        return b"", parts
    return data, []


def _part(data: bytes, name: bytes, body: bytes) -> bytes:
    if data[:4] == b"\x89PNG":
        return chunk(name, body)
    if data[:2] == b"\xff\xd8":
        return name + struct.pack(">H", (len(body) + 2) & 0xFFFF) + body if name else body
    if data[:4] == b"RIFF":
        return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
    return struct.pack(">I", len(body) + 8) + name + body


def _tag_changed(data: bytes, random: Random) -> bytes:
    """A tag of a TIFF file, or of the EXIF block in another, with another number, type, count or value."""
    starts = [at for mark in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+") if (at := data.find(mark)) >= 0]
    if not starts:
        return data
    start = starts[int(random.integers(len(starts)))]
    order, big = ("<" if data[start : start + 2] == b"II" else ">"), data[start + 2 : start + 4] in (b"+\0", b"\0+")
    try:
        first = struct.unpack_from(order + ("Q" if big else "I"), data, start + (8 if big else 4))[0] + start
        count = struct.unpack_from(order + ("Q" if big else "H"), data, first)[0]
    except (struct.error, OverflowError):
        return data
    entry = first + (8 if big else 2) + (20 if big else 12) * int(random.integers(max(1, min(count, 60))))
    fields = [("H", 0), ("H", 2), ("Q" if big else "I", 4), ("Q" if big else "I", 12 if big else 8)]
    kind, offset = fields[int(random.integers(4))]
    if kind == "H":
        value = int(random.choice([0, 1, 2, 3, 4, 5, 7, 12, 13, 16, 256, 257, 258, 259, 262, 277, 278, 338, 34665]))
    else:
        value = int(random.choice(np.array(WILD, object))) & ((1 << (64 if big else 32)) - 1)  # type: ignore[arg-type]
    packed = struct.pack(order + kind, value)
    at = entry + offset
    return data[:at] + packed + data[at + len(packed) :]


CHANGES: list[Callable[[bytes, Random], bytes]] = [
    _cut_off,
    _bits_flipped,
    _bytes_set,
    _moved,
    _part_changed,
    _part_changed,
    _tag_changed,
    _tag_changed,
]


def chunk(name: bytes, body: bytes) -> bytes:
    """A PNG chunk with its length and checksum."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def numbered(corpus: list[bytes], number: int, seed: int = 0) -> bytes:
    """File number `number`: first those of the corpus as they are, then changed ones of them."""
    if number < len(corpus):
        return corpus[number]
    random = np.random.default_rng([seed, number])
    return changed(corpus[int(random.integers(len(corpus)))], random)
