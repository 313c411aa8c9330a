"""Weights to start from: those of a model file, strictly, into the network of a run; or those of a part of it."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from sfumato.conditions.classes import listed, part_of
from sfumato.errors import ModelError, Option, Setting
from sfumato.models import zoo
from sfumato.models.card import Card
from sfumato.models.model_file import read

from ..catalog import FAMILIES, configured, create
from ..export import read_weights
from ..networks.coded import Coded, CodedConfig
from ..networks.network import LEVELS, Network
from ..networks.recurrent import RecurrentUNet
from ..networks.trunk import Trunk
from .deepening import deepened, deepens
from .narrowing import narrowed, narrows

# Families with an encoder of the same blocks, and where its parameters are; a classifier begins with one.
ENCODERS = {"autoencoder": "encoder.0.", "vae": "encoder.0.", "classifier": "encoder."}
ACT = "silu"  # the activation in the encoders that are lent
# Families that generate the codes of an autoencoder lend it one another: where its parameters are, and its settings.
AUTOENCODER = ("encoder.", "to_code.", "from_code.", "decoder.", "last.")
OF_TRAINING = {"dropout"}  # settings of a network that may differ from those of the file it starts from
OF_CLASSES = {"classes", "shares"}
OF_CONDITIONS = ("audio", "text", "silhouette")
OF_AUTOENCODER = {field.name for field in dataclasses.fields(CodedConfig)} - OF_CLASSES
# Families that are unconditional, too, by an all-zero label, and where their parameters are.
UNCONDITIONAL = {"flow": "", "latent-flow": "flow."}


def model_path(model: str) -> Path:
    """The path of a model file, given as a path or as a shipped model's name; raises ModelError for neither."""
    path = zoo.path(model) if model in zoo.SHIPPED and not Path(model).is_file() else Path(model)
    if not path.is_file():
        raise ModelError(f"{model} is neither a model file nor a shipped model ({', '.join(zoo.SHIPPED)}).")
    return path


def card_of(model: str, task: str = "") -> Card:
    """The card of a model file, given as for `model_path`, without its weights.

    Of a file that holds a restorer besides, that one's where the task is to restore.
    """
    card = read(model_path(model).read_bytes(), where=model).card
    return card.restoring if task in LEVELS else card


def load_weights(network: nn.Module, family: str, model: str) -> None:
    """Put the weights of `model` (a path or a shipped name) into `network`: every one of its parameters, by name.

    Of a file of another family, those of the encoder, where both have one of the same blocks (unsupervised
    pre-training), or of the autoencoder whose codes both generate. Of one of the same family for another task, those
    that both have. Of a larger recurrent restorer, those of the channels that weigh most, of the first blocks. Of the
    same network with fewer blocks all, and the new blocks change nothing yet. Raises ModelError where the file holds
    another network.
    """
    assert isinstance(network, Network)
    card, weights = read_weights(model_path(model), restoring=network.task in LEVELS)
    if lends_trunk(card, network):
        _load_trunk(network, weights, model)
        return
    if narrows(card, network):
        wide = create(card.family, card.config)
        assert isinstance(network, Trunk)
        assert isinstance(wide, Trunk)
        network.load_state_dict(narrowed(network, wide, weights))
        return
    if card.family == family and deepens(card, network):
        network.load_state_dict(deepened(network, weights))
        return
    if parts := lent_parts(card.family, family):
        if is_coded(family) and (card.config["channels"], network.config.channels) == (4, 3):
            weights = opaque(weights)
        _load_parts(network, weights, parts, model)
        return
    config, own = _as_json(network.config), card.config
    if card.classes and forgets_classes(family) and card.family == family and not config["classes"]:
        own, weights = without_classes(own), _unconditional(weights, UNCONDITIONAL[card.family])
    elif parents := _parents(card, family, config):
        own = own | {key: config[key] for key in OF_CLASSES}
        weights = _with_finer_classes(weights, f"{UNCONDITIONAL[card.family]}label.weight", parents)
    new = {key: config[key] for key in OF_CONDITIONS if config.get(key) and not own.get(key)}
    if card.family == family and new:  # what reads these conditions begins anew
        own, weights = own | new, network.state_dict() | weights
    # Settings that came after the file was written are as they were before, and some say nothing of the weights.
    free = {key: config[key] for key in OF_TRAINING & config.keys()}
    same = card.family == family and _as_json(configured(FAMILIES[family].config, own, model)) | free == config
    if not same:
        raise ModelError(
            f"{model} holds the network {card.family} {json.dumps(card.config)}, this run trains {family} "
            f"{json.dumps(config)}; to start from it, leave out ",
            Setting("model.*"),
            " and ",
            Setting("family"),
            ".",
        )
    wanted = network.state_dict()
    strange = [name for name, value in wanted.items() if name not in weights or weights[name].shape != value.shape]
    if strange:
        raise ModelError(f"{model} lacks {', '.join(strange[:3])} of the network; it cannot be started from.")
    network.load_state_dict({name: weights[name] for name in wanted})


def forgets_classes(family: str) -> bool:
    """Whether training can continue from a class-conditional file of this family on pictures without labels."""
    return family in UNCONDITIONAL


def without_classes(config: dict[str, Any]) -> dict[str, Any]:
    """The config of the same network without its classes."""
    return {key: value for key, value in config.items() if key not in OF_CLASSES}


def _unconditional(weights: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The weights of the unconditional flow that this one is under an all-zero label: the bias goes to the time's."""
    kept = {name: value for name, value in weights.items() if not name.startswith(f"{prefix}label.")}
    time = f"{prefix}time.body.2.bias"
    return kept | {time: kept[time] + weights[f"{prefix}label.bias"]}


def _parents(card: Card, family: str, config: dict[str, Any]) -> list[int]:
    """The place among the file's classes of the one that each of the run's is or lies in; [] where there are none.

    Raises ModelError where one lies in none.
    """
    if card.family != family or family not in UNCONDITIONAL:
        return []
    known = list(card.classes)
    parents = [part_of(known, name) for name in config["classes"]]
    if known and None in parents:
        strange = config["classes"][parents.index(None)]
        raise ModelError(
            f"{card.name} has no class that {strange!r} is or lies in ({listed(known)}); leave label out to go on "
            "without classes, or ",
            Option("start_from"),
            " to begin anew.",
        )
    return [known.index(name) for name in parents if name is not None]


def _with_finer_classes(weights: dict[str, Tensor], name: str, parents: list[int]) -> dict[str, Tensor]:
    """The weights of a flow with finer classes, each of which begins as the one it is part of."""
    return weights | {name: weights[name][:, parents]}


def taken(network: Network, family: str, model: str) -> str:
    """A sentence where only a part of `model` goes into a network of `family`, "" where all of it does."""
    card, weights = read_weights(model_path(model), restoring=network.task in LEVELS)
    own = card.family
    if lends_trunk(card, network):
        shared = len(_shared(network, weights))
        return (
            f"{model} was trained for {card.task}: {shared} of the network's {len(network.state_dict())} weights "
            "begin with its own."
        )
    if narrows(card, network):
        return f"{model} is larger: of its channels those that weigh most are taken, and of its blocks the first."
    if own == family and deepens(card, network):
        return f"{model} has fewer blocks: the new ones begin as what changes nothing."
    if not lent_parts(own, family):
        if card.classes and forgets_classes(family) and not network.config.classes:
            return f"{model} is class-conditional; this run, which has no labels, continues without."
        config = _as_json(network.config)
        if config.get("classes") != card.config.get("classes") and _parents(card, family, config):
            return f"{model} has {len(card.classes)} classes; each of this run's begins with the one it is part of."
        return ""
    what = "autoencoder" if is_coded(family) else "encoder"
    return f"Of {model} ({own}) only the {what} is taken; the rest of the {family} is new."


def lends_trunk(card: Card, network: Network) -> bool:
    """Whether a file can lend its weights to a network of the same family that learns another task, or learns video."""
    if isinstance(network, RecurrentUNet) and card.family == "plain-unet":
        return True
    known = FAMILIES.get(card.family)
    return known is not None and known.network is type(network) and card.task != network.task


def _shared(network: Network, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights that both have; of a convolution with more or fewer input channels, those of the first ones."""
    shared = {}
    for name, value in network.state_dict().items():
        lent = weights.get(name)
        if lent is None or lent.ndim != value.ndim:
            continue
        if lent.shape == value.shape:
            shared[name] = lent
        elif lent.ndim == 4 and lent.shape[:1] + lent.shape[2:] == value.shape[:1] + value.shape[2:]:
            value, channels = value.clone(), min(lent.shape[1], value.shape[1])
            value[:, :channels] = lent[:, :channels]
            shared[name] = value
    return shared


def _load_trunk(network: Network, weights: dict[str, Tensor], model: str) -> None:
    if not (shared := _shared(network, weights)):
        raise ModelError(f"{model} shares no weights with this run's network; leave out ", Setting("model.*"), ".")
    network.load_state_dict(network.state_dict() | shared)


def lent_parts(family: str, wanted: str) -> dict[str, str]:
    """What a file of `family` lends a network of the other family `wanted`: how the names of those parameters begin
    there and here; {} for nothing."""
    if family == wanted:
        return {}
    if is_coded(family) and is_coded(wanted):
        return {part: part for part in AUTOENCODER}
    if family in ENCODERS and ENCODERS.get(wanted) == "encoder.":
        return {ENCODERS[family]: ENCODERS[wanted]}
    return {}


def opaque(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights of an autoencoder of transparent pictures as one of opaque ones: alpha is 1 everywhere."""
    first = next(name for name, value in weights.items() if name.startswith("encoder.") and value.ndim == 4)
    taken, bias = weights[first], first.removesuffix("weight") + "bias"
    colour = 3 * taken.shape[1] // 4  # its inputs; those of alpha are behind them
    changed = {first: taken[:, :colour], bias: weights[bias] + taken[:, colour:].sum((1, 2, 3))}
    return weights | changed | {name: value[:3] for name, value in weights.items() if name.startswith("last.")}


def is_coded(family: str) -> bool:
    """Whether networks of the family generate the codes of an autoencoder."""
    return family in FAMILIES and issubclass(FAMILIES[family].network, Coded)


def lent_settings(card: Card, wanted: str) -> dict[str, Any]:
    """The settings by which a network of the family `wanted` gets what this file lends, and pictures of its size."""
    if is_coded(wanted):
        return {key: value for key, value in card.config.items() if key in OF_AUTOENCODER}
    taken = {key: card.config[key] for key in ("size", "channels", "widths", "blocks", "patch") if key in card.config}
    return taken | {"act": ACT}


def _load_parts(network: Network, weights: dict[str, Tensor], parts: dict[str, str], model: str) -> None:
    """Lend parameters: those whose names begin as the keys of `parts`, to those that begin as the values."""
    lent: dict[str, Tensor] = {}
    for there, here in parts.items():
        lent |= {here + name.removeprefix(there): value for name, value in weights.items() if name.startswith(there)}
    wanted = {name: value for name, value in network.state_dict().items() if name.startswith(tuple(parts.values()))}
    for name in dict.fromkeys([*wanted, *lent]):
        own, other = (tuple(part[name].shape) if name in part else "nothing" for part in (wanted, lent))
        if own != other:
            raise ModelError(
                f"{model} has an encoder of another shape: {name} is {other} there and {own} in this run; leave out ",
                Setting("model.widths"),
                ", model.blocks, model.patch and model.channels, which come from the file.",
            )
    if (act := getattr(network.config, "act", ACT)) != ACT:
        raise ModelError(f"{model} has an encoder with the activation {ACT}, and this run's is {act}; leave it out.")
    network.load_state_dict(network.state_dict() | lent)


def _as_json(config: Any) -> dict[str, Any]:
    return dict(json.loads(json.dumps(vars(config))))
