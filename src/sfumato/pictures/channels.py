"""Pictures brought to the channels and the size that a network knows, the same way for training and for use."""

import numpy as np
from numpy.typing import NDArray

from .vips import vips

Pixels = NDArray[np.floating]

GREY_WEIGHTS = (0.299, 0.587, 0.114)  # of red, green and blue in grey: ITU-R BT.601
# What Cb and Cr, the chroma beside that luma, are made of, and what they add to red, green, blue: each -0.5 to 0.5.
CHROMA_WEIGHTS = ((-0.299 / 1.772, -0.587 / 1.772, 0.5), (0.5, -0.587 / 1.402, -0.114 / 1.402))
CHROMA_IN_RGB = ((0.0, 1.402), (-0.202008 / 0.587, -0.419198 / 0.587), (1.772, 0.0))


def with_channels(colour: Pixels, alpha: Pixels | None, channels: int) -> Pixels:
    """Colour `h w 1|3` and straight alpha `h w` as `h w channels`: 1 grey, 2 with alpha, 3 RGB, 4 RGBA, straight.

    Alpha that has no channel is laid over white.
    """
    cover = np.ones_like(colour[..., :1]) if alpha is None else alpha[..., None]
    if alpha is not None and channels in (1, 3):
        colour = colour * cover + (1 - cover)
    if channels < 3 and colour.shape[2] == 3:
        colour = (colour @ np.array(GREY_WEIGHTS, np.float32))[..., None]
    elif channels >= 3 and colour.shape[2] == 1:
        colour = colour.repeat(3, axis=2)
    return np.concatenate([colour, cover], axis=2) if channels in (2, 4) else colour


def luma_of(pixels: Pixels) -> Pixels:
    """The BT.601 luma `h w 1` of grey or colour `h w 1|3`."""
    return pixels if pixels.shape[2] == 1 else (pixels @ np.array(GREY_WEIGHTS, np.float32))[..., None]


def with_chroma(luma: Pixels, chroma: Pixels) -> Pixels:
    """RGB `h w 3` of luma `h w 1` and chroma `h w 2`, Cb and Cr, as much of it as fits into [0, 1] at that luma."""
    return desaturated(luma, chroma @ np.array(CHROMA_IN_RGB, np.float32).T)


def desaturated(luma: Pixels, off: Pixels) -> Pixels:
    """Luma `h w 1` plus what red, green and blue `h w 3` are off it, reduced where that would leave [0, 1]."""
    room = np.where(off > 0, 1 - luma, luma).clip(0)
    fits = np.divide(room, np.abs(off), out=np.ones_like(off), where=np.abs(off) > room)
    return luma + fits.min(axis=2, keepdims=True) * off


def resize_and_center_crop(pixels: Pixels, size: tuple[int, ...]) -> Pixels:
    """The middle of a picture `h w c` scaled to cover `size` (height, width) just; alpha stays with its colour.

    Of 2 or 4 channels the last is alpha, straight before and after.
    """
    height, width = pixels.shape[:2]
    if (height, width) == tuple(size):
        return pixels
    image = vips().Image.new_from_array(np.ascontiguousarray(premultiply(pixels)))
    image = image.resize(max(size[0] / height, size[1] / width))
    left, top = (image.width - size[1]) // 2, (image.height - size[0]) // 2
    scaled = image.extract_area(max(left, 0), max(top, 0), size[1], size[0]).numpy().reshape(*size, -1)
    return unpremultiply(scaled.astype(np.float32).clip(0, 1))


def width_and_height(size: tuple[int, ...]) -> str:
    """A size, height and width, as a sentence says it, so that nobody takes one for the other."""
    return f"{size[1]} wide and {size[0]} high"


def premultiply(pixels: Pixels) -> Pixels:
    """`... c` with the colour multiplied by the alpha, the last of 2 or 4 channels; others as they are."""
    if pixels.shape[-1] not in (2, 4):
        return pixels
    return np.concatenate([pixels[..., :-1] * pixels[..., -1:], pixels[..., -1:]], axis=-1)


def unpremultiply(pixels: Pixels) -> Pixels:
    """The inverse of `premultiply`, in [0, 1]; colour of what is fully transparent is black."""
    if pixels.shape[-1] not in (2, 4):
        return pixels
    alpha = pixels[..., -1:]
    return np.concatenate([(pixels[..., :-1] / np.maximum(alpha, 1 / 255)).clip(0, 1), alpha], axis=-1)
