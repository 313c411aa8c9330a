"""Pictures to latents, by the encoder of a model file, and planes back to pictures."""

from ..errors import ModelError, UsageError
from ..models.card import Input
from ..models.engine import Engine
from ..pictures.channels import covering, premultiplied, straight, with_channels
from ..pictures.picture import Picture
from .sampler import Array, size_of


def encoded(engine: Engine, picture: Picture) -> tuple[Array, Picture]:
    """The latent `k` of a picture, and the picture as the encoder saw it: in the model's size and channels.

    Raises UsageError for a family without an encoder.
    """
    card = engine.card
    if "encode" not in card.entries:
        raise UsageError(
            f"{card.name!r} (family {card.family!r}) has no encoder that takes a picture; variational and "
            "convolutional autoencoders and flows of codes have one."
        )
    entry = card.entries["encode"]
    port: Input = next(port for port in card.inputs if port.name in entry.inputs and port.kind == "picture")
    known = covering(with_channels(picture.array(), picture.alpha(), port.channels), size_of(card))
    x = premultiplied(known).transpose(2, 0, 1)
    return engine.run({port.name: x[None]}, "encode")[entry.outputs[0]][0], as_picture(x)


def as_picture(planes: Array, xmp: bytes | None = None) -> Picture:
    """Planes `c h w` in [0, 1], 1 to 4 of them, as an 8 bit picture; colour is divided by the alpha that is in it."""
    if not 1 <= len(planes) <= 4:
        raise ModelError(f"Pictures of {len(planes)} channels cannot be shown; 1 to 4 can.")
    pixels = straight(planes.transpose(1, 2, 0))
    if len(planes) in (1, 3):
        return Picture.from_array(pixels, depth=8, xmp=xmp)
    return Picture.from_array(pixels[..., :-1], alpha=pixels[..., -1], depth=8, xmp=xmp)
