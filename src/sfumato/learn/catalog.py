"""The list of families. A new family is a file in `networks` and one line here; every property test then runs on it."""

import dataclasses
import difflib
import math
from dataclasses import dataclass
from typing import Any, get_args, get_origin, get_type_hints

from sfumato.errors import UsageError

from .networks.autoencoder import Autoencoder, AutoencoderClassic, AutoencoderClassicConfig, AutoencoderConfig
from .networks.classifier import Classifier, ClassifierConfig
from .networks.edsr import Edsr, EdsrConfig
from .networks.flow import Flow, FlowConfig
from .networks.gan import Gan, GanConfig
from .networks.gan_classic import GanClassic, GanClassicConfig
from .networks.gated_unet import GatedUNet, GatedUNetConfig
from .networks.latent_flow import LatentFlow, LatentFlowConfig
from .networks.latent_gan import LatentGan, LatentGanConfig
from .networks.network import Network
from .networks.noise_net import NoiseNet, NoiseNetConfig
from .networks.plain_unet import PlainUNet, PlainUNetConfig
from .networks.segmenter import Segmenter, SegmenterConfig
from .networks.tone_net import ToneNet, ToneNetConfig
from .networks.vae import Vae, VaeClassic, VaeClassicConfig, VaeConfig


@dataclass(frozen=True)
class Family:
    """A network class, its config class, and a config small enough for tests."""

    network: type[Network]
    config: type
    tiny: dict[str, Any]


# What the tests draw: neither square nor grey nor opaque, and by class.
SMALL: dict[str, Any] = {"size": (8, 12), "channels": 4, "classes": ("cat", "dog", "newt")}

FAMILIES: dict[str, Family] = {
    "plain-unet": Family(PlainUNet, PlainUNetConfig, {"widths": (8, 12), "blocks": (1, 1)}),
    "edsr": Family(Edsr, EdsrConfig, {"width": 8, "blocks": 2}),
    "gated-unet": Family(GatedUNet, GatedUNetConfig, {"widths": (6, 8, 8, 10), "blocks": (1, 1, 1, 1)}),
    "noise-net": Family(NoiseNet, NoiseNetConfig, {"widths": (8, 8, 12), "depth": 1}),
    "tone-net": Family(ToneNet, ToneNetConfig, {"widths": (6, 8), "knots": 3}),
    "segmenter": Family(Segmenter, SegmenterConfig, {"widths": (8, 12), "blocks": (1, 1)}),
    "gan": Family(Gan, GanConfig, SMALL | {"latent": 5, "widths": (6, 8)}),
    "gan-classic": Family(GanClassic, GanClassicConfig, SMALL | {"latent": 5, "widths": (6, 8)}),
    "vae": Family(Vae, VaeConfig, SMALL | {"latent": 5, "widths": (6, 8), "components": 2}),
    "vae-classic": Family(VaeClassic, VaeClassicConfig, SMALL | {"latent": 2, "hidden": (12, 8)}),
    "autoencoder": Family(Autoencoder, AutoencoderConfig, SMALL | {"latent": 5, "widths": (6, 8), "components": 2}),
    "autoencoder-classic": Family(
        AutoencoderClassic, AutoencoderClassicConfig, SMALL | {"latent": 5, "widths": (6, 8)}
    ),
    "flow": Family(Flow, FlowConfig, SMALL | {"widths": (6, 8), "attention": (1,), "patch": 2}),
    "latent-flow": Family(
        LatentFlow, LatentFlowConfig, SMALL | {"widths": (6, 8), "fine": 4, "code": 3, "flow_widths": (8,)}
    ),
    "latent-gan": Family(
        LatentGan, LatentGanConfig, SMALL | {"widths": (6, 8), "fine": 4, "code": 3, "latent": 5, "gan_widths": (6,)}
    ),
    "classifier": Family(Classifier, ClassifierConfig, SMALL | {"widths": (6, 8), "hidden": (8,)}),
}


def create(family: str, config: dict[str, Any] | None = None) -> Network:
    """A new network of the family; unknown families and config keys raise UsageError, which suggests the near name."""
    found = FAMILIES[known(family, FAMILIES, "family")]
    return found.network(configured(found.config, config or {}, family))


def configured(config_class: type, values: dict[str, Any], owner: str) -> Any:
    """The frozen config with `values` set, lists as tuples; UsageError for unknown keys and values of a wrong kind."""
    names, kinds = [field.name for field in dataclasses.fields(config_class)], get_type_hints(config_class)
    for key in values:
        known(key, names, f"setting of {owner}")
    return config_class(**{key: _fitting(kinds[key], value, f"{owner}: {key}") for key, value in values.items()})


KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}


def _fitting(kind: Any, value: Any, what: str) -> Any:
    """`value` as a field of the type `kind` holds it: whole floats as ints, ints as floats, lists as tuples."""
    if get_origin(kind) is tuple:
        inner = get_args(kind)[0]
        if isinstance(value, list | tuple):
            return tuple(_fitting(inner, item, f"every part of {what}") for item in value)
        raise UsageError(f"{what} is a list, each part {KINDS[inner]}, such as [8,16]; {value!r} is none.")
    if kind not in KINDS:
        return value
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        if kind is float or (kind is int and value == int(value)):
            return kind(value)
    elif type(value) is kind and kind in (bool, str):
        return value
    raise UsageError(f"{what} is {KINDS[kind]}, not {value!r}.")


def known(name: str, names: Any, what: str) -> str:
    """`name`, if it is one of `names`; otherwise UsageError with the nearest one."""
    if name in names:
        return name
    near = difflib.get_close_matches(name, list(names), n=1)
    hint = f" Did you mean {near[0]!r}?" if near else f" Choose among {', '.join(names)}."
    raise UsageError(f"There is no {what} {name!r}.{hint}")
