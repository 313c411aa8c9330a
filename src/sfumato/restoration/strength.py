"""How much of a restoration is applied: the models' full result, blended with the picture that came in."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from ..errors import Option, UsageError
from ..pictures.channels import desaturated, luma_of
from ..pictures.picture import Picture
from ..pictures.span import Span
from ..pictures.xmp import partly_made_up
from ..tiling.resize import upsample
from ..tiling.strips import STRIP_ROWS, Rows
from . import masks
from .options import check_strength
from .result import Restored

HAIR = np.float32(0.999)  # of what a colour is off grey
NOTHING = "Strength 0: the picture was left as it is."


def at_strength(restored: Restored, strength: float) -> Restored:
    """The same restoration at another strength, without running a model again.

    The result is, to the bit, that of `restore` with this strength: the blend starts from `restored.full`, not from
    the picture of the strength before. strength: 0 gives the source back exactly, 1 the models' result, up to 1.5 goes
    beyond.

    Raises UsageError for a strength out of range, and for a result of strength 0, which holds no full one.
    """
    check_strength(strength)
    if strength == 0:
        span, depth = restored.span, restored.source.depth
        notes = (NOTHING,) if span is None else (note_on_span(span, depth), NOTHING)
        return replace(
            restored,
            picture=restored.source,
            steps=(),
            strength=0.0,
            notes=notes,
            filled=None,
            doubtful=None,
            advice="",
            full=None,
        )
    if restored.full is None:
        if restored.size is not None and restored.strength != 0:
            return replace(restored, picture=_in_size(restored.source, restored), strength=strength)
        if restored.strength == 0:
            raise UsageError(Option("strength"), " was 0, so no full result was kept; restore the picture again.")
        return replace(restored, strength=strength)
    blended = _blended_picture(restored, restored.full, strength)
    return replace(restored, picture=_in_size(blended, restored), strength=strength)


def _in_size(picture: Picture, restored: Restored) -> Picture:
    """The picture in the size that was asked for."""
    if restored.size is None or restored.size == (picture.height, picture.width):
        return picture
    return picture.reduced(*restored.size)


def check_blends(before: tuple[int, int, int], after: tuple[int, int, int]) -> None:
    """Raises UsageError where a picture of the first shape (h, w, c) cannot be blended with one of the second."""
    factor = after[0] // before[0]
    if after != (before[0] * factor, before[1] * factor, before[2]):
        raise another_kind()


def another_kind() -> UsageError:
    """The error of a result that cannot be blended with the picture."""
    return UsageError("The result has another size or other channels: strength and mask can't blend the two.")


def note_on_span(span: Span, depth: int) -> str:
    """The sentence on what was taken for black and white."""
    return f"Its values, {span.describe(depth)}, were taken as black to white."


def _blended_picture(restored: Restored, full: Picture, strength: float) -> Picture:
    source, span, region, result = restored.source, restored.span, restored.region, full
    if strength != 1 or region is not None:
        picture = source if span is None else source.in_span(span)
        result = _with_alpha_of(full, _in_between(picture, full, strength, region))
    if restored.is_made_up:
        result = result.with_xmp(partly_made_up(source.xmp()))
    return result if span is None else result.with_strips(span.unscaled(strip) for strip in result.strips())


def _in_between(picture: Picture, full: Picture, strength: float, region: masks.Mask | None) -> Picture:
    blended = _blended(picture, full, strength, region)
    if picture.num_channels == 1 and full.num_channels == 3 and _shape(picture)[:2] == _shape(full)[:2]:
        return picture.with_colour(_with_luma_of(picture, blended))
    check_blends(_shape(picture), _shape(full))
    return picture.with_strips(blended, full.height, full.width)


def _with_luma_of(picture: Picture, strips: Iterable[Rows]) -> Iterator[Rows]:
    """The colours of the strips at the luma of a grey picture, as far as they fit there.

    They are a hair weaker, so that no channel lies halfway between two steps: three rounded alike move the luma.
    """
    for y, rows in zip(picture.strips(STRIP_ROWS), strips, strict=True):
        yield np.where(np.isfinite(rows), desaturated(y, HAIR * (rows - luma_of(rows))), rows)


def _blended(picture: Picture, full: Picture, strength: float, region: masks.Mask | None) -> Iterator[Rows]:
    """The picture (enlarged plainly where the result is larger), and `strength` times the change within the region."""
    top = 0
    region = None if region is None else masks.upsample_mask(region, full.height)
    for y, x_hat in zip(upsample(picture, full.height, full.width), full.strips(STRIP_ROWS), strict=True):
        share = np.float32(strength) if region is None else strength * region[top : top + len(y), :, None]
        yield np.where(np.isfinite(y) & (share != 0), y + share * (x_hat - y), y)
        top += len(y)


def _shape(picture: Picture) -> tuple[int, int, int]:
    return picture.height, picture.width, picture.num_channels


def _with_alpha_of(full: Picture, blended: Picture) -> Picture:
    """The blended picture with the full result's transparency, which inpainting changes."""
    alpha = full.alpha()
    return blended if alpha is None else blended.with_alpha(alpha)
