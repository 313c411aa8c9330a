"""The weights of a network for one with more blocks: what is new begins as what changes nothing.

So training goes on from what the file makes, with more work for each pixel (Net2Net, arXiv:1511.05641).
"""

import json

import torch
from torch import Tensor

from sfumato.models.card import Card

from ..catalog import create
from ..layers.convolution import ResidualBlock
from ..networks.network import Network


def deepens(card: Card, network: Network) -> bool:
    """Whether a file holds the same network with fewer residual blocks in some places and more in none.

    Blocks of other kinds, such as those of flows, cannot be made to change nothing.
    """
    own = json.loads(json.dumps(vars(network.config)))
    few, many = _blocks(card.config), _blocks(own)
    if own | {"blocks": 0} != card.config | {"blocks": 0} or len(few) != len(many):
        return False
    if few == many or any(a > b for a, b in zip(few, many, strict=True)):
        return False
    there, wanted = create(card.family, card.config).state_dict().keys(), network.state_dict().keys()
    residual = tuple(f"{name}." for name, module in network.named_modules() if isinstance(module, ResidualBlock))
    return there < wanted and all(name.startswith(residual) for name in wanted - there)


def deepened(network: Network, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights for `network`: those of the file, and new blocks that add nothing yet."""
    wanted = network.state_dict()
    found = wanted | {name: value for name, value in weights.items() if name in wanted}
    for name, module in network.named_modules():
        if isinstance(module, ResidualBlock) and f"{name}.first.weight" not in weights:
            found |= {key: torch.zeros_like(found[key]) for key in found if key.startswith(f"{name}.second.")}
    return found


def _blocks(config: dict) -> list[int]:
    """How many blocks there are at each level; [] for a network without a number of them."""
    blocks = config.get("blocks", [])
    return [blocks] if isinstance(blocks, int) else list(blocks)
