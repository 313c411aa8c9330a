"""What lies beside the pixels: densities, texts and packets are in the result, elsewhere in it, or said to be lost."""

from __future__ import annotations

import struct
import zlib
from itertools import product
from pathlib import Path
from typing import Any

import odd_pictures as odd
import picture_files as files
import pytest
import pyvips
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from sfumato.pictures import xmp
from sfumato.pictures.picture import Picture

SUFFIXES = (".jpg", ".png", ".tif", ".webp", ".avif")
JAPANESE = "猫の写真"


def made(path: Path, **options: Any) -> Path:
    Image.fromarray(files.scene()).save(path, **options)
    return path


def through(path: Path, suffix: str) -> Picture:
    """The file as it comes out of the package in another format."""
    picture = Picture.open(path)
    return Picture.open(picture.with_array(picture.array()).save(path.with_name(f"result{suffix}"), overwrite=True))


def dpi_of(path: Path) -> tuple[float, float] | None:
    """As another reader finds it."""
    with Image.open(path) as image:
        return image.info.get("dpi")


# Densities


@pytest.mark.parametrize(("before", "after"), list(product((".jpg", ".png", ".tif", ".webp"), SUFFIXES)))
@pytest.mark.parametrize("dpi", [None, (300, 300), (96, 96), (72, 72)])
def test_a_density_is_kept_and_none_is_invented(
    tmp_path: Path, before: str, after: str, dpi: tuple[int, int] | None
) -> None:
    options: dict[str, Any] = {} if dpi is None else {"dpi": dpi}
    if before == ".webp" and dpi is not None:
        tags = Image.Exif()
        tags[282], tags[283], tags[296] = *dpi, 2
        options = {"exif": tags.tobytes()}
    path = made(tmp_path / f"source{before}", **options)
    found = through(path, after).describe().get("resolution_dpi")
    assert found == (None if dpi is None else pytest.approx(dpi, abs=0.1))
    if after in (".jpg", ".png", ".tif"):
        told = dpi_of(tmp_path / f"result{after}")
        assert told == (None if dpi is None else pytest.approx(dpi, abs=0.1))


def test_a_picture_of_an_array_has_no_density(tmp_path: Path) -> None:
    for suffix in SUFFIXES:
        path = Picture.from_array(files.scene() / 255).save(tmp_path / f"a{suffix}")
        assert Picture.open(path).describe().get("resolution_dpi") is None


def test_densities_that_nothing_has_are_none(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    head, parts = odd.parts_of(files.write_png(tmp_path / "a.png", files.scene(3, 16)).read_bytes())
    wild = struct.pack(">IIB", 0x7FFFFFFF, 0, 1)
    chunks = [odd.chunk(name, wild if name == b"pHYs" else body) for name, body in parts]
    (tmp_path / "a.png").write_bytes(head + b"".join(chunks))
    assert through(tmp_path / "a.png", ".avif").describe().get("resolution_dpi") is None
    assert capfd.readouterr().err == ""


# Texts


def png_with(path: Path, texts: dict[str, str]) -> Path:
    info = PngImagePlugin.PngInfo()
    for number, (keyword, text) in enumerate(texts.items()):
        info.add_itxt(keyword, text, zip=number % 2 == 1)
    return made(path, pnginfo=info)


@settings(deadline=None, max_examples=30)
@given(st.dictionaries(st.sampled_from(["Title", "Author", "parameters", "Ä"]), odd.texts, max_size=3))
def test_texts_of_a_png_are_those_of_its_result(tmp_path_factory: pytest.TempPathFactory, texts: dict) -> None:
    path = png_with(tmp_path_factory.mktemp("texts") / "a.png", texts)
    through(path, ".png")
    with Image.open(path.with_name("result.png")) as image:
        image.load()
        assert image.text == {keyword: text for keyword, text in texts.items() if text}


def test_texts_in_latin_1_are_read_as_such(tmp_path: Path) -> None:
    head, parts = odd.parts_of(made(tmp_path / "a.png").read_bytes())
    parts[1:1] = [(b"tEXt", b"Title\0K\xfcche"), (b"zTXt", b"Author\0\0" + zlib.compress(b"Zo\xeb"))]
    (tmp_path / "a.png").write_bytes(head + b"".join(odd.chunk(*part) for part in parts))
    through(tmp_path / "a.png", ".png")
    with Image.open(tmp_path / "result.png") as image:
        assert image.text == {"Title": "Küche", "Author": "Zoë"}


@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".webp", ".avif"])
def test_texts_go_into_the_packet_or_are_said_to_be_lost(tmp_path: Path, suffix: str) -> None:
    path = png_with(tmp_path / "a.png", {"Title": JAPANESE, "Author": "A & B", "parameters": "steps 20"})
    packet = through(path, suffix).xmp()
    assert packet is not None
    assert f'<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{JAPANESE}</rdf:li>'.encode() in packet
    assert b"<rdf:li>A &amp; B</rdf:li>" in packet
    assert xmp.can_be_added_to(packet)
    (said,) = Picture.open(path).not_kept_by({".jpg": "jpeg", ".tif": "tiff"}.get(suffix, suffix[1:]))
    assert "'parameters'" in said
    assert Picture.open(path).not_kept_by("png") == ()


def test_what_a_packet_says_already_stays(tmp_path: Path) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_itxt("Title", JAPANESE)
    info.add_itxt("XML:com.adobe.xmp", files.XMP.decode())
    packet = through(made(tmp_path / "a.png", pnginfo=info), ".jpg").xmp()
    assert packet == files.XMP.replace(b'"6"', b'"1"')
    with Image.open(Picture.open(tmp_path / "a.png").save(tmp_path / "b.png")) as image:
        assert image.text["Title"] == JAPANESE
        assert image.info["xmp"] == packet


def test_comments_are_kept_between_jpeg_png_and_gif(tmp_path: Path) -> None:
    source = made(tmp_path / "a.jpg", comment=JAPANESE.encode(), exif=files.exif())
    with Image.open(Picture.open(source).save(tmp_path / "b.jpg")) as image:
        assert image.info["comment"] == JAPANESE.encode()
        assert image.getexif()[0x0110] == files.CAMERA[1]
    png = Picture.open(source).save(tmp_path / "c.png")
    with Image.open(png) as image:
        assert image.text == {"Comment": JAPANESE}
    with Image.open(Picture.open(png).save(tmp_path / "d.jpg")) as image:
        assert image.info["comment"] == JAPANESE.encode()
    Image.fromarray(files.scene()).convert("P").save(tmp_path / "e.gif", comment=b"Said")
    with Image.open(Picture.open(tmp_path / "e.gif").save(tmp_path / "f.png")) as image:
        assert image.text == {"Comment": "Said"}
    packet = Picture.open(Picture.open(source).save(tmp_path / "g.webp")).xmp()
    assert packet is not None
    assert JAPANESE.encode() in packet


# Packets

GAIN_MAP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="image/jpeg"'
    b' xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" xmlns:C="http://ns.google.com/photos/1.0/container/"'
    b' xmlns:Item="http://ns.google.com/photos/1.0/container/item/" hdrgm:Version="1.0">'
    b"<dc:title>Kitchen</dc:title><hdrgm:GainMapMin><rdf:Seq><rdf:li>0</rdf:li></rdf:Seq></hdrgm:GainMapMin>"
    b'<C:Directory><rdf:Seq><rdf:li rdf:parseType="Resource"><C:Item Item:Semantic="Primary"/></rdf:li>'
    b'<rdf:li rdf:parseType="Resource"><C:Item Item:Semantic="GainMap" Item:Length="2419"/></rdf:li></rdf:Seq>'
    b"</C:Directory></rdf:Description></rdf:RDF></x:xmpmeta>"
)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_gain_map_that_is_left_behind_is_claimed_no_more(tmp_path: Path, suffix: str) -> None:
    packet = through(made(tmp_path / "a.jpg", xmp=GAIN_MAP), suffix).xmp()
    assert packet is not None
    assert xmp.can_be_added_to(packet)
    assert b"<dc:title>Kitchen</dc:title>" in packet
    assert b'dc:format="image/jpeg"' in packet
    for word in (b"hdr", b"GainMap", b"Directory", b"Item", b"google"):
        assert word not in packet


def test_packets_without_such_claims_stay_as_they_are() -> None:
    for packet in (files.XMP, b"no packet", GAIN_MAP[:-20], b"\xff\xfe" + GAIN_MAP):
        assert xmp.without_followers(packet) == packet


def test_a_tiff_without_a_density_says_so_to_others(tmp_path: Path) -> None:
    through(made(tmp_path / "a.png"), ".tif")
    with tifffile.TiffFile(tmp_path / "result.tif") as file:
        assert file.pages[0].tags["ResolutionUnit"].value == 1
    assert not pyvips.Image.new_from_file(str(tmp_path / "result.tif")).get_typeof("resolution-unit")


def test_long_packets(tmp_path: Path) -> None:
    long = xmp.made_up("x" * 70_000)
    path = png_with(tmp_path / "long.png", {"Title": "An attic", "Description": "é" * 40_000})
    picture = Picture.open(path).with_xmp(xmp.partly_made_up(long))
    lost = " ".join(picture.not_kept_by("jpeg"))
    assert "XMP packet is not carried" in lost
    assert "'Description'" in lost
    assert "'Title'" not in lost
    packet = Picture.open(picture.save(tmp_path / "short.jpg")).xmp() or b""
    assert xmp.PARTLY_MADE_UP in packet
    assert b"An attic" in packet
    assert b"xxx" not in packet
    assert b"xxx" in (Picture.open(picture.save(tmp_path / "long.webp")).xmp() or b"")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kind", [".jpg", ".png", ".tif"])
def test_no_density_in_exif(tmp_path: Path, kind: str, suffix: str) -> None:
    exif = Image.Exif()
    exif[271] = "Canon"
    options = {"resolution_unit": 1, "x_resolution": 300.0, "y_resolution": 300.0} if kind == ".tif" else {}
    result = through(made(tmp_path / f"made{kind}", exif=exif, **options), suffix)
    assert "resolution_dpi" not in result.describe()
    assert result.path is not None
    with Image.open(result.path) as image:
        image.load()
        tags = image.getexif()
        assert suffix == ".tif" or not {282, 283, 296} & set(tags)
        assert tags.get(282, 1) == 1
        assert kind == ".tif" or tags[271] == "Canon"
