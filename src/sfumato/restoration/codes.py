"""A small picture as one that a flow of codes knows: enlarged to that size, with details that it makes up.

What the flow expects is decoded, brought into agreement with the small picture, and encoded again, at every step from
noise to picture (after arXiv:2310.04432, in codes as in arXiv:2307.08123, by the encoder instead of gradients). Words
that the flow knows, and the outline that a transparent picture has, lead it.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..conditions.given import NOTHING, Given, read_given
from ..conditions.silhouette import both_sides
from ..errors import PictureError
from ..models.card import Card
from ..models.engine import Engine
from ..models.ports import port_of, run_by_kind
from ..pictures.channels import premultiply, unpremultiply, with_channels
from ..pictures.picture import Picture
from ..sampling.posterior import sample_posterior
from ..sampling.solvers import Velocity, times
from ..sampling.velocity import guided, velocity_of
from ..tiling.resize import resized
from .roles import is_coded

Array = NDArray[np.float32]
STEPS = 30
GUIDANCE = 2.0  # towards words: less than in generating, as the picture itself says what it shows
ENOUGH = 0.02  # deviation of an alpha that is no outline


def scale_for(picture: Picture, card: Card) -> int:
    """How often the sides of a picture go into those of the pictures that a flow of codes knows.

    Raises PictureError for another shape, and for one that is as large already.
    """
    height, width = card.size
    scale = height // picture.height
    if scale < 2 or (picture.height * scale, picture.width * scale) != (height, width):
        raise PictureError(
            f"{picture.path or 'The picture'} is {picture.width}x{picture.height}; {card.name} enlarges to "
            f"{width}x{height}, from a whole part of it, such as {width // 8}x{height // 8}."
        )
    return scale


def enlarge(
    picture: Picture,
    engine: Engine,
    num: int = 1,
    *,
    text: str | None = None,
    seed: int = 0,
    steps: int | None = None,
    guidance: float = GUIDANCE,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Array, tuple[str, ...]]:
    """`num` plausible originals (n, h, w, c), colour not multiplied by its alpha, and notes on the words.

    Raises PictureError for a picture of another shape, UsageError for words where the model knows none.
    """
    card = engine.card
    assert is_coded(card), "a flow of codes, with encoder and decoder"
    scale = scale_for(picture, card)
    port = port_of(card, "picture", entry="encode")
    assert port is not None, "an encoder takes a picture"
    y = premultiply(with_channels(picture.array(), picture.alpha(), port.channels)).transpose(2, 0, 1)
    given, notes = _given(picture, card, text)

    def agree(z: Array, _: float) -> Array:
        x = run_by_kind(engine, {"latent": z}, "decode")
        n, c, h, w = x.shape
        missed = y - x.reshape(n, c, h // scale, scale, w // scale, scale).mean(axis=(3, 5))
        near = (x + missed.repeat(scale, axis=2).repeat(scale, axis=3)).clip(0, 1)
        if c == 4:
            near[:, :3] = np.minimum(near[:, :3], near[:, 3:])
        both = np.concatenate([x, near]).astype(np.float32)
        before, after = np.split(run_by_kind(engine, {"picture": both}, "encode"), 2)
        return (z + after - before).astype(np.float32)

    latent = port_of(card, "latent", entry="velocity")
    assert latent is not None, "codes are moved"
    way = times(steps or STEPS, shift=float(card.sampling.get("shift", 1.0)))
    indices = range(num)
    x = sample_posterior(
        _velocity(engine, given, num, guidance), agree, (latent.channels,), indices, seed, way, progress=progress
    )
    found = run_by_kind(engine, {"latent": x}, "decode").clip(0, 1).transpose(0, 2, 3, 1)
    return np.stack([unpremultiply(one) for one in found]), notes


def _given(picture: Picture, card: Card, text: str | None) -> tuple[Given, tuple[str, ...]]:
    """The words, and the outline of a transparent picture, where the model takes one."""
    size = (card.size[0], card.size[1])
    given = NOTHING if text is None else read_given(card, "velocity", size, text=text)
    alpha = picture.alpha()
    if alpha is None or alpha.std() < ENOUGH or port_of(card, "silhouette", entry="velocity") is None:
        return given, given.notes
    outline = both_sides(resized(alpha[..., None], *size)[..., 0].clip(0, 1))
    return Given(given.values | {"silhouette": outline}), given.notes


def _velocity(engine: Engine, given: Given, num: int, guidance: float) -> Velocity:
    return guided(velocity_of(engine, given.rows(num)), velocity_of(engine), guidance if given else 1.0)
