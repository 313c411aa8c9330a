"""What the headers of JPEG files say that hold CMYK, YCCK, or RGB as it is."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage.data import astronaut

from sfumato import Picture
from sfumato.estimation.jpeg import scale
from sfumato.estimation.jpeg_tables import OF_INKS, quality_of
from sfumato.estimation.stored import stored_quality
from sfumato.restoration.diagnosis import Diagnosis

PIXELS = Image.fromarray(astronaut()[:128, 140:300])
QUALITIES = (5, 25, 50, 75, 92)


def stored(mode: str, quality: int, **options: object) -> bytes:
    file = io.BytesIO()
    PIXELS.convert(mode).save(file, "JPEG", quality=quality, **options)
    return file.getvalue()


def ycck(quality: int) -> bytes:
    inks = 255 - np.asarray(PIXELS.convert("CMYK"))  # as Adobe counts them
    codecs = pytest.importorskip("imagecodecs")
    return codecs.jpeg8_encode(inks, level=quality, colorspace="CMYK", outcolorspace="YCCK", subsampling="420")


@pytest.mark.parametrize("quality", QUALITIES)
def test_of_inks_the_steps_count_for_less(quality: int) -> None:
    for file in (stored("CMYK", quality), stored("CMYK", quality, progressive=True), ycck(quality)):
        found = quality_of(io.BytesIO(file))
        assert found is not None
        assert scale(found) == pytest.approx(OF_INKS * scale(quality), rel=0.01)


@pytest.mark.parametrize("quality", QUALITIES)
def test_of_rgb_the_quality_is_what_was_asked_for(quality: int) -> None:
    file = stored("RGB", quality, keep_rgb=True)
    bare = re.sub(rb"\xff\xee\x00\x0eAdobe.{7}", b"", file, flags=re.DOTALL)  # the names of the components remain
    assert len(bare) == len(file) - 16
    for data in (file, bare):
        assert quality_of(io.BytesIO(data)) == pytest.approx(quality, abs=0.5)


def test_of_other_files_nothing_is_said() -> None:
    png = io.BytesIO()
    PIXELS.save(png, "PNG")
    for data in (stored("RGB", 50), stored("L", 50), png.getvalue(), b"", b"\xff\xd8\xff", stored("CMYK", 50)[:300]):
        assert quality_of(io.BytesIO(data)) is None


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_damaged_headers_raise_nothing(data: st.DataObject) -> None:
    file = bytearray(stored("CMYK", 50))
    for _ in range(data.draw(st.integers(1, 12))):
        file[data.draw(st.integers(0, min(len(file), 400) - 1))] = data.draw(st.integers(0, 255))
    found = quality_of(io.BytesIO(bytes(file[: data.draw(st.integers(0, len(file)))])))
    assert found is None or 1 <= found <= 100


def test_a_file_that_is_gone_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "print.jpg").write_bytes(stored("CMYK", 50))
    picture = Picture.open(tmp_path / "print.jpg")
    changed = picture.with_array(picture.array() / 2)
    assert stored_quality(changed) is not None
    (tmp_path / "print.jpg").unlink()
    assert stored_quality(changed) is None


def test_a_print_is_restored_by_what_its_header_says() -> None:
    for file in (stored("CMYK", 30), ycck(30)):
        strong = Diagnosis(Picture.open(file), threads=1)
        assert strong.is_compressed
        assert scale(strong.jpeg_quality) >= OF_INKS * scale(30) * 0.99
        assert "like that of JPEG quality" in strong.describe()
    assert not Diagnosis(Picture.open(stored("CMYK", 95)), threads=1).is_compressed
