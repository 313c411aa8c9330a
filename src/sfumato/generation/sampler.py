"""How a model file makes pictures of latents, by whichever of its entries does it."""

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from ..conditions.given import NOTHING, Given, check_complete
from ..errors import Option, UsageError
from ..models.card import CONDITIONS, MAPS, Card
from ..models.engine import Engine
from ..models.ports import port_of, run_by_kind
from ..models.sampling import Sampling, SamplingOptions
from ..pictures.channels import width_and_height
from ..sampling import noise as latents
from ..sampling.solvers import SOLVERS, churning, times
from ..sampling.velocity import guided, velocity_of

Array = NDArray[np.float32]
ProgressCallback = Callable[[int, int], None]  # pictures done, pictures in all
GENERATING = ("velocity", "sample", "decode")  # entries that make pictures of noise; of several the first
BATCH_BYTES = 300_000_000  # of working memory, which sets how many pictures are made at once
MOST_AT_ONCE = 64


class Sampler:
    """One model's way from latents to pictures `h w`, with one entry of its card: in one call, or along a velocity.

    entry: that which generates, unless "decode" is asked for. start: the time at which the way along a velocity begins,
    if the points are not noise (0) but lie between noise and picture (1). Raises UsageError for options that the
    model does not have.

    given: conditions of all pictures, which may be set; see `read_given`.
    """

    def __init__(
        self,
        engine: Engine,
        options: SamplingOptions | None = None,
        *,
        entry: str = "",
        size: tuple[int, int] | None = None,
        start: float = 0.0,
    ) -> None:
        card, options = engine.card, options or SamplingOptions()
        self.engine, self.size, self.start = engine, size_of(card, size), start
        self.entry = entry or next(name for name in GENERATING if name in card.entries)
        for name in options.given:
            if self.entry != "velocity":
                raise UsageError(Option(name), f" is for flows, which go step by step; {card.name!r} takes one call.")
        if options.guidance is not None and port_of(card, *CONDITIONS, entry=self.entry) is None:
            raise UsageError(Option("guidance"), f" is towards a condition; {card.name!r} was trained without any.")
        own = {name: card.sampling[name] for name in Sampling.__dataclass_fields__ if name in card.sampling}
        self.sampling = Sampling(**(own | options.given))
        self.given: Given = NOTHING

    @property
    def takes_class(self) -> bool:
        return port_of(self.engine.card, "class", entry=self.entry) is not None

    @property
    def num_steps(self) -> int:
        """Of the solver, 1 where a model takes one call."""
        return self.sampling.steps if self.entry == "velocity" else 1

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the latent of one picture: `k`, or `c h w` for a flow of pictures; with churn one for each step."""
        kinds = ("picture", "latent") if self.entry == "velocity" else ("latent",)
        port = port_of(self.engine.card, *kinds, entry=self.entry)
        assert port is not None, "pictures are made of a latent, or of noise in their shape"
        shape = (port.channels, *self.size) if port.kind in MAPS else (port.channels,)
        return (self.sampling.steps, *shape) if self.entry == "velocity" and self.sampling.churn else shape

    def noise(self, seed: int, index: int) -> Array:
        """The standard normal latent of one picture."""
        return latents.noise(seed, index, self.shape)

    def planes(
        self, points: Iterable[Array], labels: tuple[str, ...], progress: ProgressCallback | None = None
    ) -> Iterator[Array]:
        """The picture `c h w` in [0, 1] of each latent and its label, "" for no class, in order."""
        card, pixels = self.engine.card, math.prod(self.size)
        # The memory of attention grows with the square of the pixels, and was measured at the card's size.
        bytes_each = card.bytes_per_pixel * pixels * max(1.0, pixels / math.prod(card.size or self.size))
        bytes_each += 4 * math.prod(self.shape)
        at_once = int(max(1, min(BATCH_BYTES // bytes_each, MOST_AT_ONCE)))
        source = iter(points)
        for start in range(0, len(labels), at_once):
            part = labels[start : start + at_once]
            latent = np.stack(list(islice(source, len(part))))
            if self.entry == "velocity":
                samples = self._along_velocity(latent, part, _share(progress, start, len(part), len(labels)))
            else:
                samples = self._in_one_call(latent, part)
            yield from np.nan_to_num(samples).clip(0, 1)
            if progress:
                progress(start + len(part), len(labels))

    def next_frames(self, noise: Array, labels: tuple[str, ...], state: Array) -> Array:
        """The next frames `b c h w` in [0, 1] of so many sequences, given what is remembered of each, `b s h w`."""
        return np.nan_to_num(self._along_velocity(noise, labels, None, state)).clip(0, 1).astype(np.float32)

    def _one_hot(self, labels: tuple[str, ...]) -> Array:
        rows = [[name == label for name in self.engine.card.classes] for label in labels]
        return np.array(rows, np.float32).reshape(len(labels), -1)

    def _in_one_call(self, latent: Array, labels: tuple[str, ...]) -> Array:
        check_complete(self.engine.card, self.entry, self.given)
        values = {"latent": latent} | self.given.rows(len(labels))
        if self.takes_class:
            values["class"] = self._one_hot(labels)
        return run_by_kind(self.engine, values, self.entry)

    def _along_velocity(
        self, noise: Array, labels: tuple[str, ...], progress: ProgressCallback | None, state: Array | None = None
    ) -> Array:
        options = self.sampling
        remembered = {} if state is None else {"state": state}
        unconditional = velocity_of(self.engine, remembered)
        field = unconditional
        given = self.given.rows(len(labels))
        if self.takes_class and any(labels):
            given["class"] = self._one_hot(labels)
        if given:
            field = guided(velocity_of(self.engine, given | remembered), unconditional, options.guidance)
        churn = None
        if options.churn:
            noise, fresh = noise[:, 0], noise[:, 1:].swapaxes(0, 1)
            churn = churning(options.churn, fresh)
        way = times(options.steps, shift=options.shift, start=self.start)
        samples = SOLVERS[options.solver](field, noise, way, progress, churn)
        moved = port_of(self.engine.card, "picture", entry="velocity")
        if moved is None:  # a flow of codes
            return Sampler(self.engine, entry="decode")._in_one_call(samples.astype(np.float32), labels)
        low, high = moved.range
        return (samples - low) / (high - low)


def _share(progress: ProgressCallback | None, before: int, count: int, total: int) -> ProgressCallback | None:
    """Progress by the steps of `count` pictures, as that part of all."""
    return (lambda step, steps: progress(before + count * step // steps, total)) if progress else None


def size_of(card: Card, size: tuple[int, int] | None = None) -> tuple[int, int]:
    """Height and width of what is generated; UsageError for a size that the model cannot make."""
    own = (card.size[0], card.size[1]) if card.size else None
    if size is None or size == own:
        if own is None:
            raise UsageError(f"{card.name!r} has no size of its own; give ", Option("size"), ", height and width.")
        return own
    height, width = size
    if own is not None and card.fixed_size:
        complaint = f"{card.name!r} makes pictures {width_and_height(own)} only"
    elif height < 1 or width < 1 or height % card.stride or width % card.stride:
        near = "x".join(str(max(card.stride, round(length / card.stride) * card.stride)) for length in size)
        complaint = f"for {card.name!r} height and width must be multiples of {card.stride}, as in {near}"
    elif card.max_pixels is not None and height * width > card.max_pixels:
        complaint = f"{card.name!r} makes at most {card.max_pixels:,} pixels"
    else:
        return height, width
    raise UsageError(Option("size"), f" is {height}x{width}, height and width; {complaint}.")
