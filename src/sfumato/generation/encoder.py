"""Pictures to latents, by the encoder of a model file, and planes back to pictures."""

from ..errors import ModelError, UsageError
from ..models.engine import Engine
from ..models.ports import port_of, run_by_kind
from ..pictures.channels import premultiply, resize_and_center_crop, unpremultiply, width_and_height, with_channels
from ..pictures.picture import Picture
from .sampler import Array, size_of


def encode(engine: Engine, picture: Picture) -> tuple[Array, Picture]:
    """The latent `k` of a picture, and the picture as the encoder saw it: in the model's size and channels.

    Raises UsageError for a family without an encoder.
    """
    card = engine.card
    if "encode" not in card.entries:
        raise UsageError(
            f"{card.name!r} (family {card.family!r}) has no encoder that takes a picture; variational and "
            "convolutional autoencoders and flows of codes have one."
        )
    port = port_of(card, "picture", entry="encode")
    assert port is not None, "an encoder takes a picture"
    x = fitted(picture, port.channels, size_of(card))
    return run_by_kind(engine, {"picture": x[None]}, "encode")[0], as_picture(x)


def fitted(picture: Picture, channels: int, size: tuple[int, int]) -> Array:
    """Planes `c h w` of a picture, scaled and cropped to `size`, as generating models know it: colour times alpha."""
    pixels = resize_and_center_crop(with_channels(picture.array(), picture.alpha(), channels), size)
    return premultiply(pixels).transpose(2, 0, 1)


def changes_to_fit(engine: Engine, picture: Picture) -> tuple[str, ...]:
    """A sentence on what was changed of a picture so that the model takes it; () for nothing."""
    size, changes = tuple(engine.card.size), []
    port = port_of(engine.card, "picture") or next(out for out in engine.card.outputs if out.kind == "picture")
    if (picture.height, picture.width) != size:
        changes.append(f"scaled and cropped to {width_and_height(size)}")
    if port.channels < 3 and picture.num_channels == 3:
        changes.append("turned to grey")
    if port.channels in (1, 3) and picture.has_alpha:
        changes.append("laid on white")
    return (f"The picture was {', '.join(changes)}, which is what {engine.card.name} knows.",) if changes else ()


def as_picture(planes: Array, xmp: bytes | None = None) -> Picture:
    """Planes `c h w` in [0, 1], 1 to 4 of them, as an 8 bit picture; colour is divided by the alpha that is in it."""
    if not 1 <= len(planes) <= 4:
        raise ModelError(f"Pictures of {len(planes)} channels cannot be shown; 1 to 4 can.")
    pixels = unpremultiply(planes.transpose(1, 2, 0))
    if len(planes) in (1, 3):
        return Picture.from_array(pixels, depth=8, xmp=xmp)
    return Picture.from_array(pixels[..., :-1], alpha=pixels[..., -1], depth=8, xmp=xmp)
