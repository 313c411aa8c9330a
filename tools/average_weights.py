"""Average the weights of two model files of one network: `python tools/average_weights.py OLD NEW SHARE OUT`.

A model that learned something new by going on from another forgets some of what that one knew; SHARE of the new weights
and the rest of the old ones keep most of both (arXiv:2109.01903). The card is that of NEW without its scores, and says
what was averaged; `tools/ship.py OUT DATA --name NAME` measures it.
"""

import argparse
from pathlib import Path

from sfumato.learn.export import export, read_weights, rebuild
from sfumato.models.card import Card


def average(old: Path, new: Path, share: float, out: Path) -> Card:
    """Write the model file `out` of `share` times the weights of `new` and the rest of those of `old`."""
    network, (card, fresh), (_, known) = rebuild(new), read_weights(new), read_weights(old)
    assert all(fresh[name].shape == known[name].shape for name in network.state_dict()), "other networks"
    mixed = {name: share * fresh[name] + (1 - share) * known[name] for name in network.state_dict()}
    network.load_state_dict(mixed)
    training = card.training | {"averaged": f"{share:g} of these weights, {1 - share:g} of those it started from"}
    facts = {"summary": card.summary, "licence": card.licence, "training": training}
    return export(network, out, name=card.name, family=card.family, task=card.task, **facts)


def main() -> None:
    """Average by the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("share", type=float)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    print(average(options.old, options.new, options.share, options.out).name, options.out)


if __name__ == "__main__":
    main()
