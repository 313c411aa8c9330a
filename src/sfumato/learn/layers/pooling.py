"""Pooling by name, and global pooling with a dense head: from feature maps to numbers."""

from collections.abc import Callable
from itertools import pairwise

from torch import Tensor, nn

from sfumato.errors import UsageError

from .activation import activation

POOLINGS: dict[str, Callable[[int], nn.Module]] = {
    "max": lambda factor: nn.MaxPool2d(factor),
    "average": lambda factor: nn.AvgPool2d(factor),
}


def pooling(name: str, factor: int = 2) -> nn.Module:
    """`b c h w` -> `b c h/factor w/factor` by maximum or mean. Unknown names raise UsageError."""
    if name not in POOLINGS:
        raise UsageError(f"There is no pooling {name!r}; choose among {', '.join(POOLINGS)}.")
    return POOLINGS[name](factor)


class GlobalPool(nn.Module):
    """`b c h w` -> `b c`: the mean (or maximum) of every channel over the whole picture."""

    def __init__(self, kind: str = "average") -> None:
        super().__init__()
        if kind not in POOLINGS:
            raise UsageError(f"There is no global pooling {kind!r}; choose among {', '.join(POOLINGS)}.")
        self.kind = kind

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3)) if self.kind == "average" else x.amax((2, 3))


class DenseHead(nn.Sequential):
    """`b features` -> `b out`: dense layers of the given hidden widths with an activation between them."""

    def __init__(self, in_features: int, hidden: tuple[int, ...], out_features: int, *, act: str = "relu") -> None:
        widths = (in_features, *hidden)
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Linear(before, after), activation(act)]
        super().__init__(*layers, nn.Linear(widths[-1], out_features))
