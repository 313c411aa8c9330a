"""What a model file says of itself: one JSON text in the file's metadata, checked in full whenever it is read."""

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import UnionType
from typing import Any, Self, get_args, get_origin, get_type_hints

from ..errors import ModelError

CARD_VERSION = 1
# Maps are (b, channels, h, w), with the card's size rule; vectors are (b, channels).
MAPS = ("picture", "sigma", "compression", "mask")
VECTORS = ("latent", "time", "class", "number")
KINDS = MAPS + VECTORS


@dataclass(frozen=True)
class Input:
    """One input of the network.

    kind: "picture" is (b, channels, h, w) in `range`; "sigma" is a noise level map (b, 1, h, w) in the same units;
    "compression" is a map (b, 1, h, w) of `sfumato.estimation.jpeg.scale` of the JPEG quality, 0 for none;
    "mask" is a map (b, 1, h, w), 1 where pixels are missing or damaged and 0 elsewhere;
    "latent" is (b, channels), standard normal where pictures are drawn from it; "time" is (b, 1) in [0, 1]; "class" is
    (b, channels), one-hot in the order of the card's `classes`, all zero where no class is asked for. A picture of
    four channels is RGBA, its colour multiplied by its alpha.
    """

    name: str
    kind: str = "picture"
    channels: int = 3
    range: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True)
class Output:
    """One output of the network, of a kind that inputs have: a "picture" is (b, channels, h * scale, w * scale).

    A "class" holds probabilities, a "number" what a regression predicts, (b, channels) both. A "mask" is (b, 1, h, w),
    the probability that a pixel is damaged.
    """

    name: str
    kind: str = "picture"
    channels: int = 3


@dataclass(frozen=True)
class Entry:
    """One use of a file that has several: the inputs that it needs and the outputs that it gives."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Card:
    """All that a user of a model file needs to know, in the words of the file itself.

    stride: height and width must be multiples of it. halo: receptive radius in pixels of the input, that is how far a
    pixel of the output sees; None where an operation is global, and then `max_pixels` is the largest picture that is
    taken whole. bytes_per_pixel: peak working memory for each pixel of input. macs_per_pixel: multiply-adds.
    entries: for a file with several uses, what each one needs and gives. size: height and width that pictures are
    generated in, unless another is asked for; fixed_size: no other can be. classes: names of what a "class" counts.
    sampling: how pictures are drawn unless told otherwise (steps, solver, shift, churn, guidance; class: "random" or
    the share of each, by which one is drawn where none is asked for; arcs: true where what is drawn from is no
    encoder's code).
    scores: rows of data, protocol, metric, value.

    Raises ModelError where the values contradict each other.
    """

    card_version: int = CARD_VERSION
    name: str
    family: str
    task: str
    summary: str = ""
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    scale: int = 1
    stride: int = 1
    halo: int | None
    max_pixels: int | None = None
    bytes_per_pixel: int
    macs_per_pixel: int = 0
    num_parameters: int = 0
    config: dict[str, Any] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)
    size: tuple[int, ...] = ()
    fixed_size: bool = False
    classes: tuple[str, ...] = ()
    sampling: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    licence: str = ""
    scores: tuple[dict[str, Any], ...] = ()

    def __post_init__(self) -> None:
        for complaint in self._complaints():
            raise ModelError(f"The card of model {self.name!r} {complaint}.")

    def _complaints(self) -> Iterator[str]:
        if self.scale < 1 or self.stride < 1 or self.bytes_per_pixel < 1:
            yield "needs scale, stride and bytes_per_pixel of at least 1"
        if self.halo is not None and self.halo < 0:
            yield "has a negative halo"
        if (self.halo is None) != (self.max_pixels is not None):
            yield "must give either a halo (local network) or max_pixels (network with a global operation)"
        if self.max_pixels is not None and self.max_pixels < 1:
            yield "needs max_pixels of at least 1"
        if not self.inputs or not self.outputs:
            yield "lists no inputs or no outputs"
        ports: tuple[Input | Output, ...] = (*self.inputs, *self.outputs)
        names = [port.name for port in ports]
        if len(set(names)) != len(names):
            yield "uses one name for two inputs or outputs"
        for port in ports:
            if port.kind not in KINDS:
                yield f"gives {port.name!r} the unknown kind {port.kind!r}; this version knows {', '.join(KINDS)}"
            if port.channels < 1:
                yield f"gives {port.name!r} no channels"
            if port.kind == "class" and port.channels != len(self.classes):
                yield f"names {len(self.classes)} classes, where {port.name!r} counts {port.channels}"
        shares = self.sampling.get("class", "random")
        if shares != "random" and not _are_shares(shares, len(self.classes)):
            yield f"draws classes by {shares!r}, which is neither 'random' nor a share for each of {len(self.classes)}"
        for entry, uses in self.entries.items():
            for name in uses.inputs:
                if name not in (port.name for port in self.inputs):
                    yield f"names the input {name!r} in entry {entry!r}, which the model does not have"
            for name in uses.outputs:
                if name not in (port.name for port in self.outputs):
                    yield f"names the output {name!r} in entry {entry!r}, which the model does not have"
        if self.size and (len(self.size) != 2 or any(length < 1 or length % self.stride for length in self.size)):
            yield f"needs a size of height and width, multiples of its stride {self.stride}"

    def to_json(self) -> str:
        """The card as JSON text, every key written out."""
        return json.dumps(dataclasses.asdict(self), indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str, *, where: str = "The card") -> Self:
        """Read a card; `where` begins the error sentences, usually the file's name.

        Raises ModelError for text that is no JSON, unknown or missing keys, wrong types and later card versions.
        """
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ModelError(f"{where} holds a card that is no JSON ({error}); export the model again.") from None
        if not isinstance(values, dict):
            raise ModelError(f"{where} holds a card that is no JSON object; export the model again.")
        version = values.get("card_version")
        if isinstance(version, int) and version > CARD_VERSION:
            raise ModelError(
                f"{where} was made for a later Sfumato (card version {version}, this one reads {CARD_VERSION}): "
                "`pip install --upgrade sfumato`."
            )
        try:
            return _read(cls, values, "")
        except ModelError as error:
            raise ModelError(f"{where}: {error}") from None


def _are_shares(shares: Any, count: int) -> bool:
    numbers = isinstance(shares, list | tuple) and all(isinstance(s, int | float) and s >= 0 for s in shares)
    return numbers and len(shares) == count and sum(shares) > 0


def _read(kind: Any, value: Any, key: str) -> Any:
    """`value` as `kind` asks for: a dataclass, a container, or a plain type, whose name is `key` in complaints."""
    if dataclasses.is_dataclass(kind):
        return _read_fields(kind, value, key)
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if origin is UnionType:
        return None if value is None else _read(inner[0], value, key)
    if origin is tuple:
        if not isinstance(value, list) or (inner[-1] is not Ellipsis and len(value) != len(inner)):
            raise ModelError(f"card key {key!r} is not a list of the right length.")
        return tuple(_read(inner[0], item, key) for item in value)
    if origin is dict:
        if not isinstance(value, dict):
            raise ModelError(f"card key {key!r} is not an object.")
        return {name: _read(inner[1], item, f"{key}.{name}") for name, item in value.items()}
    accepted = (int, float) if kind is float else (kind,)
    if not isinstance(value, accepted) or isinstance(value, bool) != (kind is bool):
        raise ModelError(f"card key {key!r} is {value!r}, where {kind.__name__} is meant.")
    return value


def _read_fields(kind: Any, values: Any, key: str) -> Any:
    if not isinstance(values, dict):
        raise ModelError(f"card key {key!r} is not an object.")
    hints, fields = get_type_hints(kind), {entry.name: entry for entry in dataclasses.fields(kind)}
    prefix = f"{key}." if key else ""
    for name in values:
        if name not in fields:
            near = get_close_matches(name, fields, n=1)
            raise ModelError(f"unknown card key '{prefix}{name}'" + (f"; is {near[0]!r} meant?" if near else "."))
    for name, entry in fields.items():
        required = entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING
        if required and name not in values:
            raise ModelError(f"the card lacks the key '{prefix}{name}'.")
    return kind(**{name: _read(hints[name], value, prefix + name) for name, value in values.items()})
