"""Weights to start from: those of a model file, strictly, into the network of a run."""

import json
from pathlib import Path

from torch import nn

from sfumato import zoo
from sfumato.errors import ModelError

from ..export import read_weights
from ..models.network import Network


def model_path(model: str) -> Path:
    """The path of a model file, given as a path or as a shipped model's name; raises ModelError for neither."""
    path = zoo.path(model) if model in zoo.SHIPPED and not Path(model).exists() else Path(model)
    if not path.exists():
        raise ModelError(f"{model} is neither a model file nor a shipped model ({', '.join(zoo.SHIPPED)}).")
    return path


def load_weights(network: nn.Module, family: str, model: str) -> None:
    """Put the weights of `model` (a path or a shipped name) into `network`: every one of its parameters, by name.

    Raises ModelError where the file holds another network.
    """
    assert isinstance(network, Network)
    card, weights = read_weights(model_path(model))
    config = json.loads(json.dumps(vars(network.config)))
    if (card.family, card.config) != (family, config):
        raise ModelError(
            f"{model} holds the network {card.family} {json.dumps(card.config)}, this run trains {family} "
            f"{json.dumps(config)}; to start from it, leave out --set model.* and --set family."
        )
    wanted = network.state_dict()
    strange = [name for name, value in wanted.items() if name not in weights or weights[name].shape != value.shape]
    if strange:
        raise ModelError(f"{model} lacks {', '.join(strange[:3])} of the network; it cannot be started from.")
    network.load_state_dict({name: weights[name] for name in wanted})
