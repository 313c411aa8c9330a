"""Many pictures on one: sheets and strips, and moving GIFs."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import OVERWRITE, PictureError, exists_already
from ..files import write_whole
from .channels import with_channels
from .picture import Picture
from .vips import vips

GAP = 2  # pixels between the pictures of a sheet
PAPER = 1.0


def sheet(pictures: Sequence[Picture], columns: int | None = None, *, xmp: bytes | None = None) -> Picture:
    """Equal pictures in rows on white, transparent where they are; as wide as high unless `columns` are given."""
    assert pictures, "a sheet of no pictures"
    count = len(pictures)
    columns = min(columns or math.ceil(math.sqrt(count)), count)
    rows = math.ceil(count / columns)
    height, width, channels = pictures[0].height, pictures[0].width, pictures[0].num_channels
    shape = rows * (height + GAP) - GAP, columns * (width + GAP) - GAP
    canvas = np.full((*shape, channels), PAPER, np.float32)
    alpha = np.zeros(shape, np.float32) if any(p.has_alpha for p in pictures) else None
    for number, picture in enumerate(pictures):
        top, left = (number // columns) * (height + GAP), (number % columns) * (width + GAP)
        place = slice(top, top + height), slice(left, left + width)
        canvas[place] = picture.array()
        if alpha is not None:
            own = picture.alpha()
            alpha[place] = 1.0 if own is None else own
    return Picture.from_array(canvas, alpha=alpha, depth=8, xmp=xmp)


def save_gif(
    pictures: Sequence[Picture], path: Path, *, overwrite: bool = False, delay: int = 80, comment: str = ""
) -> Path:
    """A moving GIF that goes there and back, `delay` milliseconds a frame, transparent parts on white."""
    if path.exists() and not overwrite:
        raise PictureError(exists_already(path), *OVERWRITE)
    frames = [*pictures, *reversed(pictures[1:-1])]
    pages = [np.round(255 * with_channels(frame.array(), frame.alpha(), 3)).astype(np.uint8) for frame in frames]
    height = pages[0].shape[0]
    pyvips = vips()
    image = pyvips.Image.new_from_array(np.concatenate(pages))
    image = image.copy()
    image.set_type(pyvips.GValue.gint_type, "page-height", height)
    image.set_type(pyvips.GValue.array_int_type, "delay", [delay] * len(pages))
    image.set_type(pyvips.GValue.gint_type, "loop", 0)
    try:
        write_whole(path, _commented(image.gifsave_buffer(), comment))
    except (pyvips.Error, OSError) as error:
        raise PictureError(f"{path} could not be written: {str(error).splitlines()[0]}.") from None
    return path


def _commented(gif: bytes, comment: str) -> bytes:
    """With a comment extension (GIF89a, 24) before the trailer; libvips writes none."""
    text = comment.encode("ascii", "replace")[:255]
    return gif[:-1] + b"\x21\xfe" + bytes([len(text)]) + text + b"\x00" + gif[-1:] if text else gif
