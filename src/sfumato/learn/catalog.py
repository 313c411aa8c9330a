"""The list of families. A new family is a file in `networks` and one line here; every property test then runs on it."""

from dataclasses import dataclass
from typing import Any

from sfumato.models.fields import known, read_fields

from .networks.answerer import Answerer, AnswererConfig
from .networks.autoencoder import Autoencoder, AutoencoderClassic, AutoencoderClassicConfig, AutoencoderConfig
from .networks.blur_net import BlurNet, BlurNetConfig
from .networks.classifier import Classifier, ClassifierConfig
from .networks.colour_net import ColourNet, ColourNetConfig
from .networks.edsr import Edsr, EdsrConfig
from .networks.flow import Flow, FlowConfig
from .networks.gan import Gan, GanConfig
from .networks.gan_classic import GanClassic, GanClassicConfig
from .networks.gated_unet import GatedUNet, GatedUNetConfig
from .networks.latent_flow import LatentFlow, LatentFlowConfig
from .networks.latent_gan import LatentGan, LatentGanConfig
from .networks.layout_gan import LayoutGan, LayoutGanConfig
from .networks.network import Network
from .networks.noise_net import NoiseNet, NoiseNetConfig
from .networks.pix2pix import Pix2pix, Pix2pixConfig
from .networks.plain_unet import PlainUNet, PlainUNetConfig
from .networks.recurrent import RecurrentUNet, RecurrentUNetConfig
from .networks.recursive import RecursiveNet, RecursiveNetConfig
from .networks.segmenter import Segmenter, SegmenterConfig
from .networks.sequence_flow import SequenceFlow, SequenceFlowConfig
from .networks.tone_net import ToneNet, ToneNetConfig
from .networks.vae import Vae, VaeClassic, VaeClassicConfig, VaeConfig


@dataclass(frozen=True)
class Family:
    """A network class, its config class, and a config small enough for tests."""

    network: type[Network]
    config: type
    tiny: dict[str, Any]


# What the tests generate: neither square nor grey nor opaque, and by class.
SMALL: dict[str, Any] = {"size": (8, 12), "channels": 4, "classes": ("cat", "dog")}

FAMILIES: dict[str, Family] = {
    "plain-unet": Family(PlainUNet, PlainUNetConfig, {"widths": (8, 12), "blocks": (1, 1)}),
    "recurrent-unet": Family(
        RecurrentUNet, RecurrentUNetConfig, {"widths": (8, 12), "blocks": (1, 1), "memory": 7, "keys": (3, 4)}
    ),
    "recursive-net": Family(RecursiveNet, RecursiveNetConfig, {"width": 8, "times": 3}),
    "edsr": Family(Edsr, EdsrConfig, {"width": 8, "blocks": 2}),
    "gated-unet": Family(GatedUNet, GatedUNetConfig, {"widths": (6, 8, 8, 10), "blocks": (1, 1, 1, 1)}),
    "noise-net": Family(NoiseNet, NoiseNetConfig, {"widths": (8, 8, 12), "depth": 1}),
    "blur-net": Family(BlurNet, BlurNetConfig, {"widths": (6, 8, 8), "classes": ("sharp", "disc:2", "motion:6@30")}),
    "tone-net": Family(ToneNet, ToneNetConfig, {"widths": (6, 8), "knots": 3}),
    "segmenter": Family(Segmenter, SegmenterConfig, {"widths": (8, 12), "blocks": (1, 1)}),
    "colour-net": Family(
        ColourNet,
        ColourNetConfig,
        {"widths": (6, 8, 8, 10), "blocks": (1, 1, 1, 1), "features": 8, "pretrained": False},
    ),
    "gan": Family(Gan, GanConfig, SMALL | {"latent": 5, "widths": (6, 8)}),
    "gan-classic": Family(GanClassic, GanClassicConfig, SMALL | {"latent": 5, "widths": (6, 8)}),
    "vae": Family(Vae, VaeConfig, SMALL | {"latent": 5, "widths": (6, 8), "components": 2}),
    "vae-classic": Family(VaeClassic, VaeClassicConfig, SMALL | {"latent": 2, "hidden": (12, 8)}),
    "autoencoder": Family(Autoencoder, AutoencoderConfig, SMALL | {"latent": 5, "widths": (6, 8), "components": 2}),
    "autoencoder-classic": Family(
        AutoencoderClassic, AutoencoderClassicConfig, SMALL | {"latent": 5, "widths": (6, 8)}
    ),
    "flow": Family(Flow, FlowConfig, SMALL | {"widths": (6, 8), "attention": (1,), "patch": 2}),
    "sequence-flow": Family(
        SequenceFlow,
        SequenceFlowConfig,
        SMALL | {"widths": (6, 8), "attention": (1,), "patch": 2, "memory": 8, "reading": 6},
    ),
    "latent-flow": Family(
        LatentFlow, LatentFlowConfig, SMALL | {"widths": (6, 8), "fine": 4, "code": 3, "flow_widths": (8,)}
    ),
    "latent-gan": Family(
        LatentGan, LatentGanConfig, SMALL | {"widths": (6, 8), "fine": 4, "code": 3, "latent": 5, "gan_widths": (6,)}
    ),
    "layout-gan": Family(
        LayoutGan,
        LayoutGanConfig,
        {"size": (8, 12), "palette": ("#0000ff", "#ff0000"), "widths": (6, 8), "read": (4, 6), "latent": 5},
    ),
    "pix2pix": Family(Pix2pix, Pix2pixConfig, {"size": (8, 12), "widths": (6, 8), "latent": 5}),
    "classifier": Family(Classifier, ClassifierConfig, SMALL | {"widths": (6, 8), "hidden": (8,)}),
    "answerer": Family(Answerer, AnswererConfig, SMALL | {"widths": (6, 8), "text": (6,), "hops": 2, "hidden": 6}),
}


def create(family: str, config: dict[str, Any] | None = None) -> Network:
    """A new network of the family; unknown families and config keys raise UsageError, which suggests the near name."""
    chosen = FAMILIES[known(family, FAMILIES, "family")]
    return chosen.network(configured(chosen.config, config or {}, family))


def configured(config_class: type, values: dict[str, Any], owner: str) -> Any:
    """The frozen config with `values` set, lists as tuples; UsageError for unknown keys and values of a wrong kind."""
    return read_fields(config_class, values, what=f"setting of {owner}", owner=f"{owner}: ")
