"""The list of families. A new family is a file in `models` and one line here; every property test then runs on it."""

import dataclasses
import difflib
from dataclasses import dataclass
from typing import Any

from sfumato.errors import UsageError

from .models.network import Network
from .models.noise_net import NoiseNet, NoiseNetConfig
from .models.plain_unet import PlainUNet, PlainUNetConfig


@dataclass(frozen=True)
class Family:
    """A network class, its config class, and a config small enough for tests."""

    network: type[Network]
    config: type
    tiny: dict[str, Any]


FAMILIES: dict[str, Family] = {
    "plain-unet": Family(PlainUNet, PlainUNetConfig, {"widths": (8, 12), "blocks": (1, 1)}),
    "noise-net": Family(NoiseNet, NoiseNetConfig, {"widths": (8, 8, 12), "depth": 1}),
}


def create(family: str, config: dict[str, Any] | None = None) -> Network:
    """A new network of the family; unknown families and config keys raise UsageError, which suggests the near name."""
    found = FAMILIES[known(family, FAMILIES, "family")]
    return found.network(configured(found.config, config or {}, family))


def configured(config_class: type, values: dict[str, Any], owner: str) -> Any:
    """The frozen config with `values` set; JSON lists become tuples, unknown keys raise UsageError."""
    names = [field.name for field in dataclasses.fields(config_class)]
    for key in values:
        known(key, names, f"setting of {owner}")
    return config_class(**{key: tuple(v) if isinstance(v, list) else v for key, v in values.items()})


def known(name: str, names: Any, what: str) -> str:
    """`name`, if it is one of `names`; otherwise UsageError with the nearest one."""
    if name in names:
        return name
    near = difflib.get_close_matches(name, list(names), n=1)
    hint = f" Did you mean {near[0]!r}?" if near else f" Choose among {', '.join(names)}."
    raise UsageError(f"There is no {what} {name!r}.{hint}")
