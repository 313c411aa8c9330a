"""How a model file makes pictures of latents, by whichever of its entries does it, and takes pictures to latents."""

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from ..models.card import MAPS, Card
from ..models.engine import Engine
from ..sampling import noise as latents
from ..sampling.solvers import SOLVERS, churning, times
from ..sampling.velocity import guided, velocity_of

Array = NDArray[np.float32]
Told = Callable[[int, int], None]
DRAWS = ("velocity", "sample", "decode")  # entries that make pictures of noise; of several the first
BATCH_BYTES = 300_000_000  # of working memory, which sets how many pictures are drawn at once
MOST_AT_ONCE = 64
MAX_STEPS, MAX_SHIFT, MAX_CHURN, MAX_GUIDANCE = 1000, 100.0, 1000.0, 100.0


class Drawing:
    """One model's way from latents to pictures `h w`, with one entry of its card: in one call, or along a velocity.

    entry: that which draws, unless "decode" is asked for. start: the time at which the way along a velocity begins, if
    the points are not noise (0) but lie between noise and picture (1). Raises UsageError for options that the model
    does not have.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        entry: str = "",
        size: tuple[int, int] | None = None,
        steps: int | None = None,
        solver: str | None = None,
        shift: float | None = None,
        churn: float | None = None,
        guidance: float | None = None,
        start: float = 0.0,
    ) -> None:
        card = engine.card
        self.engine, self.size, self.start = engine, size_of(card, size), start
        self.entry = entry or next(name for name in DRAWS if name in card.entries)
        given = {"steps": steps, "solver": solver, "shift": shift, "churn": churn, "guidance": guidance}
        for option, value in given.items():
            if value is not None and self.entry != "velocity":
                raise UsageError(f"--{option} is for flows, which draw step by step; {card.name!r} draws in one call.")
        ports = {port.name: port for port in card.inputs}
        self._ports = {ports[name].kind: ports[name] for name in card.entries[self.entry].inputs}
        if guidance is not None and not self.takes_class:
            raise UsageError(f"guidance is towards a class; {card.name!r} was trained without classes.")
        chosen = card.sampling | {option: value for option, value in given.items() if value is not None}
        self.steps, self.solver = int(chosen.get("steps", 20)), str(chosen.get("solver", "heun"))
        self.shift, self.churn = float(chosen.get("shift", 1.0)), float(chosen.get("churn", 0.0))
        self.guidance = float(chosen.get("guidance", 1.0))
        if not 1 <= self.steps <= MAX_STEPS:
            raise UsageError(f"steps is {self.steps}; give 1 to {MAX_STEPS}.")
        if self.solver not in SOLVERS:
            raise UsageError(f"solver is {self.solver!r}; give one of {', '.join(SOLVERS)}.")
        if not 1 / MAX_SHIFT <= self.shift <= MAX_SHIFT:
            raise UsageError(f"shift is {self.shift:g}; give a number from {1 / MAX_SHIFT:g} to {MAX_SHIFT:g}.")
        if not 0 <= self.churn <= MAX_CHURN:
            raise UsageError(f"churn is {self.churn:g}; give a number from 0 to {MAX_CHURN:g}.")
        if not 0 <= self.guidance <= MAX_GUIDANCE:
            raise UsageError(f"guidance is {self.guidance:g}; give a number from 0 to {MAX_GUIDANCE:g}.")

    @property
    def takes_class(self) -> bool:
        return "class" in self._ports

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the latent of one picture: `k`, or `c h w` for a flow of pictures; with churn one for each step."""
        port = self._ports["picture" if "picture" in self._ports else "latent"]
        shape = (port.channels, *self.size) if port.kind in MAPS else (port.channels,)
        return (self.steps, *shape) if self.entry == "velocity" and self.churn else shape

    def noise(self, seed: int, index: int) -> Array:
        """The standard normal latent of one picture."""
        return latents.noise(seed, index, self.shape)

    def planes(self, points: Iterable[Array], labels: tuple[str, ...], progress: Told | None = None) -> Iterator[Array]:
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
                drawn = self._along_velocity(latent, part, _share(progress, start, len(part), len(labels)))
            else:
                drawn = self._at_once(latent, part)
            yield from np.nan_to_num(drawn).clip(0, 1)
            if progress:
                progress(start + len(part), len(labels))

    def _one_hot(self, labels: tuple[str, ...]) -> Array:
        rows = [[name == label for name in self.engine.card.classes] for label in labels]
        return np.array(rows, np.float32).reshape(len(labels), -1)

    def _at_once(self, latent: Array, labels: tuple[str, ...]) -> Array:
        feed = {self._ports["latent"].name: latent}
        if self.takes_class:
            feed[self._ports["class"].name] = self._one_hot(labels)
        found = self.engine.run(feed, self.entry)
        return found[
            next(port.name for port in self.engine.card.outputs if port.kind == "picture" and port.name in found)
        ]

    def _along_velocity(self, noise: Array, labels: tuple[str, ...], told: Told | None) -> Array:
        free = velocity_of(self.engine)
        field = free
        if self.takes_class and any(labels):
            field = guided(velocity_of(self.engine, self._one_hot(labels)), free, self.guidance)
        way = times(self.steps, shift=self.shift, start=self.start)
        churn = None
        if self.churn:
            noise, fresh = noise[:, 0], noise[:, 1:].swapaxes(0, 1)
            churn = churning(self.churn, fresh)
        found = SOLVERS[self.solver](field, noise, way, told, churn)
        if "picture" not in self._ports:  # a flow of codes
            decoding = Drawing(self.engine, entry="decode")
            return decoding._at_once(found.astype(np.float32), labels)
        low, high = self._ports["picture"].range
        return (found - low) / (high - low)


def _share(progress: Told | None, before: int, count: int, total: int) -> Told | None:
    """What tells `progress` of the steps of `count` pictures, as that part of them."""
    return (lambda step, steps: progress(before + count * step // steps, total)) if progress else None


def draws(card: Card) -> bool:
    """Whether the model makes pictures of noise."""
    return any(name in card.entries for name in DRAWS)


def size_of(card: Card, asked: tuple[int, int] | None = None) -> tuple[int, int]:
    """Height and width of what is drawn; UsageError for what the model cannot draw."""
    own = (card.size[0], card.size[1]) if card.size else None
    if asked is None or asked == own:
        if own is None:
            raise UsageError(f"{card.name!r} has no size of its own; say which with --size HxW.")
        return own
    height, width = asked
    if own is not None and card.fixed_size:
        raise UsageError(f"size is {height}x{width}; {card.name!r} draws pictures of {own[0]}x{own[1]} only.")
    if height < 1 or width < 1 or height % card.stride or width % card.stride:
        near = "x".join(str(max(card.stride, round(length / card.stride) * card.stride)) for length in asked)
        raise UsageError(
            f"size is {height}x{width}; for {card.name!r} height and width must be multiples of {card.stride}, "
            f"as in {near}."
        )
    if card.max_pixels is not None and height * width > card.max_pixels:
        raise UsageError(f"size is {height}x{width}; {card.name!r} draws at most {card.max_pixels:,} pixels.")
    return height, width
