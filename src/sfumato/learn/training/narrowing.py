"""The weights of a wide network for a narrow one: of every stream of channels those that weigh most.

It may have fewer blocks, too; the last ones of the wide network are left out then.

What is left out of a trained network is missed less than a new network lacks, so training goes on instead of beginning
(structured pruning by the size of weights, arXiv:1608.08710).
"""

from torch import Tensor

from sfumato.models.card import Card

from ..catalog import create
from ..networks.network import Network
from ..networks.recurrent import RecurrentUNet
from ..networks.trunk import Channels, Trunk

EPSILON = 1e-6


def narrows(card: Card, network: Network) -> bool:
    """Whether a file holds the same recurrent network, with more channels or blocks somewhere and fewer nowhere."""
    if not isinstance(network, RecurrentUNet) or card.family != "recurrent-unet":
        return False
    wide = create(card.family, card.config)
    assert isinstance(wide, RecurrentUNet)
    own, other = network.config, wide.config
    if (own.keys, own.channels, len(own.blocks)) != (other.keys, other.channels, len(other.blocks)):
        return False
    if any(few > many for few, many in zip(own.blocks, other.blocks, strict=True)):
        return False
    return own != other and all(count <= wide.streams[name] for name, count in network.streams.items())


def narrowed(network: Trunk, wide: Trunk, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights for `network` of those of `wide`, which has the same layers with more channels."""
    found = {name: weights[name] for name in network.state_dict()}
    kept = {name: _weightiest(name, count, wide, found) for name, count in network.streams.items()}
    for name in (name for name in wide.axes if name in found):
        for axis, parts in enumerate(wide.axes[name]):
            if parts:
                places = [place for part, first in _placed(parts, wide) for place in _places(part, first, kept)]
                found[name] = found[name].index_select(axis, weights[name].new_tensor(places).long())
    return found


def _weightiest(stream: str, count: int, wide: Trunk, weights: dict[str, Tensor]) -> list[int]:
    """The channels of a stream whose weights, in all that makes or takes them, have the largest product of norms."""
    scores = weights["head.weight"].new_zeros(wide.streams[stream])
    for name in (name for name in wide.axes if name in weights):
        for axis, parts in enumerate(wide.axes[name]):
            for part, first in _placed(parts, wide):
                if part.stream == stream and weights[name].ndim > 1:
                    rows = weights[name].float().movedim(axis, 0)[first : first + part.each * len(scores)]
                    energy = rows.reshape(len(scores), -1).square().sum(1)
                    scores = scores + (energy / energy.mean() + EPSILON).log()
    return sorted(scores.topk(count).indices.tolist())


def _placed(parts: tuple[Channels, ...], wide: Trunk) -> list[tuple[Channels, int]]:
    """The parts of an axis, each with the place of its first channel."""
    found, first = [], 0
    for part in parts:
        found.append((part, first))
        first += part.each * (wide.streams[part.stream] if part.stream else 1)
    return found


def _places(part: Channels, first: int, kept: dict[str, list[int]]) -> list[int]:
    if not part.stream:
        return list(range(first, first + part.each))
    return [first + part.each * channel + k for channel in kept[part.stream] for k in range(part.each)]
