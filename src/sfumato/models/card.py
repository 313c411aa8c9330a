"""What a model file says of itself: one JSON text in the file's metadata, checked in full whenever it is read."""

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Self, cast

from ..errors import ModelError, UsageError
from .fields import read_card_fields, read_fields
from .sampling import SamplingOptions

CARD_VERSION = 1
# Maps are (b, channels, h, w), with the card's size rule; vectors are (b, channels).
MAPS = ("picture", "sigma", "compression", "mask", "state", "silhouette", "layout", "hints", "chroma")
VECTORS = ("latent", "time", "class", "number", "audio", "text")
# What a generator can be given besides noise; all zero for nothing.
CONDITIONS = ("class", "audio", "text", "silhouette")
KINDS = MAPS + VECTORS
# What kinds of models there are; "" is none of them. A flow of pictures generates and restores.
ROLES = (
    *("restorer", "recurrent", "upscaler", "inpainter", "finder", "retoner", "colorizer", "estimator"),
    *("flow", "generator", "classifier", ""),
)
FOREIGN = "foreign"  # the family of models that others trained, whatever their architecture
CLASS_SHARES = "class"  # in `sampling`: how a class is sampled where none is asked for
NOISE_ONLY = ("noise_only", "arcs")  # in `sampling`: the second is what older files say


@dataclass(frozen=True)
class Input:
    """One input of the network.

    kind: "picture" is (b, channels, h, w) in `range`; "sigma" is a noise level map (b, 1, h, w) in the same units;
    "compression" is a map (b, 1, h, w) of `sfumato.estimation.jpeg.scale` of the JPEG quality, 0 for none;
    "mask" is a map (b, 1, h, w), 1 where pixels are missing or damaged and 0 elsewhere;
    "state" is (b, channels, h, w), what a recurrent network carries from frame to frame, all zero before the first;
    "hints" is (b, 3, h, w), Cb and Cr (BT.601, -0.5 to 0.5) where they are known and 1 there, all zero elsewhere;
    "layout" is a label map (b, channels, h, w), one-hot in the order of the config's `palette`;
    "latent" is (b, channels), standard normal where it is noise; "time" is (b, 1) in [0, 1]; "class" is
    (b, channels), one-hot in the order of the card's `classes`, all zero where no class is asked for;
    "audio" is (b, channels), the `Sound.values` of `sfumato.conditions.audio`, all zero for no sound; "text" is
    (b, channels), the bytes of a caption, at most `channels` of them, zeros behind (`sfumato.conditions.text`);
    "silhouette" is (b, 2, h, w), how far each place shall be covered, and not, all zero where none is asked for. A
    picture of four channels is RGBA, its colour multiplied by its alpha.
    """

    name: str
    kind: str = "picture"
    channels: int = 3
    range: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True)
class Output:
    """One output of the network, of a kind that inputs have: a "picture" is (b, channels, h * scale, w * scale).

    A "class" holds probabilities, a "number" what a regression predicts, (b, channels) both. A "mask" is (b, 1, h, w),
    the probability that a pixel is damaged. A "chroma" is (b, 2, h, w), Cb and Cr (BT.601) from -0.5 to 0.5.
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
    sampling: how pictures are sampled unless options say otherwise (steps, solver, shift, churn, guidance; class:
    "random" or the share of each, by which one is taken where none is asked for; noise_only: true where what is
    decoded is no encoder's code).
    invents: of a restorer, whether it makes up details, so that results look sharp. scores: rows of data, protocol,
    metric, value. restorer: of a generator's file that holds a restorer besides, that
    network's own card; its inputs and outputs lie in the same graph, under the names that it gives them.

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
    invents: bool = False
    training: dict[str, Any] = field(default_factory=dict)
    licence: str = ""
    scores: tuple[dict[str, Any], ...] = ()
    restorer: "Card | None" = None

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
        ports = self.ports
        names = [port.name for part in self.parts for port in part.ports]
        if len(set(names)) != len(names):
            yield "uses one name for two inputs or outputs"
        for port in ports:
            if port.kind not in KINDS:
                yield f"gives {port.name!r} the unknown kind {port.kind!r}; this version knows {', '.join(KINDS)}"
            if port.channels < 1:
                yield f"gives {port.name!r} no channels"
            if port.kind == "class" and port.channels != len(self.classes):
                yield f"names {len(self.classes)} classes, where {port.name!r} counts {port.channels}"
        yield from self._complaints_about_sampling()
        if self.restorer is not None and (self.restorer.role != "restorer" or self.role not in ("flow", "generator")):
            yield "holds a restorer besides, which only a generator's can, and it must be one"
        for entry, uses in self.entries.items():
            for name in uses.inputs:
                if name not in (port.name for port in self.inputs):
                    yield f"names the input {name!r} in entry {entry!r}, which the model does not have"
            for name in uses.outputs:
                if name not in (port.name for port in self.outputs):
                    yield f"names the output {name!r} in entry {entry!r}, which the model does not have"
        if self.size and (len(self.size) != 2 or any(length < 1 or length % self.stride for length in self.size)):
            yield f"needs a size of height and width, multiples of its stride {self.stride}"

    def _complaints_about_sampling(self) -> Iterator[str]:
        own = {name: value for name, value in self.sampling.items() if name not in (CLASS_SHARES, *NOISE_ONLY)}
        try:
            read_fields(SamplingOptions, own, what="sampling option")
        except UsageError as error:
            yield f"cannot be sampled as it says: {str(error).rstrip('.')}"
        shares = self.sampling.get(CLASS_SHARES, "random")
        if shares != "random" and not _are_shares(shares, len(self.classes)):
            yield f"has class shares {shares!r}, which is neither 'random' nor a share for each of {len(self.classes)}"

    @property
    def ports(self) -> tuple[Input | Output, ...]:
        """All inputs and outputs."""
        return (*self.inputs, *self.outputs)

    @property
    def parts(self) -> "tuple[Card, ...]":
        """The cards of all networks in the file: its own, and that of the restorer that it holds besides."""
        return (self,) if self.restorer is None else (self, self.restorer)

    @property
    def restoring(self) -> "Card":
        """The card of what restores pictures: of the restorer that the file holds besides, or its own."""
        return self.parts[-1]

    @property
    def role(self) -> str:
        """What kind of model it is, by what it takes and gives: one of ROLES."""
        if "velocity" in self.entries:
            moved = self.entries["velocity"].inputs
            return "flow" if any(port.kind == "picture" and port.name in moved for port in self.inputs) else "generator"
        if "sample" in self.entries or "decode" in self.entries:
            return "generator"
        if "retone" in self.entries:
            return "retoner"
        result = self.outputs[0]
        kinds = sorted(port.kind for port in self.inputs)
        if result.kind == "chroma":
            return "colorizer"
        if result.kind == "mask":
            return "finder" if kinds == ["picture"] else ""
        if result.kind in ("sigma", "compression"):
            return "estimator"
        if result.kind in ("class", "number"):
            return "" if "text" in kinds else "classifier"
        channels = {result.channels, self.picture_channels}
        if result.kind != "picture" or not (channels == {3} or (channels == {1} and self.is_foreign)):
            return ""
        if kinds == ["mask", "picture"] and self.scale == 1:
            return "inpainter"
        if kinds in (["picture", "state"], ["picture", "sigma", "state"]) and self.scale == 1:
            return "recurrent"
        if kinds not in (["picture"], ["compression", "picture"], ["picture", "sigma"]):
            return ""
        return "restorer" if self.scale == 1 else "upscaler" if self.task == "upscale" else ""

    @property
    def sampled_tasks(self) -> tuple[str, ...]:
        """The tasks that it restores pictures by samples for: those of a flow of pictures, () of any other model."""
        if self.role != "flow":
            return ()
        return ("inpaint", "upscale", "deblur", "denoise", *(("colorize",) if self.picture_channels == 3 else ()))

    @property
    def is_foreign(self) -> bool:
        """Whether it was trained by others, and imported."""
        return self.family == FOREIGN

    @property
    def is_blended(self) -> bool:
        """Whether it sees a picture whole and large ones go through it in overlapping windows that are blended."""
        return self.is_foreign and self.halo is None

    @property
    def picture_channels(self) -> int | None:
        """Channels of the picture that goes in, None where none does."""
        return next((port.channels for port in self.inputs if port.kind == "picture"), None)

    @property
    def noise_only(self) -> bool:
        """Whether what is sampled is decoded from noise that no picture's code is like (a GAN of codes)."""
        return any(self.sampling.get(name) for name in NOISE_ONLY)

    def to_json(self) -> str:
        """The card as JSON text, every key written out but `restorer` and `invents` of models without."""
        values = dataclasses.asdict(self)
        for card in (values, values["restorer"] or {}):  # files without them stay readable for those who know of none
            for name in ("restorer", "invents"):
                if not card.get(name, self):
                    del card[name]
        return json.dumps(values, indent=1, ensure_ascii=False)

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
            return cast(Self, read_card_fields(cls, values))
        except ModelError as error:
            raise ModelError(f"{where}: {error}") from None


def _are_shares(shares: Any, count: int) -> bool:
    numbers = isinstance(shares, list | tuple) and all(isinstance(s, int | float) and s >= 0 for s in shares)
    return numbers and len(shares) == count and sum(shares) > 0
