"""Activations by name, so that a config can say which."""

from collections.abc import Callable

from torch import nn

from sfumato.errors import UsageError

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": lambda: nn.LeakyReLU(0.2),
    "silu": nn.SiLU,
    "gelu": nn.GELU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "none": nn.Identity,
}


def activation(name: str) -> nn.Module:
    """The activation called `name`, a new module; shapes pass through unchanged. Unknown names raise UsageError."""
    if name not in ACTIVATIONS:
        raise UsageError(f"There is no activation {name!r}; choose among {', '.join(ACTIVATIONS)}.")
    return ACTIVATIONS[name]()
