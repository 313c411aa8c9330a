"""TIFF files of all layouts, depths and compressions are read as they are or refused as unsupported, never damaged."""

import io
import re
import warnings
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sfumato.errors import PictureError
from sfumato.pictures.picture import Picture

ROWS, COLUMNS = np.mgrid[0:70, 0:53]
LOSSLESS = (None, "lzw", "deflate", "packbits", "zstd", "lzma", "lerc", "png")
LOSSY = ("jpeg", "webp", "jpeg2000", "jpegxl")
WHITE = {"u1": 255, "u2": 65535, "f2": 1, "f4": 1}
UNSUPPORTED = re.compile("not supported here|64-bit numbers|by LERC, which loses")


def scene(channels: int) -> np.ndarray:
    """In [0, 1]; no channel is like another."""
    return np.stack([(3 * ROWS + 2 * (c + 1) * COLUMNS + 17 * c) % 256 / 255 for c in range(channels)], axis=2)


def stored(kind: str, channels: int, separate: bool, **options: Any) -> bytes:
    """The scene as a TIFF file; raises what tifffile raises where it writes no such file."""
    values = (scene(channels) * WHITE.get(kind, 2**32 - 1 if kind == "u4" else 1)).round(7).astype(kind)
    pixels = values[..., 0] if channels == 1 else np.moveaxis(values, -1, 0) if separate else values
    if channels > 1:
        options["planarconfig"] = "separate" if separate else "contig"
    if channels == 4:
        options["extrasamples"] = ["unassalpha"]
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tifffile.imwrite(file, pixels, photometric="minisblack" if channels == 1 else "rgb", **options)
    return file.getvalue()


def read(contents: bytes) -> np.ndarray:
    picture = Picture.open(contents)
    alpha = picture.alpha()
    return picture.array() if alpha is None else np.dstack([picture.array(), alpha])


@settings(deadline=None, max_examples=80)
@given(
    kind=st.sampled_from(["u1", "u2", "u4", "f2", "f4", "f8"]),
    channels=st.sampled_from([1, 3, 4]),
    separate=st.booleans(),
    layout=st.sampled_from([{}, {"rowsperstrip": 16}, {"tile": (16, 16)}, {"tile": (32, 48)}]),
    compression=st.sampled_from(LOSSLESS + LOSSY),
    predictor=st.booleans(),
)
def test_all_layouts(
    kind: str, channels: int, separate: bool, layout: dict[str, Any], compression: str | None, predictor: bool
) -> None:
    options = layout | {"compression": compression} | ({"predictor": True} if predictor and compression else {})
    try:
        contents = stored(kind, channels, separate, **options)
    except Exception:
        assume(False)
    pixels, refusal = None, ""
    try:
        pixels = read(contents)
    except PictureError as error:
        refusal = str(error)
    if pixels is None:
        assert UNSUPPORTED.search(refusal), refusal
    else:
        off = np.abs(pixels - scene(channels))
        assert off.mean() < 0.03 if compression in LOSSY else off.max() < 1e-3


@pytest.mark.parametrize("kind", ["u1", "u2", "f2", "f4"])
@pytest.mark.parametrize("layout", [{"tile": (16, 16)}, {"rowsperstrip": 16}])
@pytest.mark.parametrize("compression", [None, "packbits"])
def test_channels_that_lie_apart_are_read(kind: str, layout: dict[str, Any], compression: str | None) -> None:
    options = layout | ({"compression": compression, "predictor": True} if compression else {})
    np.testing.assert_allclose(read(stored(kind, 3, True, **options)), scene(3), atol=1e-3)


@pytest.mark.parametrize("photometric", [3, 5])
def test_no_channel_that_lies_apart_is_taken_for_what_it_is_not(photometric: int) -> None:
    contents = stored("u1", 4, True, tile=(16, 16))
    with tifffile.TiffFile(io.BytesIO(contents)) as file:
        at = file.pages[0].tags[262].valueoffset
    changed = contents[:at] + photometric.to_bytes(2, "little") + contents[at + 2 :]
    with pytest.raises(PictureError, match="neither grey nor RGB"):
        Picture.open(changed)
