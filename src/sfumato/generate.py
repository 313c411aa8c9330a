"""Seed and conditions in, pictures out; and, of families with an encoder, pictures in between, like one, or again."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .card import MAPS, Card, Input
from .engine import Engine, load
from .errors import ModelError, UsageError
from .picture import Picture
from .samplers import SOLVERS, guided

Array = NDArray[np.float32]
Told = Callable[[int, int], None]
MIX = "mix"
BATCH_BYTES = 300_000_000  # of working memory, which sets how many pictures are drawn at once
MOST_AT_ONCE = 64


@dataclass(frozen=True)
class Generated:
    """What `generate` and its relatives give back.

    pictures: in order; labels: the class of each, "" for none. model: its name. seconds: how long it took. notes:
    sentences about what was decided on the way. None of the pictures is of anything that exists.
    """

    pictures: tuple[Picture, ...]
    labels: tuple[str, ...]
    model: str
    seed: int
    seconds: float
    notes: tuple[str, ...] = ()

    def sheet(self, columns: int | None = None) -> Picture:
        """All pictures in rows; about as wide as high unless `columns` says otherwise."""
        from .sheet import sheet

        return sheet(self.pictures, columns)


def generate(
    model: str | Path | Engine,
    num: int = 64,
    *,
    seed: int = 0,
    label: str | None = None,
    steps: int | None = None,
    solver: str | None = None,
    guidance: float | None = None,
    size: tuple[int, int] | None = None,
    device: str = "auto",
    threads: int | None = None,
    progress: Told | None = None,
) -> Generated:
    """Draw `num` new pictures.

    seed and number of a picture decide its noise, whatever else is drawn with it. label: the name of a class, "mix"
    for all in turn, None for whatever comes (a model with classes then is told none). steps, solver ("euler", "heun")
    and guidance (1: the class alone; more: more like it) are those of flows; of other families they are refused. size:
    height and width, where the model can make others than its own. progress is told pictures done and all.

    Raises UsageError for what the model cannot do, ModelError for a model that draws nothing.
    """
    engine = _generator(model, threads=threads, device=device)
    card = engine.card
    if num < 1:
        raise UsageError(f"-n {num}: draw at least one picture.")
    labels = _labels(card, label, num)
    drawing = _Drawing(engine, steps=steps, solver=solver, guidance=guidance, size=_size(card, size))
    return _timed(engine, seed, lambda: drawing.pictures(_noise(drawing, seed, num), labels, progress), labels)


def interpolate(
    model: str | Path | Engine,
    a: int | Picture,
    b: int | Picture,
    *,
    frames: int = 16,
    label: str | None = None,
    steps: int | None = None,
    solver: str | None = None,
    guidance: float | None = None,
    device: str = "auto",
    threads: int | None = None,
    progress: Told | None = None,
) -> Generated:
    """`frames` pictures from a to b, each a seed or, where the family has an encoder, a picture.

    The way is an arc between the two points of the latent space, whose length changes evenly (Shoemake 1985).
    """
    engine = _generator(model, threads=threads, device=device)
    card = engine.card
    if frames < 2:
        raise UsageError(f"--frames {frames}: a way has at least two ends.")
    if label == MIX:
        raise UsageError("--class mix has no meaning on the way between two pictures; name one class.")
    labels = _labels(card, label, frames)
    encoded = isinstance(a, Picture) or isinstance(b, Picture)
    drawing = _Drawing(engine, steps=steps, solver=solver, guidance=guidance, size=_size(card, None), decode=encoded)
    first, last = (
        _encoded(engine, end) if isinstance(end, Picture) else drawing.noise(np.random.default_rng([end, 0]))
        for end in (a, b)
    )
    way = np.stack([slerp(first, last, i / (frames - 1)) for i in range(frames)])
    seed = a if isinstance(a, int) else 0
    return _timed(engine, seed, lambda: drawing.pictures(way, labels, progress), labels)


def vary(
    model: str | Path | Engine,
    picture: Picture,
    num: int = 8,
    *,
    amount: float = 0.3,
    seed: int = 0,
    device: str = "auto",
    threads: int | None = None,
    progress: Told | None = None,
) -> Generated:
    """`num` pictures like this one: its code turned by `amount` (0 the reconstruction, 1 nothing of it) to noise.

    Raises UsageError for a family without an encoder.
    """
    engine = _generator(model, threads=threads, device=device)
    if not 0 <= amount <= 1:
        raise UsageError(f"--amount {amount}: give a number from 0 to 1.")
    code = _encoded(engine, picture)
    drawing = _Drawing(engine, size=_size(engine.card, None), decode=True)
    spread = float(code.std()) or 1.0
    noise = _noise(drawing, seed, num) * np.float32(spread)
    codes = np.stack([slerp(code, other, amount) for other in noise])
    labels = ("",) * num
    return _timed(engine, seed, lambda: drawing.pictures(codes, labels, progress), labels, _fit_note(engine, picture))


def reconstruct(
    model: str | Path | Engine, picture: Picture, *, device: str = "auto", threads: int | None = None
) -> Generated:
    """The picture through encoder and decoder: what the model keeps of it. UsageError without an encoder."""
    engine = _generator(model, threads=threads, device=device)
    code = _encoded(engine, picture)
    drawing = _Drawing(engine, size=_size(engine.card, None), decode=True)
    made = _timed(engine, 0, lambda: drawing.pictures(code[None], ("",), None), ("",), _fit_note(engine, picture))
    return made


def slerp(a: Array, b: Array, share: float) -> Array:
    """The point at `share` of the arc from a to b, of any shape; their lengths are blended in even steps."""
    lengths = float(np.linalg.norm(a)), float(np.linalg.norm(b))
    if min(lengths) < 1e-8:
        return ((1 - share) * a + share * b).astype(np.float32)
    cosine = float(np.clip((a * b).sum() / (lengths[0] * lengths[1]), -1, 1))
    angle = math.acos(cosine)
    if math.sin(angle) < 1e-4:
        return ((1 - share) * a + share * b).astype(np.float32)
    parts = math.sin((1 - share) * angle) / math.sin(angle), math.sin(share * angle) / math.sin(angle)
    length = (1 - share) * lengths[0] + share * lengths[1]
    return (length * (parts[0] * a / lengths[0] + parts[1] * b / lengths[1])).astype(np.float32)


class _Drawing:
    """How one model makes pictures from latents: in one call, or step by step along a velocity."""

    def __init__(
        self,
        engine: Engine,
        *,
        size: tuple[int, int],
        steps: int | None = None,
        solver: str | None = None,
        guidance: float | None = None,
        decode: bool = False,
    ) -> None:
        self.engine, self.size = engine, size
        card = engine.card
        self.entry = next(name for name in ("velocity", "sample", "decode") if name in card.entries)
        if decode:
            self.entry = "decode"
        ports = {port.name: port for port in card.inputs}
        self.ports = {ports[name].kind: ports[name] for name in card.entries[self.entry].inputs}
        flow = self.entry == "velocity"
        for option, value in (("--steps", steps), ("--solver", solver), ("--guidance", guidance)):
            if value is not None and not flow:
                raise UsageError(f"{option} is for flows, which draw step by step; {card.name!r} draws in one.")
        self.steps = int(card.sampling.get("steps", 20)) if steps is None else steps
        self.solver = str(card.sampling.get("solver", "heun")) if solver is None else solver
        self.guidance = float(card.sampling.get("guidance", 1.0)) if guidance is None else guidance
        if not 1 <= self.steps <= 1000:
            raise UsageError(f"--steps {self.steps}: give 1 to 1000.")
        if self.solver not in SOLVERS:
            raise UsageError(f"--solver {self.solver!r} is none of {', '.join(SOLVERS)}.")

    def noise(self, draw: np.random.Generator) -> Array:
        """Standard normal numbers of one picture."""
        port = self.ports.get("latent") or self.ports["picture"]
        shape = (port.channels, *self.size) if port.kind in MAPS else (port.channels,)
        return draw.standard_normal(shape).astype(np.float32)

    def pictures(self, latents: Array, labels: tuple[str, ...], progress: Told | None) -> Iterator[Picture]:
        """One picture for each latent and its label, in order."""
        card = self.engine.card
        bytes_each = max(card.bytes_per_pixel * self.size[0] * self.size[1], 1)
        at_once = max(1, min(BATCH_BYTES // bytes_each, MOST_AT_ONCE))
        for start in range(0, len(latents), at_once):
            part = latents[start : start + at_once]
            label = self._one_hot(labels[start : start + at_once])
            drawn = self._flow(part, label) if self.entry == "velocity" else self._once(part, label)
            for pixels in drawn:
                yield _picture(pixels)
            if progress:
                progress(min(start + at_once, len(latents)), len(latents))

    def _one_hot(self, labels: tuple[str, ...]) -> dict[str, Array]:
        if "class" not in self.ports:
            return {}
        port, classes = self.ports["class"], self.engine.card.classes
        rows = np.array([[name == label for name in classes] for label in labels], np.float32)
        return {port.name: rows.reshape(len(labels), port.channels)}

    def _once(self, latents: Array, label: dict[str, Array]) -> Array:
        outputs = self.engine.run({self.ports["latent"].name: latents} | label, self.entry)
        kinds = {port.name: port.kind for port in self.engine.card.outputs}
        return next(value for name, value in outputs.items() if kinds[name] == "picture")

    def _flow(self, noise: Array, label: dict[str, Array]) -> Array:
        picture, clock = self.ports["picture"], self.ports["time"]

        def velocity(told: dict[str, Array], x: Array, t: float) -> Array:
            times = np.full((len(x), 1), t, np.float32)
            return next(iter(self.engine.run({picture.name: x, clock.name: times} | told, self.entry).values()))

        free = {name: np.zeros_like(value) for name, value in label.items()}
        asked = any(value.any() for value in label.values())
        field = guided(
            lambda x, t: velocity(label, x, t),
            lambda x, t: velocity(free, x, t),
            self.guidance if asked else 1.0,
        )
        low, high = picture.range
        return (SOLVERS[self.solver](field, noise, self.steps, None) - low) / (high - low)


def _generator(model: str | Path | Engine, *, threads: int | None, device: str) -> Engine:
    engine = model if isinstance(model, Engine) else load(model, threads=threads, device=device)
    if not {"velocity", "sample", "decode"} & set(engine.card.entries):
        raise ModelError(
            f"{engine.card.name!r} (task {engine.card.task!r}) draws no pictures; "
            f"for restoring there is `sfumato restore --model {engine.card.name}`."
        )
    return engine


def _labels(card: Card, label: str | None, num: int) -> tuple[str, ...]:
    if label is None:
        return ("",) * num
    if not card.classes:
        raise UsageError(f"--class {label}: {card.name!r} was trained without classes; leave the option out.")
    if label == MIX:
        return tuple(card.classes[i % len(card.classes)] for i in range(num))
    if label not in card.classes:
        near = get_close_matches(label, card.classes, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"it knows {', '.join(card.classes)}, or mix."
        raise UsageError(f"--class {label}: {card.name!r} has no such class; {hint}")
    return (label,) * num


def _size(card: Card, asked: tuple[int, int] | None) -> tuple[int, int]:
    own = (card.size[0], card.size[1]) if card.size else (0, 0)
    if asked is None or asked == own:
        return own
    height, width = asked
    if card.fixed_size:
        raise UsageError(f"--size {height}x{width}: {card.name!r} makes pictures of {own[0]}x{own[1]} only.")
    if min(asked) < 1 or height % card.stride or width % card.stride:
        raise UsageError(f"--size {height}x{width}: height and width must be multiples of {card.stride}.")
    if card.max_pixels and height * width > card.max_pixels:
        raise UsageError(f"--size {height}x{width} is more than the {card.max_pixels:,} pixels that it can make.")
    return asked


def _noise(drawing: _Drawing, seed: int, num: int) -> Array:
    """The noise of pictures 0 to num - 1: a function of the seed and the picture's number."""
    if seed < 0:
        raise UsageError(f"--seed {seed}: give 0 or more.")
    return np.stack([drawing.noise(np.random.default_rng([seed, number])) for number in range(num)])


def _encoded(engine: Engine, picture: Picture) -> Array:
    """The code of a picture, scaled and cropped to what the model takes; `latent`."""
    card = engine.card
    if "encode" not in card.entries:
        raise UsageError(
            f"{card.name!r} (family {card.family!r}) has no encoder, so no picture can be put into it; "
            "variational and convolutional autoencoders have one."
        )
    port: Input = next(port for port in card.inputs if port.name in card.entries["encode"].inputs)
    from .sheet import fitted

    x = fitted(picture, _size(card, None), port.channels)
    codes = engine.run({port.name: x.transpose(2, 0, 1)[None]}, "encode")
    return next(iter(codes.values()))[0]


def _fit_note(engine: Engine, picture: Picture) -> tuple[str, ...]:
    height, width = _size(engine.card, None)
    if (picture.height, picture.width) == (height, width):
        return ()
    return (f"The picture was scaled and cropped to {height}x{width}, which is what {engine.card.name!r} knows.",)


def _picture(pixels: Array) -> Picture:
    """Planes `c h w` of any number of channels as a picture; the colour of RGBA is divided by its alpha again."""
    planes = np.nan_to_num(pixels).clip(0, 1)
    alpha = None
    if len(planes) in (2, 4):
        alpha = planes[-1]
        planes = (planes[:-1] / np.maximum(alpha, 1 / 255)).clip(0, 1)
    if len(planes) not in (1, 3):
        raise ModelError(f"Pictures of {len(planes)} channels cannot be shown; 1 to 4 can.")
    return Picture.from_array(planes.transpose(1, 2, 0), alpha=alpha, depth=8)


def _timed(
    engine: Engine,
    seed: int,
    draw: Callable[[], Iterator[Picture]],
    labels: tuple[str, ...],
    notes: tuple[str, ...] = (),
) -> Generated:
    started = time.perf_counter()
    made = tuple(draw())
    return Generated(made, labels, engine.card.name, seed, time.perf_counter() - started, notes)
