"""The two sides of the adversarial game (Goodfellow et al., arXiv:1406.2661), and what keeps it in balance."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Game:
    """What each side minimizes, given the discriminator's scores of real and of generated pictures, `b` each.

    pairs: the generator's loss needs the scores of real pictures too.
    """

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor | None, Tensor], Tensor]
    pairs: bool = False


GAMES: dict[str, Game] = {
    # binary cross-entropy, the generator's in the form that does not saturate
    "bce": Game(
        lambda real, fake: F.softplus(-real).mean() + F.softplus(fake).mean(), lambda _, fake: F.softplus(-fake).mean()
    ),
    # arXiv:1705.02894, arXiv:1802.05957
    "hinge": Game(lambda real, fake: F.relu(1 - real).mean() + F.relu(1 + fake).mean(), lambda _, f: -f.mean()),
    # arXiv:1701.07875; with the penalty of arXiv:1704.00028
    "wgan": Game(lambda real, fake: fake.mean() - real.mean(), lambda _, f: -f.mean()),
    # each generated picture against a real one (arXiv:1807.00734, arXiv:2501.05441)
    "relativistic": Game(
        lambda real, fake: F.softplus(fake - real).mean(),
        lambda real, fake: F.softplus(_there(real) - fake).mean(),
        pairs=True,
    ),
}


def _there(scores: Tensor | None) -> Tensor:
    assert scores is not None, "a loss over pairs is given the scores of both"
    return scores


def zero_centred(scores: Tensor, x: Tensor) -> Tensor:
    """Half the mean squared gradient of the scores `b` at x `b c h w` in [0, 1] (R1 at real, R2 at generated pictures).

    arXiv:1801.04406; counted in the units of [-1, 1], as published values of gamma are.
    """
    return (_gradient(scores, x) / 2).square().sum((1, 2, 3)).mean() / 2


def one_centred(score: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> Tensor:
    """Mean of (length of the gradient - 1)^2 between real and generated pictures (WGAN-GP, arXiv:1704.00028)."""
    share = torch.rand(len(real), 1, 1, 1, device=real.device)
    between = (share * real + (1 - share) * fake).detach().requires_grad_(True)
    return ((_gradient(score(between), between) / 2).flatten(1).norm(dim=1) - 1).square().mean()


def _gradient(scores: Tensor, x: Tensor) -> Tensor:
    (gradient,) = torch.autograd.grad(scores.float().sum(), x, create_graph=True)
    return gradient.float()
