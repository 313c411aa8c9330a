"""Stored planes to RGB and back: against FFmpeg's own conversion, and properties over all layouts."""

import av
import numpy as np
import pytest

from sfumato.video.planes import MATRICES, Layout

LAYOUTS = [
    *(Layout("grey", bits, full_range=full) for bits in (8, 10, 16) for full in (False, True)),
    *(Layout("rgb", bits, full_range=True) for bits in (8, 10)),
    *(
        Layout("yuv", bits, across, down, full, matrix)
        for bits in (8, 10, 12)
        for across, down in ((1, 1), (2, 1), (2, 2), (4, 1), (1, 2))
        for full in (False, True)
        for matrix in MATRICES
    ),
]


@pytest.mark.parametrize("size", [(20, 32), (21, 33), (1, 1)])
def test_no_change_leaves_every_value(size: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    for layout in LAYOUTS:
        planes = [random.integers(0, 2**layout.bits, shape).astype(layout.dtype) for shape in layout.shapes(*size)]
        rgb = layout.to_rgb(planes)
        assert rgb.shape == (*size, layout.num_channels)
        assert rgb.dtype == np.float32
        after = layout.changed(planes, np.zeros_like(rgb))
        assert all(np.array_equal(a, b) for a, b in zip(planes, after, strict=True))


def test_a_plain_colour_goes_there_and_back() -> None:
    for layout in LAYOUTS:
        colour = np.full((21, 33, layout.num_channels), [0.2, 0.5, 0.7][: layout.num_channels], np.float32)
        back = layout.to_rgb(layout.to_planes(colour))
        assert np.abs(back - colour).max() < 3 / 2**layout.bits


def test_planes_of_full_colour_go_there_and_back_to_the_value() -> None:
    random = np.random.default_rng(0)
    for layout in (layout for layout in LAYOUTS if (layout.across, layout.down) == (1, 1)):
        planes = [random.integers(0, 2**layout.bits, shape).astype(layout.dtype) for shape in layout.shapes(20, 32)]
        back = layout.to_planes(layout.to_rgb(planes))
        assert all(np.array_equal(a, b) for a, b in zip(planes, back, strict=True))


@pytest.mark.parametrize(("matrix", "name"), [(1, "ITU709"), (6, "ITU601")])
@pytest.mark.parametrize("full", [False, True])
def test_the_same_colours_as_ffmpeg(matrix: int, name: str, full: bool) -> None:
    random = np.random.default_rng(0)
    frame = av.VideoFrame(32, 16, "yuv444p")
    planes = [random.integers(60, 190, (16, 32)).astype(np.uint8) for _ in range(3)]
    for plane, values in zip(frame.planes, planes, strict=True):
        np.asarray(memoryview(plane)).reshape(16, -1)[:, :32] = values
    theirs = frame.reformat(
        format="gbrp", src_colorspace=name, src_color_range="JPEG" if full else "MPEG", dst_color_range="JPEG"
    )
    green, blue, red = (np.asarray(memoryview(plane)).reshape(16, -1)[:, :32] for plane in theirs.planes)
    ours = 255 * Layout("yuv", 8, full_range=full, matrix=matrix).to_rgb(planes).clip(0, 1)
    assert np.abs(ours - np.stack([red, green, blue], axis=2)).max() < 2


def test_halved_colour_lies_on_the_left_pixel() -> None:
    ramp = np.broadcast_to(np.linspace(0.2, 0.8, 32, dtype=np.float32)[None, :, None], (8, 32, 3)).copy()
    ramp[..., 1] = 0.5
    layout = Layout("yuv", 10, 2, 1)
    back = layout.to_rgb(layout.to_planes(ramp))
    assert np.abs(back - ramp)[:, 2:-2].max() < 0.004
