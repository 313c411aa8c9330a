"""What the headers of files say of their compression."""

import io

import numpy as np
import pytest
import pyvips
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage.data import astronaut

from sfumato import Picture
from sfumato.estimation import avif, webp
from sfumato.estimation.stored import LIKE_JPEG, READ, like_jpeg, stored_quality

PIXELS = np.ascontiguousarray(astronaut()[:200, 120:390])
WITHIN = {"webp": 8, "avif": 3}


def vips(codec: str, quality: int, effort: int, pixels: np.ndarray = PIXELS) -> bytes:
    picture = pyvips.Image.new_from_array(pixels)
    if codec == "webp":
        return picture.webpsave_buffer(Q=quality, effort=effort)
    return picture.heifsave_buffer(Q=quality, compression="av1", effort=effort)


def pillow(codec: str, quality: int, effort: int, pixels: np.ndarray = PIXELS) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, codec.upper(), quality=quality, **({"speed": 9} if codec == "avif" else {}))
    return file.getvalue()


@pytest.mark.parametrize("save", [vips, pillow])
@pytest.mark.parametrize("codec", LIKE_JPEG)
def test_the_quality_asked_for_is_read_from_the_header(codec, save):
    read = [READ[codec](io.BytesIO(save(codec, quality, 2))) for quality in (10, 30, 50, 75, 92)]
    assert read == pytest.approx([10, 30, 50, 75, 92], abs=WITHIN[codec])


@pytest.mark.parametrize("codec", LIKE_JPEG)
@pytest.mark.parametrize("size", [(16, 16), (63, 129), (200, 8), (700, 900)])
def test_of_any_size_with_and_without_transparency(codec, size):
    for channels in (1, 3, 4):
        pixels = np.resize(PIXELS, (*size, channels)).astype(np.uint8)
        found = READ[codec](io.BytesIO(vips(codec, 40, 0, pixels)))
        assert found == pytest.approx(40, abs=15 if codec == "webp" else 3)  # of noise its segments say less


def test_files_without_a_quality_have_none():
    picture = pyvips.Image.new_from_array(PIXELS)
    lossless, jpeg, png = (
        picture.webpsave_buffer(lossless=True),
        picture.jpegsave_buffer(),
        picture.pngsave_buffer(),
    )
    for data in (lossless, jpeg, png, b"", b"RIFF\0\0\0\0WEBPVP8 ", b"\0\0\0\x20ftypavif"):
        assert webp.quality_of(io.BytesIO(data)) is None
        assert avif.quality_of(io.BytesIO(data)) is None


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_damaged_headers_raise_nothing(data):
    codec = data.draw(st.sampled_from(list(LIKE_JPEG)))
    file = bytearray(FILES[codec])
    for _ in range(data.draw(st.integers(1, 12))):
        file[data.draw(st.integers(0, min(len(file), 600) - 1))] = data.draw(st.integers(0, 255))
    file = file[: data.draw(st.integers(0, len(file)))]
    found = READ[codec](io.BytesIO(bytes(file)))
    assert found is None or 0 <= found <= 100


@pytest.mark.parametrize("sizes", [b"\x00\x00", b"\xff\xff"])
def test_places_beyond_the_file_and_without_end_are_given_up(sizes):
    file = FILES["avif"]
    start = file.index(b"iloc") + 8
    places = sizes + b"\xff\xff" + b"\xff\xff\0\0\xff\xff" * 60_000
    for data in (file[:start] + places, file[:start] + sizes + file[start + 2 :]):
        found = avif.quality_of(io.BytesIO(data))
        assert found is None or 0 <= found <= 100


FILES = {codec: vips(codec, 50, 0, PIXELS[:64, :80]) for codec in LIKE_JPEG}


@pytest.mark.parametrize("codec", LIKE_JPEG)
def test_a_better_file_is_like_a_better_jpeg_and_a_changed_picture_still_has_it(codec):
    pictures = [Picture.open(vips(codec, quality, 0)) for quality in (10, 40, 70, 95)]
    found = [stored_quality(picture) for picture in pictures]
    assert found == sorted(found)
    assert stored_quality(pictures[0].with_array(pictures[0].array() / 2)) == found[0]
    assert stored_quality(Picture.from_array(PIXELS / np.float32(255))) is None
    like = [like_jpeg(codec, quality) for quality in range(101)]
    assert like == sorted(like)
    assert like[0] >= 1
    assert like[-1] <= 100
