"""Metadata in boxes (JPEG XL, JPEG 2000), and in bytes that are no UTF-8 (TIFF): it goes along, byte by byte."""

import io
import struct
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import picture_files as files
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sfumato.pictures.codestreams import jxl_head, metadata_of
from sfumato.pictures.picture import Picture

XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:dc="d" dc:title="mine"/></rdf:RDF></x:xmpmeta>'
)
SCENE = files.scene()


def block(dpi: int = 300) -> bytes:
    tags = Image.Exif()
    tags.update({271: "Maker", 282: float(dpi), 283: float(dpi), 296: 2})
    return tags.tobytes().removeprefix(b"Exif\0\0")


def box(name: bytes, body: bytes, long: bool = False) -> bytes:
    if long:
        return struct.pack(">I4sQ", 1, name, 16 + len(body)) + body
    return struct.pack(">I4s", 8 + len(body), name) + body


def with_metadata(kind: str, packed: bool, long: bool = False) -> bytes:
    """A file with EXIF and XMP behind its pixels."""
    if kind == "jxl":
        head = imagecodecs.jpegxl_encode(SCENE, lossless=True, usecontainer=True)
        said = {b"Exif": b"\0\0\0\0" + block(), b"xml ": XMP}
        if packed:
            return head + b"".join(box(b"brob", name + imagecodecs.brotli_encode(body)) for name, body in said.items())
        return head + b"".join(box(name, body, long) for name, body in said.items())
    file = io.BytesIO()
    Image.fromarray(SCENE).save(file, "JPEG2000")
    ids = bytes.fromhex("be7acfcb97a942e89c71999491e3afac"), b"JpgTiffExif->JP2"
    return closed(file.getvalue()) + b"".join(
        box(b"uuid", name + body, long) for name, body in zip(ids, (XMP, block()), strict=True)
    )


def closed(data: bytes) -> bytes:
    """With the last box's size stated, which may be left open."""
    at = 0
    while (size := int.from_bytes(data[at : at + 4], "big")) > 1:
        at += size
        if at >= len(data):
            return data
    return data[:at] + struct.pack(">I", len(data) - at) + data[at + 4 :]


@pytest.mark.parametrize("target", ["png", "jpg", "tif", "webp"])
@pytest.mark.parametrize(
    ("kind", "packed", "long"), [("jxl", False, False), ("jxl", True, False), ("jp2", False, True)]
)
def test_exif_xmp_and_density_go_along(tmp_path: Path, kind: str, packed: bool, long: bool, target: str) -> None:
    (tmp_path / f"a.{kind}").write_bytes(with_metadata(kind, packed, long))
    picture = Picture.open(tmp_path / f"a.{kind}")
    result = picture.with_array(picture.array()).save(tmp_path / f"b.{target}")
    np.testing.assert_array_equal(np.round(picture.array() * 255), SCENE)
    saved = Image.open(result)
    assert saved.getexif().get(271) == "Maker"
    assert tuple(round(float(saved.getexif().get(tag, 0) or saved.info["dpi"][0])) for tag in (282, 283)) == (300, 300)
    assert b'dc:title="mine"' in (Picture.open(result).xmp() or b"")


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_boxes_of_any_make_are_followed_or_passed_over(data: st.DataObject) -> None:
    whole = bytearray(with_metadata("jxl", packed=False))
    for _ in range(data.draw(st.integers(0, 4))):
        whole[data.draw(st.integers(12, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    assert set(metadata_of(io.BytesIO(cut))) <= {"exif-data", "xmp-data"}


@pytest.mark.parametrize("target", ["tif", "jpg", "png"])
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8", "cp1251"])
def test_a_description_keeps_its_bytes(tmp_path: Path, encoding: str, target: str) -> None:
    text = {"ascii": "Cafe", "cp1251": "Кафе"}.get(encoding, "Café Zürich").encode(encoding)
    marked = b"X" * len(text)
    Image.fromarray(SCENE).save(tmp_path / "a.tif", tiffinfo={270: marked.decode()})
    contents = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(contents.replace(marked, text))
    picture = Picture.open(tmp_path / "a.tif")
    result = picture.with_array(picture.array()).save(tmp_path / f"b.{target}").read_bytes()
    assert text in result
    assert b"\xef\xbf\xbd" not in result


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("options", [{"lossless": True}, {"distance": 1.0}])
def test_colours_are_remarked_on_where_they_are_not_srgb(channels: int, options: dict[str, Any]) -> None:
    for kind in (np.uint8, np.uint16, np.float32):
        file = imagecodecs.jpegxl_encode(np.zeros((20, 30, channels), kind), **options)
        says = Picture.open(file).notes
        # This encoder states linear light for all but 8 bits.
        assert bool(says) == (kind != np.uint8)
        assert all("is not read: its values are taken as sRGB" in note for note in says)


@given(
    st.integers(0, 3), st.integers(0, 2), st.sampled_from([1, 11, 9]), st.sampled_from([13, 8, 16, 1]), st.booleans()
)
@settings(max_examples=60, deadline=None)
def test_other_colours_than_srgb_are_told_from_it(
    extra: int, named: int, primaries: int, curve: int, icc: bool
) -> None:
    """Of heads that are put together bit by bit (ISO 18181-1, annexes C and E)."""
    bits: list[tuple[int, int]] = [(1, 1), (5, 1), (3, 0), (5, 2)]  # 16 high, 24 wide
    bits += [(1, 0), (1, 0), (1, 0), (2, 0), (1, 1)]  # not all as usual, no extra fields, 8 bits, 16 are enough
    bits += [(2, extra)] if extra < 2 else [(2, 2), (4, extra - 2)]
    for _ in range(extra):  # alpha of 8 bits, with a name of so many letters, not premultiplied
        bits += [(1, 0), (2, 0), (1, 0), (2, 0), (2, 0), (2, 1), (4, named), *[(8, 65)] * named, (1, 0)]
    bits += [(1, 0), (1, 0), (1, int(icc)), (2, 0)]
    for value in (1, primaries):
        bits += [(2, 1)] if value == 1 else [(2, 2), (4, value - 2)]
    bits += [(1, 0), *([(2, 1)] if curve == 1 else [(2, 2), (4, curve - 2)]), (2, 1)]
    number, at = 0, 0
    for count, value in bits:
        number, at = number | value << at, at + count
    head = jxl_head(b"\xff\n" + number.to_bytes(40, "little"))
    assert (head.height, head.width, head.bits) == (16, 24, 8)
    assert head.is_srgb == (primaries == 1 and curve == 13 and not icc)
